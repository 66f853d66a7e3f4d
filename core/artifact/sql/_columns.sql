-- A release, as artifact_of() reads it. The size comes from the value's header: nothing is unpacked or read for it.
id, release_version AS version, chart_type, lower(trim(sha256)) AS sha256, coalesce(size_bytes, octet_length(artifact_data)) AS size_bytes, chunked,
coalesce(is_current, false) AS is_current, coalesce(is_previous, false) AS is_previous, created_at, applied_at,
env_data IS NOT NULL AS has_env, values_data IS NOT NULL AS has_values, requires_schema, server_env IS NOT NULL AS has_server_env,
CASE WHEN pg_column_size(manifest) > 1000000 OR octet_length(manifest::text) > 1000000 THEN '"larger than 1 MB"' ELSE manifest::text END AS manifest
