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
    PGUSER=backend v42_claim | grep . >/dev/null
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

# ---------------------------------------------------------------- the roles

pg_database wrktalk_roles
migrate up --set agent
sql 'create role worker login; create role vendor login; create role looker login; create role v42 login' >/dev/null
grants() { "$WRKTALK" migrate grants --agent worker --publisher vendor --reader looker --backend v42 "$@"; }

printed() {
    expect_exit 0 grants
    expect_output '^GRANT INSERT \(task_id, attempt, phase, message, data\) ON "public".task_event TO "worker";'
    expect_equal 0 sql "select count(*) from pg_class where relname = 'task_event' and relacl::text like '%worker%'"
    psql -Xq -v ON_ERROR_STOP=1 -f "$OUT"
    sql "select c.oid::regclass, relacl, attname, attacl from pg_class c left join pg_attribute t on attrelid = c.oid and attacl is not null
          where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') order by 1, 3;
         select oid::regprocedure, proacl from pg_proc where pronamespace = 'public'::regnamespace order by 1" >"$WORK/printed"
    sql 'grant all on all tables in schema public to worker, public; grant execute on all functions in schema public to vendor'
    expect_exit 3 "$WRKTALK" verify --set agent
    expect_output 'rights of PUBLIC on admin: not expected, found .*SELECT'
    expect_output 'rights of worker on task_event: not expected, found DELETE, '
    expect_output 'rights of vendor on wrktalk_v42_claim\(\): not expected, found EXECUTE'
    expect_exit 0 grants --apply
    sql "select c.oid::regclass, relacl, attname, attacl from pg_class c left join pg_attribute t on attrelid = c.oid and attacl is not null
          where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') order by 1, 3;
         select oid::regprocedure, proacl from pg_proc where pronamespace = 'public'::regnamespace order by 1" >"$WORK/applied"
    expect_exit 0 "$WRKTALK" verify --set agent
}
check 'grants prints what --apply does, and takes away what is more' printed
check 'the roles have the same rights either way' test "$(tr -d '{}' <"$WORK/printed" | tr ',' '\n' | sort)" = "$(tr -d '{}' <"$WORK/applied" | tr ',' '\n' | sort)"
check 'a role that is not there is named: 5' expect_exit 5 "$WRKTALK" migrate grants --agent nobody
check 'with what makes it' expect_output 'CREATE ROLE "nobody" LOGIN'
check 'a superuser or owner is refused: 5' expect_exit 5 "$WRKTALK" migrate grants --agent postgres
check 'no role is 2' expect_exit 2 "$WRKTALK" migrate grants
check 'a backend that is an agent is 2' expect_exit 2 "$WRKTALK" migrate grants --agent worker --backend worker
too_wide() {
    sql "grant update on release_artifact to worker"
    expect_exit 3 "$WRKTALK" verify --set agent
    expect_output 'rights of worker on release_artifact: not expected, found UPDATE$'
    grants --apply
    sql "grant trigger on agent_task to v42"
    expect_exit 3 "$WRKTALK" verify --set agent
    expect_output 'rights of v42 on agent_task: not expected, found TRIGGER'
    grants --apply
    expect_exit 0 "$WRKTALK" verify --set agent
}
check 'verify names what a role has beyond its work' too_wide

# may_not ROLE STATEMENT...: each is refused for lack of a right.
may_not() {
    local role=$1 statement
    shift
    for statement; do
        ! psql -XqAt -U "$role" -c "$statement" >"$OUT" 2>&1 || { echo "allowed: $statement"; return 1; }
        grep -q 'permission denied' "$OUT" || { cat "$OUT"; return 1; }
    done
}
sql "insert into agent_task (type) values ('deploy'); insert into admin (email) values ('a@example.org')" >/dev/null
check 'the agent changes neither releases, admins nor the ledger, and no event' may_not worker \
    "update release_artifact set artifact_data = 'x'" "update release_artifact set sha256 = 'x'" 'delete from release_artifact' \
    "insert into release_artifact (release_version, chart_type, artifact_data, sha256) values ('9', 'host', 'x', 'y')" \
    "update admin set email = 'x'" "insert into admin (email) values ('x')" 'select password from admin' \
    "insert into wrktalk_migration (set, number) values ('agent', 9)" 'delete from wrktalk_migration' \
    'delete from task_event' "update task_event set message = 'x'" 'delete from agent_task' 'truncate agent_task cascade' \
    "insert into task_event (task_id, attempt, phase, message, written_by) select id, 1, 'x', 'x', 'somebody' from agent_task" \
    'select value from server_env' 'update agent_task set payload = null' 'create table public.mine (id int)'
check 'a publisher adds releases alone' may_not vendor 'update release_artifact set is_current = true' 'delete from release_artifact' \
    "insert into agent_task (type) values ('deploy')" 'select 1 from agent_task' 'select 1 from deployment_config' 'select 1 from admin'
check 'a reader reads, and no secrets' may_not looker "insert into agent_task (type) values ('deploy')" 'select env_data from release_artifact' \
    'select artifact_data from release_artifact' 'select smtp_password from deployment_config' 'select value from server_env' \
    'select password from admin' "update agent_task set status = 'failed'"
check 'a v4.2 backend has what is not v4.2'"'"'s neither to read nor to write' may_not v42 'select 1 from task_event' \
    'select 1 from deployment_target' "update agent_task set claim_token = null" "update agent_task set payload = null"
v42_works() {
    local id
    PGUSER=v42 v42_release 7.0.0 compose "$WORK/migrate.log" 2>/dev/null ||
        psql -XqAt -v ON_ERROR_STOP=1 -U v42 -c "insert into release_artifact (release_version, chart_type, artifact_data, sha256) values ('7', 'compose', 'x', 'y')"
    psql -XqAt -v ON_ERROR_STOP=1 -U v42 -c "
        update agent_task set status = 'completed';
        insert into agent_task (type, release_artifact_id) select 'deploy', id from release_artifact where chart_type = 'compose';
        insert into server_env (key, value, category) values ('K', 'v', 'c'); update server_env set value = 'w'; delete from server_env;
        insert into admin (email, password) values ('b@example.org', 'x'); update admin set password = 'y'; delete from admin where email = 'b@example.org';
        insert into deployment_config (deployment_type) values ('docker'); update deployment_config set smtp_host = 'mail'"
    id=$(PGUSER=v42 v42_claim)
    [ -n "$id" ]
    psql -XqAt -v ON_ERROR_STOP=1 -U v42 -c "
        update agent_task set last_heartbeat = now(), updated_at = now() where id = '$id';
        update release_artifact set is_previous = is_current, is_current = id in (select release_artifact_id from agent_task where id = '$id'), applied_at = now();
        update agent_task set status = 'completed', completed_at = now(), result = '{}' where id = '$id'"
    expect_equal completed sql "select status from agent_task where id = '$id'"
}
check 'a v4.2 backend and agent do all that they did' v42_works
who_wrote() {
    psql -XqAt -v ON_ERROR_STOP=1 -U worker -c "insert into task_event (task_id, attempt, phase, message) select id, 1, 'x', 'x' from agent_task limit 1"
    expect_equal worker sql 'select written_by from task_event'
}
check 'an event says which login wrote it' who_wrote
reader_reads() {
    as looker expect_exit 0 "$WRKTALK" verify --set agent
    as looker expect_exit 0 "$WRKTALK" status
    as looker expect_exit 0 "$WRKTALK" task list
    as looker expect_exit 0 "$WRKTALK" task show "$(sql 'select id from agent_task limit 1')"
    as looker expect_exit 5 "$WRKTALK" release list
    expect_output '^hint: grant this role the missing right .*migrate grants'
}
check 'a reader runs verify, status and task show' reader_reads

# Checkpoint tables in the same database: `requires-schema` and `verify` read them.
with_checkpoints() {
    "$WRKTALK" migrate up
    grants --apply
    WRKTALK_AGENT_CHECKPOINT_USER=looker PGUSER=looker expect_exit 0 "$WRKTALK" verify
    may_not looker 'select checkpoint from checkpoints'
    may_not worker 'select 1 from checkpoints'
}
check 'checkpoint tables beside them' with_checkpoints

# ---------------------------------------------------------------- whole suites, each command under its role

for suite in host release schedule; do
    check "the suite $suite, each command under its role" expect_exit 0 env -u PGHOST -u PGUSER -u PGDATABASE \
        WRKTALK_REAL="$WRKTALK" WRKTALK="$SUPPORT/wrktalk-by-role" TMPDIR="$WORK" bash "$SUPPORT/../suites/$suite.bash"
done
