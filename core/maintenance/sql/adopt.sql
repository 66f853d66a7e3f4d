-- A mode that somebody switched on in deployment_config is the operator's window from now on.   $1 text: owner   $2 text: our agent
INSERT INTO maintenance_window (owner, agent_id, reason, opened_by)
SELECT $1, $2, 'switched on in deployment_config', 'v4.2'
WHERE NOT EXISTS (SELECT FROM maintenance_window) AND EXISTS (SELECT FROM deployment_config WHERE maintenance_mode_enabled)
