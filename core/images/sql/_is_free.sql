-- Whether blob b is no release's.
NOT EXISTS (SELECT FROM release_image_blob r WHERE r.digest = b.digest)
    AND NOT EXISTS (SELECT FROM release_image i WHERE i.digest = b.digest)
