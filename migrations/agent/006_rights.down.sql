-- The functions stay safe: what they were before would be a way to the owner's rights.
DROP FUNCTION wrktalk_remove_tasks(uuid[], integer);
ALTER TABLE task_event DROP COLUMN written_by;
