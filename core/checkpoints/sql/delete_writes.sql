-- $1 text: the thread   $2 text: the namespace   $3 text[]: ids of checkpoints
WITH gone AS (
  DELETE FROM checkpoint_writes
  WHERE thread_id = $1 AND checkpoint_ns = $2 AND checkpoint_id = ANY($3::text[])
  RETURNING 1
) SELECT count(*) FROM gone
