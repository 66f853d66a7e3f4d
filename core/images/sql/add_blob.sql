-- Waits for whoever stores the same blob now; no row when that one was stored.
-- $1 text: digest, $2 bigint: size
INSERT INTO image_blob (digest, size_bytes) VALUES ($1, $2::bigint) ON CONFLICT DO NOTHING RETURNING digest
