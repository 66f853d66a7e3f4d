-- Newest first.   $1 boolean: what was sent, too   $2 integer: at most
SELECT id, event, recipient, status, attempts, created_at, next_attempt_at, task_id, sent_at, last_error
FROM notification WHERE $1::boolean OR status <> 'sent' ORDER BY created_at DESC, recipient LIMIT $2::int
