-- Tasks in progress whose lease is over: no living agent that serves the target has taken them over.
SELECT t.id::text AS id, t.target, t.claimed_by, extract(epoch FROM now() - t.lease_expires_at)::bigint AS seconds
FROM agent_task t
WHERE t.status = 'inProgress' AND t.lease_expires_at < now() - interval '1 minute'
ORDER BY t.lease_expires_at LIMIT 10
