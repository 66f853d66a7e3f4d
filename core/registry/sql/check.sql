-- Fails when the tables are not there.
SELECT 1 FROM release_image LIMIT 1
