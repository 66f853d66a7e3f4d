-- One idle look: says that the agent is alive, and asks what there is to do. How many tasks are for later or have ended does not change
-- what it costs.
-- $1 uuid[]: not to be taken over   $2 interval: kSilence   $3 uuid: the agent's instance   $4 text: agent   $5 text: version
-- $6 text[]: the targets that are served   $7 boolean: whether the figures for metrics are wanted
WITH seen AS (
    INSERT INTO agent_instance (id, agent_id, version, targets) VALUES ($3::uuid, $4, $5, $6::text[])
    ON CONFLICT (id) DO UPDATE SET last_seen = now()),
polled AS (UPDATE deployment_config SET last_agent_poll = now())
SELECT
    EXISTS (SELECT FROM agent_task t WHERE {has_missed}) OR EXISTS (SELECT FROM agent_task t WHERE {is_orphan}) AS overdue,
    EXISTS (SELECT FROM deployment_target d CROSS JOIN LATERAL ({candidates}) c WHERE d.name = ANY($6::text[])) AS due,
    extract(epoch FROM {next_time} - clock_timestamp()) AS next,
    -- Whoever was away from the database itself must not say so of others.
    EXISTS (SELECT FROM agent_instance o JOIN agent_instance me ON me.id = $3::uuid
        WHERE o.last_seen < now() - interval '10 minutes' AND o.silence_told_at IS NULL
            AND me.last_seen > now() - interval '5 minutes') AS silent,
    -- When all windows will have ended. Windows of proxies that no live agent has stay due: that costs a look, until they are forgotten
    -- after seven days.
    (SELECT extract(epoch FROM max(ends_at) - clock_timestamp()) FROM maintenance_window_now
        HAVING bool_and(ends_at IS NOT NULL)) AS maintenance_due,
    {is_in_maintenance} AS in_maintenance,
    (SELECT extract(epoch FROM min(next_attempt_at) - clock_timestamp()) FROM notification
        WHERE status IN ('pending', 'sending')) AS notification_due,
    extract(epoch FROM clock_timestamp())::float8 AS server_seconds,
    {leases} AS leases,
    CASE WHEN $7::boolean THEN {figures} END AS figures
