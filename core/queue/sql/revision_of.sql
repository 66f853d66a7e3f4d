-- $1 text: target   $2 text: artifact
SELECT (result->>'revision')::bigint AS revision FROM agent_task
WHERE target = $1 AND status = 'completed' AND result->>'artifact_id' = $2 AND result->>'revision' ~ '^[0-9]{1,9}$'
ORDER BY completed_at DESC LIMIT 1
