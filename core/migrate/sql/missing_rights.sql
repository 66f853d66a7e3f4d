-- Rights that the connected role has not, in the order of the parameters; objects and columns that are not there are left out.
-- $1 text: the schema   $2 text[]: objects   $3 text[]: privileges   $4 text[]: columns with commas, empty: the whole object
SELECT w.privilege || CASE WHEN w.columns <> '' THEN ' of ' || lacks.columns ELSE '' END || ' on ' || w.object AS lacking
FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS w (object, privilege, columns, place)
CROSS JOIN LATERAL (SELECT to_regclass($1 || '.' || quote_ident(w.object)) AS relation,
    CASE WHEN w.privilege = 'EXECUTE' THEN to_regprocedure($1 || '.' || w.object) END AS function) AS f
LEFT JOIN LATERAL (
    SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) AS columns FROM pg_catalog.pg_attribute a
    WHERE w.columns <> '' AND a.attrelid = f.relation AND NOT a.attisdropped AND a.attnum > 0
        AND a.attname = ANY (string_to_array(replace(w.columns, ' ', ''), ','))
        AND NOT has_column_privilege(f.relation::oid, a.attnum, w.privilege)) AS lacks ON true
WHERE lacks.columns IS NOT NULL
    OR (w.columns = '' AND f.relation IS NOT NULL AND NOT has_table_privilege(f.relation::oid, w.privilege))
    OR (f.function IS NOT NULL AND NOT has_function_privilege(f.function::oid, 'EXECUTE'))
ORDER BY w.place
