-- A row when the task has ended under this token.
-- $1 uuid: task   $2 uuid: token
SELECT FROM agent_task WHERE id = $1::uuid AND claim_token = $2::uuid AND status <> 'inProgress'
