-- $1 uuid: task   $2 uuid: token   $3 jsonb: goal   $4 jsonb: before
UPDATE agent_task t SET goal = $3::jsonb, before = $4::jsonb, updated_at = clock_timestamp() WHERE {is_ours} RETURNING id
