-- The checkpoints that go, oldest first.
-- $1 text: the thread   $2 bigint: how many stay in each namespace   $3 text: what was written then or later stays, ISO 8601 in UTC as LangGraph
-- writes it, so that texts compare; NULL: age does not count   $4 text: in this namespace alone; NULL: in all
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
) d ORDER BY ns, id
