-- $1 uuid: artifact
SELECT reference, digest, media_type, to_json(platforms)::text AS platforms, size_bytes FROM release_image
WHERE artifact_id = $1::uuid ORDER BY reference COLLATE "C"
