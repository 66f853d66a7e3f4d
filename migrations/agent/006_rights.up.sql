-- Nobody acts as the owner of these tables through a function, and the story of a task can only be added to.

-- Which login wrote an event, as the server knows it. Null: written before this migration.
ALTER TABLE task_event ADD COLUMN written_by text;
ALTER TABLE task_event ALTER COLUMN written_by SET DEFAULT session_user;

-- A function that leaves search_path to its caller, or names a schema in which others may create, runs what they planted
-- there. So: pg_catalog alone, pg_temp last, everything else named with its schema.
CREATE OR REPLACE FUNCTION wrktalk_notify_task() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('wrktalk_task', '');
    RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION wrktalk_notify_added() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE status = 'pending' AND execute_after < now() + interval '1 day') THEN
        PERFORM pg_catalog.pg_notify('wrktalk_task', '');
    END IF;
    RETURN NULL;
END
$$;

-- Two act as their owner, since their callers have no rights on what they read or remove. The schema's name becomes part of them.
DO $do$
BEGIN
    -- A claim without a token comes from a v4.2 agent. It is answered with no row when the task is none that such an agent
    -- can do, or when the target is busy. A v4.2 role has no rights on our tables; this reads and locks them, and writes nothing.
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

    -- Agents prune old tasks and may delete neither tasks nor events by themselves. Finished ones go alone; whoever does not
    -- own the tables removes none that ended less than 30 days ago. A task goes once the last of its events has gone.
    EXECUTE pg_catalog.format($create$
CREATE FUNCTION %1$s.wrktalk_remove_tasks(ids uuid[], most_events integer, OUT events bigint, OUT tasks bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    old uuid[];
BEGIN
    old := ARRAY(SELECT t.id FROM %1$s.agent_task t
                  WHERE t.id = ANY (ids) AND t.status IN ('completed', 'failed', 'cancelled') AND t.completed_at <
                        now() - CASE WHEN pg_has_role(session_user, current_user, 'MEMBER')
                                     THEN interval '0' ELSE interval '30 days' END
                    FOR UPDATE SKIP LOCKED);
    WITH gone AS (DELETE FROM %1$s.task_event WHERE id IN (
                         SELECT e.id FROM %1$s.task_event e WHERE e.task_id = ANY (old) LIMIT most_events) RETURNING id)
    SELECT count(*) INTO events FROM gone;
    WITH gone AS (DELETE FROM %1$s.agent_task t WHERE t.id = ANY (old)
                     AND NOT EXISTS (SELECT FROM %1$s.task_event e WHERE e.task_id = t.id) RETURNING t.id)
    SELECT count(*) INTO tasks FROM gone;
END
$body$$create$, (SELECT relnamespace::regnamespace FROM pg_catalog.pg_class WHERE oid = 'agent_task'::regclass));
END
$do$;

-- One owner for all of it: that of the tables which a v4.2 backend may have made. What the runner may not give away stays
-- as it is, and `wrktalk verify --set agent` names it.
DO $do$
DECLARE
    base pg_catalog.pg_class;
    item text;
BEGIN
    SELECT * INTO base FROM pg_catalog.pg_class WHERE oid = 'agent_task'::regclass;
    FOR item IN
        SELECT 'TABLE ' || c.oid::regclass FROM pg_catalog.pg_class c
         WHERE c.relnamespace = base.relnamespace AND c.relowner <> base.relowner AND c.relkind IN ('r', 'v')
           AND c.relname IN ('agent_instance', 'deployment_target', 'maintenance_window', 'maintenance_window_now',
                             'notification', 'release_artifact_chunk', 'task_event')
        UNION ALL
        SELECT 'FUNCTION ' || p.oid::regprocedure FROM pg_catalog.pg_proc p
         WHERE p.pronamespace = base.relnamespace AND p.proowner <> base.relowner AND p.proname LIKE 'wrktalk\_%'
    LOOP
        EXECUTE pg_catalog.format('ALTER %s OWNER TO %s', item, base.relowner::regrole);
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'not all of the agent''s tables and functions belong to %: %', base.relowner::regrole, SQLERRM;
END
$do$;

-- Nobody runs our functions but their owner, until `wrktalk migrate grants` says so; and nobody but the owner changes or
-- removes what happened: neither events nor the ledger. Whoever could prune before still can.
DO $do$
DECLARE
    place oid := (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = 'agent_task'::regclass);
    item record;
BEGIN
    FOR item IN
        SELECT DISTINCT p.oid::regprocedure AS routine, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS who
          FROM pg_catalog.pg_proc p CROSS JOIN LATERAL
               pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
         WHERE p.pronamespace = place AND p.proname LIKE 'wrktalk\_%' AND a.grantee <> p.proowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM %s', item.routine, item.who);
    END LOOP;
    FOR item IN
        SELECT c.oid::regclass AS relation, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS who,
               c.relname = 'task_event' AND bool_or(a.privilege_type = 'DELETE') AND a.grantee <> 0 AS prunes
          FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
         WHERE c.relnamespace = place AND c.relname IN ('task_event', 'wrktalk_migration') AND a.grantee <> c.relowner
           AND a.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')
         GROUP BY 1, 2, c.relname, a.grantee
    LOOP
        EXECUTE pg_catalog.format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM %s', item.relation, item.who);
        IF item.prunes THEN
            EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION wrktalk_remove_tasks(uuid[], integer) TO %s', item.who);
        END IF;
    END LOOP;
END
$do$;
