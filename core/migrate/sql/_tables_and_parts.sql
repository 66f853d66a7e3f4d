WITH t AS MATERIALIZED (
  SELECT c.oid, n.name, c.relname, c.relnamespace, (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = c.relnamespace), c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
         c.relhasrules, c.relhassubclass, c.relispartition, c.relowner
  FROM unnest($2::text[]) AS n (name)
  JOIN pg_catalog.pg_class c ON c.oid = to_regclass(
    CASE WHEN $1 <> '' AND n.name ~ '^("([^"]|"")+"|[^."]+)$' THEN quote_ident($1) || '.' ELSE '' END || n.name)
  WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm'))
SELECT oid::text, 'table', name, CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table'
       WHEN 'f' THEN 'foreign table' ELSE 'view' END FROM t
UNION ALL
SELECT oid::text, 'storage', '', CASE relpersistence WHEN 'u' THEN 'UNLOGGED, so empty after a crash' ELSE 'temporary' END
FROM t WHERE relpersistence <> 'p'
UNION ALL
SELECT oid::text, 'row security', '', CASE WHEN relforcerowsecurity THEN 'forced' ELSE 'enabled' END
       || coalesce((SELECT ', policies ' || string_agg(quote_ident(polname), ', ' ORDER BY polname)
                    FROM pg_catalog.pg_policy WHERE polrelid = t.oid), '')
FROM t WHERE relrowsecurity OR relforcerowsecurity
UNION ALL
SELECT ev_class::text, 'rule', rulename::text, pg_catalog.pg_get_ruledef(oid, true)
FROM pg_catalog.pg_rewrite WHERE ev_class = ANY (ARRAY(SELECT oid FROM t WHERE relhasrules)) AND rulename <> '_RETURN'
UNION ALL
SELECT inhparent::text, 'child table', inhrelid::regclass::text, 'present'
FROM pg_catalog.pg_inherits WHERE inhparent = ANY (ARRAY(SELECT oid FROM t WHERE relhassubclass AND relkind = 'r'))
UNION ALL
SELECT oid::text, 'search path', '', nspname || '.' || relname || ' before '
       || (SELECT string_agg(s || '.' || t.relname, ', ') FROM unnest(current_schemas(false)) s
           WHERE s <> nspname AND to_regclass(quote_ident(s) || '.' || quote_ident(t.relname)) IS NOT NULL)
FROM t WHERE $1 = ''
UNION ALL
SELECT attrelid::text, 'column', attname::text, pg_catalog.format_type(atttypid, atttypmod)
       || CASE WHEN attnotnull THEN ' not null' ELSE '' END
       || CASE WHEN attidentity <> '' THEN ' generated as identity' ELSE '' END
       || CASE WHEN atthasdef THEN coalesce(' default ' ||
            (SELECT pg_catalog.pg_get_expr(adbin, adrelid, true) FROM pg_catalog.pg_attrdef
             WHERE adrelid = attrelid AND adnum = attnum), '') ELSE '' END
FROM pg_catalog.pg_attribute WHERE attrelid = ANY (ARRAY(SELECT oid FROM t)) AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT conrelid::text, CASE WHEN contype = 'p' THEN 'primary key' ELSE 'constraint' END,
       CASE WHEN contype = 'p' THEN '' ELSE pg_catalog.pg_get_constraintdef(oid, true) END,
       CASE WHEN contype = 'p' THEN substr(pg_catalog.pg_get_constraintdef(oid, true), 13) ELSE 'present' END
FROM pg_catalog.pg_constraint
WHERE conrelid = ANY (ARRAY(SELECT oid FROM t)) AND contype IN ('p', 'f', 'u', 'c', 'x')
UNION ALL
SELECT confrelid::text, 'reference', conrelid::regclass::text, pg_catalog.pg_get_constraintdef(oid, true)
FROM pg_catalog.pg_constraint
WHERE confrelid = ANY (ARRAY(SELECT oid FROM t)) AND conrelid <> ALL (ARRAY(SELECT oid FROM t)) AND contype = 'f'
UNION ALL
SELECT indrelid::text, 'index',
       (SELECT relname::text FROM pg_catalog.pg_class c WHERE c.oid = indexrelid),
       CASE WHEN indisunique THEN 'unique ' ELSE '' END
       || substring(pg_catalog.pg_get_indexdef(indexrelid, 0, true) FROM ' USING (.*)$')
       || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END
FROM pg_catalog.pg_index
WHERE indrelid = ANY (ARRAY(SELECT oid FROM t)) AND indexrelid <> ALL (ARRAY(
  SELECT conindid FROM pg_catalog.pg_constraint
  WHERE conrelid = ANY (ARRAY(SELECT oid FROM t)) AND contype IN ('p', 'u', 'x')))
UNION ALL
SELECT tgrelid::text, 'trigger', tgname::text, pg_catalog.pg_get_triggerdef(oid, true)
       || CASE tgenabled WHEN 'O' THEN '' ELSE ' DISABLED' END
       || ', body ' || (SELECT md5(CASE WHEN p.proname LIKE 'wrktalk\_%' THEN replace(prosrc, p.pronamespace::regnamespace || '.', '')
                                        ELSE prosrc END) FROM pg_catalog.pg_proc p WHERE p.oid = tgfoid)
FROM pg_catalog.pg_trigger WHERE tgrelid = ANY (ARRAY(SELECT oid FROM t)) AND NOT tgisinternal
