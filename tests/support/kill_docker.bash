# shellcheck shell=bash
# Sourced by the suites that kill and stall an agent of a Docker project, after agent.bash: the target, two releases, and what kill.bash asks for.

project=wk$$
export WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_COMPOSE_PROJECT_NAME=$project WRKTALK_AGENT_COMPOSE_TIMEOUT=60s \
    WRKTALK_AGENT_COMPOSE_WORKING_DIR=$WORK/compose WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag \
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=1s TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
remove_project() {
    docker ps -aq --filter "label=com.docker.compose.project=$project" | xargs -r docker rm -f
    docker network ls -q --filter "label=com.docker.compose.project=$project" | xargs -r docker network rm
} >/dev/null 2>&1
at_exit remove_project
"$WRKTALK" migrate up --set agent >/dev/null
sql "insert into admin (email) values ('a@example.org')" >/dev/null
for version in 1.0.0 2.0.0; do
    mkdir -p "$WORK/tree-$version"
    cat >"$WORK/tree-$version/compose.yaml" <<YAML
services:
  web:
    image: wrktalk-test:${version%%.*}
    # Asked to end it ends at once, unless it was told to take its time.
    command: ["sh", "-c", "trap '[ -e /slow ] || exit 0' TERM; while :; do sleep 0.1; done"]
    stop_grace_period: 5s
    labels: {version: "$version"}
YAML
    tar -czf "$WORK/$version.tar.gz" -C "$WORK/tree-$version" .
    "$WRKTALK" release add "$WORK/$version.tar.gz" --version "$version" >/dev/null 2>&1
done
"$WRKTALK" deploy 1.0.0 >/dev/null 2>&1

running() { docker ps --filter "label=com.docker.compose.project=$project" --format '{{.Label "version"}}'; }
tool='compose.* -p '$project'.* up '
# Neither the guard, which has the same words behind its own name, nor this search.
tool_pids() { pgrep -f -- "$tool" | while read -r pid; do grep -qz __guard "/proc/$pid/cmdline" 2>/dev/null || echo "$pid"; done; }
tool_running() { [ -n "$(tool_pids)" ]; }
containers() { docker ps --quiet "$@" --filter "label=com.docker.compose.project=$project"; }
# The next version's container is made before the one that runs is stopped.
tool_at_work() { [ "$(containers --all | wc -l)" -gt 1 ]; }
make_slow() { docker exec "$(containers)" touch /slow; }
make_fast() { :; }
kill_tool() { tool_pids | xargs -r kill -KILL; }

# shellcheck source=kill.bash
. "$SUPPORT/kill.bash"
STEPS=(claim resolve fetch check images maintenance-on apply health server-env maintenance-off record)
