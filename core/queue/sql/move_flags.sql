-- The two flags that v4.2 reads: one current and one previous for each chart_type.
-- $1 uuid: current, or null   $2 uuid: previous, or null   $3 text: chart_type
UPDATE release_artifact SET is_current = coalesce(id = $1::uuid, false), is_previous = coalesce(id = $2::uuid, false)
WHERE (is_current OR is_previous OR id = $1::uuid OR id = $2::uuid) AND chart_type = $3
