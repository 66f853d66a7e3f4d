-- Agents that were not heard of for so long and that nobody was told of, marked as told. back: the same agent has started anew since.
-- $1 interval
UPDATE agent_instance i SET silence_told_at = now() WHERE last_seen < now() - $1::interval AND silence_told_at IS NULL
RETURNING id,
    EXISTS (SELECT FROM agent_instance o WHERE o.agent_id = i.agent_id AND o.last_seen >= now() - $1::interval) AS back,
    jsonb_build_object('agent', agent_id, 'target', array_to_string(targets, ', '),
        'ended_at', to_char(last_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')) AS data
