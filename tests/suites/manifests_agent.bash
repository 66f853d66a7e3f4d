#!/usr/bin/env bash
# k8s/base/agent: accepted under Pod Security "restricted"; its container, run with the pod's environment, files and
# rights, deploys a chart to another namespace with them and no more; its probes tell the truth, and a drained node gets rid of it.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres kubernetes helm jq curl bwrap
bwrap --unshare-user --ro-bind / / true 2>"$WORK/bwrap" || skip_suite "no container can be had: $(<"$WORK/bwrap")"
# shellcheck source=../support/site.bash
. "$SUPPORT/site.bash"
site wrktalk-manifests-agent-$$
site_agent

# The base's names of the namespaces are the documents'; here each is exchanged for this suite's.
mkdir "$WORK/site" "$WORK/own"
cat >"$WORK/own/kustomization.yaml" <<END
namespace: $NS
resources: ["$(realpath --relative-to="$WORK/own" "$K8S/base/agent")"]
END
cat >"$WORK/site/kustomization.yaml" <<END
resources: [../own]
patches:
  - target: {kind: Role|RoleBinding}
    patch: |-
      - {op: replace, path: /metadata/namespace, value: $TARGET}
  - target: {kind: RoleBinding}
    patch: |-
      - {op: replace, path: /subjects/0/namespace, value: $NS}
  - target: {kind: ConfigMap}
    patch: |-
      - {op: replace, path: /data/WRKTALK_AGENT_KUBE_NAMESPACE, value: $TARGET}
      - {op: replace, path: /data/WRKTALK_AGENT_DB_PORT, value: "$PGPORT"}
      - {op: add, path: /data/WRKTALK_AGENT_HELM_TIMEOUT, value: 5s}
  - target: {kind: NetworkPolicy, name: wrktalk-agent}
    patch: |-
      - {op: replace, path: /spec/egress/1, value: {ports: [{protocol: TCP, port: $PGPORT}], to: [{ipBlock: {cidr: 10.1.2.3/32}}]}}
      - {op: add, path: /spec/egress/-, value: {ports: [{protocol: TCP, port: 3128}]}}
END
kubectl kustomize "$WORK/site" >"$WORK/built.yaml"

accepted() {
    expect_exit 0 kubectl apply --dry-run=server --validate=strict -f "$WORK/built.yaml"
    expect_equal '' cat "$ERR"
    expect_exit 0 kubectl apply -f "$WORK/built.yaml"
    expect_exit 0 kubectl rollout status deployment/wrktalk-agent --timeout=30s
}
check 'it is accepted, breaks no rule of the level restricted, and its pod starts' accepted
check 'its network is the one of the site: PostgreSQL elsewhere, a proxy, the rest as it was' expect_equal \
    "53 53 $PGPORT 8200 443 6443 25 465 587 3128" kubectl get networkpolicy wrktalk-agent -o 'jsonpath={.spec.egress[*].ports[*].port}'
check "the documents' path is the same file" diff "$K8S/agent-deployment.yaml" "$K8S/base/agent/agent-deployment.yaml"

# evict POD: as kubectl drain does it.
evict() {
    kubectl create --raw "/api/v1/namespaces/$NS/pods/$1/eviction" -f - <<<"{\"apiVersion\": \"policy/v1\",
        \"kind\": \"Eviction\", \"metadata\": {\"name\": \"$1\"}}"
}
drained() {
    local pod
    pod=$(kubectl get pods -l app=wrktalk-agent -o jsonpath='{.items[0].metadata.name}')
    expect_exit 0 kubectl wait --for=jsonpath='{.status.disruptionsAllowed}'=1 pdb/wrktalk-agent --timeout=30s
    expect_exit 0 evict "$pod"
    expect_exit 0 kubectl wait --for=delete "pod/$pod" --timeout=30s
    expect_exit 0 kubectl rollout status deployment/wrktalk-agent --timeout=30s
}
check 'the budget lets the only agent be evicted, and another one comes' drained

# base QUERY: what a jq query finds in the objects as they are stored.
base() { kubectl kustomize "$K8S/base/agent" | kubectl create --dry-run=client -o json -f - | jq -r "$1" | sort; }
check 'the agent has a namespace of its own, and its rights in that of its target' expect_equal 'ConfigMap wrktalk-agent
Deployment wrktalk-agent
NetworkPolicy wrktalk-agent
PodDisruptionBudget wrktalk-agent
Role wrktalk
RoleBinding wrktalk
ServiceAccount wrktalk-agent' base '"\(.kind) \(.metadata.namespace)"'
check 'which are for its service account, and where its settings send it' expect_equal 'wrktalk
wrktalk-agent' base 'select(.kind == "RoleBinding").subjects[].namespace, select(.kind == "ConfigMap").data.WRKTALK_AGENT_KUBE_NAMESPACE'

# may NAMESPACE VERB RESOURCE [OPTION]: what the API server says of the agent's service account: yes or no.
may() { kubectl auth can-i "${@:2}" -n "$1" --as "system:serviceaccount:$NS:wrktalk-agent" 2>/dev/null || true; }
rights() {
    expect_equal yes may "$TARGET" create deployments.apps
    expect_equal yes may "$TARGET" create secrets
    local resource
    for resource in secrets configmaps pods deployments.apps serviceaccounts; do
        expect_equal no may "$NS" get "$resource"
        expect_equal no may "$NS" create "$resource"
    done
    expect_equal no may "$TARGET" create rolebindings.rbac.authorization.k8s.io
    expect_equal no may "$TARGET" create serviceaccounts --subresource=token
}
check 'it may do nothing in its own namespace, nor give rights in the other' rights

# What a chart may name where it is deployed: nothing of the agent's is there.
out_of_reach() {
    refuse kubectl get secret,serviceaccount,configmap wrktalk-agent -n "$TARGET"
    cat >"$WORK/thief.yaml" <<END
apiVersion: v1
kind: Pod
metadata: {name: thief}
spec:
  serviceAccountName: wrktalk-agent
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers: [{name: a, image: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]
END
    expect_exit 1 kubectl create --dry-run=server -n "$TARGET" -f "$WORK/thief.yaml"
    expect_output 'serviceaccount "wrktalk-agent" not found'
}
check "no pod there can have its service account, and its Secret is not there" out_of_reach

shop 4.0.0 "{apiVersion: batch/v1, kind: Job, metadata: {name: thief, namespace: $NS}, spec: {template: {spec: {restartPolicy: Never,
  containers: [{name: a, image: a, volumeMounts: [{name: s, mountPath: /s}]}], volumes: [{name: s, secret: {secretName: wrktalk-agent}}]}}}}"
shop 1.0.0 '{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {selector: {app: shop}, ports: [{port: 80}]}}'
shop 3.0.0 '{apiVersion: v1, kind: ConfigMap, metadata: {name: shop}}' never
shop 2.0.0 '{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: shop}, rules: []}'

agent_pod wrktalk-agent "$WORK/agent.json"
background agent pod_run "$WORK/agent.json" agent

# The database away: the agent lives on, and is not ready.
probes() {
    wait_until 20 probe readinessProbe
    expect_exit 0 probe livenessProbe
    pg_stop "$WORK/pg"
    wait_until 60 refuse probe readinessProbe
    expect_exit 0 probe livenessProbe
    database_up
    wait_until 60 probe readinessProbe
}
check 'its probes tell the truth: alive without a database, ready only with it' probes
# shellcheck disable=SC2012  # a name that we made
in_memory() { ls "$VOLUMES/shm" | sed 's/-agent-.*state/-agent-….state/'; }
check 'what it keeps in memory is in the volume with a limit' expect_equal 'wrktalk-agent-….state' in_memory
deployed() {
    expect_exit 0 "$WRKTALK" deploy 1.0.0 --queue --wait
    expect_equal 1.0.0 kubectl get deployment shop -n "$TARGET" -o jsonpath='{.metadata.annotations.version}'
}
check 'the pod deploys a chart with the rights of its service account' deployed

refused() {
    expect_exit 8 "$WRKTALK" deploy 2.0.0 --queue --wait
    expect_output 'roles.rbac.authorization.k8s.io.* is forbidden'
    expect_equal 1.0.0 kubectl get deployment shop -n "$TARGET" -o jsonpath='{.metadata.annotations.version}'
}
check 'a chart that needs more rights is refused before anything changes, and the error names the kind' refused

beside_it() {
    expect_exit 8 "$WRKTALK" deploy 4.0.0 --queue --wait
    expect_output "cannot get resource \"jobs\" in API group \"batch\" in the namespace \"$NS\""
    expect_equal 1.0.0 kubectl get deployment shop -n "$TARGET" -o jsonpath='{.metadata.annotations.version}'
    expect_equal '' kubectl get jobs -n "$NS" -o name
}
check "so is one with a Job beside the agent that would read its Secret" beside_it

never_ready() {
    expect_exit 9 "$WRKTALK" deploy 3.0.0 --queue --wait
    expect_output 'that were not well' "$WRKTALK" task show "$(sql 'select id from agent_task order by created_at desc limit 1')"
    expect_output 'last lines of shop-'
    expect_equal 1.0.0 kubectl get deployment shop -n "$TARGET" -o jsonpath='{.metadata.annotations.version}'
}
check 'the rights suffice to see why pods do not come up, and to put back' never_ready
# maintenance WORD...: the command, in the agent's pod.
maintenance() {
    jq --arg words "$*" '.containers[0].args = ["maintenance", ($words | split(" "))[]]' "$WORK/agent.json" >"$WORK/maintenance.json"
    pod_run "$WORK/maintenance.json" agent
}
unseen() {
    expect_exit 0 maintenance on --reason disks
    [ ! -e "$VOLUMES/tmp/maintenance-mode" ]
    expect_exit 0 maintenance off
}
check 'its maintenance makes no flag file, which no proxy would see' unseen
check 'the password is in no ConfigMap, nor in the log' refuse grep -r secure_password "$WORK/built.yaml" "$WORK/agent.log"
