-- $1 text: the thread   $2 text: the namespace   $3 text[]: ids of the checkpoints that go
WITH gone AS (
  DELETE FROM checkpoint_blobs b USING ({blobs_of_no_other}) g
  WHERE b.channel = g.key AND b.version = g.value AND b.thread_id = $1 AND b.checkpoint_ns = $2
  RETURNING 1
) SELECT count(*) FROM gone
