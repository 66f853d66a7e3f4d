SELECT to_regclass('release_image_blob') IS NOT NULL
