-- $1 uuid: task   $2 bigint: the id after which they begin
SELECT id, at, attempt, phase, message, data::text AS data FROM task_event WHERE task_id = $1::uuid AND id > $2 ORDER BY id
