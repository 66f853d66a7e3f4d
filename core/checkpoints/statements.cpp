// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoints/statements.hpp"

namespace wrktalk::checkpoints::sql {

const char* const kThreads = R"sql(
WITH RECURSIVE t(id, place) AS (
  (SELECT thread_id, 1 FROM checkpoints WHERE $1::text IS NULL OR thread_id > $1::text ORDER BY thread_id LIMIT 1)
  UNION ALL
  SELECT (SELECT thread_id FROM checkpoints WHERE thread_id > t.id ORDER BY thread_id LIMIT 1), place + 1
  FROM t WHERE t.id IS NOT NULL AND place < $2::int
)
SELECT id FROM t WHERE id IS NOT NULL ORDER BY place)sql";

// Update counters in the metadata, the mark of LangGraph.js, or a snapshot: an inline `true` with a blob behind it.
const char* const kUsesDelta = R"sql(
SELECT EXISTS (
  SELECT 1 FROM checkpoints
  WHERE thread_id = $1 AND (metadata ? 'counters_since_delta_snapshot' OR metadata ? 'delta_writes_versioned')
) OR EXISTS (
  SELECT 1 FROM checkpoints c CROSS JOIN LATERAL jsonb_each(c.checkpoint -> 'channel_values') v
  WHERE c.thread_id = $1 AND v.value = 'true'::jsonb AND EXISTS (
    SELECT 1 FROM checkpoint_blobs b
    WHERE b.thread_id = c.thread_id AND b.checkpoint_ns = c.checkpoint_ns AND b.channel = v.key
      AND b.version = c.checkpoint -> 'channel_versions' ->> v.key))
)sql";

const char* const kDoomed = R"sql(
WITH c AS MATERIALIZED (
  SELECT checkpoint_ns AS ns, checkpoint_id AS id, parent_checkpoint_id AS parent,
         (checkpoint ->> 'v')::numeric AS v, metadata -> 'parents' ->> '' AS root,
         $3::text IS NOT NULL
           AND coalesce((checkpoint ->> 'ts') COLLATE "C" >= $3::text COLLATE "C", true) AS young,
         row_number() OVER (PARTITION BY checkpoint_ns ORDER BY checkpoint_id DESC) AS place
  FROM checkpoints WHERE thread_id = $1
), roots AS (
  SELECT id FROM c WHERE ns = '' AND (young OR place <= $2::bigint)
), calls AS (  -- of subgraphs, whose root checkpoint is there and goes
  SELECT ns FROM c GROUP BY ns
  HAVING position(':' IN ns) > 0 AND NOT bool_or(young)
     AND (array_agg(root ORDER BY place))[1] IN (SELECT id FROM c WHERE ns = '' EXCEPT SELECT id FROM roots)
), kept AS (
  SELECT ns, id, parent, v FROM c
  WHERE ns NOT IN (SELECT ns FROM calls)
    AND (young OR place <= $2::bigint OR (ns <> '' AND root IN (SELECT id FROM roots)))
), stays AS (
  SELECT ns, id FROM kept
  UNION ALL
  SELECT k.ns, k.parent FROM kept k
  WHERE k.v < 4 AND EXISTS (
    SELECT 1 FROM checkpoint_writes w
    WHERE w.thread_id = $1 AND w.checkpoint_ns = k.ns AND w.checkpoint_id = k.parent AND w.channel = '__pregel_tasks')
)
SELECT ns, id FROM (
  SELECT ns, id FROM c
  WHERE $4::text IS NULL OR ns = $4::text OR ($4::text = '' AND ns IN (SELECT ns FROM calls))
  EXCEPT
  SELECT ns, id FROM stays
) d ORDER BY ns, id)sql";

const char* const kCountBlobs = R"sql(
SELECT count(*) FROM checkpoint_blobs b JOIN (
  SELECT v.key, v.value FROM checkpoints c CROSS JOIN LATERAL jsonb_each_text(c.checkpoint -> 'channel_versions') v
  WHERE c.thread_id = $1 AND c.checkpoint_ns = $2 AND c.checkpoint_id = ANY($3::text[])
  EXCEPT
  SELECT v.key, v.value FROM checkpoints c CROSS JOIN LATERAL jsonb_each_text(c.checkpoint -> 'channel_versions') v
  WHERE c.thread_id = $1 AND c.checkpoint_ns = $2 AND c.checkpoint_id <> ALL($3::text[])
) g ON b.channel = g.key AND b.version = g.value
WHERE b.thread_id = $1 AND b.checkpoint_ns = $2)sql";

const char* const kDeleteBlobs = R"sql(
WITH gone AS (
  DELETE FROM checkpoint_blobs b USING (
    SELECT v.key, v.value FROM checkpoints c CROSS JOIN LATERAL jsonb_each_text(c.checkpoint -> 'channel_versions') v
    WHERE c.thread_id = $1 AND c.checkpoint_ns = $2 AND c.checkpoint_id = ANY($3::text[])
    EXCEPT
    SELECT v.key, v.value FROM checkpoints c CROSS JOIN LATERAL jsonb_each_text(c.checkpoint -> 'channel_versions') v
    WHERE c.thread_id = $1 AND c.checkpoint_ns = $2 AND c.checkpoint_id <> ALL($3::text[])
  ) g
  WHERE b.channel = g.key AND b.version = g.value AND b.thread_id = $1 AND b.checkpoint_ns = $2
  RETURNING 1
) SELECT count(*) FROM gone)sql";

const char* const kCountWrites = R"sql(
SELECT count(*) FROM checkpoint_writes
WHERE thread_id = $1 AND checkpoint_ns = $2 AND checkpoint_id = ANY($3::text[]))sql";

const char* const kDeleteWrites = R"sql(
WITH gone AS (
  DELETE FROM checkpoint_writes
  WHERE thread_id = $1 AND checkpoint_ns = $2 AND checkpoint_id = ANY($3::text[])
  RETURNING 1
) SELECT count(*) FROM gone)sql";

const char* const kDeleteCheckpoints = R"sql(
WITH gone AS (
  DELETE FROM checkpoints
  WHERE thread_id = $1 AND checkpoint_ns = $2 AND checkpoint_id = ANY($3::text[])
  RETURNING 1
) SELECT count(*) FROM gone)sql";

const char* const kOrphan = R"sql(
UPDATE checkpoints SET parent_checkpoint_id = NULL
WHERE thread_id = $1 AND checkpoint_ns = $2 AND parent_checkpoint_id = ANY($3::text[]))sql";

}  // namespace wrktalk::checkpoints::sql
