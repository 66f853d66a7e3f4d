-- $1 integer: days   $2 integer: how many stay of each target   $3 integer: null
SELECT count(*) AS tasks, coalesce(sum((SELECT count(*) FROM task_event e WHERE e.task_id = old.id)), 0) AS events
FROM ({old_tasks}) AS old
