-- $1 uuid: artifact
SELECT r.digest, r.media_type, b.size_bytes FROM release_image_blob r JOIN image_blob b USING (digest)
WHERE r.artifact_id = $1::uuid ORDER BY r.digest
