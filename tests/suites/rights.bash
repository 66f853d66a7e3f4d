#!/usr/bin/env bash
# Rights in the agent's database: nobody becomes its owner, and the agent, a publisher, a reader and a v4.2 agent do their work with the
# rights that `migrate grants` gives, and can do nothing else.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
# shellcheck source=../support/v42.bash
. "$SUPPORT/v42.bash"
pg_database wrktalk

migrate() { "$WRKTALK" migrate "$@" >>"$WORK/migrate.log" 2>&1; }
# as ROLE COMMAND...: with that role's login, psql and wrktalk alike.
as() {
    local role=$1
    shift
    PGUSER=$role WRKTALK_AGENT_DB_USER=$role "$@"
}

# ---------------------------------------------------------------- nobody becomes the owner

# Objects of the names that our functions use, which make the role a superuser when they are used with the owner's rights.
trap_for() {
    cat <<SQL
create function $2.spring() returns text language plpgsql as \$\$
begin
    execute 'alter role $1 superuser';
    return 'helm';
exception when insufficient_privilege then
    return 'helm';
end
\$\$;
create view $2.release_artifact as select null::uuid as id, $2.spring() as chart_type, false as chunked;
create view $2.deployment_target as select $2.spring() as name, $2.spring() as kind, true as is_default;
SQL
}
# A claim through a table of one's own: that needs EXECUTE on the function alone.
own_table_claim="create temp table mine (id uuid, status text, payload jsonb, target text, claim_token uuid, release_artifact_id uuid);
insert into mine (status) values ('pending');
create trigger t before update on mine for each row execute function public.wrktalk_v42_claim();
update mine set status = 'inProgress';"
# A claim by somebody who may claim.
claim="update public.agent_task set status = 'inProgress', picked_up_at = now() where status = 'pending';"
is_superuser() { [ "$(sql "select rolsuper from pg_roles where rolname = '$1'")" = t ]; }
attack() { psql -XqAt -U "$1" -c "$(trap_for "$1" pg_temp) $2" >"$OUT" 2>&1 || true; }
# plant: where PUBLIC may create in the schema, as in databases from PostgreSQL 14 and older, what stands there fits better than
# what PostgreSQL brings.
plant() {
    sql 'grant create on schema public to public'
    psql -XqAt -v ON_ERROR_STOP=1 -U planter -c "
        create function public.spring() returns boolean language plpgsql as \$\$
        begin
            execute 'alter role planter superuser';
            return true;
        exception when insufficient_privilege then
            return true;
        end \$\$;
        create function public.same(character varying, character varying) returns boolean language sql as 'select public.spring()';
        create operator public.= (leftarg = character varying, rightarg = character varying, function = public.same)"
    psql -XqAt -v ON_ERROR_STOP=1 -U old_agent -c "$claim"
    sql "drop owned by planter cascade; revoke create on schema public from public; update agent_task set status = 'pending'"
}

sql 'create role passer_by login; create role old_agent login; create role planter login' >/dev/null
migrate up --set agent --to 5
sql "insert into release_artifact (release_version, chart_type, artifact_data, sha256) values ('1', 'helm', 'x', 'y');
     insert into agent_task (type, release_artifact_id) select 'deploy', id from release_artifact;
     grant select, insert, update on agent_task, release_artifact, admin, server_env, deployment_config to old_agent" >/dev/null
rises() {
    "${@:2}"
    is_superuser "$1"
    sql "alter role $1 nosuperuser"
}
check 'before migration 006 a passer-by became superuser' rises passer_by attack passer_by "$own_table_claim"
check 'and so did a v4.2 agent' rises old_agent attack old_agent "$claim"
sql "update agent_task set status = 'pending'" >/dev/null
check 'and who could create in the schema' rises planter plant
migrate up --set agent
own_table() {
    attack passer_by "$own_table_claim"
    expect_output 'permission denied for function .*wrktalk_v42_claim'
    refuse is_superuser passer_by
}
check 'now nobody makes a trigger of our functions' own_table
v42_agent() {
    attack old_agent "$claim"
    refuse is_superuser old_agent
    expect_equal 'inProgress' sql 'select status from agent_task'
    sql "update agent_task set status = 'pending'"
}
check 'a v4.2 agent claims with our tables, not with its own' v42_agent
planted() {
    plant
    refuse is_superuser planter
}
check 'nothing that somebody planted in our schema runs as the owner' planted

# ---------------------------------------------------------------- verify sees it

# differs NAME SQL REGEX: verify ends with 3 and names it.
differs() {
    dropdb --if-exists changed
    createdb -T wrktalk changed
    WRKTALK_AGENT_DB_NAME=changed PGDATABASE=changed
    sql "$1"
    expect_exit 3 "$WRKTALK" verify --set agent
    expect_output "$2"
}
check 'what migration 006 leaves is what verify expects' expect_exit 0 "$WRKTALK" verify --set agent
check 'another security flag is named' differs 'alter function wrktalk_notify_task() security definer' \
    'function wrktalk_notify_task\(\): expected security invoker.*, found security definer'
check 'lost settings are named' differs 'alter function wrktalk_v42_claim() reset search_path' \
    'function wrktalk_v42_claim\(\): expected .*search_path=pg_catalog, pg_temp.*, found .*no settings'
check 'another owner is named' differs 'alter function wrktalk_remove_tasks(uuid[], integer) owner to old_agent' \
    'function wrktalk_remove_tasks.*: expected .*, found .*owner old_agent'
check 'of a table, too' differs 'alter table task_event owner to old_agent' 'owner of task_event: expected .*, found old_agent'
check 'a function of our name that we did not make is named' differs \
    "create function wrktalk_more() returns int language sql as 'select 1'" 'function wrktalk_more\(\): not expected'

# A backend's role owns the tables that it made, and a superuser runs the migrations.
owned_by_backend() {
    pg_database theirs
    v42_tables >/dev/null
    sql 'create role backend login; grant create on schema public to backend'
    for table in agent_task release_artifact admin server_env deployment_config; do
        sql "alter table $table owner to backend"
    done
    migrate up --set agent
    expect_exit 0 "$WRKTALK" verify --set agent
    expect_equal backend sql "select distinct proowner::regrole from pg_proc where proname like 'wrktalk%'"
    sql "insert into agent_task (type) values ('deploy')"
    PGUSER=backend v42_claim | grep -q .
}
check 'all of it belongs to whom the v4.2 tables belong' owned_by_backend

# Rights from before, as older pages advised them.
mended() {
    pg_database advised
    migrate up --set agent --to 5
    sql 'create role runner login; grant select, insert, update, delete on all tables in schema public to runner'
    migrate up --set agent
    sql "insert into agent_task (type, status, completed_at) select 'deploy', 'failed', now() - interval '2 years' * (n = 0)::int
             from generate_series(0, 20) n; insert into task_event (task_id, attempt, phase, message) select id, 1, 'x', 'y' from agent_task"
    expect_equal postgres sql 'select distinct written_by from task_event'
    for change in 'delete from task_event' "update task_event set message = 'z'" 'delete from wrktalk_migration' \
        "update wrktalk_migration set applied_by = 'me'"; do
        refuse psql -Xq -U runner -c "$change"
    done
    as runner expect_output 'removed 1 finished tasks with 1 events' "$WRKTALK" task prune --yes --keep-days 365
    sql 'drop owned by runner; drop role runner'
}
check 'who pruned before still can, and nobody rewrites what happened' mended
