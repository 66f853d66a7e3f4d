-- $1 text: digest
DELETE FROM image_blob_chunk WHERE digest = $1
