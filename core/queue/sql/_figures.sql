-- What metrics show of the database, a JSON object; counts go to 10,000 and no further. In the order of agent_task_due_idx, so that the server
-- does not choose an index which holds the finished tasks too.
(SELECT json_build_object(
    'due', (SELECT count(*) FROM (SELECT FROM agent_task t WHERE {is_due}
        ORDER BY t.execute_after, t.created_at LIMIT 10000) AS counted),
    'scheduled', (SELECT count(*) FROM (SELECT FROM agent_task t WHERE t.status = 'pending' AND t.execute_after > now()
        ORDER BY t.execute_after, t.created_at LIMIT 10000) AS counted),
    'running', (SELECT count(*) FROM (SELECT FROM agent_task t WHERE t.status = 'inProgress' LIMIT 10000) AS counted),
    'oldest_due_seconds', coalesce((SELECT extract(epoch FROM {waited}) FROM agent_task t WHERE {is_due}
        ORDER BY t.execute_after, t.created_at LIMIT 1), 0),
    'maintenance', {is_in_maintenance},
    'outbox_waiting', (SELECT count(*) FROM notification WHERE status IN ('pending', 'sending')),
    'outbox_given_up', (SELECT count(*) FROM notification WHERE status = 'failed')))
