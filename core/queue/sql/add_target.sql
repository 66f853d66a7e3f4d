-- The first target of a kind is its default, and takes over what v4.2's flags say.
-- $1 text: name   $2 text: kind   $3 text: chart_type
INSERT INTO deployment_target (name, kind, chart_type, is_default, current_artifact_id, previous_artifact_id, applied_at)
SELECT $1, $2, $3, free.yes, c.id, p.id, c.applied_at
FROM (SELECT NOT EXISTS (SELECT FROM deployment_target WHERE kind = $2 AND is_default) AS yes) free
LEFT JOIN LATERAL (SELECT id, applied_at FROM release_artifact
    WHERE free.yes AND is_current AND chart_type = $3 ORDER BY applied_at DESC NULLS LAST LIMIT 1) c ON true
LEFT JOIN LATERAL (SELECT id FROM release_artifact
    WHERE free.yes AND is_previous AND chart_type = $3 ORDER BY applied_at DESC NULLS LAST LIMIT 1) p ON true
