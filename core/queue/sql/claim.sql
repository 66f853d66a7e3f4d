-- The second look, with the target's row locked and a snapshot taken after that: takes the best task.
-- $1 uuid[]: not to be taken over   $2 text: target   $3 text: agent   $4 interval: lease
-- $5 interval: a task without activity for so long is given up (kSilence)   $6 integer: kPutBackAttempts
WITH chosen AS (
    SELECT c.id, o.status AS old_status, o.guard AS old_guard,
        o.status = 'inProgress' AND (o.attempt >= o.max_attempts
            OR greatest(o.last_heartbeat, o.picked_up_at) < now() - $5::interval) AS give_up,
        o.status = 'inProgress' AND o.attempt >= o.max_attempts::bigint + $6::int AS exhausted
    FROM deployment_target d CROSS JOIN LATERAL ({candidates}) c JOIN agent_task o ON o.id = c.id
    WHERE d.name = $2 ORDER BY c.rank, c.execute_after, c.created_at LIMIT 1),
taken AS (
    UPDATE agent_task t SET status = 'inProgress', target = $2, attempt = least(t.attempt::bigint + 1, 2147483647)::int,
        claimed_by = $3, claim_token = gen_random_uuid(), lease_expires_at = clock_timestamp() + $4::interval,
        picked_up_at = CASE WHEN chosen.old_status = 'pending' THEN clock_timestamp() ELSE t.picked_up_at END,
        last_heartbeat = clock_timestamp(), updated_at = clock_timestamp(), phase = 'claim', guard = NULL,
        held_until = NULL, error_message = NULL
    FROM chosen WHERE t.id = chosen.id AND t.status = chosen.old_status
    RETURNING t.*, chosen.old_status, chosen.old_guard, chosen.give_up, chosen.exhausted)
SELECT {task_columns}, t.claim_token, t.old_status, t.old_guard, t.give_up, t.exhausted
FROM taken t LEFT JOIN release_artifact a ON a.id = t.release_artifact_id
