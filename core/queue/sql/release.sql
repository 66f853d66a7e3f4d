-- Makes the task pending again as if this attempt had not been.
-- $1 uuid: task   $2 uuid: token   $3 interval: how long it is not to be claimed
UPDATE agent_task t SET status = 'pending', attempt = greatest(attempt - 1, 0), claimed_by = NULL, claim_token = NULL,
    lease_expires_at = NULL, guard = NULL, phase = NULL, before = NULL, reached = NULL,
    held_until = CASE WHEN $3::interval > interval '0' THEN clock_timestamp() + $3::interval END,
    updated_at = clock_timestamp()
WHERE {is_ours} RETURNING id
