#!/usr/bin/env bash
# k8s/: accepted by a real API server under Pod Security "restricted", and what a pod would run is run: the stored
# command, environment and files of each container, against a real Vault and PostgreSQL.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres kubernetes vault jq openssl bwrap
bwrap --unshare-user --ro-bind / / true 2>"$WORK/bwrap" || skip_suite "no container can be had: $(<"$WORK/bwrap")"
# shellcheck source=../support/site.bash
. "$SUPPORT/site.bash"
site wrktalk-manifests-$$
site_jobs agent-executor-backups

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
    kubectl apply -n bizmatters --dry-run=server --validate=strict -f "$K8S/migration-job.yaml"
check 'who applies the whole folder drops no tables' refuse grep -l 'migrate, down' "$K8S"/*.yaml

# verifies FOLDER: with the component, each container of it that connects to a database, its sslmode, CA, and where that is mounted.
verifies() {
    mkdir -p "$WORK/verified/$1"
    cat >"$WORK/verified/$1/kustomization.yaml" <<END
resources: ["$(realpath --relative-to="$WORK/verified/$1" "$K8S/$1")"]
components: ["$(realpath --relative-to="$WORK/verified/$1" "$K8S/components/postgres-ca")"]
END
    kubectl kustomize "$WORK/verified/$1" | kubectl create --dry-run=client -o json -f - |
        jq -r '.. | objects | select(any(.volumes[]?; .name == "postgres-ca")) | .initContainers[]?, .containers[] |
            select(any(.env[]?; .name == "PGSSLMODE")) | [.name, (.env[] | select(.name | startswith("PGSSL")).value),
            (.volumeMounts[] | select(.name == "postgres-ca").mountPath)] | join(" ")'
}
verified='verify-full /etc/postgres-ca/ca.crt /etc/postgres-ca'
check 'with the CA of the databases the migration verifies the server' expect_equal "migrate $verified" verifies base/migration
check 'so does the rollback' expect_equal "rollback $verified" verifies base/rollback
check 'and the backup' expect_equal "backup $verified" verifies base/backup
check 'and the agent' expect_equal "agent $verified" verifies base/agent

accepted() {
    build "$1" >"$WORK/built.yaml"
    expect_exit 0 kubectl apply --dry-run=server --validate=strict -f "$WORK/built.yaml"
    expect_equal '' cat "$ERR"
}
for folder in base/{migration,rollback,backup,network-policy} overlays/{argocd,flux,helm-hook}; do
    check "$folder is accepted, and no pod breaks the level restricted" accepted "$folder"
done

# empty_dirs FOLDER: each of its volumes that begins empty, as "NAME SIZE", SIZE "null" without a limit.
empty_dirs() {
    kubectl kustomize "$K8S/$1" | kubectl create --dry-run=client -o json -f - |
        jq -r '.. | .volumes? | arrays | .[] | select(.emptyDir) | "\(.name) \(.emptyDir.sizeLimit)"'
}
all_empty_dirs() { for folder in base/{agent,migration,rollback,backup}; do empty_dirs "$folder"; done; }
check 'no volume grows without limit' expect_equal 'shm 32Mi
tmp 1Gi
vault-secrets 1Mi
vault-secrets 1Mi
vault-secrets 1Mi' all_empty_dirs

open_door() {
    build base/migration | sed 's/runAsNonRoot: true/runAsNonRoot: false/' >"$WORK/built.yaml"
    expect_output 'would violate PodSecurity "restricted.*runAsNonRoot' \
        kubectl apply --dry-run=server -f "$WORK/built.yaml"
}
check 'one that would break it is told of' open_door

# as_shown FOLDER QUERY: what a jq query finds in the objects of the README's folder, its patches further below included.
mkdir -p "$WORK/readme/my-site"{,-agent,-rollback}
ln -s "$K8S" "$WORK/readme/k8s"
(cd "$WORK/readme" && awk '
    /^[^ ]/ && shown { file = shown = "" }
    /^[^ ]/ && match($0, /`my-site[a-z-]*\/kustomization.yaml`/) { file = substr($0, RSTART + 1, RLENGTH - 2) }
    /^    / && file { print substr($0, 5) >file; shown = 1 }' "$K8S/README.md")
as_shown() { kubectl kustomize "$WORK/readme/$1" | kubectl create --dry-run=client -o json -f - | jq -rc "$2"; }

unique() { as_shown "$@" | sort -u; }
its_own() {
    expect_equal "$2" as_shown "$1" '"\(.metadata.namespace) \(.kind)"'
    expect_equal registry.example.com/wrktalk:0.1.0 unique "$1" '.. | .image? | strings'
}
vault='.. | .env? | arrays | .[] | select(.name == "VAULT_ADDR").value'

check "the README's site has its image, and the namespace of all but the agent" its_own my-site 'bizmatters ConfigMap
bizmatters PersistentVolumeClaim
bizmatters CronJob
bizmatters Job
bizmatters NetworkPolicy'
check 'and its Vault' expect_equal https://vault.example.com:8200 unique my-site "$vault"
check 'its way back is the one Job, in a folder of its own' its_own my-site-rollback 'bizmatters Job'
check 'with the same Vault' expect_equal https://vault.example.com:8200 unique my-site-rollback "$vault"
check 'its agent stays in its own namespace, and its rights are in that of the page' its_own my-site-agent 'wrktalk-agent ServiceAccount
shop Role
shop RoleBinding
wrktalk-agent ConfigMap
wrktalk-agent Deployment
wrktalk-agent PodDisruptionBudget
wrktalk-agent NetworkPolicy'
check 'and has all of its patches' expect_equal 'poddisruptionbudgets
wrktalk-agent
db.example.com
shop
[53,53,6432,8200,443,6443,25,465,587,3128]' as_shown my-site-agent '
    select(.kind == "Role").rules[-1].resources[0],
    select(.kind == "RoleBinding").subjects[0].namespace,
    select(.kind == "ConfigMap").data.WRKTALK_AGENT_DB_HOST,
    select(.kind == "ConfigMap").data.WRKTALK_AGENT_KUBE_NAMESPACE,
    (select(.kind == "NetworkPolicy").spec.egress | map(.ports[].port))'

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

applied() {
    build base/migration | kubectl apply -f -
    completes agent-executor-migration-001
    expect_equal 0 kubectl get pods -l job-name=agent-executor-migration-001 \
        -o jsonpath='{.items[0].status.containerStatuses[?(@.name=="migrate")].state.terminated.exitCode}'
    expect_output '^job.batch/agent-executor-migration-001$' kubectl get jobs -l app=agent-executor -o name
    expect_equal '' kubectl get pods -l app=agent-executor -o name
}
check 'the migration is applied, and the Job completes' applied

job agent-executor-migration-001 >"$WORK/migration.json"

check "vault-init logs the guide's lines and nothing else" expect_equal "$(vault_init)" \
    pod_run "$WORK/migration.json" vault-init

check "migrate logs the guide's lines and nothing else" expect_equal "$(migrated "$created")" \
    pod_run "$WORK/migration.json" migrate
check 'a second Job skips what is applied' expect_equal \
    "$(migrated "$skipped")" pod_run "$WORK/migration.json" migrate
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

# ---------------------------------------------------------------- waiting for a Job

# The README's line, for another Job and namespace.
wait_line() {
    grep -m 1 'until kubectl get job/agent-executor-migration-001' "$SUPPORT/../../README.md" |
        sed "s|job/agent-executor-migration-001 -n bizmatters|job/$1 -n $NS|"
}
# podless NAME SPEC: one without a pod that could run: its completions or its deadline end it.
podless() {
    kubectl apply -n "$NS" -f - <<END >/dev/null
apiVersion: batch/v1
kind: Job
metadata: {name: $1}
spec: {backoffLimit: 0, $2, template: {spec: {restartPolicy: Never, nodeSelector: {is: nowhere}, containers: [{name: c, image: none}]}}}
END
}
ends_at_once() {
    podless waited-for 'completions: 0'
    expect_exit 0 timeout 30 bash -c "$(wait_line waited-for)"
    expect_output Complete
    podless fails 'activeDeadlineSeconds: 2'
    expect_exit 0 timeout 60 bash -c "$(wait_line fails)"
    expect_output Failed
}
check "the README's line ends at once, whether the Job has completed or failed" ends_at_once
