-- How an attempt ended. The attempt fences: whoever took the message after us has another one.
-- $1 uuid: message   $2 integer: attempt   $3 text: status, "pending" to try again   $4 text: error, or null
UPDATE notification SET
    status = CASE WHEN $3 = 'pending' AND created_at < now() - interval '3 days' THEN 'failed' ELSE $3 END,
    last_error = $4, sent_at = CASE WHEN $3 = 'sent' THEN clock_timestamp() END,
    next_attempt_at = now() + least(interval '1 minute' * power(2, least(attempts, 20) - 1), interval '6 hours')
WHERE id = $1::uuid AND attempts = $2::int AND status = 'sending'
RETURNING status, to_char(next_attempt_at AT TIME ZONE 'UTC', 'HH24:MI:SS "UTC"') AS next
