-- In the order of agent_task_ended_idx, newest first.   $1 text: target   $2 text: artifact
SELECT u.revision, u.file_sha256 FROM agent_task t LEFT JOIN site_use u ON u.task_id = t.id
WHERE t.target = $1 AND t.status = 'completed' AND t.result->>'artifact_id' = $2 ORDER BY t.completed_at DESC LIMIT 1
