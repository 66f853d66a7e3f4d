-- Agents that were seen within a day.
SELECT agent_id, version, array_to_string(targets, ' ') AS targets, started_at, last_seen,
    extract(epoch FROM now() - last_seen) AS silent
FROM agent_instance WHERE last_seen > now() - interval '1 day' AND isfinite(last_seen) ORDER BY last_seen DESC
