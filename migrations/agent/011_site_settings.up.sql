-- What a site sets for its targets, apart from any release. Each change makes the target's next revision, so that a task keeps
-- what it began with and a deployment that is put back gets what it had.
CREATE TABLE site_revision (
    target       text NOT NULL,
    revision     integer NOT NULL CHECK (revision > 0),
    made_at      timestamptz NOT NULL DEFAULT now(),
    made_by      text NOT NULL DEFAULT session_user,  -- the login, as the server knows it
    requested_by text,                                -- USER@HOST, as whoever changed it says
    PRIMARY KEY (target, revision)
);

-- All settings of a revision. Older revisions keep their row above and lose these.
CREATE TABLE site_setting (
    target    text NOT NULL,
    revision  integer NOT NULL,
    name      text NOT NULL CHECK (octet_length(name) <= 500),
    value     text NOT NULL CHECK (octet_length(value) <= 262144),
    is_secret boolean NOT NULL,
    set_in    integer NOT NULL,  -- the revision that gave it this value
    PRIMARY KEY (target, revision, name),
    FOREIGN KEY (target, revision) REFERENCES site_revision (target, revision) ON DELETE CASCADE
);

-- What a task used, fixed by its first holder.
CREATE TABLE site_use (
    task_id     uuid PRIMARY KEY REFERENCES agent_task (id) ON DELETE CASCADE,
    revision    integer,  -- null: the site had none
    file_sha256 text      -- of the file on the agent's machine; null: there was none
);

-- They hold secrets: nobody reads them but whom `wrktalk migrate grants` lets, and they belong to whom the agent's other tables belong.
DO $do$
DECLARE
    base record;
    relation regclass;
BEGIN
    SELECT relowner, relnamespace INTO base FROM pg_catalog.pg_class WHERE oid = 'agent_task'::regclass;
    FOR relation IN SELECT oid::regclass FROM pg_catalog.pg_class
        WHERE relnamespace = base.relnamespace AND relkind = 'r' AND relname IN ('site_revision', 'site_setting', 'site_use')
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON TABLE %s FROM PUBLIC', relation);
        EXECUTE pg_catalog.format('ALTER TABLE %s OWNER TO %s', relation, base.relowner::regrole);
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'not all of the tables for settings of the site belong to %: %', base.relowner::regrole, SQLERRM;
END
$do$;
