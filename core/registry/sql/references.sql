-- The references of all releases that hold this text, those of the newest release first.
-- $1 text: the last part of a repository's name
SELECT i.reference, i.digest, i.media_type
FROM release_image i JOIN release_artifact a ON a.id = i.artifact_id
WHERE strpos(i.reference, $1) > 0
GROUP BY i.reference, i.digest, i.media_type
ORDER BY max(a.created_at) DESC NULLS LAST, i.digest, i.reference
