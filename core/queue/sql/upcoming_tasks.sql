-- Pending tasks in the order in which they will be claimed: three looks, each in the order of an index.
-- $1 bigint: how many at most
WITH next AS (
    (SELECT id, 1 AS rank, execute_after, created_at FROM agent_task
        WHERE status = 'pending' AND execute_after <= now() AND type = 'rollback'
        ORDER BY execute_after, created_at LIMIT $1)
    UNION ALL (SELECT id, 2, execute_after, created_at FROM agent_task
        WHERE status = 'pending' AND execute_after <= now() AND type <> 'rollback'
        ORDER BY execute_after, created_at LIMIT $1)
    UNION ALL (SELECT id, 3, execute_after, created_at FROM agent_task
        WHERE status = 'pending' AND execute_after > now() ORDER BY execute_after, created_at LIMIT $1))
SELECT {task_columns} FROM next JOIN agent_task t ON t.id = next.id
LEFT JOIN release_artifact a ON a.id = t.release_artifact_id
ORDER BY next.rank, next.execute_after, next.created_at LIMIT $1
