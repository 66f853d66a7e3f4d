-- $1 integer: days   $2 integer: null
SELECT count(*) AS rows FROM ({old_notifications}) AS old
