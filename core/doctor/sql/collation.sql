-- Whether the library that sorts texts in this database is another one than when its indexes were made; from version 15 on.
SELECT datcollversion AS recorded, pg_database_collation_actual_version(oid) AS actual
FROM pg_catalog.pg_database WHERE datname = current_database()
    AND datcollversion IS NOT NULL AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)
