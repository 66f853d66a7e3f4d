-- $1 text: digest
SELECT size_bytes FROM image_blob WHERE digest = $1
