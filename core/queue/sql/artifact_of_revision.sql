-- $1 text: target   $2 text: revision
SELECT a.id FROM agent_task t JOIN release_artifact a ON a.id::text = t.result->>'artifact_id'
WHERE t.target = $1 AND t.status = 'completed' AND t.result->>'revision' = $2 ORDER BY t.completed_at DESC LIMIT 1
