DROP TRIGGER wrktalk_link_ended ON agent_task;
DROP FUNCTION wrktalk_end_link();
-- Nothing would begin the tasks that wait for another one.
UPDATE agent_task t SET status = 'cancelled', completed_at = now(), updated_at = now(), error_message = 'its chain was taken apart'
    WHERE t.status = 'pending' AND t.execute_after = 'infinity'
        AND EXISTS (SELECT FROM agent_task p WHERE p.next_task = t.id);
ALTER TABLE agent_task DROP COLUMN next_task;
DO $do$
BEGIN
    EXECUTE pg_catalog.format($create$
CREATE OR REPLACE FUNCTION %1$s.wrktalk_v42_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    artifact_kind text;
    artifact_chunked boolean;
BEGIN
    IF NEW.payload IS NOT NULL OR NEW.target IS NOT NULL THEN
        RETURN NULL;
    END IF;
    SELECT CASE chart_type WHEN 'helm' THEN 'kubernetes' WHEN 'compose' THEN 'docker' ELSE chart_type END, chunked
      INTO artifact_kind, artifact_chunked FROM %1$s.release_artifact WHERE id = NEW.release_artifact_id;
    IF artifact_chunked OR artifact_kind = 'host' THEN
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
ALTER TABLE release_artifact DROP COLUMN manifest;
