-- $1 text: target   $2 integer: revision   $3..$6 text[]: names, values, whether secret, set in
INSERT INTO site_setting (target, revision, name, value, is_secret, set_in)
SELECT $1, $2::integer, n.name, n.value, n.is_secret::boolean, n.set_in::integer
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS n (name, value, is_secret, set_in)
