-- Figures of tables: size_bytes with all that belongs to it, bytes that a count reads, tuples as of the statistics, is_local: whether it may be
-- counted. A partitioned table is what its partitions are, unless one of them lies on another server.
-- $1 text[]: names as they are shown   $2 text[]: the same as the server finds them
SELECT n.shown AS table_name,
  (SELECT count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  (SELECT count(*) FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid) AS indexes,
  pg_catalog.pg_total_relation_size(c.oid) AS size_bytes, read.bytes, read.tuples, read.is_local
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n (shown, name, place)
JOIN pg_catalog.pg_class c ON c.oid = to_regclass(n.name)
CROSS JOIN LATERAL (
  SELECT pg_catalog.pg_relation_size(c.oid) AS bytes,
         CASE WHEN c.reltuples > 0 OR (c.reltuples = 0 AND c.relpages > 0) THEN c.reltuples::bigint END AS tuples,
         c.relkind = 'r' AND NOT c.relhassubclass AS is_local
  WHERE c.relkind <> 'p'
  UNION ALL
  SELECT coalesce(sum(pg_catalog.pg_relation_size(leaf.oid)), 0),
         sum(CASE WHEN leaf.reltuples > 0 THEN leaf.reltuples END)::bigint,
         coalesce(bool_and(leaf.relkind = 'r'), true)
  FROM pg_catalog.pg_partition_tree(c.oid) part JOIN pg_catalog.pg_class leaf ON leaf.oid = part.relid AND part.isleaf
  WHERE c.relkind = 'p' HAVING c.relkind = 'p') AS read
ORDER BY n.place
