-- Two rows at most: whether the beginning of an id fits one task.
-- $1 text: hexadecimal digits and dashes
SELECT {task_columns} FROM agent_task t LEFT JOIN release_artifact a ON a.id = t.release_artifact_id
WHERE t.id BETWEEN rpad(replace($1, '-', ''), 32, '0')::uuid AND rpad(replace($1, '-', ''), 32, 'f')::uuid
    AND t.id::text LIKE lower($1) || '%' LIMIT 2
