-- As catalog.sql, with our functions and the owners of all. Functions name their schema in their bodies, which is no part of what is compared.
-- $3 text: the table beside which our functions lie, and whose owner owns all
{tables_and_parts}
UNION ALL
SELECT '', 'function', p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
       CASE WHEN p.prosecdef THEN 'security definer' ELSE 'security invoker' END
       || coalesce(', set ' || array_to_string(p.proconfig, ', set '), ', no settings')
       || ', body ' || md5(replace(p.prosrc, p.pronamespace::regnamespace || '.', ''))
       || CASE WHEN p.proowner = (SELECT relowner FROM t ORDER BY name <> $3 LIMIT 1) THEN ', owner as of ' || $3
               ELSE ', owner ' || p.proowner::regrole END
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = (SELECT relnamespace FROM t ORDER BY name <> $3 LIMIT 1) AND p.proname LIKE 'wrktalk\_%'
UNION ALL
SELECT oid::text, 'owner', '', CASE WHEN relowner = (SELECT relowner FROM t ORDER BY name <> $3 LIMIT 1)
       THEN 'as of ' || $3 ELSE relowner::regrole::text END FROM t
