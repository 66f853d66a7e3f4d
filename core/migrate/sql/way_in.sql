-- What each role has of what it needs to get to the tables at all, in the order of the names.
-- $1 text[]: the roles   $2 name: who owns the tables   $3 text: their schema   $4 text: the checkpoint tables' schema; empty: there are none to grant
SELECT n.name, r.oid IS NOT NULL AS is_there, pg_has_role(r.oid, $2::name, 'USAGE') AS is_owner,
    has_database_privilege(r.oid, current_database(), 'CONNECT') AS may_connect, has_schema_privilege(r.oid, $3, 'USAGE') AS may_use_schema,
    CASE WHEN $4 <> '' THEN has_schema_privilege(r.oid, $4, 'USAGE') ELSE true END AS may_use_checkpoint_schema
FROM unnest($1::text[]) WITH ORDINALITY AS n (name, place) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = n.name
ORDER BY n.place
