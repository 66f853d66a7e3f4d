-- $1 uuid: task
SELECT revision, file_sha256 FROM site_use WHERE task_id = $1::uuid
