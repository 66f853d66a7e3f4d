-- $1 text: owner   $2 text: agent   $3 text: target, or null   $4 text: reason   $5 text: who opened it
-- $6 double precision: seconds, null without an end   $7 boolean: the proxy was in maintenance before
INSERT INTO maintenance_window AS w (owner, agent_id, target, reason, opened_by, expires_at, was_shown)
VALUES ($1, $2, $3, nullif($4, ''), $5, now() + make_interval(secs => $6), $7)
ON CONFLICT (owner, agent_id) DO UPDATE SET
    reason = coalesce(excluded.reason, w.reason), expires_at = excluded.expires_at,
    opened_at = CASE WHEN w.expires_at <= now() THEN now() ELSE w.opened_at END
