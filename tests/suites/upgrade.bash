#!/usr/bin/env bash
# docs/upgrade-from-v4.2.md: a v4.2 database with a release that runs on Docker and a pending task; the page's commands are run on it one
# after the other, the v4.2 agent's testing checklist among them, and compared with what the page shows.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker compose nginx haproxy python3 curl
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/v42.bash
. "$SUPPORT/v42.bash"
# shellcheck source=../support/mail.bash
. "$SUPPORT/mail.bash"
# shellcheck source=../support/proxy.bash
. "$SUPPORT/proxy.bash"
# shellcheck source=../support/document.bash
. "$SUPPORT/document.bash"
mail_server aiosmtpd
proxies

# ---------------------------------------------------------------- the site, as v4.2 left it

project=wt$$
export WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_COMPOSE_PROJECT_NAME=$project WRKTALK_AGENT_COMPOSE_TIMEOUT=60s \
    WRKTALK_AGENT_COMPOSE_WORKING_DIR=$WORK/compose WRKTALK_AGENT_MAINTENANCE_FLAG=$NGINX_FLAG TMPDIR=$WORK/tmp SITE=$NGINX_URL
mkdir "$TMPDIR" "$WORK/bin"
ln -s "$WRKTALK" "$WORK/bin/wrktalk"
PATH=$WORK/bin:$PATH
remove_project() {
    docker ps -aq --filter "label=com.docker.compose.project=$project" | xargs -r docker rm -f
    docker network ls -q --filter "label=com.docker.compose.project=$project" | xargs -r docker network rm
} >/dev/null 2>&1
at_exit remove_project

# bundle VERSION [FIELD]: a compose bundle.
bundle() {
    mkdir -p "$WORK/tree-$1/page"
    cat >"$WORK/tree-$1/docker-compose.yml" <<YAML
services:
  web:
    image: wrktalk-test:${1%%.*}
    command: ["sleep", "1000"]
    init: true
    ${2:-}
    environment:
      GREETING: \${GREETING}
    volumes: ["./page:/page:ro"]
YAML
    echo "$1" >"$WORK/tree-$1/page/version"
    tar -czf "$WORK/$1.tar.gz" -C "$WORK/tree-$1" .
}
bundle 1.0.0
bundle 2.0.0 'healthcheck: {test: ["CMD", "test", "-e", "/page/ready"], interval: 200ms, retries: 300}'
v42_tables
v42_release 1.0.0 compose "$WORK/1.0.0.tar.gz" GREETING=hello-1.0.0
v42_release 2.0.0 compose "$WORK/2.0.0.tar.gz" GREETING=hello-2.0.0
sql "update release_artifact set is_current = true, applied_at = now() where release_version = '1.0.0';
     insert into agent_task (type, release_artifact_id) select 'deploy', id from release_artifact where release_version = '2.0.0';
     insert into server_env (key, value, category) values ('LOG_LEVEL', 'info', 'logging');
     insert into deployment_config (deployment_type, smtp_host, smtp_port, smtp_user, smtp_password, smtp_from)
       values ('docker', '127.0.0.1', $SMTP_PORT, 'agent', 's3cret', 'noreply@example.org');
     insert into admin (email, is_active) values ('anna@example.org', true), ('bob@example.org', true), ('gone@example.org', false)" >/dev/null
GREETING=hello-1.0.0 docker compose -p "$project" -f "$WORK/tree-1.0.0/docker-compose.yml" up -d >"$WORK/compose.log" 2>&1

# schema: the tables of v4.2 in full.
schema() { pg_dump -sx -t agent_task -t release_artifact -t admin -t server_env -t deployment_config | grep -v '^[\]'; }
# old_rows: what v4.2 wrote, as it reads it.
old_rows() {
    sql 'select id, type, status, release_artifact_id, execute_after from agent_task;
         select id, release_version, chart_type, artifact_data, env_data, sha256, is_current, is_previous, applied_at from release_artifact order by 2;
         select * from admin order by email; select * from server_env; select * from deployment_config'
}
schema >"$WORK/old-schema"
old_rows >"$WORK/old-rows"

# ---------------------------------------------------------------- the page

# What the v4.2 agent and the site do meanwhile.
before() {
    case $1 in
        'Swap')
            check 'the adoption changed nothing of what v4.2 wrote' expect_equal "$(<"$WORK/old-rows")" old_rows
            # From here on the agent has the role that the page made, with its rights.
            run_as runner
            check 'a v4.2 agent still gets what it can do, and while it works its target is busy' beside_us
            ;;
        '6. Maintenance mode enabled/disabled')
            # The release's that comes; that of what ran before lies there, too.
            ENV_FILE=$(find "$WORK/secrets" -name .env -print -quit)
            check 'the file with secrets is its owner'"'"'s alone' expect_equal 600 stat -c %a "$ENV_FILE"
            exec {env_file}<"$ENV_FILE"
            # The release gets ready once the site was seen in maintenance.
            # shellcheck disable=SC2016  # expanded by that bash
            background ready bash -c 'until grep -q "\" 503 " "$1"; do sleep 0.1; done; touch "$2"' - \
                "$(dirname "$NGINX_CONF")/nginx/access.log" "$WORK/compose/releases/2.0.0/page/ready"
            ;;
        'The way back')
            check 'the daemon ends when it is asked to' end_agent
            run_as postgres
            ;;
    esac
}
run_as() {
    export WRKTALK_AGENT_DB_USER=$1
    echo "export WRKTALK_AGENT_DB_USER=$1" >>"$WORK/variables"
}

# beside_us: a v4.2 agent, with its own role and rights, beside ours.
sql 'create role old_agent login; grant select, insert, update on agent_task, release_artifact, admin, server_env, deployment_config to old_agent' >/dev/null
beside_us() {
    local id
    id=$(PGUSER=old_agent v42_claim)
    [ -n "$id" ]
    expect_output 'nothing is due' wrktalk poll
    sql "update agent_task set status = 'pending', picked_up_at = null, execute_after = now() + '1 h' where id = '$id'"
    wrktalk deploy 2.0.0 --queue --queue-anyway
    expect_equal '' env PGUSER=old_agent bash -c "$(declare -f v42_claim); v42_claim"
    sql "delete from agent_task where id <> '$id'; update agent_task set execute_after = now()"
}
end_agent() {
    local pid
    read -r pid _ <"$WORK/jobs"
    kill "$pid"
    wait_until 10 refuse kill -0 "$pid"
}

REAL=("$project=shop" wrktalk-test=shop/web "$SMTP_PORT=587" 127.0.0.1=smtp.example.org)
document upgrade-from-v4.2.md
walk

# ---------------------------------------------------------------- what the page says besides

overwritten() {
    cat <&"$env_file" >"$WORK/kept"
    [ -s "$WORK/kept" ]
    refuse grep -q hello "$WORK/kept"
}
check 'the file with secrets was overwritten before it was removed' overwritten
mailed() {
    expect_equal 'anna@example.org|✅ Deployment Successful - 2.0.0
anna@example.org|🔄 Rollback Successful - 1.0.0
bob@example.org|✅ Deployment Successful - 2.0.0
bob@example.org|🔄 Rollback Successful - 1.0.0' bash -c "python3 '$SUPPORT/mails.py' '$MAIL' | cut -d'|' -f1,2 | grep -v Test | sort"
}
check 'the mails have arrived, one for each active admin' mailed
check 'while it was deployed the site had its page of maintenance' grep -q '<h1>Maintenance' "$WORK/session/before.html"
check 'before and after it had its own' refuse grep -q Maintenance "$WORK/session/after.html"
check 'nothing of the tasks is left over' no_left_overs
schema >"$WORK/new-schema"
check 'the way back leaves the tables as v4.2 made them' diff "$WORK/old-schema" "$WORK/new-schema"
check 'and a v4.2 agent goes on' test -n "$(sql "insert into agent_task (type) values ('rollback')" >/dev/null && v42_claim)"

# ---------------------------------------------------------------- the checklist, and the tables

# shellcheck disable=SC2016  # code marks of the page
prerequisites='PostgreSQL database running with schema
`deployment_config` with SMTP settings
`admin` table with active admins
`release_artifact` with test artifact (BYTEA data)
`agent_task` with pending task'
test_steps='1. Agent starts and connects to database
2. Agent loads SMTP configuration
3. Agent polls and picks up pending task
4. Heartbeat updates every 60 seconds
5. Artifact extracted from BYTEA column
6. Maintenance mode enabled/disabled
7. Deployment executes successfully
8. Artifact flags updated (isCurrent, isPrevious)
9. Email notification sent to admins
10. Task status updated to completed
11. Temp files securely deleted'
rollback_test='1. Create rollback task
2. Agent fetches previous artifact from database
3. Rollback executes (Helm or Docker)
4. Email notification sent
5. Task status updated'
check 'each prerequisite of the checklist was shown' expect_equal "$prerequisites" chapter Prerequisites
check 'each of its 11 test steps was shown' expect_equal "$test_steps" chapter 'Test steps'
check 'each of the 5 lines of its rollback test was shown' expect_equal "$rollback_test" chapter 'Rollback test'

table() { sed -n 's/`//g; s/ //g; /^|WRKTALK_AGENT_[A-Z_]*|[^|]*|[a-z_]*[.]/p' "$DOCUMENT"; }
variables() {
    table >"$WORK/variables"
    expect_equal 16 grep -c . "$WORK/variables"
    each_line table is_shown
}
# is_shown ROW: that variable's key and default.
is_shown() {
    local name key default
    IFS='|' read -r _ name default key _ <<<"$1"
    expect_output "^$key +${default:+$default +}default +$name\$" env -i "$WRKTALK" config show
}
check 'the table of variables has their defaults and keys' variables
listed() { python3 "$SUPPORT/document.py" rows "$DOCUMENT" Tables; }
columns() { sql "select table_name || '.' || column_name from information_schema.columns where table_schema = 'public'"; }
check 'the columns in the table are there' expect_all_among listed columns
