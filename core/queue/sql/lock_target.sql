-- In the claim's order: the target's row comes before its tasks.
-- $1 text: target
SELECT FROM deployment_target WHERE name = $1 FOR UPDATE
