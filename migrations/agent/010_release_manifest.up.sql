-- What a release says it needs (wrktalk.toml) as JSON. Null: it says nothing, as every release that v4.2 stored.
ALTER TABLE release_artifact ADD COLUMN manifest jsonb;

-- Tasks in a chain: this one is followed by next_task, which is pending with execute_after = infinity until then.
ALTER TABLE agent_task ADD COLUMN next_task uuid;
CREATE INDEX agent_task_next_idx ON agent_task (next_task) WHERE next_task IS NOT NULL;

-- A task that ends well makes the next one due; one that ends otherwise ends the rest of its chain. Whoever ends it: the agent that
-- ran it, `task cancel`, an agent that finds it overdue, a v4.2 backend.
CREATE FUNCTION wrktalk_end_link() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.status = 'completed' THEN
        EXECUTE pg_catalog.format('UPDATE %I.%I SET execute_after = now(), updated_at = now()
            WHERE id = $1 AND status = ''pending'' AND execute_after = ''infinity''', TG_TABLE_SCHEMA, TG_TABLE_NAME) USING NEW.next_task;
    ELSE
        EXECUTE pg_catalog.format('UPDATE %I.%I SET status = ''cancelled'', completed_at = now(), updated_at = now(), error_message = $2
            WHERE id = $1 AND status = ''pending'' AND execute_after = ''infinity''', TG_TABLE_SCHEMA, TG_TABLE_NAME)
            USING NEW.next_task, 'the task before it in its chain did not complete: ' || NEW.id || ' is ' || NEW.status;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER wrktalk_link_ended AFTER UPDATE OF status ON agent_task
    FOR EACH ROW WHEN (NEW.next_task IS NOT NULL AND OLD.status IS DISTINCT FROM NEW.status
        AND NEW.status IN ('completed', 'failed', 'cancelled'))
    EXECUTE FUNCTION wrktalk_end_link();

-- A v4.2 agent does nothing of what a manifest asks for: it is not handed a release that has one.
DO $do$
BEGIN
    EXECUTE pg_catalog.format($create$
CREATE OR REPLACE FUNCTION %1$s.wrktalk_v42_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    artifact_kind text;
    is_beyond_v42 boolean;
BEGIN
    IF NEW.payload IS NOT NULL OR NEW.target IS NOT NULL THEN
        RETURN NULL;
    END IF;
    SELECT CASE chart_type WHEN 'helm' THEN 'kubernetes' WHEN 'compose' THEN 'docker' ELSE chart_type END,
           chunked OR manifest IS NOT NULL
      INTO artifact_kind, is_beyond_v42 FROM %1$s.release_artifact WHERE id = NEW.release_artifact_id;
    IF is_beyond_v42 OR artifact_kind = 'host' THEN
        RETURN NULL;
    END IF;
    -- Every default target of the kind (of any kind, when the task has no artifact) must be there to be locked, and idle.
    IF (SELECT count(*) FROM %1$s.deployment_target WHERE is_default AND kind = coalesce(artifact_kind, kind)) <>
       (SELECT count(*) FROM (SELECT 1 FROM %1$s.deployment_target
                               WHERE is_default AND kind = coalesce(artifact_kind, kind)
                                 FOR UPDATE SKIP LOCKED) AS locked) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM %1$s.agent_task t JOIN %1$s.deployment_target d ON d.name = t.target
                WHERE t.status = 'inProgress' AND d.is_default AND d.kind = coalesce(artifact_kind, d.kind)) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$body$$create$, (SELECT relnamespace::regnamespace FROM pg_catalog.pg_class WHERE oid = 'agent_task'::regclass));
END
$do$;

-- The new function belongs to whom the tables belong, and nobody else runs it.
REVOKE ALL ON FUNCTION wrktalk_end_link() FROM PUBLIC;
DO $do$
DECLARE
    base pg_catalog.pg_class;
BEGIN
    SELECT * INTO base FROM pg_catalog.pg_class WHERE oid = 'agent_task'::regclass;
    EXECUTE pg_catalog.format('ALTER FUNCTION %s.wrktalk_end_link() OWNER TO %s', base.relnamespace::regnamespace,
        base.relowner::regrole);
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'wrktalk_end_link() does not belong to %: %', base.relowner::regrole, SQLERRM;
END
$do$;
