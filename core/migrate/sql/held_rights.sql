-- The rights that others than the owner have on our tables, their columns, and our functions.
-- $1 regnamespace: the schema, quoted   $2 text[]: the tables
SELECT h.object, CASE h.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(h.grantee) END AS role, h.privilege_type AS privilege, h.attname AS column
FROM (
    SELECT c.relname::text AS object, c.relowner AS owner, a.grantee, a.privilege_type, '' AS attname
    FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
    WHERE c.relnamespace = $1::regnamespace AND c.relname = ANY ($2::text[])
    UNION ALL
    SELECT c.relname, c.relowner, a.grantee, a.privilege_type, t.attname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute t ON t.attrelid = c.oid CROSS JOIN LATERAL pg_catalog.aclexplode(t.attacl) a
    WHERE c.relnamespace = $1::regnamespace AND c.relname = ANY ($2::text[]) AND NOT t.attisdropped
    UNION ALL
    SELECT p.proname || '(' || oidvectortypes(p.proargtypes) || ')', p.proowner, a.grantee, a.privilege_type, ''
    FROM pg_catalog.pg_proc p CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
    WHERE p.pronamespace = $1::regnamespace AND p.proname LIKE 'wrktalk\_%') AS h
WHERE h.grantee <> h.owner ORDER BY 1, 2, 4, 3
