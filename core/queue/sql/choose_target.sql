-- Locks the target with the best task among several, past those that another agent has locked.
-- $1 uuid[]: not to be taken over   $2 text[]: the targets that are served
SELECT d.name FROM deployment_target d CROSS JOIN LATERAL ({candidates}) c
WHERE d.name = ANY($2::text[])
ORDER BY c.rank, c.execute_after, c.created_at LIMIT 1
FOR UPDATE OF d SKIP LOCKED
