#!/usr/bin/env bash
# Going back, on each kind of target: to the previous release, to a version, when the target no longer holds the revision, when the
# stored release is damaged or gone, when the target is broken, and when somebody changed it by hand. A table at the end.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv WRKTALK_AGENT_HOST_HEALTH=$WORK/health \
    WRKTALK_AGENT_HOST_TIMEOUT=2s WRKTALK_AGENT_HELM_TIMEOUT=6s WRKTALK_AGENT_HELM_RELEASE_NAME=demo \
    WRKTALK_AGENT_COMPOSE_TIMEOUT=60s WRKTALK_AGENT_COMPOSE_WORKING_DIR=$WORK/compose \
    WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
printf '#!/bin/sh\n! grep -q bad %q\n' "$WORK/srv/current/VERSION" >"$WORK/health"
chmod +x "$WORK/health"
"$WRKTALK" migrate up --set agent >/dev/null

table=$WORK/table
printf '%-18s %-44s %s\n' TARGET CASE FOUND >"$table"
at_exit cat "$table"
# case WHAT COMMAND...: a check that is also a row of the table: what runs after it, and how the last task ended.
case_() {
    local what=$1 before=$_failed
    shift
    check "$kind: $what" "$@"
    [ "$_failed" = "$before" ] || return 0
    printf '%-18s %-44s %s\n' "$kind" "$what" "$(running) runs; $(sql "select status || coalesce(', ' || (result->>'state'), '')
        from agent_task order by created_at desc limit 1")" >>"$table"
}

# ---------------------------------------------------------------- what each kind needs: store VERSION, running, by_hand VERSION, break_target

host_store() {
    mkdir -p "$WORK/host-$1"
    echo "$1" >"$WORK/host-$1/VERSION"
    tar -czf "$WORK/host-$1.tar.gz" -C "$WORK/host-$1" .
    "$WRKTALK" release add "$WORK/host-$1.tar.gz" --version "$1" --type host
}
host_running() { cat "$WORK/srv/current/VERSION"; }
# A version that was deployed while its tree ran lies in VERSION~2.
host_by_hand() {
    local trees=("$WORK/srv/releases/$1"*)
    ln -sfn "releases/${trees[-1]##*/}" "$WORK/srv/current"
}
host_break() { rm "$WORK/srv/current"; }

compose_store() {
    mkdir -p "$WORK/compose-$1"
    local command='["sleep", "1000"]'
    [[ $1 != *bad* ]] || command='["sh", "-c", "exit 3"]'
    cat >"$WORK/compose-$1/docker-compose.yml" <<YAML
version: "2.4"
services:
  web:
    image: \${IMAGE}
    command: $command
    init: true
    labels: {version: "$1"}
YAML
    tar -czf "$WORK/compose-$1.tar.gz" -C "$WORK/compose-$1" .
    echo 'IMAGE=wrktalk-test:1' >"$WORK/image.env"
    "$WRKTALK" release add "$WORK/compose-$1.tar.gz" --version "$1" --env-file "$WORK/image.env"
}
project() { docker ps "$@" --filter "label=com.docker.compose.project=$WRKTALK_AGENT_COMPOSE_PROJECT_NAME"; }
compose_running() { project --format '{{.Label "version"}}'; }
compose_by_hand() {
    local trees=("$WRKTALK_AGENT_COMPOSE_WORKING_DIR/releases/$1"*)
    "${compose[@]}" --env-file "$WORK/image.env" -f "${trees[-1]}/docker-compose.yml" -p "$WRKTALK_AGENT_COMPOSE_PROJECT_NAME" up -d
}
compose_break() { project -aq | xargs docker rm -f; }

helm_store() {
    local tree=$WORK/helm-$1/demo ready=''
    [[ $1 != *bad* ]] || ready=never
    mkdir -p "$tree/templates"
    printf 'apiVersion: v2\nname: demo\nversion: 0.1.0\n' >"$tree/Chart.yaml"
    cat >"$tree/templates/all.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: demo, annotations: {version: "$1"}}
spec:
  replicas: 1
  selector: {matchLabels: {app: demo}}
  template:
    metadata: {labels: {app: demo}, annotations: {version: "$1", testbed/ready: "$ready"}}
    spec:
      containers: [{name: web, image: "web:$1"}]
YAML
    tar -czf "$WORK/helm-$1.tgz" -C "$WORK/helm-$1" demo
    "$WRKTALK" release add "$WORK/helm-$1.tgz" --version "$1"
}
helm_() { "$WRKTALK_AGENT_HELM_BIN" --namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" "$@"; }
helm_running() { kubectl -n "$WRKTALK_AGENT_KUBE_NAMESPACE" get deployment demo -o 'jsonpath={.metadata.annotations.version}'; }
# The revision that made VERSION, by what helm's history says.
helm_revision() {
    helm_ history demo -o json | python3 -c '
import json, sys
print([r["revision"] for r in json.load(sys.stdin) if r["description"] == "wrktalk " + sys.argv[1]][-1])' "$1"
}
helm_by_hand() { helm_ rollback demo "$(helm_revision "$1")" --wait; }
helm_break() { helm_ uninstall demo --wait; }
# Only helm knows revisions: its record of VERSION's is removed, as its history limit does.
helm_forget() { kubectl -n "$WRKTALK_AGENT_KUBE_NAMESPACE" delete secret "sh.helm.release.v1.demo.v$(helm_revision "$1")"; }

# ---------------------------------------------------------------- the cases

recorded() { sql "select c.release_version || '|' || coalesce(p.release_version, '') from deployment_target d
    join release_artifact c on c.id = d.current_artifact_id left join release_artifact p on p.id = d.previous_artifact_id
    where d.name = '$target'"; }
# now WANTED [PREVIOUS]: that runs, the database says so, and nobody is kept waiting.
now() {
    expect_equal "$1" running
    expect_equal "$1|${2:-$(recorded | cut -d'|' -f2)}" recorded
    expect_equal "$1" sql "select string_agg(release_version, ',') from release_artifact where is_current and chart_type = '$chart_type'"
    maintenance_is_off
}
goes() { # goes EXIT WANTED PREVIOUS ROLLBACK-OPTION...
    expect_exit "$1" "$WRKTALK" rollback --target "$target" "${@:4}"
    now "$2" "$3"
}
damage() { sql "update release_artifact set artifact_data = set_byte(artifact_data, 30, (get_byte(artifact_data, 30) + 1) % 256)
    where release_version = '$1' and chart_type = '$chart_type'" >/dev/null; }
check_says() { # check_says EXIT REGEX ROLLBACK-OPTION...
    expect_exit "$1" "$WRKTALK" rollback --target "$target" --check "${@:3}"
    expect_output "$2"
}
by_hand_noticed() {
    by_hand 1.0.0
    expect_output "CHANGED BY OTHERS $target: 2.0.0 is recorded, 1.0.0 runs" "$WRKTALK" status
    goes 9 1.0.0 2.0.0 --to-version 3.0.0-bad
    expect_output '2.0.0 was recorded, but 1.0.0 runs there' "$WRKTALK" task show "$(last_task)"
}
removed_noticed() {
    break_target
    expect_output "CHANGED BY OTHERS $target: 2.0.0 is recorded, nothing runs" "$WRKTALK" status
    goes 0 2.0.0 1.0.0 --to-version 2.0.0
    expect_output 'was recorded, but nothing runs there' "$WRKTALK" task show "$(last_task)"
}
v42_row() { # v42_row SQL-FOR-THE-ARTIFACT
    sql "insert into agent_task (type, release_artifact_id) values ('rollback', $1)" >/dev/null
    expect_exit 0 "$WRKTALK" poll
}
# The agent's own schema is past what the release runs with; the real release would have said so when it was stored.
schema_too_new() {
    sql "update release_artifact set requires_schema = 'agent<=1' where release_version = '2.0.0' and chart_type = '$chart_type'" >/dev/null
    check_says 1 'problem +the schema does not fit: it needs agent<=1, and agent is at 011 .*migration 011 is too new' --to-version 2.0.0
    goes 7 1.0.0 2.0.0 --to-version 2.0.0
    expect_equal untouched sql "select result->>'state' from agent_task order by created_at desc limit 1"
}
schema_ignored() {
    goes 0 2.0.0 1.0.0 --to-version 2.0.0 --ignore-schema
    expect_output 'does not fit, and is ignored as asked' "$WRKTALK" task show "$(last_task)"
    goes 0 1.0.0 2.0.0
    sql 'update release_artifact set requires_schema = null' >/dev/null
}
# Helm 4 meets a conflict there: on the way to a release, on its way back, and on ours.
helm_scaled() {
    kubectl -n "$WRKTALK_AGENT_KUBE_NAMESPACE" scale deployment demo --replicas=3
    goes 9 2.0.0 1.0.0 --to-version 3.0.0-bad
    kubectl -n "$WRKTALK_AGENT_KUBE_NAMESPACE" scale deployment demo --replicas=2
    goes 0 1.0.0 2.0.0
    goes 0 2.0.0 1.0.0
}
gone() {
    sql "delete from agent_task; delete from release_artifact where release_version = '3.0.0-bad' and chart_type = '$chart_type'" >/dev/null
    expect_exit 1 "$WRKTALK" rollback --target "$target" --to-version 3.0.0-bad
    expect_output 'there is no release 3.0.0-bad'
    now 1.0.0
}

flow() { # flow KIND PREFIX TYPE TARGET
    kind=$1 prefix=$2 chart_type=$3 target=$4
    running() { "${prefix}_running"; }
    by_hand() { "${prefix}_by_hand" "$@"; }
    break_target() { "${prefix}_break"; }
    sql 'delete from agent_task; update deployment_target set is_default = false' >/dev/null
    sql "delete from deployment_target where kind = (select kind from deployment_target where name = '$target')" >/dev/null
    if [ "$(sql "select count(*) from release_artifact where chart_type = '$chart_type'")" = 0 ]; then
        for version in 1.0.0 2.0.0 3.0.0-bad; do "${prefix}_store" "$version" >/dev/null 2>&1; done
    else
        sql "update release_artifact set is_current = false, is_previous = false" >/dev/null
        "${prefix}_store" 3.0.0-bad >/dev/null 2>&1
    fi
    nothing_before() { expect_exit 1 "$WRKTALK" rollback --target "$target"; expect_output 'no previous release'; }
    check "$kind: with nothing before it there is nothing to go back to" nothing_before
    "$WRKTALK" deploy 1.0.0 --target "$target" >/dev/null 2>&1
    "$WRKTALK" deploy 2.0.0 --target "$target" >/dev/null 2>&1
    check "$kind: 2.0.0 runs, 1.0.0 before it" now 2.0.0 1.0.0
    check "$kind: --check says that it can be done" check_says 0 'can be done; nothing was changed'
    case_ 'previous' goes 0 1.0.0 2.0.0
    case_ 'a rollback of a rollback' goes 0 2.0.0 1.0.0
    case_ 'a named version' goes 0 1.0.0 2.0.0 --to-version 1.0.0
    case_ 'to what runs already' goes 0 1.0.0 2.0.0 --to-version 1.0.0
    case_ 'a version that fails is put back' goes 9 1.0.0 2.0.0 --to-version 3.0.0-bad
    case_ 'a v4.2 row without an artifact' v42_row null
    check "$kind: went to the previous one" now 2.0.0 1.0.0
    case_ 'changed by hand' by_hand_noticed
    case_ 'a v4.2 row with an artifact' v42_row "(select id from release_artifact where release_version = '2.0.0' and chart_type = '$chart_type')"
    check "$kind: went to that" now 2.0.0 1.0.0
    case_ 'removed by hand' removed_noticed
    if [ "$prefix" = helm ]; then
        case_ 'somebody scaled it' helm_scaled
        "$WRKTALK" deploy 1.0.0 --target "$target" >/dev/null 2>&1
        helm_forget 2.0.0 >/dev/null 2>&1
        check "$kind: --check knows that the revision is gone" check_says 0 'stored release 2.0.0 would be deployed'
        case_ 'revision pruned from history' goes 0 2.0.0 1.0.0
        damage 1.0.0
        check "$kind: --check warns of a damaged release that is not needed" check_says 0 'warning +the stored release 1.0.0 is damaged'
        case_ 'stored release damaged, revision held' goes 0 1.0.0 2.0.0
        revision=$(helm_revision 1.0.0)
        case_ 'a numbered revision' goes 0 1.0.0 2.0.0 --to-revision "$revision"
        check "$kind: the revision that is recorded is the one that runs" expect_equal "$(helm_ history demo --max 1 -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["revision"])')" \
            sql "select revision from deployment_target where name = '$target'"
        damage 1.0.0
    else
        damage 1.0.0
        check "$kind: --check names a damaged release" check_says 1 'problem +.*1.0.0 is damaged'
        case_ 'stored release damaged' goes 7 2.0.0 1.0.0
        sql "delete from agent_task; delete from release_artifact where release_version = '1.0.0' and chart_type = '$chart_type'" >/dev/null
        "${prefix}_store" 1.0.0 >/dev/null 2>&1
        case_ 'stored anew' goes 0 1.0.0 2.0.0 --to-version 1.0.0
    fi
    case_ 'schema too new' schema_too_new
    case_ 'schema too new, ignored' schema_ignored
    case_ 'stored release gone' gone
}

# ---------------------------------------------------------------- what compose alone can get wrong

# files VERSION [FIELD...]: stores a release of a web whose only change is in a file that compose does not look into, and of a worker that never changes.
files() {
    local tree=$WORK/files-$1
    [ ! -e "$WORK/files-$1.tar.gz" ] || return 0
    mkdir -p "$tree"
    cat >"$tree/compose.yml" <<YAML
version: "3.8"
services:
  web:
    image: "${IMAGE:-wrktalk-test:1}"
    init: true
    stop_grace_period: 1s
    command: ${COMMAND:-[\"sleep\", \"1000\"]}
    secrets: [word]
    volumes: ["./data:/data"]
    labels: {version: "${LABEL:-same}"}
  worker: {image: "wrktalk-test:1", init: true, stop_grace_period: 1s, command: ["sleep", "1000"]}
secrets: {word: {file: ./word}}
YAML
    echo "$1" >"$tree/word"
    tar -czf "$WORK/files-$1.tar.gz" -C "$tree" .
    "$WRKTALK" release add "$WORK/files-$1.tar.gz" --version "$1" >/dev/null 2>&1
}
web() { docker exec "$(project -q --filter label=com.docker.compose.service=web)" "$@"; }
releases_of_all() { project -a --format '{{.Label "wrktalk.release"}}' | sort | xargs; }
unchanged_service() {
    local version
    for version in u1 u2 u3; do
        files "$version"
        expect_exit 0 "$WRKTALK" deploy "$version" --target "$target"
        expect_equal "$version" web cat /run/secrets/word
        expect_equal "$version $version" releases_of_all
    done
    COMMAND='["sh", "-c", "exit 3"]' files u4-bad
    expect_exit 9 "$WRKTALK" deploy u4-bad --target "$target"
    expect_equal u3 web cat /run/secrets/word
    expect_equal 'u3|u2' recorded
    expect_exit 0 "$WRKTALK" rollback --target "$target"
    expect_equal u2 web cat /run/secrets/word
    expect_equal 'u2|u3' recorded
}
# Data that containers wrote into their release's tree.
data_stays() {
    web sh -c 'echo kept >/data/word'
    expect_exit 0 "$WRKTALK" deploy u1 --target "$target"
    expect_equal kept web cat /data/word
    expect_exit 9 "$WRKTALK" deploy u4-bad --target "$target"
    expect_equal kept web cat /data/word
    compose_break >/dev/null
    expect_exit 0 "$WRKTALK" deploy u1 --target "$target"
    expect_equal kept web cat /data/word
}
moved_tag() {
    local old=rb-moved:$$
    image_of() { docker inspect --format '{{.Image}}' "$(project -q --filter label=com.docker.compose.service=web)"; }
    docker tag wrktalk-test:1 "$old"
    IMAGE=$old files m1
    expect_exit 0 "$WRKTALK" deploy m1 --target "$target"
    local ran
    ran=$(image_of)
    docker tag wrktalk-test:2 "$old"
    IMAGE=$old COMMAND='["sh", "-c", "exit 3"]' files m2-bad
    expect_exit 9 "$WRKTALK" deploy m2-bad --target "$target"
    expect_equal "$ran" image_of
    files m3
    expect_exit 0 "$WRKTALK" deploy m3 --target "$target"
    expect_exit 0 "$WRKTALK" rollback --target "$target"
    expect_equal "$ran" image_of
    expect_output 'by its id, as it ran before: web' "$WRKTALK" task show "$(last_task)"
    docker rmi "$old" >/dev/null
}
by_hand_site() {
    mkdir -p "$WORK/site"
    cat >"$WORK/site/compose.yml" <<'YAML'
version: "3.8"
services:
  web: {image: "wrktalk-test:1", init: true, stop_grace_period: 1s, command: ["sleep", "1000"], labels: {version: site}}
YAML
    "${compose[@]}" -f "$WORK/site/compose.yml" -p "$WRKTALK_AGENT_COMPOSE_PROJECT_NAME" up -d
}
hand_made() {
    compose_break >/dev/null
    by_hand_site
    expect_exit 0 "$WRKTALK" deploy u4-bad --target "$target" --check
    expect_exit 9 "$WRKTALK" deploy u4-bad --target "$target"
    expect_equal site compose_running
    rm "$WORK/site/compose.yml"
    expect_exit 1 "$WRKTALK" deploy u1 --target "$target" --check
    expect_output 'could not be put back.*its file .*/site/compose.yml is not here'
    local before
    before=$(project -q)
    expect_exit 5 "$WRKTALK" deploy u1 --target "$target"
    expect_equal untouched sql "select result->>'state' from agent_task order by created_at desc limit 1"
    expect_equal "$before" project -q
    maintenance_is_off
    compose_break >/dev/null
    expect_exit 0 "$WRKTALK" deploy u1 --target "$target"
}
# What the v4.2 agent had brought up needs variables that only that agent had set: its stored release is the way back.
v42_stack() {
    compose_break >/dev/null
    mkdir -p "$WORK/v42"
    cat >"$WORK/v42/compose.yml" <<'YAML'
version: "3.8"
services:
  web: {image: "wrktalk-test:1", init: true, stop_grace_period: 1s, command: ["sleep", "1000"], labels: {version: "$V42"}}
YAML
    V42=v42 "${compose[@]}" -f "$WORK/v42/compose.yml" -p "$WRKTALK_AGENT_COMPOSE_PROJECT_NAME" up -d
    # Deploying u1 was the last thing that was recorded: take it for the record of v4.2.
    sql "update deployment_target set applied_at = created_at - interval '1 day' where name = '$target'"
    expect_exit 0 "$WRKTALK" deploy u4-bad --target "$target" --check
    expect_exit 9 "$WRKTALK" deploy u4-bad --target "$target"
    expect_equal u1 web cat /run/secrets/word
    expect_output "^u1|" recorded
    maintenance_is_off
    # From the first task of ours that completes on, what somebody made by hand is told from what v4.2 had made.
    expect_exit 0 "$WRKTALK" deploy u2 --target "$target"
    compose_break >/dev/null
    V42=v42 "${compose[@]}" -f "$WORK/v42/compose.yml" -p "$WRKTALK_AGENT_COMPOSE_PROJECT_NAME" up -d
    expect_exit 5 "$WRKTALK" deploy u1 --target "$target"
    compose_break >/dev/null
}

# An engine of this suite's own: longer away than one operation may take, while a release comes up and while the one before is put back.
own_engine() {
    unset DOCKER_HOST DOCKER_CONFIG
    TESTBED_STATE=$WORK/engine "$SUPPORT/testbed/docker-up" >"$WORK/engine.env"
    # shellcheck source=/dev/null
    . "$WORK/engine.env"
    export DOCKER_HOST DOCKER_CONFIG
}
end_own_engine() { TESTBED_STATE=$WORK/engine "$SUPPORT/testbed/docker-down"; }
engine_away() {
    local pid
    read -r pid _ <"$WORK/engine/docker/dockerd.pid"
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    sleep 20
    own_engine
}
said() { grep -q "$1" "$WORK/deploy.err"; }
is_resting() { expect_equal health sql 'select phase from agent_task order by created_at desc limit 1'; }
deploy_through_outage() { # deploy_through_outage EXIT VERSION WHEN...
    local pid status=0
    WRKTALK_AGENT_COMPOSE_TIMEOUT=15s WRKTALK_AGENT_COMPOSE_SETTLE=5s "$WRKTALK" deploy "$2" --target "$target" >/dev/null 2>"$WORK/deploy.err" &
    pid=$!
    wait_until 60 "${@:3}"
    engine_away
    wait "$pid" || status=$?
    expect_equal "$1" echo "$status"
    said deploy.engine_away
    maintenance_is_off
}
engine_restarted() {
    compose_break >/dev/null 2>&1 || true
    LABEL=e1 files e1
    LABEL=e2 files e2
    COMMAND='["sh", "-c", "exit 3"]' files e3-bad
    expect_exit 0 "$WRKTALK" deploy e1 --target "$target"
    deploy_through_outage 0 e2 is_resting
    expect_equal 'e2|e1' recorded
    expect_equal e2 web cat /run/secrets/word
    expect_equal 'e2 e2' releases_of_all
    deploy_through_outage 9 e3-bad said task.failed
    expect_equal 'e2|e1' recorded
    expect_equal e2 web cat /run/secrets/word
    expect_equal 'e2 e2' releases_of_all
}
compose_alone() {
    running() { compose_running | sort | xargs; }
    case_ 'a service that compose thinks unchanged' unchanged_service
    case_ 'data below the tree' data_stays
    case_ 'a tag that was moved' moved_tag
    case_ 'a stack made by hand' hand_made
    case_ 'what v4.2 had brought up' v42_stack
}

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host
flow host host host host:site
# Nothing but a unix socket reaches the outside from a network namespace without routes.
if unshare --net true 2>/dev/null; then
    alone() { expect_exit 0 unshare --net "$WRKTALK" rollback --to-version 2.0.0; now 2.0.0; }
    case_ 'without any network' alone
fi

if have_service docker; then
    export WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_COMPOSE_PROJECT_NAME=rb$$
    remove_project() {
        project -aq | xargs -r docker rm -f
        docker network ls -q --filter "label=com.docker.compose.project=rb$$" | xargs -r docker network rm
    } >/dev/null 2>&1
    at_exit remove_project
    compose=(docker compose)
    if have_service compose; then
        flow 'compose v2' compose compose "docker:rb$$"
        compose_alone
    fi
    if have_service compose-v1; then
        compose=(docker-compose)
        WRKTALK_AGENT_COMPOSE_BIN=$(command -v docker-compose)
        export WRKTALK_AGENT_COMPOSE_BIN
        remove_project
        flow 'docker-compose v1' compose compose "docker:rb$$"
        compose_alone
    fi
    at_exit end_own_engine
    own_engine
    for bin in 'docker compose' docker-compose; do
        $bin version >/dev/null 2>&1 || continue
        kind=$bin
        unset WRKTALK_AGENT_COMPOSE_BIN
        [ "$bin" = 'docker compose' ] || export WRKTALK_AGENT_COMPOSE_BIN=/usr/bin/docker-compose
        case_ 'the engine is restarted' engine_restarted
    done
fi

if have_service kubernetes; then
    export WRKTALK_AGENT_DEPLOYMENT_TYPE=kubernetes
    for bin in helm helm3; do
        have_service "$bin" || continue
        WRKTALK_AGENT_KUBE_NAMESPACE=rb-$bin-$$ WRKTALK_AGENT_HELM_BIN=$(command -v "$bin")
        export WRKTALK_AGENT_KUBE_NAMESPACE WRKTALK_AGENT_HELM_BIN
        at_exit kubectl delete namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" --wait=false
        sql "delete from agent_task; delete from deployment_target; delete from release_artifact where chart_type = 'helm'" >/dev/null
        flow "$bin" helm helm "kubernetes:rb-$bin-$$/demo"
    done
fi
