-- $1 text: agent   $2 uuid: our own instance
SELECT id, host, process, last_seen, extract(epoch FROM clock_timestamp() - last_seen) AS silent FROM agent_instance
WHERE agent_id = $1 AND id <> $2::uuid AND isfinite(last_seen) ORDER BY last_seen DESC LIMIT 1
