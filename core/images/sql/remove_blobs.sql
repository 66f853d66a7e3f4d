-- They are locked: nobody refers to them any more, but somebody may have done so before the lock.
-- $1 text[]: digests
DELETE FROM image_blob b WHERE b.digest = ANY ($1::text[]) AND {is_free} RETURNING b.size_bytes
