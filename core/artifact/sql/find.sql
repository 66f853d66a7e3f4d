-- Releases of this version or id. A version may have been stored that is another release's id: the id counts.
-- $1 text: a version or an id   $2 text: the type; NULL: any
SELECT {columns} FROM release_artifact
WHERE ($2::text IS NULL OR chart_type = $2)
    AND CASE WHEN EXISTS (SELECT FROM release_artifact i WHERE i.id::text = lower($1) AND ($2::text IS NULL OR i.chart_type = $2))
        THEN id::text = lower($1) ELSE release_version = $1 END
ORDER BY created_at DESC, id
