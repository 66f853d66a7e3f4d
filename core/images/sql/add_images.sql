-- $1 uuid: artifact, $2 json: the images
INSERT INTO release_image (artifact_id, reference, digest, media_type, platforms, size_bytes)
SELECT $1::uuid, i.reference, i.digest, i.media_type, i.platforms, i.size
FROM json_to_recordset($2::json) AS i (reference text, digest text, media_type text, platforms text[], size bigint)
