-- From now on they hold no more. elsewhere: another agent has to take one down.
-- $1 text: owner   $2 text: or those of this target, null for none   $3 text: our agent
UPDATE maintenance_window SET expires_at = now()
WHERE (owner = $1 OR target = $2) AND (expires_at IS NULL OR expires_at > now())
RETURNING agent_id <> $3 AS elsewhere
