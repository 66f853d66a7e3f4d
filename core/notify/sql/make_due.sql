-- $1 text: the beginning of an id, or null for all that wait
UPDATE notification SET status = 'pending', next_attempt_at = now() WHERE {is_meant} RETURNING id
