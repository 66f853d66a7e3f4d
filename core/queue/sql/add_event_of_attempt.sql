-- An event of a task whose token is no longer there to be asked for.
-- $1 uuid: task   $2 integer: attempt   $3 text: phase   $4 text: message
INSERT INTO task_event (task_id, attempt, phase, message) VALUES ($1::uuid, $2::int, $3, $4)
