-- $1 text: name, or null for all   $2 text: kind whose default target alone is meant, or null
SELECT d.name, d.kind, d.chart_type, d.is_default, d.current_artifact_id, d.previous_artifact_id, c.release_version AS current_version,
    p.release_version AS previous_version, d.revision, d.previous_revision, d.applied_at,
    -- Each record of ours writes applied_at later than the row was made; a v4.2 agent beside us may have deployed another one since.
    coalesce(c.is_current AND coalesce(d.applied_at < d.created_at, true), false) AS is_of_v42
FROM deployment_target d
LEFT JOIN release_artifact c ON c.id = d.current_artifact_id
LEFT JOIN release_artifact p ON p.id = d.previous_artifact_id
WHERE ($1::text IS NULL OR d.name = $1) AND ($2::text IS NULL OR (d.kind = $2 AND d.is_default))
ORDER BY d.name
