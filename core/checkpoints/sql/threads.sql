-- At most so many threads that follow one, by a walk through the primary key's index.
-- $1 text: the thread; NULL: from the first   $2 int: how many
WITH RECURSIVE t(id, place) AS (
  (SELECT thread_id, 1 FROM checkpoints WHERE $1::text IS NULL OR thread_id > $1::text ORDER BY thread_id LIMIT 1)
  UNION ALL
  SELECT (SELECT thread_id FROM checkpoints WHERE thread_id > t.id ORDER BY thread_id LIMIT 1), place + 1
  FROM t WHERE t.id IS NOT NULL AND place < $2::int
)
SELECT id FROM t WHERE id IS NOT NULL ORDER BY place
