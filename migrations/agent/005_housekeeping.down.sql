DROP TRIGGER wrktalk_task_pending ON agent_task;
CREATE TRIGGER wrktalk_task_pending AFTER UPDATE OF status, execute_after ON agent_task
    FOR EACH ROW WHEN (NEW.status = 'pending') EXECUTE FUNCTION wrktalk_notify_task();
DROP TRIGGER wrktalk_task_added ON agent_task;
CREATE TRIGGER wrktalk_task_added AFTER INSERT ON agent_task
    FOR EACH STATEMENT EXECUTE FUNCTION wrktalk_notify_task();
DROP FUNCTION wrktalk_notify_added();
ALTER TABLE agent_instance DROP COLUMN process, DROP COLUMN host;
DROP INDEX notification_task_idx;
DROP INDEX notification_sent_idx;
DROP INDEX agent_task_revision_idx;
DROP INDEX agent_task_ended_idx;
DROP INDEX agent_task_busy_idx;
CREATE INDEX agent_task_busy_idx ON agent_task (lease_expires_at) WHERE status = 'inProgress';
DROP INDEX agent_task_held_idx;
DROP INDEX agent_task_missed_idx;
DROP INDEX agent_task_due_idx;
DROP INDEX agent_task_waiting_idx;
DROP INDEX agent_task_rollback_idx;
CREATE INDEX agent_task_pending_idx ON agent_task (target, (type <> 'rollback'), execute_after, created_at)
    WHERE status = 'pending';
