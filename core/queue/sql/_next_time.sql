-- When something happens next on the targets in $6, within a day. Rollbacks and the rest apart: each has an index of its own.
least(
    (SELECT min(least(
            (SELECT min(t.execute_after) FROM agent_task t WHERE {comes_within_a_day} AND t.type = 'rollback' AND t.target = served.name),
            (SELECT min(t.execute_after) FROM agent_task t WHERE {comes_within_a_day} AND t.type <> 'rollback' AND t.target = served.name)))
        FROM unnest($6::text[]) AS served (name)),
    (SELECT min(t.execute_after) FROM agent_task t WHERE {comes_within_a_day} AND t.type = 'rollback' AND t.target IS NULL),
    (SELECT min(t.execute_after) FROM agent_task t WHERE {comes_within_a_day} AND t.type <> 'rollback' AND t.target IS NULL),
    (SELECT min(t.held_until) FROM agent_task t WHERE t.status = 'pending'
        AND t.held_until > now() AND t.held_until < now() + interval '1 day'
        AND (t.target = ANY($6::text[]) OR t.target IS NULL)),
    (SELECT min(t.lease_expires_at) FROM agent_task t WHERE t.status = 'inProgress'
        AND t.lease_expires_at > now() AND t.lease_expires_at < now() + interval '1 day' AND t.target = ANY($6::text[])))
