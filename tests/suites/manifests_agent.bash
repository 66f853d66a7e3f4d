#!/usr/bin/env bash
# k8s/base/agent: accepted under Pod Security "restricted"; and its container, run with the pod's environment, files and
# rights, deploys a chart with them and no more.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres kubernetes helm jq bwrap
bwrap --unshare-user --ro-bind / / true 2>"$WORK/bwrap" || skip_suite "no container can be had: $(<"$WORK/bwrap")"
# shellcheck source=../support/pod.bash
. "$SUPPORT/pod.bash"
K8S=$(cd "$SUPPORT/../../k8s" && pwd)
NS=wrktalk-manifests-agent-$$

# shellcheck source=../support/testbed/lib.bash
PGPORT=$(. "$SUPPORT/testbed/lib.bash" && free_port)
export PGPORT
pg_cluster listen_addresses=127.0.0.1 "port=$PGPORT"
printf 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n' >"$WORK/pg/data/pg_hba.conf"
sql "create role wrktalk login password 'secure_password'; select pg_reload_conf()" >/dev/null
pg_database wrktalk
export WRKTALK_AGENT_DB_PORT=$PGPORT WRKTALK_AGENT_DB_USER=wrktalk WRKTALK_AGENT_DEPLOYMENT_TYPE=kubernetes \
    WRKTALK_AGENT_KUBE_NAMESPACE=$NS
sql 'alter database wrktalk owner to wrktalk' >/dev/null
"$WRKTALK" migrate up --set agent >/dev/null

leave_cluster() { kubectl delete "namespace/$NS" --ignore-not-found --wait=false >/dev/null; }
at_exit leave_cluster
kubectl create -f - >/dev/null <<END
apiVersion: v1
kind: Namespace
metadata:
  name: $NS
  labels: {pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/warn: restricted}
END
kubectl config view --raw --flatten >"$WORK/kubeconfig"
chmod 600 "$WORK/kubeconfig"
export KUBECONFIG=$WORK/kubeconfig
kubectl config set-context --current --namespace="$NS" >/dev/null
kubectl create secret generic wrktalk-agent --from-literal=db-password=secure_password >/dev/null

mkdir "$WORK/site"
cat >"$WORK/site/kustomization.yaml" <<END
namespace: $NS
resources: ["$(realpath --relative-to="$WORK/site" "$K8S/base/agent")"]
patches:
  - target: {kind: ConfigMap}
    patch: |-
      - {op: replace, path: /data/WRKTALK_AGENT_KUBE_NAMESPACE, value: $NS}
      - {op: replace, path: /data/WRKTALK_AGENT_DB_PORT, value: "$PGPORT"}
      - {op: add, path: /data/WRKTALK_AGENT_HELM_TIMEOUT, value: 5s}
END
kubectl kustomize "$WORK/site" >"$WORK/built.yaml"

accepted() {
    expect_exit 0 kubectl apply --dry-run=server --validate=strict -f "$WORK/built.yaml"
    expect_equal '' cat "$ERR"
    expect_exit 0 kubectl apply -f "$WORK/built.yaml"
    expect_exit 0 kubectl rollout status deployment/wrktalk-agent --timeout=30s
}
check 'it is accepted, breaks no rule of the level restricted, and its pod starts' accepted

kubectl get pods -l app=wrktalk-agent -o json | jq '.items[0].spec' >"$WORK/agent.json"
token=$(jq -r '.volumes[].name | select(startswith("kube-api-access"))' "$WORK/agent.json")
pod_volumes secret tmp "$token"
kubectl get secret wrktalk-agent -o json | jq -j '.data["db-password"] | @base64d' >"$VOLUMES/secret/db-password"
kubectl create token wrktalk-agent >"$VOLUMES/$token/token"
kubectl get configmap kube-root-ca.crt -o json | jq -r '.data["ca.crt"]' >"$VOLUMES/$token/ca.crt"
echo -n "$NS" >"$VOLUMES/$token/namespace"
POD_PROGRAMS=("$(command -v helm)" "$(command -v kubectl)")

# chart VERSION OBJECT [READY]: a chart with a Deployment that the level restricted admits, and one object more; with READY
# "never" its pods never become ready.
chart() {
    mkdir -p "$WORK/shop/templates"
    printf 'apiVersion: v2\nname: shop\nversion: %s\n' "$1" >"$WORK/shop/Chart.yaml"
    kubectl get deployment wrktalk-agent -o json | jq --arg version "$1" --arg ready "${3:-}" '
        {apiVersion, kind, metadata: {name: "shop", annotations: {version: $version}}, spec: (.spec |
            {selector: {matchLabels: {app: "shop"}}, template: {
                metadata: {labels: {app: "shop"}, annotations: {"testbed/ready": $ready}}, spec:
                (.template.spec | del(.serviceAccount, .serviceAccountName))}})}' >"$WORK/shop/templates/deployment.yaml"
    printf '%s\n' "$2" >"$WORK/shop/templates/more.yaml"
    tar -czf "$WORK/shop-$1.tgz" -C "$WORK" shop
    "$WRKTALK" release add "$WORK/shop-$1.tgz" --version "$1" >/dev/null
}
chart 1.0.0 '{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {selector: {app: shop}, ports: [{port: 80}]}}'
chart 3.0.0 '{apiVersion: v1, kind: ConfigMap, metadata: {name: shop}}' never
chart 2.0.0 '{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: shop}, rules: []}'

background agent pod_run "$WORK/agent.json" agent
deployed() {
    expect_exit 0 "$WRKTALK" deploy 1.0.0 --queue --wait
    expect_equal 1.0.0 kubectl get deployment shop -o jsonpath='{.metadata.annotations.version}'
}
check 'the pod deploys a chart with the rights of its service account' deployed

refused() {
    expect_exit 8 "$WRKTALK" deploy 2.0.0 --queue --wait
    expect_output 'roles.rbac.authorization.k8s.io.* is forbidden'
    expect_equal 1.0.0 kubectl get deployment shop -o jsonpath='{.metadata.annotations.version}'
}
check 'a chart that needs more rights is refused before anything changes, and the error names the kind' refused

never_ready() {
    expect_exit 9 "$WRKTALK" deploy 3.0.0 --queue --wait
    expect_output 'that were not well' "$WRKTALK" task show "$(sql 'select id from agent_task order by created_at desc limit 1')"
    expect_output 'last lines of shop-'
    expect_equal 1.0.0 kubectl get deployment shop -o jsonpath='{.metadata.annotations.version}'
}
check 'the rights suffice to see why pods do not come up, and to put back' never_ready
check 'the password is in no ConfigMap, nor in the log' refuse grep -r secure_password "$WORK/built.yaml" "$WORK/agent.log"
