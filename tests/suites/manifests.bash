#!/usr/bin/env bash
# k8s/: accepted by a real API server under Pod Security "restricted", and what a pod would run is run: the stored
# command, environment and files of each container, against a real Vault and PostgreSQL.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres kubernetes vault jq openssl bwrap
bwrap --unshare-user --ro-bind / / true 2>"$WORK/bwrap" || skip_suite "no container can be had: $(<"$WORK/bwrap")"
# shellcheck source=../support/vault.bash
. "$SUPPORT/vault.bash"
# shellcheck source=../support/pod.bash
. "$SUPPORT/pod.bash"
K8S=$(cd "$SUPPORT/../../k8s" && pwd)
NS=wrktalk-manifests-$$

# ---------------------------------------------------------------- the site: namespace, Vault, PostgreSQL

# shellcheck source=../support/testbed/lib.bash
PGPORT=$(. "$SUPPORT/testbed/lib.bash" && free_port)
export PGPORT
pg_cluster listen_addresses=127.0.0.1 "port=$PGPORT"
printf 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n' >"$WORK/pg/data/pg_hba.conf"
sql "create role agent_executor_user login password 'secure_password'; select pg_reload_conf()" >/dev/null
createdb -O agent_executor_user agent_executor
PGDATABASE=agent_executor

vault_start
put_secret host postgres.bizmatters.svc.cluster.local port "$PGPORT" database agent_executor \
    username agent_executor_user password secure_password
as_root POST auth/kubernetes/role/agent-executor "{\"bound_service_account_names\": \"agent-executor\",
    \"bound_service_account_namespaces\": \"$NS\", \"token_policies\": \"agent-executor\"}" >/dev/null

leave_cluster() { kubectl delete "namespace/$NS" "persistentvolume/$NS" --ignore-not-found --wait=false >/dev/null; }
at_exit leave_cluster
kubectl create -f - >/dev/null <<END
apiVersion: v1
kind: Namespace
metadata:
  name: $NS
  labels: {pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/warn: restricted}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: $NS}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 10Gi}
  claimRef: {namespace: $NS, name: agent-executor-backups}
  hostPath: {path: /backups}
END
kubectl config view --raw --flatten >"$WORK/kubeconfig"
chmod 600 "$WORK/kubeconfig"
export KUBECONFIG=$WORK/kubeconfig
kubectl config set-context --current --namespace="$NS" >/dev/null
kubectl create serviceaccount agent-executor >/dev/null
kubectl create configmap vault-ca --from-file=ca.crt="$VAULT_CACERT" >/dev/null
pod_volumes vault-secrets vault-ca token backups
kubectl get configmap vault-ca -o json | jq -r '.data["ca.crt"]' >"$VOLUMES/vault-ca/ca.crt"
kubectl create token agent-executor >"$VOLUMES/token/token"

# build FOLDER: what the site applies: the folder of k8s/ with its own namespace and address of Vault.
build() {
    mkdir -p "$WORK/site/$1"
    cat >"$WORK/site/$1/kustomization.yaml" <<END
namespace: $NS
resources: ["$(realpath --relative-to="$WORK/site/$1" "$K8S/$1")"]
patches:
  - target: {kind: Job}
    patch: |-
      - op: replace
        path: /spec/template/spec/initContainers/0/env/0/value
        value: $VAULT_TLS_ADDR
  - target: {kind: CronJob}
    patch: |-
      - op: replace
        path: /spec/jobTemplate/spec/template/spec/initContainers/0/env/0/value
        value: $VAULT_TLS_ADDR
END
    kubectl kustomize "$WORK/site/$1"
}

# ---------------------------------------------------------------- names, and what the server says

# objects FOLDER: namespace, kind and name of what is in it.
objects() {
    kubectl kustomize "$K8S/$1" | kubectl create --dry-run=client -o json -f - |
        jq -r '"\(.metadata.namespace) \(.kind) \(.metadata.name)"' | sort
}
check "the migration has the documents' names" expect_equal \
    'bizmatters ConfigMap agent-executor-migrations-001
bizmatters Job agent-executor-migration-001' objects base/migration
check "the rollback has the documents' name" expect_equal \
    'bizmatters Job agent-executor-migration-001-rollback' objects base/rollback
check "the backup has the documents' name" expect_equal \
    'bizmatters CronJob agent-executor-checkpoint-backup
bizmatters PersistentVolumeClaim agent-executor-backups' objects base/backup
check "the guide's command finds one file with both" expect_output 'job.batch/agent-executor-migration-001 created' \
    kubectl apply -n bizmatters --dry-run=server --validate=strict -f "$K8S/base/migration/migration-job.yaml"

accepted() {
    build "$1" >"$WORK/built.yaml"
    expect_exit 0 kubectl apply --dry-run=server --validate=strict -f "$WORK/built.yaml"
    expect_equal '' cat "$ERR"
}
for folder in base/{migration,rollback,backup} overlays/{argocd,flux,helm-hook}; do
    check "$folder is accepted, and no pod breaks the level restricted" accepted "$folder"
done

open_door() {
    build base/migration | sed 's/runAsNonRoot: true/runAsNonRoot: false/' >"$WORK/built.yaml"
    expect_output 'would violate PodSecurity "restricted.*runAsNonRoot' \
        kubectl apply --dry-run=server -f "$WORK/built.yaml"
}
check 'one that would break it is told of' open_door

same_sql() {
    local file
    for file in up down; do
        file=001_create_checkpointer_tables.$file.sql
        build base/migration | kubectl create --dry-run=client -o json -f - |
            jq -j --arg file "$file" 'select(.kind == "ConfigMap").data[$file]' | diff - "$K8S/../migrations/checkpoint/$file"
    done
}
check 'the ConfigMap shows the SQL that is built in' same_sql

# ---------------------------------------------------------------- the migration

completes() {
    expect_exit 0 kubectl wait --for=condition=complete --timeout=60s "job/$1"
}
applied() {
    build base/migration | kubectl apply -f -
    completes agent-executor-migration-001
    expect_equal 0 kubectl get pods -l job-name=agent-executor-migration-001 \
        -o jsonpath='{.items[0].status.containerStatuses[?(@.name=="migrate")].state.terminated.exitCode}'
    expect_output '^job.batch/agent-executor-migration-001$' kubectl get jobs -l app=agent-executor -o name
    expect_equal '' kubectl get pods -l app=agent-executor -o name
}
check 'the migration is applied, and the Job completes' applied

job() { kubectl get job "$1" -o json | jq .spec.template.spec; }
job agent-executor-migration-001 >"$WORK/migration.json"

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
check "vault-init logs the guide's lines and nothing else" expect_equal "$(vault_init)" \
    pod_run "$WORK/migration.json" vault-init

# migrated LINES: the log of the container migrate, with these lines in the middle.
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
check "migrate logs the guide's lines and nothing else" expect_equal "$(migrated "$created")" \
    pod_run "$WORK/migration.json" migrate
check 'a second Job skips what is applied' expect_equal \
    "$(migrated 'Migration 001 (version 9) already applied. Skipping.')" pod_run "$WORK/migration.json" migrate
check "the guide's health check finds version 9" expect_equal '0|0|0|9' sql "SELECT
    (SELECT COUNT(*) FROM checkpoints), (SELECT COUNT(*) FROM checkpoint_blobs),
    (SELECT COUNT(*) FROM checkpoint_writes), (SELECT v FROM checkpoint_migrations ORDER BY v DESC LIMIT 1)"

no_token() { expect_equal '["vault-init"]' jq -c '[.initContainers[], .containers[] |
    select(.volumeMounts | any(.name == "token" or (.mountPath | test("serviceaccount")))) | .name]' "$WORK/migration.json"; }
check 'the service account token is in vault-init alone' no_token

foreign_token() {
    kubectl create token default >"$VOLUMES/token/token"
    expect_exit 5 pod_run "$WORK/migration.json" vault-init
    expect_output "login.*$NS:default.*403"
    kubectl create token agent-executor >"$VOLUMES/token/token"
}
check 'the token of another service account is refused, and the log says which' foreign_token

# ---------------------------------------------------------------- the backup

backup_job() {
    build base/backup | kubectl apply -f -
    kubectl create job --from=cronjob/agent-executor-checkpoint-backup manual
    completes manual
    expect_equal '0 2 * * * Forbid' kubectl get cronjob agent-executor-checkpoint-backup \
        -o jsonpath='{.spec.schedule} {.spec.concurrencyPolicy}'
}
check 'a Job of the CronJob completes, on a volume of its claim' backup_job
job manual >"$WORK/backup.json"

backed_up() {
    sql "insert into checkpoints (thread_id, checkpoint_id, checkpoint) values ('t', 'c', '{}')"
    expect_exit 0 pod_run "$WORK/backup.json" vault-init
    expect_exit 0 pod_run "$WORK/backup.json" backup
    expect_output "^created /backups/checkpoint_$(date -u +%Y%m%d).sql.gz"
    expect_exit 0 pod_run "$WORK/backup.json" prune
    expect_output '^good .*checkpoints 1' "$WRKTALK" backup verify --dir "$VOLUMES/backups" --all
}
check 'its containers make a backup, prune, and what is left is good' backed_up

# ---------------------------------------------------------------- hooks

hook() {
    build "overlays/$1" | kubectl create --dry-run=client -o json -f - >"$WORK/hook.json"
    expect_equal "$2" jq -sc 'map(.metadata.annotations) | unique | .[]' "$WORK/hook.json"
}
check "Argo CD's hook is the guide's" hook argocd \
    '{"argocd.argoproj.io/hook":"PreSync","argocd.argoproj.io/hook-delete-policy":"BeforeHookCreation"}'
check "Helm's hook is the guide's" hook helm-hook \
    '{"helm.sh/hook":"pre-install,pre-upgrade","helm.sh/hook-delete-policy":"before-hook-creation","helm.sh/hook-weight":"-5"}'

# in_a_chart HELM: the overlay in a chart's templates runs at the installation and anew at the upgrade; backups stay.
in_a_chart() {
    local chart=$WORK/$1 first
    mkdir -p "$chart/templates"
    printf 'apiVersion: v2\nname: executor\nversion: 1.0.0\n' >"$chart/Chart.yaml"
    build overlays/helm-hook >"$chart/templates/migration.yaml"
    build base/backup >"$chart/templates/backup.yaml"
    expect_exit 0 "$1" install executor "$chart" --timeout 60s
    completes agent-executor-migration-001
    first=$(kubectl get job agent-executor-migration-001 -o jsonpath='{.metadata.uid}')
    expect_exit 0 "$1" upgrade executor "$chart" --timeout 60s
    completes agent-executor-migration-001
    [ "$first" != "$(kubectl get job agent-executor-migration-001 -o jsonpath='{.metadata.uid}')" ]
    expect_exit 0 "$1" uninstall executor
    expect_output agent-executor-backups kubectl get pvc -o name
}
kubectl delete job,configmap,cronjob,pvc -l app=agent-executor >/dev/null
for helm in helm helm3; do
    have_service "$helm" || continue
    check "$helm runs the hook at installation and upgrade, and keeps the backups" in_a_chart "$helm"
done

# ---------------------------------------------------------------- the rollback, last: it drops the tables

rolled_back() {
    build base/rollback | kubectl apply -f -
    completes agent-executor-migration-001-rollback
    job agent-executor-migration-001-rollback >"$WORK/rollback.json"
    expect_exit 0 pod_run "$WORK/rollback.json" vault-init
    expect_exit 0 pod_run "$WORK/rollback.json" rollback
    expect_equal '' sql "select relname from pg_class where relname ~ '^checkpoint'"
    expect_equal "$(migrated "$created")" pod_run "$WORK/migration.json" migrate
}
check 'the rollback drops the tables, and the migration makes them again' rolled_back
