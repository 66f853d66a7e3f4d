-- Locks the only target that is served; no row when another agent has locked it.
-- $1 text: target
SELECT name FROM deployment_target WHERE name = $1 FOR UPDATE SKIP LOCKED
