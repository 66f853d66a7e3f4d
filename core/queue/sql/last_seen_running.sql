-- What ran when a task last found this artifact on the target. In the order of agent_task_ended_idx, newest first.
-- $1 text: target   $2 text: artifact
SELECT t.before::text AS before FROM agent_task t
WHERE t.target = $1 AND {is_finished} AND t.before->>'artifact_id' = $2 AND t.before->>'state' = 'running'
ORDER BY t.completed_at DESC LIMIT 1
