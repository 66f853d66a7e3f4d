-- A target says which releases it takes, so that neither a statement nor a constraint lists the kinds of targets.
ALTER TABLE deployment_target ADD COLUMN chart_type text;
UPDATE deployment_target SET chart_type = CASE kind WHEN 'kubernetes' THEN 'helm' WHEN 'docker' THEN 'compose' ELSE 'host' END;
ALTER TABLE deployment_target ALTER COLUMN chart_type SET NOT NULL;
ALTER TABLE deployment_target DROP CONSTRAINT deployment_target_kind_check;
