-- A JSON array of [id, lease_expires_at, age, length] of the tasks in progress on the targets in $6. As numbers, since a difference of odd
-- times can be an error.
(SELECT json_agg(json_build_array(id, lease_expires_at::text,
        extract(epoch FROM clock_timestamp())::float8 - extract(epoch FROM last_heartbeat)::float8,
        extract(epoch FROM lease_expires_at)::float8 - extract(epoch FROM last_heartbeat)::float8))
    FROM (SELECT id, lease_expires_at, last_heartbeat FROM agent_task
        WHERE status = 'inProgress' AND claim_token IS NOT NULL AND target = ANY($6::text[])
            AND isfinite(lease_expires_at) AND isfinite(last_heartbeat)
        ORDER BY lease_expires_at LIMIT 100) AS held)
