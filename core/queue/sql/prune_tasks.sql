-- $1 integer: days   $2 integer: how many stay of each target   $3 integer: tasks at most   $4 integer: events at most
SELECT events, tasks FROM wrktalk_remove_tasks(ARRAY(SELECT id FROM ({old_tasks}) AS old LIMIT $3::integer), $4::integer)
