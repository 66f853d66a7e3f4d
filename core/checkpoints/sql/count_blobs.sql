-- $1 text: the thread   $2 text: the namespace   $3 text[]: ids of the checkpoints that go
SELECT count(*) FROM checkpoint_blobs b JOIN ({blobs_of_no_other}) g ON b.channel = g.key AND b.version = g.value
WHERE b.thread_id = $1 AND b.checkpoint_ns = $2
