-- A time as a person reads it: in the session's zone, and how far away it is.
-- $1 timestamptz
SELECT to_char(at, 'YYYY-MM-DD HH24:MI:SS TZH:TZM') AS local, current_setting('TimeZone') AS zone,
    extract(epoch FROM at - now())::bigint AS seconds
FROM (SELECT $1::timestamptz AS at) AS asked
