-- $1 integer: days   $2 integer: how many at most, null for all
(SELECT id FROM notification WHERE status = 'sent' AND sent_at < now() - make_interval(days => $1::integer) LIMIT $2::integer)
UNION ALL (SELECT id FROM notification WHERE status = 'failed' AND created_at < now() - make_interval(days => $1::integer)
    LIMIT $2::integer)
