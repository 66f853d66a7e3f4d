-- $1 uuid: task   $2 uuid: token   $3 text: phase   $4 text: the furthest step that was begun
UPDATE agent_task t SET phase = $3, reached = $4, updated_at = clock_timestamp() WHERE {is_ours} RETURNING id
