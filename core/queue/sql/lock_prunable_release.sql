-- Whoever queues a task for it now waits for us, and then finds it gone.
-- $1 uuid: artifact
SELECT FROM release_artifact a WHERE a.id = $1::uuid AND NOT {is_needed} FOR UPDATE OF a
