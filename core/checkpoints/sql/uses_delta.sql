-- Whether the thread uses a DeltaChannel: update counters in the metadata, the mark of LangGraph.js, or a snapshot, which is an inline `true` with a
-- blob behind it.
-- $1 text: the thread
SELECT EXISTS (
  SELECT 1 FROM checkpoints
  WHERE thread_id = $1 AND (metadata ? 'counters_since_delta_snapshot' OR metadata ? 'delta_writes_versioned')
) OR EXISTS (
  SELECT 1 FROM checkpoints c CROSS JOIN LATERAL jsonb_each(c.checkpoint -> 'channel_values') v
  WHERE c.thread_id = $1 AND v.value = 'true'::jsonb AND EXISTS (
    SELECT 1 FROM checkpoint_blobs b
    WHERE b.thread_id = c.thread_id AND b.checkpoint_ns = c.checkpoint_ns AND b.channel = v.key
      AND b.version = c.checkpoint -> 'channel_versions' ->> v.key))
