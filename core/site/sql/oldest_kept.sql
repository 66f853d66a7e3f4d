-- The oldest revision whose settings are kept.   $1 text: target   $2 integer: how many are
SELECT coalesce({newest}, 0) - $2::integer + 1 AS revision
