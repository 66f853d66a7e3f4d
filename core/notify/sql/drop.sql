-- $1 text: the beginning of an id, or null for all that wait   $2 text: why
UPDATE notification SET status = 'failed', last_error = $2 WHERE {is_meant} RETURNING id
