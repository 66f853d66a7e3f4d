-- Who holds the lock that a session waits for. pg_blocking_pids stops the lock manager for a moment: it is asked for waiters alone. Others' queries are
-- not shown to everybody.
-- $1 int: the pid of the session that may wait
SELECT b.pid, coalesce(b.usename, '?') AS role, coalesce(nullif(b.application_name, ''), '?') AS application,
    to_char(b.xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS since, b.query
FROM pg_catalog.pg_stat_activity me
CROSS JOIN LATERAL unnest(CASE WHEN me.wait_event_type = 'Lock' THEN pg_catalog.pg_blocking_pids(me.pid) END) AS by (pid)
JOIN pg_catalog.pg_stat_activity b ON b.pid = by.pid
WHERE me.pid = $1::int ORDER BY b.xact_start LIMIT 1
