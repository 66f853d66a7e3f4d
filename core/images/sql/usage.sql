-- What the images of each release take, each blob once, and how much of it other releases need, too.
WITH used AS (SELECT digest, count(*) AS releases FROM release_image_blob GROUP BY digest)
SELECT r.artifact_id, (SELECT count(*) FROM release_image i WHERE i.artifact_id = r.artifact_id) AS images,
       sum(b.size_bytes) AS size_bytes, coalesce(sum(b.size_bytes) FILTER (WHERE u.releases > 1), 0) AS shared_bytes
FROM release_image_blob r JOIN image_blob b USING (digest) JOIN used u USING (digest) GROUP BY r.artifact_id
