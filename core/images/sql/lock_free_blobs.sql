-- Passes over those that somebody refers to just now.
-- $1 text[]: candidates, $2 integer: how many
SELECT b.digest FROM image_blob b
WHERE (b.digest = ANY ($1::text[]) OR b.created_at < now() - interval '1 day') AND {is_free}
LIMIT $2::integer FOR UPDATE SKIP LOCKED
