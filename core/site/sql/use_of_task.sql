-- What an earlier holder of the task wrote down, and what is in force for the target; one row.
-- $1 text: target   $2 uuid: task
SELECT u.task_id IS NOT NULL AS is_fixed, u.revision, u.file_sha256, coalesce({newest}, 0) AS newest, {was_used} AS was_used
FROM (VALUES (1)) AS one LEFT JOIN site_use u ON u.task_id = $2::uuid
