-- Whether a release has these images and blobs, no more and no fewer.
-- $1 uuid: artifact, $2 json: the images, $3 text[]: digests of the blobs
SELECT NOT EXISTS (
    (SELECT reference, digest, platforms FROM release_image WHERE artifact_id = $1::uuid
     EXCEPT SELECT i.reference, i.digest, i.platforms
            FROM json_to_recordset($2::json) AS i (reference text, digest text, platforms text[]))
    UNION ALL
    (SELECT i.reference, i.digest, i.platforms
     FROM json_to_recordset($2::json) AS i (reference text, digest text, platforms text[])
     EXCEPT SELECT reference, digest, platforms FROM release_image WHERE artifact_id = $1::uuid))
AND (SELECT count(*) FROM release_image_blob WHERE artifact_id = $1::uuid) = cardinality($3::text[])
AND (SELECT count(*) FROM release_image_blob WHERE artifact_id = $1::uuid AND digest = ANY ($3::text[])) = cardinality($3::text[])
