-- $1 uuid: task   $2 integer: revision   $3 text: the file's sha256
INSERT INTO site_use (task_id, revision, file_sha256) VALUES ($1::uuid, $2::integer, $3) ON CONFLICT (task_id) DO NOTHING
