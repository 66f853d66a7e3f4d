-- The database as far as grants need it; no row when the agent's tables are missing or older.
-- $1 text: kRemoveTasks, a function of the newest of them
SELECT current_database() AS database, pg_get_userbyid(c.relowner) AS owner, n.nspname AS schema,
    (SELECT s.nspname FROM pg_catalog.pg_class k JOIN pg_catalog.pg_namespace s ON s.oid = k.relnamespace
     WHERE k.oid = to_regclass('checkpoint_migrations') AND pg_has_role(k.relowner, 'USAGE')) AS checkpoint_schema
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass('agent_task') AND to_regprocedure(quote_ident(n.nspname) || '.' || $1) IS NOT NULL
