-- Pending again, to the same goal, without what its holders wrote down about the target.
-- $1 uuid: task
UPDATE agent_task SET status = 'pending',
    -- One whose predecessor in a chain has not ended yet waits for it again.
    execute_after = CASE WHEN EXISTS (SELECT FROM agent_task p WHERE p.next_task = $1::uuid
        AND p.status IN ('pending', 'inProgress')) THEN 'infinity' ELSE now() END,
    max_attempts = least(attempt::bigint + 3, 2147483647)::int,
    cancel_requested_at = NULL, completed_at = NULL, error_message = NULL, result = NULL, before = NULL, reached = NULL,
    held_until = NULL, guard = NULL, updated_at = now()
WHERE id = $1::uuid AND status IN ('failed', 'cancelled') RETURNING id
