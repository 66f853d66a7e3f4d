-- $1 uuid: task   $2 uuid: token   $3 text: the guard's process
UPDATE agent_task t SET guard = $3 WHERE {is_ours} RETURNING id
