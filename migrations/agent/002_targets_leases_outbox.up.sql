-- What wrktalk needs beyond v4.2: new tables, and new columns with defaults, so that a v4.2 agent or backend still reads
-- and writes the same database.

ALTER TABLE release_artifact
    ADD COLUMN size_bytes bigint,                        -- null in rows that v4.2 wrote
    ADD COLUMN chunked    boolean NOT NULL DEFAULT false, -- the bytes lie in release_artifact_chunk
    ADD COLUMN requires_schema text,                      -- the schema versions it runs with: "checkpoint>=9,checkpoint<=12"
    ADD COLUMN server_env      jsonb;                     -- settings for server_env: [{"key", "value", "category", "description"}]
-- A slice of a compressed value unpacks the whole value first. Only new rows are stored this way.
ALTER TABLE release_artifact ALTER COLUMN artifact_data SET STORAGE EXTERNAL;

-- One bytea value ends at 1 GB.
CREATE TABLE release_artifact_chunk (
    artifact_id uuid    NOT NULL REFERENCES release_artifact (id) ON DELETE CASCADE,
    seq         integer NOT NULL,
    data        bytea   NOT NULL,
    PRIMARY KEY (artifact_id, seq)
);
ALTER TABLE release_artifact_chunk ALTER COLUMN data SET STORAGE EXTERNAL;

-- One row a target. Whoever claims a task locks its target's row first: that is what makes it one task in progress per target.
CREATE TABLE deployment_target (
    name                 text PRIMARY KEY,               -- kubernetes:NAMESPACE/RELEASE, docker:PROJECT, host:AGENT[/NAME]
    kind                 text NOT NULL CHECK (kind IN ('kubernetes', 'docker', 'host')),
    is_default           boolean NOT NULL DEFAULT false, -- takes the tasks that name no target
    current_artifact_id  uuid REFERENCES release_artifact (id) ON DELETE SET NULL,
    previous_artifact_id uuid REFERENCES release_artifact (id) ON DELETE SET NULL,
    revision             bigint,                         -- helm's, of the current release
    previous_revision    bigint,
    applied_at           timestamptz,
    created_at           timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX deployment_target_default_idx ON deployment_target (kind) WHERE is_default;

-- Who holds the site in maintenance. deployment_config.maintenance_mode_enabled says whether there is any.
CREATE TABLE maintenance_window (
    owner      text NOT NULL,                            -- 'operator', or the id of the task that opened it
    agent_id   text NOT NULL,                            -- on the machine whose proxy shows it
    target     text,                                     -- what the task changes
    reason     text,
    opened_by  text NOT NULL,
    opened_at  timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,                              -- from then on it holds no more; null: until it is closed
    was_shown  boolean NOT NULL DEFAULT false,           -- the proxy was in maintenance before, and stays so
    PRIMARY KEY (owner, agent_id)
);

ALTER TABLE agent_task
    ADD COLUMN payload             jsonb,                -- target_version, target_revision, note, requested_by; null: written by v4.2
    ADD COLUMN target              text,                 -- null: the default target of the artifact's kind
    ADD COLUMN missed_after        interval,             -- not begun this long after execute_after: failed, never run late
    ADD COLUMN attempt             integer NOT NULL DEFAULT 0,
    ADD COLUMN max_attempts        integer NOT NULL DEFAULT 3,
    ADD COLUMN claimed_by          text,
    ADD COLUMN claim_token         uuid,                 -- fencing: every later write names it
    ADD COLUMN lease_expires_at    timestamptz,          -- written by the holder, with this server's clock
    ADD COLUMN phase               text,
    ADD COLUMN guard               text,                 -- boot, pid and start time of the process that guards the tool
    ADD COLUMN cancel_requested_at timestamptz;
-- In the order of the claim: a rollback goes first.
CREATE INDEX agent_task_pending_idx ON agent_task (target, (type <> 'rollback'), execute_after, created_at)
    WHERE status = 'pending';
CREATE UNIQUE INDEX agent_task_in_progress_idx ON agent_task (target)
    WHERE status = 'inProgress' AND claim_token IS NOT NULL;
CREATE INDEX agent_task_busy_idx ON agent_task (lease_expires_at) WHERE status = 'inProgress';
CREATE INDEX agent_task_created_at_idx ON agent_task (created_at);

-- The append-only story of a task.
CREATE TABLE task_event (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id uuid NOT NULL REFERENCES agent_task (id) ON DELETE CASCADE,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt integer NOT NULL,
    phase   text NOT NULL,
    message text NOT NULL,
    data    jsonb
);
CREATE INDEX task_event_task_idx ON task_event (task_id, id);

-- The mail outbox: one row an event and recipient, written in the transaction that ends the task.
CREATE TABLE notification (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    event           text NOT NULL,                       -- deploy.completed, deploy.failed, agent.silent, ...
    event_key       text NOT NULL,                       -- the same event is never told twice to the same recipient
    task_id         uuid REFERENCES agent_task (id) ON DELETE SET NULL,
    recipient       text NOT NULL,                       -- a mail address, or 'webhook'
    data            jsonb NOT NULL,
    status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sending', 'sent', 'failed')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),  -- while it is being sent: when that lease is over
    last_error      text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    sent_at         timestamptz,
    UNIQUE (event_key, recipient)
);
CREATE INDEX notification_due_idx ON notification (next_attempt_at) WHERE status IN ('pending', 'sending');
CREATE INDEX notification_failed_idx ON notification (created_at) WHERE status = 'failed';

-- Who polls: one row a start of an agent.
CREATE TABLE agent_instance (
    id         uuid PRIMARY KEY,
    agent_id   text NOT NULL,
    version    text NOT NULL,
    targets    text[] NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    last_seen  timestamptz NOT NULL DEFAULT now(),
    silence_told_at timestamptz                          -- the admins know that it is silent
);

-- Wakes waiting agents: a hint, never the truth.
CREATE FUNCTION wrktalk_notify_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('wrktalk_task', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER wrktalk_task_added AFTER INSERT ON agent_task
    FOR EACH STATEMENT EXECUTE FUNCTION wrktalk_notify_task();
CREATE TRIGGER wrktalk_task_pending AFTER UPDATE OF status, execute_after ON agent_task
    FOR EACH ROW WHEN (NEW.status = 'pending') EXECUTE FUNCTION wrktalk_notify_task();
CREATE TRIGGER wrktalk_task_cancel AFTER UPDATE OF cancel_requested_at ON agent_task
    FOR EACH ROW WHEN (NEW.status = 'inProgress') EXECUTE FUNCTION wrktalk_notify_task();
-- A target that became free may have a task waiting that another agent serves.
CREATE TRIGGER wrktalk_task_ended AFTER UPDATE OF status ON agent_task
    FOR EACH ROW WHEN (OLD.status = 'inProgress' AND NEW.status <> 'inProgress')
    EXECUTE FUNCTION wrktalk_notify_task();

-- A claim without a token comes from a v4.2 agent. It is answered with no row when the task is none that such an agent can
-- do, or when the target is busy. It runs with the rights of the schema's owner, since a v4.2 role has none on our tables;
-- it reads and locks them, and writes nothing.
CREATE FUNCTION wrktalk_v42_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    artifact_kind text;
    artifact_chunked boolean;
BEGIN
    IF NEW.payload IS NOT NULL OR NEW.target IS NOT NULL THEN
        RETURN NULL;
    END IF;
    SELECT CASE chart_type WHEN 'helm' THEN 'kubernetes' WHEN 'compose' THEN 'docker' ELSE chart_type END, chunked
      INTO artifact_kind, artifact_chunked FROM release_artifact WHERE id = NEW.release_artifact_id;
    IF artifact_chunked OR artifact_kind = 'host' THEN
        RETURN NULL;
    END IF;
    -- Every default target of the kind (of any kind, when the task has no artifact) must be there to be locked, and idle.
    IF (SELECT count(*) FROM deployment_target WHERE is_default AND kind = coalesce(artifact_kind, kind)) <>
       (SELECT count(*) FROM (SELECT 1 FROM deployment_target WHERE is_default AND kind = coalesce(artifact_kind, kind)
                              FOR UPDATE SKIP LOCKED) AS locked) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM agent_task t JOIN deployment_target d ON d.name = t.target
                WHERE t.status = 'inProgress' AND d.is_default AND d.kind = coalesce(artifact_kind, d.kind)) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER wrktalk_v42_claim BEFORE UPDATE ON agent_task
    FOR EACH ROW WHEN (OLD.status = 'pending' AND NEW.status = 'inProgress' AND NEW.claim_token IS NULL)
    EXECUTE FUNCTION wrktalk_v42_claim();
