-- $1 text: chart_type   $2 text: version
SELECT id FROM release_artifact WHERE release_version = $2 AND chart_type = $1 ORDER BY created_at DESC LIMIT 1
