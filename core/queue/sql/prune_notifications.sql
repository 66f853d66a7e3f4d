-- $1 integer: days   $2 integer: how many at most
DELETE FROM notification WHERE id IN (SELECT id FROM ({old_notifications}) AS old LIMIT $2::integer)
    AND status IN ('sent', 'failed') RETURNING id
