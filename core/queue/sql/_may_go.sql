-- Whether the finished task t is older than $1 days and neither owns a window nor names a revision that is asked for.
t.completed_at < now() - make_interval(days => $1::integer)
AND NOT EXISTS (SELECT FROM maintenance_window w WHERE w.owner = t.id::text) AND NOT {names_revision}
