-- $1 uuid: task   $2 uuid: token   $3 text: phase   $4 text: message   $5 jsonb: data, or null
INSERT INTO task_event (task_id, attempt, phase, message, data)
SELECT id, attempt, $3, $4, $5::jsonb FROM agent_task t WHERE {is_ours} RETURNING id
