-- A pending task ends at once; one in progress is asked to. No row: it has ended, or a v4.2 agent runs it.
-- $1 uuid: task
UPDATE agent_task SET cancel_requested_at = coalesce(cancel_requested_at, now()), updated_at = now(),
    status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END,
    completed_at = CASE status WHEN 'pending' THEN now() END,
    error_message = CASE status WHEN 'pending' THEN 'cancelled before it began' END
WHERE id = $1::uuid AND (status = 'pending' OR (status = 'inProgress' AND claim_token IS NOT NULL)) RETURNING status
