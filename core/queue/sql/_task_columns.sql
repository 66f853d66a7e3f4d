-- What queue::to_task reads of a task t and its release a. A JSON value of more than 1 MB is replaced by a text that says so.
t.id, t.type, t.status, t.target, t.release_artifact_id,
left(coalesce(a.release_version, t.payload->>'target_version', t.goal->>'version', t.result->>'version'), 200) AS version,
CASE WHEN pg_column_size(t.payload) > 1000000 OR octet_length(t.payload::text) > 1000000
    THEN '"larger than 1 MB"' ELSE t.payload::text END AS payload,
CASE WHEN pg_column_size(t.result) > 1000000 OR octet_length(t.result::text) > 1000000
    THEN '"larger than 1 MB"' ELSE t.result::text END AS result,
CASE WHEN pg_column_size(t.goal) > 1000000 OR octet_length(t.goal::text) > 1000000
    THEN '"larger than 1 MB"' ELSE t.goal::text END AS goal,
CASE WHEN pg_column_size(t.before) > 1000000 OR octet_length(t.before::text) > 1000000
    THEN '"larger than 1 MB"' ELSE t.before::text END AS before,
t.phase, t.claimed_by, left(t.error_message, 100000) AS error_message, t.attempt, t.max_attempts,
t.cancel_requested_at IS NOT NULL AS cancel_requested, t.execute_after, t.missed_after, t.created_at,
t.picked_up_at, t.completed_at, t.last_heartbeat, t.lease_expires_at, t.reached, t.held_until, t.next_task,
(SELECT p.id FROM agent_task p WHERE p.next_task = t.id LIMIT 1) AS after_task
