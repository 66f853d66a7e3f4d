-- $1 text: status, or null   $2 text: target, or null   $3 bigint: how many at most
SELECT {task_columns} FROM agent_task t LEFT JOIN release_artifact a ON a.id = t.release_artifact_id
WHERE ($1::text IS NULL OR t.status = $1) AND ($2::text IS NULL OR t.target = $2)
ORDER BY t.created_at DESC, t.id LIMIT $3
