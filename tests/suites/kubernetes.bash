#!/usr/bin/env bash
# The flow on a real API server, with Helm 4 and with Helm 3.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres kubernetes helm
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=kubernetes WRKTALK_AGENT_HELM_RELEASE_NAME=demo WRKTALK_AGENT_HELM_TIMEOUT=8s \
    WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag TMPDIR=$WORK/tmp
mkdir "$TMPDIR"

# chart VERSION READY [POD-FIELD]: a chart with one Deployment; with READY "never" its pods never become ready.
chart() {
    local tree=$WORK/chart-$1/demo
    mkdir -p "$tree/templates"
    printf 'apiVersion: v2\nname: demo\nversion: %s\nappVersion: "%s"\n' "$1" "$1" >"$tree/Chart.yaml"
    printf 'greeting: none\n' >"$tree/values.yaml"
    cat >"$tree/templates/deployment.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  annotations: {version: "$1", greeting: "{{ .Values.greeting }}"}
spec:
  replicas: 1
  selector: {matchLabels: {app: demo}}
  template:
    metadata:
      labels: {app: demo}
      annotations: {version: "$1", testbed/ready: "$2"}
    spec:
      containers: [{name: web, image: "web:$1"}]
      ${3:-}
YAML
    tar -czf "$WORK/$1.tgz" -C "$WORK/chart-$1" demo
    printf 'greeting: hello-%s\n' "$1" >"$WORK/$1.yaml"
    "$WRKTALK" release add "$WORK/$1.tgz" --version "$1" --values "$WORK/$1.yaml"
}
# running: the version and the greeting that the API server holds.
running() {
    kubectl -n "$WRKTALK_AGENT_KUBE_NAMESPACE" get deployment demo \
        -o 'jsonpath={.metadata.annotations.version} {.metadata.annotations.greeting}'
}
revision_status() { "$WRKTALK_AGENT_HELM_BIN" -n "$WRKTALK_AGENT_KUBE_NAMESPACE" status demo -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)["info"]["status"])'; }
recorded_revision() { sql "select revision from deployment_target where name like '%/demo' order by applied_at desc nulls last limit 1"; }

"$WRKTALK" migrate up --set agent >/dev/null
check 'store three charts' chart 1.0.0 ''
check 'store three charts: 2' chart 2.0.0 ''
check 'store three charts: 3' chart 3.0.0 never
check 'store a chart that no node takes' chart 4.0.0 '' 'nodeSelector: {disk: none}'

# cancelled_in_the_middle: helm waits for pods that never get ready; the task is cancelled and helm goes back.
cancelled_in_the_middle() {
    local id
    "$WRKTALK" deploy 3.0.0 --queue --target "kubernetes:$WRKTALK_AGENT_KUBE_NAMESPACE/demo" >/dev/null
    id=$(last_task)
    WRKTALK_AGENT_HELM_TIMEOUT=60s background agent "$WRKTALK" poll --loop
    wait_until 30 expect_equal 3.0.0 version_there
    "$WRKTALK" task cancel "$id" >/dev/null
    wait_until 60 expect_equal cancelled sql "select status from agent_task where id = '$id'"
    end_background agent
    expect_equal put_back sql "select result->>'state' from agent_task where id = '$id'"
    expect_equal '2.0.0 hello-2.0.0' running
    expect_equal deployed revision_status
    maintenance_is_off
}
version_there() { running | cut -d' ' -f1; }

# foreign_stays_foreign: somebody else's upgrade is under way, then left behind by a kill: nothing of ours touches it.
history_of() { "$WRKTALK_AGENT_HELM_BIN" -n "$WRKTALK_AGENT_KUBE_NAMESPACE" history demo -o json; }
foreign_stays_foreign() {
    local there id good
    good=$(recorded_revision)
    background foreign "$WRKTALK_AGENT_HELM_BIN" -n "$WRKTALK_AGENT_KUBE_NAMESPACE" upgrade demo "$WORK/chart-3.0.0/demo" --wait --timeout 120s
    wait_until 30 expect_equal pending-upgrade revision_status
    there=$(history_of)
    expect_exit 4 "$WRKTALK" deploy 1.0.0
    expect_output 'another helm operation'
    "$WRKTALK" deploy 1.0.0 --queue --target "kubernetes:$WRKTALK_AGENT_KUBE_NAMESPACE/demo" >/dev/null
    id=$(last_task)
    expect_exit 4 "$WRKTALK" poll
    expect_equal 'pending 0' sql "select status || ' ' || attempt from agent_task where id = '$id'"
    expect_equal "$there" history_of
    end_background foreign KILL || true
    expect_exit 4 "$WRKTALK" deploy 1.0.0
    expect_equal "$there" history_of
    maintenance_is_off
    # Whoever it belongs to cleans up, and the task that has waited runs.
    "$WRKTALK_AGENT_HELM_BIN" -n "$WRKTALK_AGENT_KUBE_NAMESPACE" rollback demo "$good" --wait --timeout 60s
    sql "update agent_task set held_until = null where id = '$id'" >/dev/null
    expect_exit 0 "$WRKTALK" poll
    expect_equal completed sql "select status from agent_task where id = '$id'"
    expect_equal '1.0.0 hello-1.0.0' running
}

flow() {
    WRKTALK_AGENT_KUBE_NAMESPACE=wt-$1-$$ WRKTALK_AGENT_HELM_BIN=$(command -v "$1")
    export WRKTALK_AGENT_KUBE_NAMESPACE WRKTALK_AGENT_HELM_BIN
    at_exit kubectl delete namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" --wait=false
    sql 'update release_artifact set is_current = false, is_previous = false; update deployment_target set is_default = false' >/dev/null
    check "$1: first install, which makes the namespace" expect_exit 0 "$WRKTALK" deploy 1.0.0
    check "$1: 1.0.0 runs with its values" expect_equal '1.0.0 hello-1.0.0' running
    check "$1: upgrade from the queue" expect_exit 0 "$WRKTALK" deploy 2.0.0 --queue --target "kubernetes:wt-$1-$$/demo"
    check "$1: poll" expect_exit 0 "$WRKTALK" poll
    check "$1: 2.0.0 runs" expect_equal '2.0.0 hello-2.0.0' running
    check "$1: helm's revision is recorded" expect_equal 2 recorded_revision
    check "$1: the manifest is not logged" refuse grep -q 'apiVersion' "$ERR"
    check "$1: a release that never gets ready is rolled back by helm: 9" expect_exit 9 "$WRKTALK" deploy 3.0.0
    check "$1: the pod that helm has removed again is in the evidence" \
        expect_output 'demo-[a-z0-9-]+ is Running: web runs and is not ready' "$WRKTALK" task show "$(last_task)"
    check "$1: so are its last lines" expect_output 'no container runs here'
    check "$1: 2.0.0 runs again" expect_equal '2.0.0 hello-2.0.0' running
    check "$1: helm's release is whole" expect_equal deployed revision_status
    check "$1: pods that no node takes: 9" expect_exit 9 "$WRKTALK" deploy 4.0.0
    check "$1: the scheduler's reason is in the evidence" \
        expect_output 'is Pending: PodScheduled is False .Unschedulable' "$WRKTALK" task show "$(last_task)"
    check "$1: so is the warning of the namespace" expect_output 'FailedScheduling'
    check "$1: a deployment is cancelled while helm waits" cancelled_in_the_middle
    check "$1: rollback through helm's history" expect_exit 0 "$WRKTALK" rollback
    check "$1: 1.0.0 runs" expect_equal '1.0.0 hello-1.0.0' running
    check "$1: rollback to a version" expect_exit 0 "$WRKTALK" rollback --to-version 2.0.0
    check "$1: 2.0.0 runs after that" expect_equal '2.0.0 hello-2.0.0' running
    check "$1: status sees it" expect_output "kubernetes:wt-$1-$$/demo +2.0.0" "$WRKTALK" status
    check "$1: somebody else's helm operation stays theirs: 4, and the queue waits" foreign_stays_foreign
    check "$1: maintenance is off" maintenance_is_off
    check "$1: nothing is left over" no_left_overs
}
flow helm
if have_service helm3; then flow helm3; fi

WRKTALK_AGENT_HELM_BIN=/nowhere/helm
check 'a missing helm is named: 5' expect_exit 5 "$WRKTALK" deploy 1.0.0
check 'with its path' expect_output '/nowhere/helm'
WRKTALK_AGENT_HELM_BIN=$(command -v helm)
printf 'apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: "https://127.0.0.1:9"}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u}]\ncurrent-context: c\n' >"$WORK/nowhere.yaml"
chmod 600 "$WORK/nowhere.yaml"
no_cluster() { KUBECONFIG=$WORK/nowhere.yaml expect_exit 8 "$WRKTALK" deploy 1.0.0; }
check 'a cluster that does not answer: 8' no_cluster
check 'and says so' expect_output 'unreachable|refused'
