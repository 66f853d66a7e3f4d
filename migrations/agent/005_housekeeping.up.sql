-- The queue costs the same however many tasks wait or have ended, old rows can be removed in small batches, and an agent
-- can tell which other instance of its id is alive.

-- A claim looks for a rollback first, then for anything else, each in the order of its time; the time comes right after the
-- target, so that tasks for later are not read.
DROP INDEX agent_task_pending_idx;
CREATE INDEX agent_task_rollback_idx ON agent_task (target, execute_after, created_at)
    WHERE status = 'pending' AND type = 'rollback';
CREATE INDEX agent_task_waiting_idx ON agent_task (target, execute_after, created_at)
    WHERE status = 'pending' AND type <> 'rollback';
-- What is due or next whatever its target, what may miss its schedule, and what waits for a busy target.
CREATE INDEX agent_task_due_idx ON agent_task (execute_after, created_at) WHERE status = 'pending';
CREATE INDEX agent_task_missed_idx ON agent_task (execute_after) WHERE status = 'pending' AND missed_after IS NOT NULL;
CREATE INDEX agent_task_held_idx ON agent_task (held_until) WHERE status = 'pending' AND held_until IS NOT NULL;
-- No column of it changes at a heartbeat, so that a heartbeat writes no index.
DROP INDEX agent_task_busy_idx;
CREATE INDEX agent_task_busy_idx ON agent_task (target) WHERE status = 'inProgress';

-- The end of tasks, for `task prune`; and which helm revision the newest task made of an artifact.
CREATE INDEX agent_task_ended_idx ON agent_task (target, completed_at)
    WHERE status IN ('completed', 'failed', 'cancelled');
CREATE INDEX agent_task_revision_idx ON agent_task (target, (result->>'artifact_id'), completed_at)
    WHERE status = 'completed' AND result->>'revision' IS NOT NULL;
CREATE INDEX notification_sent_idx ON notification (sent_at) WHERE status = 'sent';
-- Removing a task looks for its notifications.
CREATE INDEX notification_task_idx ON notification (task_id) WHERE task_id IS NOT NULL;

ALTER TABLE agent_instance
    ADD COLUMN host    text,                             -- the name of its machine
    ADD COLUMN process text;                             -- boot, pid and start time there

-- Tasks for much later wake nobody: agents look at the queue more often than that by themselves.
CREATE FUNCTION wrktalk_notify_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE status = 'pending' AND execute_after < now() + interval '1 day') THEN
        PERFORM pg_notify('wrktalk_task', '');
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER wrktalk_task_added ON agent_task;
CREATE TRIGGER wrktalk_task_added AFTER INSERT ON agent_task REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION wrktalk_notify_added();
DROP TRIGGER wrktalk_task_pending ON agent_task;
CREATE TRIGGER wrktalk_task_pending AFTER UPDATE OF status, execute_after ON agent_task
    FOR EACH ROW WHEN (NEW.status = 'pending' AND NEW.execute_after < now() + interval '1 day')
    EXECUTE FUNCTION wrktalk_notify_task();
