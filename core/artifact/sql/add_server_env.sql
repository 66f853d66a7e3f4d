-- Adds the settings that a release brings for the application; those that are there stay.
-- $1 uuid: the release
INSERT INTO server_env (key, value, category, description, updated_by)
SELECT s.key, s.value, s.category, s.description, 'wrktalk, release ' || a.release_version
FROM release_artifact a
CROSS JOIN LATERAL jsonb_to_recordset(a.server_env) AS s (key text, value text, category text, description text)
WHERE a.id = $1::uuid AND jsonb_typeof(a.server_env) = 'array'
ON CONFLICT (key) DO NOTHING RETURNING key
