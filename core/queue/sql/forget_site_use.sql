-- A task that is tried again begins with the site's settings of then.
-- $1 uuid: task
DELETE FROM site_use WHERE task_id = $1::uuid
