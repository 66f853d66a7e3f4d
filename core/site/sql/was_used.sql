-- $1 text: target
SELECT EXISTS (SELECT FROM site_use u JOIN agent_task t ON t.id = u.task_id
               WHERE t.target = $1 AND (u.revision IS NOT NULL OR u.file_sha256 IS NOT NULL)) AS was_used
