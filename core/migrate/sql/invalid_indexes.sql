-- Indexes that are not valid: on these tables, or of these names.
-- $1 text: schema of the tables without one   $2 text[]: tables   $3 text[]: indexes
SELECT x.indexrelid::regclass::text AS name, x.indrelid::regclass::text AS table_name, pg_catalog.pg_get_indexdef(x.indexrelid) AS definition,
       i.relkind = 'I' AS is_partitioned,
       EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid) AS is_being_built
FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
WHERE NOT x.indisvalid AND (
  x.indrelid IN (SELECT to_regclass(CASE WHEN t ~ '^("([^"]|"")+"|[^."]+)$' THEN quote_ident($1) || '.' ELSE '' END || t)
                 FROM unnest($2::text[]) AS t)
  OR x.indexrelid IN (SELECT to_regclass(n) FROM unnest($3::text[]) AS n))
ORDER BY 1
