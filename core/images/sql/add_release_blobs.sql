-- $1 uuid: artifact, $2 text[]: digests, $3 text[]: their media types
INSERT INTO release_image_blob (artifact_id, digest, media_type)
SELECT $1::uuid, digest, media_type FROM unnest($2::text[], $3::text[]) AS b (digest, media_type) ORDER BY digest
