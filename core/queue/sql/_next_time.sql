-- When something happens next on the targets in $6, within a day: infinity and what an interval cannot reach are left out.
least(
    (SELECT min(least(
            (SELECT min(t.execute_after) FROM agent_task t WHERE t.status = 'pending' AND t.type = 'rollback'
                AND t.target = served.name AND t.execute_after > now() AND t.execute_after < now() + interval '1 day'),
            (SELECT min(t.execute_after) FROM agent_task t WHERE t.status = 'pending' AND t.type <> 'rollback'
                AND t.target = served.name AND t.execute_after > now() AND t.execute_after < now() + interval '1 day')))
        FROM unnest($6::text[]) AS served (name)),
    (SELECT min(t.execute_after) FROM agent_task t WHERE t.status = 'pending' AND t.type = 'rollback'
        AND t.target IS NULL AND t.execute_after > now() AND t.execute_after < now() + interval '1 day'),
    (SELECT min(t.execute_after) FROM agent_task t WHERE t.status = 'pending' AND t.type <> 'rollback'
        AND t.target IS NULL AND t.execute_after > now() AND t.execute_after < now() + interval '1 day'),
    (SELECT min(t.held_until) FROM agent_task t WHERE t.status = 'pending'
        AND t.held_until > now() AND t.held_until < now() + interval '1 day'
        AND (t.target = ANY($6::text[]) OR t.target IS NULL)),
    (SELECT min(t.lease_expires_at) FROM agent_task t WHERE t.status = 'inProgress'
        AND t.lease_expires_at > now() AND t.lease_expires_at < now() + interval '1 day' AND t.target = ANY($6::text[])))
