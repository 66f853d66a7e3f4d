#!/usr/bin/env bash
# What a compose release keeps, on a real engine: also a file that the archive brings stays the site's, with compose v1 and v2.
# shellcheck source=../support/lib.bash
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_COMPOSE_PROJECT_NAME=wk$$ WRKTALK_AGENT_COMPOSE_TIMEOUT=60s \
    WRKTALK_AGENT_COMPOSE_SETTLE=1s WRKTALK_AGENT_COMPOSE_WORKING_DIR=$WORK/compose TMPDIR=$WORK/tmp \
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=500ms WRKTALK_AGENT_GRACE=0s
mkdir "$TMPDIR"
remove_project() {
    docker ps -aq --filter "label=com.docker.compose.project=wk$$" | xargs -r docker rm -f
    docker network ls -q --filter "label=com.docker.compose.project=wk$$" | xargs -r docker network rm
} >/dev/null 2>&1
at_exit remove_project
"$WRKTALK" migrate up --set agent >/dev/null 2>&1

# bundle VERSION [COMMAND]: all of it in a folder that is named after the version.
bundle() {
    local top=$WORK/tree-$1/shop-$1 command=${2:-}
    [ -n "$command" ] || command='["sleep", "1000"]'
    mkdir -p "$top/config"
    cat >"$top/compose.yml" <<YAML
version: "2.4"
services:
  web:
    image: wrktalk-test:1
    command: $command
    init: true
    volumes: ["./data:/data", "./config:/config"]
YAML
    echo "default of $1" >"$top/config/local.yml"
    echo "code of $1" >"$top/config/code.yml"
    [ "$1" = 1.0 ] || printf '[data]\nkeep = ["config/local.yml", "data"]\n' >"$top/wrktalk.toml"
    tar -czf "$WORK/$1.tar.gz" -C "$WORK/tree-$1" "shop-$1"
    "$WRKTALK" release add "$WORK/$1.tar.gz" --version "$1" >/dev/null 2>&1
}
for version in 1.0 2.0 3.0 4.0; do bundle "$version"; done
bundle 4.1 '["sh", "-c", "exit 3"]'
in_container() { docker exec "$(docker ps -q --filter "label=com.docker.compose.project=wk$$")" "$@"; }
# whole VERSION: the container of this version sees its own code and the site's data.
whole() {
    expect_equal "code of $1" in_container cat /config/code.yml
    expect_equal 'of the site' in_container cat /config/local.yml
    expect_equal 'a row' in_container cat /data/rows
}

"$WRKTALK" deploy 1.0 >/dev/null 2>&1
in_container sh -c 'echo "a row" >/data/rows; echo "of the site" >/config/local.yml'
for version in 2.0 3.0 4.0; do
    check "upgrade to $version" expect_exit 0 "$WRKTALK" deploy "$version"
    check "keeps the data and the changed file: $version" whole "$version"
done
check 'what the archive brought there is kept aside' grep -rqx 'default of 4.0' "$WORK/compose/.wrktalk/changed"
check 'a rollback' expect_exit 0 "$WRKTALK" rollback
check 'keeps them' whole 3.0
check 'a redeployment' expect_exit 0 "$WRKTALK" deploy 3.0
check 'keeps them, too' whole 3.0
check 'a release that fails is put back' expect_exit 9 "$WRKTALK" deploy 4.1
check 'with them' whole 3.0
check 'a rollback to what kept nothing' expect_exit 0 "$WRKTALK" rollback --to-version 1.0
check 'keeps them all the same' whole 1.0
killed() {
    "$WRKTALK" rollback --to-version 3.0 >/dev/null 2>&1
    sql 'delete from task_event; delete from agent_task' >/dev/null
    "$WRKTALK" deploy 4.0 --queue >/dev/null
    WRKTALK_CRASH_AT=$1 expect_exit 137 "$WRKTALK" poll
    sleep 2
    expect_exit 0 "$WRKTALK" poll --drain
    whole 4.0
}
for step in check apply health record; do check "killed at $step, every byte is there" killed "$step"; done
