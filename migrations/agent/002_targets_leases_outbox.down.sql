-- Back to v4.2: targets, leases, events and the outbox go, with host and chunked artifacts' bytes; tasks and other releases stay.
DROP TRIGGER wrktalk_v42_claim ON agent_task;
DROP TRIGGER wrktalk_task_ended ON agent_task;
DROP TRIGGER wrktalk_task_cancel ON agent_task;
DROP TRIGGER wrktalk_task_pending ON agent_task;
DROP TRIGGER wrktalk_task_added ON agent_task;
DROP FUNCTION wrktalk_v42_claim();
DROP FUNCTION wrktalk_notify_task();
DROP TABLE agent_instance;
DROP TABLE notification;
DROP TABLE task_event;
DROP INDEX agent_task_created_at_idx;
DROP INDEX agent_task_busy_idx;
DROP INDEX agent_task_in_progress_idx;
DROP INDEX agent_task_pending_idx;
ALTER TABLE agent_task
    DROP COLUMN cancel_requested_at,
    DROP COLUMN guard,
    DROP COLUMN phase,
    DROP COLUMN lease_expires_at,
    DROP COLUMN claim_token,
    DROP COLUMN claimed_by,
    DROP COLUMN max_attempts,
    DROP COLUMN attempt,
    DROP COLUMN missed_after,
    DROP COLUMN target,
    DROP COLUMN payload;
DROP TABLE maintenance_window;
DROP TABLE deployment_target;
DROP TABLE release_artifact_chunk;
ALTER TABLE release_artifact
    DROP COLUMN server_env,
    DROP COLUMN requires_schema,
    DROP COLUMN chunked,
    DROP COLUMN size_bytes;
ALTER TABLE release_artifact ALTER COLUMN artifact_data SET STORAGE EXTENDED;
