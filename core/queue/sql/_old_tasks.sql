-- The ids of tasks that may go, the oldest of each target first. From name to name through the index: a DISTINCT would read every finished task.
-- $1 integer: days   $2 integer: how many stay of each target   $3 integer: how many at most of each, null for all
WITH RECURSIVE names (name) AS (
    (SELECT t.target FROM agent_task t WHERE {is_finished} AND t.target IS NOT NULL ORDER BY t.target LIMIT 1)
    UNION ALL SELECT (SELECT t.target FROM agent_task t WHERE {is_finished} AND t.target > n.name ORDER BY t.target LIMIT 1)
        FROM names n WHERE n.name IS NOT NULL),
asked (target, revision) AS (
    SELECT t.target, t.payload->>'target_revision' FROM agent_task t WHERE t.status = 'pending' AND t.type = 'rollback'
    UNION ALL SELECT t.target, t.payload->>'target_revision' FROM agent_task t WHERE t.status = 'inProgress')
SELECT o.id FROM names n CROSS JOIN LATERAL (
    SELECT t.id FROM agent_task t WHERE {is_finished} AND t.target = n.name AND {may_go}
        AND t.completed_at < (SELECT t.completed_at FROM agent_task t
            WHERE {is_finished} AND t.target = n.name AND t.completed_at IS NOT NULL
            ORDER BY t.completed_at DESC OFFSET greatest($2::integer, 1) - 1 LIMIT 1)
    ORDER BY t.completed_at LIMIT $3::integer) o
WHERE n.name IS NOT NULL
UNION ALL (
    SELECT t.id FROM agent_task t WHERE {is_finished} AND t.target IS NULL AND {may_go}
        AND t.completed_at < (SELECT t.completed_at FROM agent_task t
            WHERE {is_finished} AND t.target IS NULL AND t.completed_at IS NOT NULL
            ORDER BY t.completed_at DESC OFFSET greatest($2::integer, 1) - 1 LIMIT 1)
    ORDER BY t.completed_at LIMIT $3::integer)
