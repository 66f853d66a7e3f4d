-- $1 bigint: how many stay of each chart_type
SELECT a.id, a.release_version, a.chart_type, coalesce(a.size_bytes, octet_length(a.artifact_data)) AS size_bytes, a.created_at
FROM (SELECT *, row_number() OVER (PARTITION BY chart_type ORDER BY created_at DESC, id) AS age FROM release_artifact) a
WHERE a.age > $1 AND NOT {is_needed} ORDER BY a.created_at, a.id
