-- A task that stands in the way of a new one on a target: one in progress, or one that is due, also one that waits for a busy target, since
-- a later task may not overtake it.
-- $1 text: target   $2 boolean: due ones may wait
WITH other AS (
    SELECT t.id, t.type, t.status, t.target, t.release_artifact_id FROM agent_task t WHERE t.status = 'inProgress'
    UNION ALL (SELECT t.id, t.type, t.status, t.target, t.release_artifact_id FROM agent_task t
        WHERE NOT $2::boolean AND {has_come} AND t.target = $1 LIMIT 1)
    UNION ALL (SELECT t.id, t.type, t.status, t.target, t.release_artifact_id FROM agent_task t
        WHERE NOT $2::boolean AND {has_come} AND t.target IS NULL))
SELECT t.id, t.type, t.status FROM other t
LEFT JOIN release_artifact a ON a.id = t.release_artifact_id
LEFT JOIN deployment_target d ON d.is_default AND d.chart_type = a.chart_type
WHERE coalesce(t.target, d.name) = $1 ORDER BY t.status LIMIT 1
