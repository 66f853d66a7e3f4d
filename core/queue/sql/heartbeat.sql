-- Renews the lease, also one that has run out while nobody took the task. No row: the task is not ours any more.
-- $1 uuid: task   $2 uuid: token   $3 double precision: lease in seconds   $4 uuid: the agent's instance, which is seen alive; or null
WITH seen AS (UPDATE agent_instance SET last_seen = now() WHERE id = $4::uuid)
UPDATE agent_task t SET last_heartbeat = clock_timestamp(), updated_at = clock_timestamp(),
    lease_expires_at = clock_timestamp() + make_interval(secs => $3)
WHERE {is_ours} RETURNING t.cancel_requested_at IS NOT NULL
