-- $1 text: digest, $2 integer: which chunk
SELECT data FROM image_blob_chunk WHERE digest = $1 AND seq = $2::integer
