-- Whether the agent's tables are there, and the ledger of their migrations beside them, quoted; null when there is none.
SELECT c.oid IS NOT NULL AS has_tables, to_regclass(quote_ident(n.nspname) || '.wrktalk_migration')::text AS ledger
FROM (SELECT to_regclass('agent_task')::oid AS oid) c
LEFT JOIN pg_class t ON t.oid = c.oid
LEFT JOIN pg_namespace n ON n.oid = t.relnamespace
