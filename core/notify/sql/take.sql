-- A message that is due, made ours, and the mail server as it is set now. One row: without a message it tells when to look again.
-- $1 interval: so long it is ours   $2 boolean: mails, too
WITH due AS (
    SELECT id, next_attempt_at FROM notification
    WHERE status IN ('pending', 'sending') AND (recipient = 'webhook' OR $2::boolean)),
taken AS (
    UPDATE notification SET status = 'sending', attempts = attempts + 1, next_attempt_at = now() + $1::interval
    WHERE id = (SELECT n.id FROM notification n JOIN due USING (id) WHERE n.next_attempt_at <= now()
        ORDER BY n.next_attempt_at LIMIT 1 FOR UPDATE OF n SKIP LOCKED)
    RETURNING id, attempts, event, recipient, data),
config AS ({mail_config})
SELECT taken.id, taken.attempts, taken.event, taken.recipient, addressee.name, taken.data,
    smtp_host, smtp_port, smtp_user, smtp_password, smtp_from,
    (SELECT ceil(extract(epoch FROM min(next_attempt_at) - now()) * 1000)::bigint FROM due) AS next_in_ms, addressee.is_active
FROM (VALUES (1)) AS one
LEFT JOIN taken ON true
LEFT JOIN config ON true
LEFT JOIN LATERAL (SELECT name, is_active FROM admin WHERE {plain_email} = {plain_recipient}
    ORDER BY is_active DESC NULLS LAST, email <> taken.recipient LIMIT 1) AS addressee ON true
