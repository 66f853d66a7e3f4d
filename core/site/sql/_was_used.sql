-- Whether any task on target $1 used something of its site's. Who uses nothing has no row.
(EXISTS (SELECT FROM site_use e JOIN agent_task t ON t.id = e.task_id WHERE t.target = $1))
