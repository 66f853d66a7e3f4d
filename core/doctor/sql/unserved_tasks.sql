-- Targets with a task that is due, which no agent that was seen within two minutes serves.
SELECT coalesce(t.target, 'the default target') AS target, count(*) AS tasks
FROM agent_task t
WHERE t.status = 'pending' AND t.execute_after <= now()
    AND NOT EXISTS (SELECT FROM agent_instance a WHERE a.last_seen > now() - interval '2 minutes'
        AND (t.target IS NULL OR t.target = ANY (a.targets)))
GROUP BY 1 ORDER BY 1 LIMIT 10
