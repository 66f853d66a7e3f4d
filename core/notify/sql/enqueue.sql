-- One row for each active admin, and one for the webhook. Times are taken where they are kept: whoever records a task does not know when the server
-- thinks it ended.
-- $1 text: event   $2 text: key   $3 uuid: task, or null   $4 jsonb: data   $5 text: the webhook's recipient   $6 boolean: there is a webhook
WITH task AS (
    SELECT jsonb_strip_nulls(jsonb_build_object(
            'scheduled_for', CASE WHEN execute_after > created_at + interval '1 second'
                THEN to_char(execute_after AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') END,
            'started_at', to_char(picked_up_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'),
            'ended_at', to_char(completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'),
            'duration_seconds', round(extract(epoch FROM completed_at - picked_up_at)::numeric, 3))) AS times,
        ':' || to_char(completed_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS') AS ending
    FROM agent_task WHERE id = $3::uuid),
key AS (SELECT $2 || coalesce((SELECT ending FROM task), '') AS text),
everybody AS (
    SELECT email AS recipient, created_at FROM admin WHERE is_active
    UNION ALL SELECT $5, NULL WHERE $6::boolean),
recipients AS (
    SELECT DISTINCT ON (plain) recipient, created_at, {plain_recipient} AS plain FROM everybody ORDER BY plain, created_at, recipient)
INSERT INTO notification (event, event_key, task_id, recipient, data)
SELECT $1, key.text, $3::uuid, r.recipient, $4::jsonb || coalesce((SELECT times FROM task), '{}')
FROM recipients r CROSS JOIN key
WHERE NOT EXISTS (SELECT FROM notification WHERE event_key = key.text AND {plain_recipient} = r.plain)
ORDER BY r.created_at, r.recipient
ON CONFLICT (event_key, lower(recipient)) DO NOTHING
RETURNING id
