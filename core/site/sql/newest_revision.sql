-- $1 text: target
SELECT coalesce({newest}, 0) AS revision
