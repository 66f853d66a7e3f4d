DROP TABLE IF EXISTS release_image_blob;
DROP TABLE IF EXISTS release_image;
DROP TABLE IF EXISTS image_blob_chunk;
DROP TABLE IF EXISTS image_blob;
