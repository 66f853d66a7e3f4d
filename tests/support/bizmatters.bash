# shellcheck shell=bash
# Sourced by suites of Kubernetes manifests, after lib.bash: the site of the deployment guide, as a namespace under Pod
# Security "restricted" with its service account, a PostgreSQL and a Vault; and what the guide shows of the Jobs' logs.
#
#   site_start NAMESPACE [CLAIM]   start it; kubectl, psql and pod_run point at it. CLAIM: of the backups, gets a volume
#   completes JOB                  wait until the Job has completed
#   job NAME                       the specification of its pod
#   vault_init, migrated LINES     the logs of the containers vault-init and migrate, LINES in the middle of the latter

# shellcheck source=vault.bash
. "$SUPPORT/vault.bash"
# shellcheck source=pod.bash
. "$SUPPORT/pod.bash"
K8S=$(cd "$SUPPORT/../../k8s" && pwd)

site_start() {
    NS=$1
    _site_database
    vault_start
    put_secret host postgres.bizmatters.svc.cluster.local port "$PGPORT" database agent_executor \
        username agent_executor_user password secure_password
    as_root POST auth/kubernetes/role/agent-executor "{\"bound_service_account_names\": \"agent-executor\",
        \"bound_service_account_namespaces\": \"$NS\", \"token_policies\": \"agent-executor\"}" >/dev/null
    _site_namespace "${2:-}"
    pod_volumes vault-secrets vault-ca token backups
    kubectl get configmap vault-ca -o json | jq -r '.data["ca.crt"]' >"$VOLUMES/vault-ca/ca.crt"
    kubectl create token agent-executor >"$VOLUMES/token/token"
}

_site_database() {
    # shellcheck source=testbed/lib.bash
    PGPORT=$(. "$SUPPORT/testbed/lib.bash" && free_port)
    export PGPORT
    pg_cluster listen_addresses=127.0.0.1 "port=$PGPORT"
    printf 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n' >"$WORK/pg/data/pg_hba.conf"
    sql "create role agent_executor_user login password 'secure_password'; select pg_reload_conf()" >/dev/null
    createdb -O agent_executor_user agent_executor
    PGDATABASE=agent_executor
}

_leave_cluster() { kubectl delete "namespace/$NS" "persistentvolume/$NS" --ignore-not-found --wait=false >/dev/null; }

_site_namespace() {
    at_exit _leave_cluster
    kubectl create -f - >/dev/null <<END
apiVersion: v1
kind: Namespace
metadata:
  name: $NS
  labels: {pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/warn: restricted}
END
    [ -z "$1" ] || kubectl create -f - >/dev/null <<END
apiVersion: v1
kind: PersistentVolume
metadata: {name: $NS}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 10Gi}
  claimRef: {namespace: $NS, name: $1}
  hostPath: {path: /backups}
END
    kubectl config view --raw --flatten >"$WORK/kubeconfig"
    chmod 600 "$WORK/kubeconfig"
    export KUBECONFIG=$WORK/kubeconfig
    kubectl config set-context --current --namespace="$NS" >/dev/null
    kubectl create serviceaccount agent-executor >/dev/null
    kubectl create configmap vault-ca --from-file=ca.crt="$VAULT_CACERT" >/dev/null
}

completes() { expect_exit 0 kubectl wait --for=condition=complete --timeout=60s "job/$1"; }
job() { kubectl get job "$1" -o json | jq .spec.template.spec; }

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
# shellcheck disable=SC2034  # for the suites
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
# shellcheck disable=SC2034
skipped='Migration 001 (version 9) already applied. Skipping.'
