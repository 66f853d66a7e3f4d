-- The best tasks for target d, if any: (id, rank, execute_after, created_at); the lowest rank goes first. A task in progress without a token
-- is a v4.2 agent's. One look for each of the partial indexes, in their order: tasks for later are not read.
-- $1 uuid[]: tasks in progress that may not be taken over although their lease is over
(SELECT t.id, 0 AS rank, t.execute_after, t.created_at FROM agent_task t
    WHERE t.target = d.name AND t.status = 'inProgress' AND t.claim_token IS NOT NULL AND t.lease_expires_at < now()
        AND NOT t.id = ANY($1::uuid[]) LIMIT 1)
UNION ALL (SELECT t.id, 1, t.execute_after, t.created_at FROM agent_task t
    WHERE t.type = 'rollback' AND t.target = d.name AND {is_due} AND {is_idle}
    ORDER BY t.execute_after, t.created_at LIMIT 1)
UNION ALL (SELECT t.id, 2, t.execute_after, t.created_at FROM agent_task t
    WHERE t.type <> 'rollback' AND t.target = d.name AND {is_due} AND {is_idle}
    ORDER BY t.execute_after, t.created_at LIMIT 1)
UNION ALL (SELECT t.id, 1, t.execute_after, t.created_at FROM agent_task t
    LEFT JOIN release_artifact a ON a.id = t.release_artifact_id
    WHERE t.type = 'rollback' AND d.is_default AND t.target IS NULL AND {belongs_to_default} AND {is_due} AND {is_idle}
    ORDER BY t.execute_after, t.created_at LIMIT 1)
UNION ALL (SELECT t.id, 2, t.execute_after, t.created_at FROM agent_task t
    LEFT JOIN release_artifact a ON a.id = t.release_artifact_id
    WHERE t.type <> 'rollback' AND d.is_default AND t.target IS NULL AND {belongs_to_default} AND {is_due} AND {is_idle}
    ORDER BY t.execute_after, t.created_at LIMIT 1)
