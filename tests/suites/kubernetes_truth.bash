#!/usr/bin/env bash
# "Completed" means that it runs, and 10 is said only after a look: what Helm 4 and Helm 3 call deployed, what they cannot undo, and a server
# that goes away. Judged by what the API server holds.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres kubernetes helm
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=kubernetes WRKTALK_AGENT_HELM_RELEASE_NAME=demo WRKTALK_AGENT_HELM_TIMEOUT=8s \
    WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
"$WRKTALK" migrate up --set agent >/dev/null

# chart NAME VERSION: what comes on stdin beside a Deployment web of VERSION is stored as release NAME.
chart() {
    local tree=$WORK/chart-$1/demo
    mkdir -p "$tree/templates"
    printf 'apiVersion: v2\nname: demo\nversion: 0.1.0\n' >"$tree/Chart.yaml"
    cat - >"$tree/templates/more.yaml"
    cat >"$tree/templates/web.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {version: "$2"}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {version: "$2", testbed/ready: "${3:-}"}}
    spec:
      containers: [{name: web, image: "web:$2"}]
YAML
    store "$1"
}
store() {
    tar -czf "$WORK/$1.tgz" -C "$WORK/chart-$1" demo
    "$WRKTALK" release add "$WORK/$1.tgz" --version "$1" >/dev/null
}
job() { # job NAME ANNOTATIONS EXIT-CODE|forever
    local end="testbed/exit-code: \"$3\""
    [ "$3" != forever ] || end='testbed/run-for: forever'
    cat <<YAML
---
apiVersion: batch/v1
kind: Job
metadata: {name: $1, annotations: {$2}}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {$end}}
    spec: {restartPolicy: Never, terminationGracePeriodSeconds: 0, containers: [{name: c, image: "job:1"}]}
YAML
}
config_map() { printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, annotations: {%s}}\ndata: {x: "%s"}\n' "$1" "${2:-}" "${3:-1}"; }
k() { kubectl --namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" "$@"; }
h() { "$WRKTALK_AGENT_HELM_BIN" --namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" "$@"; }
running() { k get deployment web -o 'jsonpath={.metadata.annotations.version} {.status.readyReplicas}'; }
story() { "$WRKTALK" task show "$(last_task)"; }
state() { sql "select result->>'state' from agent_task order by created_at desc limit 1"; }
uid() { k get job "$1" -o 'jsonpath={.metadata.uid}'; }
is_not_there() { ! k get "$1" >/dev/null 2>&1 || { echo "$1 is there"; return 1; }; }

# fresh NAME: a namespace of its own, with release one on it.
fresh() {
    WRKTALK_AGENT_KUBE_NAMESPACE=wkt-$1-$helm-$$
    export WRKTALK_AGENT_KUBE_NAMESPACE
    at_exit kubectl delete namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" --wait=false
    "$WRKTALK" deploy one >/dev/null 2>&1
}

chart one 1 </dev/null
chart two 2 </dev/null
chart never 3 never </dev/null
chart with-job 2 < <(job migrate '' 3)
chart with-slow-job 2 < <(job migrate '' forever)
for version in 2 3; do chart "hook-$version" "$version" < <(job migrate '"helm.sh/hook": pre-upgrade, "helm.sh/hook-delete-policy": hook-failed' 0); done
chart hook-hangs 2 < <(job migrate '"helm.sh/hook": pre-upgrade' forever)
chart hook-fails 2 < <(job migrate '"helm.sh/hook": pre-upgrade' 3)
chart beside 1 < <(config_map beside)
chart odd-port 1 <<'YAML'
---
apiVersion: v1
kind: Service
metadata: {name: odd}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80000}]}
YAML
for code in 0 1; do chart "job-$code" 1 < <(job once "a: \"$code\"" "$code"); done
chart kept 1 < <(config_map kept '"helm.sh/resource-policy": keep')

# ---------------------------------------------------------------- before anything is touched

refused_by_the_server() {
    fresh before
    expect_exit 0 "$WRKTALK" deploy job-0
    expect_exit 0 "$WRKTALK" deploy job-1 --check
    expect_output 'the API server would refuse Job once:.*field is immutable'
    WRKTALK_AGENT_KUBE_NAMESPACE+=-first
    expect_exit 0 "$WRKTALK" deploy odd-port --check
    refuse grep 'would refuse' "$OUT"
    kubectl create namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" >/dev/null
    at_exit kubectl delete namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" --wait=false
    expect_exit 0 "$WRKTALK" deploy odd-port --check
    expect_output 'the API server would refuse Service odd:.*80000'
    config_map held | k create -f - >/dev/null
    k patch configmap held --type merge -p '{"metadata": {"finalizers": ["test/held"]}}' >/dev/null
    kubectl delete namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" --wait=false >/dev/null
    expect_exit 0 "$WRKTALK" deploy one --check
    expect_output 'the API server would refuse Deployment web:.*being terminated'
    k patch configmap held --type merge -p '{"metadata": {"finalizers": []}}' >/dev/null
}

# What helm alone can tell of a chart is told when it is stored.
judged_when_stored() {
    local tree=$WORK/chart-judged-$helm/demo version=judged-$helm
    add() { "$WRKTALK" release add "$WORK/judged.tgz" --version "$version" --values "$WORK/values.yaml"; }
    mkdir -p "$tree/templates"
    printf 'apiVersion: v2\nname: demo\nversion: 0.1.0\n' >"$tree/Chart.yaml"
    echo '{"type": "object", "properties": {"port": {"type": "integer"}}}' >"$tree/values.schema.json"
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {port: "{{ .Values.port }}"}\n' >"$tree/templates/a.yaml"
    tar -czf "$WORK/judged.tgz" -C "$WORK/chart-judged-$helm" demo
    echo 'port: hunter2hunter2' >"$WORK/values.yaml"
    expect_exit 7 add
    expect_output "values don't meet the specifications of the schema"
    refuse grep hunter2 "$OUT" "$ERR"
    expect_exit 1 "$WRKTALK" release show "$version"
    echo 'port: 80' >"$WORK/values.yaml"
    echo '{{ if }}' >"$tree/templates/b.yaml"
    tar -czf "$WORK/judged.tgz" -C "$WORK/chart-judged-$helm" demo
    expect_exit 7 add
    expect_output 'parse error'
    # A newer cluster may render it.
    echo '{{ if not (.Capabilities.APIVersions.Has "example.org/v1") }}{{ fail "not here" }}{{ end }}' >"$tree/templates/b.yaml"
    tar -czf "$WORK/judged.tgz" -C "$WORK/chart-judged-$helm" demo
    expect_exit 0 add
    expect_output 'was not rendered, and is judged when it is deployed: .*not here'
    printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: true, containers: [{name: c, image: "c:1"}]}\n' >"$tree/templates/b.yaml"
    tar -czf "$WORK/judged.tgz" -C "$WORK/chart-judged-$helm" demo
    version=strict-$helm
    WRKTALK_AGENT_POLICY=strict expect_exit 7 add
    expect_exit 0 add
    expect_output 'host'
}

# ---------------------------------------------------------------- completed means it runs

plain_job_fails() {
    fresh job
    expect_exit 9 "$WRKTALK" deploy with-job
    expect_output 'Job migrate: has failed: BackoffLimitExceeded'
    expect_equal '1 1' running
    maintenance_is_off
}
plain_job_is_waited_for() {
    fresh slow
    WRKTALK_AGENT_HELM_TIMEOUT=3s expect_exit 9 "$WRKTALK" deploy with-slow-job
    expect_output 'Job migrate: has not ended yet'
    expect_equal '1 1' running
}
paused() {
    fresh paused
    k rollout pause deployment web >/dev/null
    expect_exit 9 "$WRKTALK" deploy two
    expect_output 'Deployment web: is paused: 0 of 1 pods run what is wanted'
    expect_output 'kubectl rollout resume deployment/web'
    expect_equal '1 1' running
    maintenance_is_off
    k rollout resume deployment web >/dev/null
    expect_exit 0 "$WRKTALK" deploy two
    expect_equal '2 1' running
}
hook_runs_again() {
    fresh again
    "$WRKTALK" deploy hook-2 >/dev/null 2>&1
    local first
    first=$(uid migrate)
    [ -n "$first" ] || { echo 'the Job of 2 was not left behind'; return 1; }
    expect_exit 0 "$WRKTALK" deploy hook-3
    [ "$(uid migrate)" != "$first" ] || { echo 'the Job of 2 is still there'; return 1; }
    expect_output 'the hook Job migrate of an earlier release is removed' story
}
hook_that_is_none() {
    fresh none
    job migrate '' 0 | k create -f - >/dev/null
    expect_exit 8 "$WRKTALK" deploy hook-2
    expect_output 'Job migrate, which is to run as a hook, is there and is none'
    expect_equal untouched state
    expect_equal '1 1' running
}
hook_hangs() {
    fresh hangs
    expect_exit 9 "$WRKTALK" deploy hook-hangs
    expect_output 'still running: hook Job migrate'
    is_not_there job/migrate
    expect_equal '1 1' running
    maintenance_is_off
}

# ---------------------------------------------------------------- the ladder

scaled() {
    fresh scaled
    k scale deployment web --replicas=3 >/dev/null
    expect_exit 0 "$WRKTALK" deploy two
    expect_output 'Deployment web: .spec.replicas was set by kubectl \(scale\) and is taken' story
    expect_equal '2 1' running
    k scale deployment web --replicas=3 >/dev/null
    expect_exit 9 "$WRKTALK" deploy never
    expect_equal 2 k get deployment web -o 'jsonpath={.metadata.annotations.version}'
    k scale deployment web --replicas=2 >/dev/null
    expect_exit 0 "$WRKTALK" rollback
    expect_equal '1 1' running
    maintenance_is_off
}
left_to_others() {
    fresh left
    k scale deployment web --replicas=3 >/dev/null
    WRKTALK_AGENT_HELM_FIELDS=leave expect_exit 0 "$WRKTALK" deploy two
    expect_output 'Deployment web: .spec.replicas was set by kubectl \(scale\) and is left as it is' story
    expect_equal '2 3' running
    expect_exit 0 "$WRKTALK" rollback
    maintenance_is_off
}
# What a failed upgrade did not come to remove is unknown to helm's own way back.
hook_fails_beside() {
    fresh beside
    "$WRKTALK" deploy beside >/dev/null 2>&1
    expect_exit 9 "$WRKTALK" deploy hook-fails
    expect_equal '1 1' running
    expect_equal 1 k get configmap beside -o 'jsonpath={.data.x}'
    expect_equal deployed newest_status
    maintenance_is_off
}
newest_status() { h history demo --max 1 -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)[-1]["status"])'; }
kept_object() {
    fresh kept
    "$WRKTALK" deploy kept >/dev/null 2>&1
    "$WRKTALK" deploy two >/dev/null 2>&1
    expect_exit 0 "$WRKTALK" rollback
    expect_equal '1 1' running
    expect_exit 9 "$WRKTALK" deploy never
    expect_equal '1 1' running
    maintenance_is_off
}
api_gone() {
    fresh api
    local group=g$RANDOM.$helm.example.com version
    definition "$group" '' | kubectl apply -f - >/dev/null
    kubectl wait --for=condition=established "crd/foos.$group" >/dev/null
    at_exit kubectl delete crd "foos.$group" --ignore-not-found
    for version in 1 2; do
        chart "$helm-foo-$version" "$version" <<<"{apiVersion: $group/v1, kind: Foo, metadata: {name: x}}"
        "$WRKTALK" deploy "$helm-foo-$version" >/dev/null 2>&1
    done
    expect_equal '2 1' running
    kubectl delete crd "foos.$group" >/dev/null
    expect_exit 9 "$WRKTALK" rollback
    expect_output 'nothing was harmed, what runs is what revision [0-9]+ says, but for what the server knows no more: Foo x' story
    expect_equal '2 1' running
    maintenance_is_off
}
definition() { # definition GROUP FIELD
    cat <<YAML
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: foos.$1}
spec:
  group: $1
  scope: Namespaced
  names: {kind: Foo, plural: foos, singular: foo}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: string}$2}}}}}}]
YAML
}
definitions() {
    fresh crds
    local group=c$RANDOM.$helm.example.com version
    at_exit kubectl delete crd "foos.$group" --ignore-not-found
    for version in 1 2; do
        mkdir -p "$WORK/chart-$helm-crd-$version/demo/crds"
        definition "$group" "$([ "$version" = 1 ] || printf ', b: {type: string}')" >"$WORK/chart-$helm-crd-$version/demo/crds/foo.yaml"
        chart "$helm-crd-$version" "$version" </dev/null
    done
    # The release is there: helm does not even make the definition.
    expect_exit 0 "$WRKTALK" deploy "$helm-crd-1" --update-crds
    expect_equal "$group" kubectl get crd "foos.$group" -o 'jsonpath={.spec.group}'
    expect_exit 0 "$WRKTALK" deploy "$helm-crd-2" --check
    expect_output "definition differs from the cluster's: CustomResourceDefinition foos.$group: .*--update-crds"
    expect_exit 0 "$WRKTALK" deploy "$helm-crd-2"
    expect_output 'helm leaves it as it is' story
    expect_equal '' kubectl get crd "foos.$group" -o 'jsonpath={.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.b.type}'
    WRKTALK_AGENT_HELM_CRDS=apply expect_exit 0 "$WRKTALK" deploy "$helm-crd-2"
    expect_equal string kubectl get crd "foos.$group" -o 'jsonpath={.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.b.type}'
    expect_exit 0 "$WRKTALK" deploy "$helm-crd-2" --check
    refuse grep -q 'definition differs' "$OUT"
}

# ---------------------------------------------------------------- releases that others made

by_hand() {
    fresh hand
    h uninstall demo --wait >/dev/null
    sql 'delete from agent_task; delete from deployment_target' >/dev/null
    h install demo "$WORK/chart-one/demo" --wait --timeout 60s >/dev/null
    expect_exit 9 "$WRKTALK" deploy never
    expect_equal '1 1' running
    maintenance_is_off
}
by_hand_and_broken() {
    fresh broken
    h uninstall demo --wait >/dev/null
    sql 'delete from agent_task; delete from deployment_target' >/dev/null
    h install demo "$WORK/chart-never/demo" --wait --timeout 3s >/dev/null 2>&1 || true
    expect_exit 1 "$WRKTALK" deploy one --check
    expect_output 'was made by hand and no revision of it was ever whole'
    expect_exit 7 "$WRKTALK" deploy one
    expect_equal untouched state
    expect_equal 1 sh -c "$WRKTALK_AGENT_HELM_BIN -n $WRKTALK_AGENT_KUBE_NAMESPACE history demo -o json | grep -o '\"revision\"' | wc -l"
    maintenance_is_off
}
install_of_others() {
    fresh install
    h uninstall demo --wait >/dev/null
    sql 'delete from agent_task; delete from deployment_target' >/dev/null
    background "foreign-$helm" "$WRKTALK_AGENT_HELM_BIN" --namespace "$WRKTALK_AGENT_KUBE_NAMESPACE" install demo "$WORK/chart-never/demo" --wait --timeout 120s
    wait_until 30 expect_equal pending-install newest_status
    local there
    there=$(h history demo -o json)
    expect_exit 4 "$WRKTALK" deploy one
    expect_equal "$there" h history demo -o json
    end_background "foreign-$helm" KILL || true
    expect_exit 4 "$WRKTALK" deploy one
    expect_equal "$there" h history demo -o json
    maintenance_is_off
}

# ---------------------------------------------------------------- a server that goes away

server() { kubectl config view --raw -o 'jsonpath={.clusters[0].cluster.server}'; }
through_proxy() { # a way to the server that can be cut
    local address port
    address=$(server)
    start_proxy 127.0.0.1:0 "${address#https://}"
    port=$(cat "$WORK/cut.port")
    listen=127.0.0.1:$port
    sed "s|$address|https://$listen|" "$KUBECONFIG" >"$WORK/through.yaml"
    chmod 600 "$WORK/through.yaml"
}
start_proxy() {
    rm -f "$WORK/cut.port"
    background cut python3 "$SUPPORT/stall.py" run "$WORK/cut" "$2" --listen "$1"
    wait_until 10 test -s "$WORK/cut.port"
}
away_for() { # away_for SECONDS: the server is gone so long
    end_background cut KILL || true
    sleep "$1"
    start_proxy "$listen" "${address#https://}"
}
goes_away() {
    fresh away
    local address listen
    address=$(server)
    through_proxy
    KUBECONFIG=$WORK/through.yaml background deploying "$WRKTALK" deploy never
    wait_until 30 expect_equal 3 k get deployment web -o 'jsonpath={.metadata.annotations.version}'
    away_for 40
    wait_until 120 expect_equal failed sql 'select status from agent_task order by created_at desc limit 1'
    expect_equal put_back state
    expect_output 'the API server does not answer and is waited for' story
    expect_equal '1 1' running
    maintenance_is_off
    end_background cut || true
}

flow() {
    helm=$1
    WRKTALK_AGENT_HELM_BIN=$(command -v "$helm")
    export WRKTALK_AGENT_HELM_BIN
    check "$helm: what the API server would refuse is said before" refused_by_the_server
    check "$helm: what helm alone can tell of a chart is told when it is stored" judged_when_stored
    check "$helm: a plain Job that fails is a failed deployment" plain_job_fails
    check "$helm: a plain Job that does not end in time is one, too" plain_job_is_waited_for
    check "$helm: so is a paused Deployment" paused
    check "$helm: a hook that was left behind runs again" hook_runs_again
    check "$helm: what has a hook's name and is none is left alone" hook_that_is_none
    check "$helm: a hook that hangs is named, and ended" hook_hangs
    check "$helm: somebody scales: deployed, rolled back, put back" scaled
    check "$helm: what somebody scales is left to them when asked" left_to_others
    check "$helm: a hook fails beside a manifest that is gone: put back" hook_fails_beside
    check "$helm: a kept object is no obstacle" kept_object
    check "$helm: an API that is gone: nothing was harmed" api_gone
    check "$helm: definitions of custom resources: said, applied when asked" definitions
    check "$helm: a release made by hand is put back" by_hand
    check "$helm: one that was never whole is refused before anything is touched" by_hand_and_broken
    check "$helm: an install of others stays theirs, live and left behind" install_of_others
    check "$helm: a server that goes away in the middle is waited for" goes_away
}
flow helm
if have_service helm3; then flow helm3; fi
