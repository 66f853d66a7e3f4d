# shellcheck shell=bash
# Sourced by suites of Kubernetes manifests, after lib.bash: the documents' site, as a namespace of the real API server under
# Pod Security "restricted" and a PostgreSQL that wants a password; and what the guide shows of the Jobs' logs.
#
#   site NAMESPACE               begin with these two; kubectl and psql point at them
#   site_jobs [CLAIM]            Vault, service account, files for pod_run of a Job; CLAIM, the backups', gets a volume
#   site_agent                   the agent's database with its tables, and its Secret; the namespace TARGET, which it deploys to
#   database_up                  start the PostgreSQL again
#   completes JOB                wait until the Job has completed
#   job NAME                     the specification of its pod
#   agent_pod NAME FILE          that of the Deployment's pod into FILE, files for pod_run; HTTP is where it will listen
#   api_token FILE               the token, for pod_run, with which this pod talks to the API server
#   probe KIND                   what the kubelet asks: livenessProbe or readinessProbe of that pod
#   shop VERSION OBJECT [READY]  add a release: a chart with the Deployment shop and one object more; with READY "never" its
#                                pods never become ready
#   vault_init, migrated LINES   the logs of the containers vault-init and migrate, LINES in the middle of the latter

# shellcheck disable=SC2034  # the suites read K8S, HTTP, TARGET, created and skipped

# shellcheck source=vault.bash
. "$SUPPORT/vault.bash"
# shellcheck source=pod.bash
. "$SUPPORT/pod.bash"
K8S=$(cd "$SUPPORT/../../k8s" && pwd)

# shellcheck source=testbed/lib.bash
_port() { . "$SUPPORT/testbed/lib.bash" && free_port; }
_leave_cluster() {
    kubectl delete "namespace/$NS" "namespace/$NS-shop" "persistentvolume/$NS" --ignore-not-found --wait=false >/dev/null
}

# _restricted NAMESPACE: made, under Pod Security "restricted".
_restricted() {
    kubectl create -f - >/dev/null <<END
apiVersion: v1
kind: Namespace
metadata:
  name: $1
  labels: {pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/warn: restricted}
END
}

database_up() { pg_cluster listen_addresses=127.0.0.1 "port=$PGPORT"; }

site() {
    NS=$1
    at_exit _leave_cluster
    _restricted "$NS"
    kubectl config view --raw --flatten >"$WORK/kubeconfig"
    chmod 600 "$WORK/kubeconfig"
    export KUBECONFIG=$WORK/kubeconfig
    kubectl config set-context --current --namespace="$NS" >/dev/null

    PGPORT=$(_port)
    export PGPORT
    database_up
    printf 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n' >"$WORK/pg/data/pg_hba.conf"
    sql 'select pg_reload_conf()' >/dev/null
}

site_jobs() {
    sql "create role agent_executor_user login password 'secure_password'" >/dev/null
    createdb -O agent_executor_user agent_executor
    export PGDATABASE=agent_executor
    vault_start
    put_secret host postgres.bizmatters.svc.cluster.local port "$PGPORT" database agent_executor \
        username agent_executor_user password secure_password
    as_root POST auth/kubernetes/role/agent-executor "{\"bound_service_account_names\": \"agent-executor\",
        \"bound_service_account_namespaces\": \"$NS\", \"token_policies\": \"agent-executor\"}" >/dev/null
    kubectl create serviceaccount agent-executor >/dev/null
    kubectl create configmap vault-ca --from-file=ca.crt="$VAULT_CACERT" >/dev/null
    [ -z "${1:-}" ] || kubectl create -f - >/dev/null <<END
apiVersion: v1
kind: PersistentVolume
metadata: {name: $NS}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 10Gi}
  claimRef: {namespace: $NS, name: $1}
  hostPath: {path: /backups}
END
    pod_volumes vault-secrets vault-ca token backups
    kubectl get configmap vault-ca -o json | jq -r '.data["ca.crt"]' >"$VOLUMES/vault-ca/ca.crt"
    kubectl create token agent-executor >"$VOLUMES/token/token"
}

site_agent() {
    sql "create role wrktalk login password 'secure_password'" >/dev/null
    pg_database wrktalk
    sql 'alter database wrktalk owner to wrktalk' >/dev/null
    TARGET=$NS-shop
    _restricted "$TARGET"
    export WRKTALK_AGENT_DB_PORT=$PGPORT WRKTALK_AGENT_DB_USER=wrktalk WRKTALK_AGENT_DEPLOYMENT_TYPE=kubernetes \
        WRKTALK_AGENT_KUBE_NAMESPACE=$TARGET
    "$WRKTALK" migrate up --set agent >/dev/null
    kubectl create secret generic wrktalk-agent --from-literal=db-password=secure_password >/dev/null
}

api_token() {
    local token
    token=$(jq -r '.volumes[].name | select(startswith("kube-api-access"))' "$1")
    pod_volumes "$token"
    kubectl create token "$(jq -r .serviceAccountName "$1")" >"$VOLUMES/$token/token"
    kubectl get configmap kube-root-ca.crt -o json | jq -r '.data["ca.crt"]' >"$VOLUMES/$token/ca.crt"
    echo -n "$NS" >"$VOLUMES/$token/namespace"
}

agent_pod() {
    kubectl get pods -l "app=$1" -o json | jq '.items[0].spec' >"$WORK/pod.json"
    pod_volumes secret shm tmp
    kubectl get secret wrktalk-agent -o json | jq -j '.data["db-password"] | @base64d' >"$VOLUMES/secret/db-password"
    api_token "$WORK/pod.json"
    POD_PROGRAMS=("$(command -v helm)" "$(command -v kubectl)")
    HTTP=127.0.0.1:$(_port)
    jq --arg http "$HTTP" '.containers[0].args |= map(if . == ":9464" then $http else . end)' "$WORK/pod.json" >"$2"
}

probe() {
    local words pid environment
    eval "words=($(jq -r "(.containers[0].$1.exec.command // []) | @sh" "$WORK/pod.json"))"
    if [ "${#words[@]}" -eq 0 ]; then
        curl --silent --show-error --fail-with-body --noproxy '*' "http://$HTTP$(jq -r ".containers[0].$1.httpGet.path" "$WORK/pod.json")"
        return
    fi
    pid=$(pgrep -n -f -- "^wrktalk poll .*$HTTP")
    mapfile -d '' environment <"/proc/$pid/environ"
    nsenter --target "$pid" --user --mount --pid --preserve-credentials env -i "${environment[@]}" "${words[@]}"
}

completes() { expect_exit 0 kubectl wait --for=condition=complete --timeout=60s "job/$1"; }
job() { kubectl get job "$1" -o json | jq .spec.template.spec; }

shop() {
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

vault_init() {
    cat <<END
==> Authenticating to Vault using Kubernetes auth...
==> Successfully authenticated to Vault
==> Fetching PostgreSQL credentials from Vault...
==> PostgreSQL credentials fetched successfully
export PGHOST="postgres.bizmatters.svc.cluster.local"
export PGPORT="$PGPORT"
export PGDATABASE="agent_executor"
export PGUSER="agent_executor_user"
END
}

migrated() {
    cat <<END
==> Loading PostgreSQL credentials from Vault...
==> Verifying database connection...
    Host: postgres.bizmatters.svc.cluster.local
    Port: $PGPORT
    Database: agent_executor
    User: agent_executor_user
==> Database connection successful
==> Checking if migration has already been applied...
$1
==> Verifying checkpoint tables...
==> All 4 checkpoint tables verified successfully
END
}
created='==> Applying migration 001: Create LangGraph checkpoint tables...
CREATE TABLE
CREATE TABLE
CREATE TABLE
CREATE TABLE
CREATE INDEX
CREATE INDEX
CREATE INDEX
INSERT 0 1
==> Migration 001 applied successfully'
skipped='Migration 001 (version 9) already applied. Skipping.'
