-- Checkpoints that stay have no parent any more when it goes.
-- $1 text: the thread   $2 text: the namespace   $3 text[]: ids of the checkpoints that go
UPDATE checkpoints SET parent_checkpoint_id = NULL
WHERE thread_id = $1 AND checkpoint_ns = $2 AND parent_checkpoint_id = ANY($3::text[])
