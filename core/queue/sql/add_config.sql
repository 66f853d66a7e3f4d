-- The row that v4.2 reads, when there is none yet: with the maintenance that is on already.
-- $1 text: kind   $2 text: namespace   $3 text: Helm release   $4 text: compose project
INSERT INTO deployment_config (deployment_type, namespace, helm_release_name, compose_project_name, maintenance_mode_enabled)
SELECT $1, nullif($2, ''), nullif($3, ''), nullif($4, ''),
    EXISTS (SELECT FROM maintenance_window WHERE expires_at IS NULL OR expires_at > now())
WHERE NOT EXISTS (SELECT FROM deployment_config)
