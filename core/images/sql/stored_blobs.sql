-- $1 text[]: digests
SELECT digest FROM image_blob WHERE digest = ANY ($1::text[])
