-- $1 text: type   $2 uuid: artifact   $3 text: target   $4 jsonb: payload   $5 timestamptz: when, or null for now
-- $6 interval: missed_after, or null   $7 jsonb: goal, or null   $8 uuid: the next one of its chain, or null
INSERT INTO agent_task (type, release_artifact_id, target, payload, execute_after, missed_after, goal, next_task)
VALUES ($1, $2::uuid, $3, $4::jsonb, coalesce($5::timestamptz, now()), $6::interval, $7::jsonb, $8::uuid) RETURNING id
