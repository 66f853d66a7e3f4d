-- $1 uuid: task   $2 timestamptz: when
UPDATE agent_task SET execute_after = $2::timestamptz, updated_at = now()
WHERE id = $1::uuid AND status = 'pending' RETURNING id
