ALTER TABLE deployment_target ADD CONSTRAINT deployment_target_kind_check CHECK (kind IN ('kubernetes', 'docker', 'host'));
ALTER TABLE deployment_target DROP COLUMN chart_type;
