-- $1 uuid: task   $2 uuid: token   $3 text: status   $4 text: error message, or null   $5 jsonb: result
UPDATE agent_task t SET status = $3, error_message = $4, result = $5::jsonb, completed_at = clock_timestamp(),
    updated_at = clock_timestamp(), phase = 'record', lease_expires_at = NULL, guard = NULL
WHERE {is_ours} RETURNING id
