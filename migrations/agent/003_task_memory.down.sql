ALTER TABLE agent_task DROP COLUMN goal, DROP COLUMN before, DROP COLUMN reached, DROP COLUMN held_until;
