-- The blobs that checkpoints $3 refer to and no other checkpoint of the namespace does, as (key, value). A blob that nothing refers to yet is none of
-- them: its checkpoint is still being written.
SELECT v.key, v.value FROM checkpoints c CROSS JOIN LATERAL jsonb_each_text(c.checkpoint -> 'channel_versions') v
WHERE c.thread_id = $1 AND c.checkpoint_ns = $2 AND c.checkpoint_id = ANY($3::text[])
EXCEPT
SELECT v.key, v.value FROM checkpoints c CROSS JOIN LATERAL jsonb_each_text(c.checkpoint -> 'channel_versions') v
WHERE c.thread_id = $1 AND c.checkpoint_ns = $2 AND c.checkpoint_id <> ALL($3::text[])
