-- A task that is in progress from the start.
-- $1 text: type   $2 uuid: artifact   $3 text: target   $4 jsonb: payload   $5 text: agent   $6 interval: lease   $7 jsonb: goal
WITH taken AS (
    INSERT INTO agent_task (type, release_artifact_id, target, payload, goal, status, attempt, claimed_by, claim_token,
        lease_expires_at, picked_up_at, last_heartbeat, phase)
    VALUES ($1, $2::uuid, $3, $4::jsonb, $7::jsonb, 'inProgress', 1, $5, gen_random_uuid(),
        clock_timestamp() + $6::interval, clock_timestamp(), clock_timestamp(), 'claim') RETURNING *)
SELECT {task_columns}, t.claim_token FROM taken t LEFT JOIN release_artifact a ON a.id = t.release_artifact_id
