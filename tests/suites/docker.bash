#!/usr/bin/env bash
# The flow on a real Docker engine, with compose v2 and with docker-compose 1.29; and a v4.2 database adopted in place.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/v42.bash
. "$SUPPORT/v42.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_COMPOSE_PROJECT_NAME=wt$$ WRKTALK_AGENT_COMPOSE_TIMEOUT=60s \
    WRKTALK_AGENT_COMPOSE_WORKING_DIR=$WORK/compose WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
remove_project() {
    docker ps -aq --filter "label=com.docker.compose.project=wt$$" | xargs -r docker rm -f
    docker network ls -q --filter "label=com.docker.compose.project=wt$$" | xargs -r docker network rm
} >/dev/null 2>&1
at_exit remove_project

# bundle VERSION IMAGE-TAG COMMAND [FIELD]: a compose bundle; its greeting comes from the .env file.
bundle() {
    mkdir -p "$WORK/tree-$1"
    cat >"$WORK/tree-$1/docker-compose.yml" <<YAML
version: "2.4"
services:
  web:
    image: wrktalk-test:$2
    command: $3
    init: true
    ${4:-}
    environment:
      GREETING: \${GREETING}
    volumes: ["./page:/page:ro"]
YAML
    mkdir "$WORK/tree-$1/page"
    echo "$1" >"$WORK/tree-$1/page/version"
    tar -czf "$WORK/$1.tar.gz" -C "$WORK/tree-$1" .
    echo "GREETING=hello-$1" >"$WORK/$1.env"
}
good='["sleep", "1000"]'
bundle 1.0.0 1 "$good"
bundle 2.0.0 2 "$good"
bundle 3.0.0 2 '["sh", "-c", "echo no configuration >&2; exit 3"]'
bundle 4.0.0 2 "$good" 'healthcheck: {test: ["CMD", "false"], interval: 300s}'

container() { docker ps -q --filter "label=com.docker.compose.project=wt$$"; }
# running: the version in the bind mount, the image and the greeting of what runs.
running() {
    local id
    id=$(container)
    echo "$(docker exec "$id" cat /page/version) $(docker inspect -f '{{.Config.Image}}' "$id")" \
        "$(docker exec "$id" sh -c 'echo $GREETING')"
}

# ---------------------------------------------------------------- an existing v4.2 database

# A pending task and an artifact are in it.
v42_tables
v42_release 1.0.0 compose "$WORK/1.0.0.tar.gz" GREETING=hello-1.0.0
sql "insert into deployment_config (deployment_type, compose_project_name) values ('docker', 'wt$$');
     insert into admin (email) values ('a@example.org');
     insert into agent_task (type, release_artifact_id) select 'deploy', id from release_artifact" >/dev/null
old_rows() { sql "select count(*), min(status) from agent_task; select release_version, is_current from release_artifact"; }
check 'a v4.2 database is adopted' expect_exit 0 "$WRKTALK" migrate up --set agent
check 'nothing of it is lost' expect_equal $'1|pending\n1.0.0|f' old_rows
check 'its pending task is deployed' expect_exit 0 "$WRKTALK" poll
check 'and 1.0.0 runs' expect_equal '1.0.0 wrktalk-test:1 hello-1.0.0' running
check 'the task is completed' task_is completed
check 'the v4.2 flag says so' expect_equal '1.0.0|' flags

# ---------------------------------------------------------------- the flow

for version in 2.0.0 3.0.0 4.0.0; do
    check "store $version" expect_exit 0 "$WRKTALK" release add "$WORK/$version.tar.gz" --version "$version" --env-file "$WORK/$version.env"
done
# cancelled_in_the_middle: containers are up and not yet healthy; the task is cancelled and what ran before comes back.
cancelled_in_the_middle() {
    local id
    "$WRKTALK" deploy 4.0.0 --queue >/dev/null
    id=$(last_task)
    background agent "$WRKTALK" poll --loop
    wait_until 60 expect_equal health sql "select phase from agent_task where id = '$id'"
    "$WRKTALK" task cancel "$id" >/dev/null
    wait_until 60 expect_equal cancelled sql "select status from agent_task where id = '$id'"
    end_background agent
    expect_equal put_back sql "select result->>'state' from agent_task where id = '$id'"
    maintenance_is_off
}

flow() {
    check "$1: upgrade" expect_exit 0 "$WRKTALK" deploy 2.0.0
    check "$1: 2.0.0 runs" expect_equal '2.0.0 wrktalk-test:2 hello-2.0.0' running
    check "$1: what compose printed is in the task's story" expect_output 'apply.*\| .*web' "$WRKTALK" task show "$(last_task)"
    check "$1: a release that dies at once is put back: 9" expect_exit 9 "$WRKTALK" deploy 3.0.0
    check "$1: 2.0.0 runs again" expect_equal '2.0.0 wrktalk-test:2 hello-2.0.0' running
    check "$1: the evidence was kept" expect_output 'no configuration' "$WRKTALK" task show "$(last_task)"
    check "$1: flags" expect_equal '2.0.0|1.0.0' flags
    check "$1: a deployment is cancelled while it is not healthy yet" cancelled_in_the_middle
    check "$1: 2.0.0 runs after that" expect_equal '2.0.0 wrktalk-test:2 hello-2.0.0' running
    check "$1: rollback" expect_exit 0 "$WRKTALK" rollback
    check "$1: 1.0.0 runs" expect_equal '1.0.0 wrktalk-test:1 hello-1.0.0' running
    check "$1: flags after the rollback" expect_equal '1.0.0|2.0.0' flags
    check "$1: status sees it" expect_output "docker:wt$$ +1.0.0" "$WRKTALK" status
    check "$1: maintenance is off" maintenance_is_off
    check "$1: nothing is left over" no_left_overs
}
if have_service compose; then flow 'compose v2'; fi
if have_service compose-v1; then
    WRKTALK_AGENT_COMPOSE_BIN=$(command -v docker-compose)
    export WRKTALK_AGENT_COMPOSE_BIN
    remove_project
    "$WRKTALK" deploy 1.0.0 >/dev/null 2>&1
    flow 'docker-compose v1'
fi
export WRKTALK_AGENT_COMPOSE_BIN=/nowhere/compose
check 'a missing compose is named: 5' expect_exit 5 "$WRKTALK" deploy 2.0.0
check 'with its path' expect_output '/nowhere/compose'
