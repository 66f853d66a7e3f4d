#!/usr/bin/env bash
# k8s/chart/wrktalk: the same objects as k8s/base and k8s/overlays; values that are wrong are refused; Helm 4 and Helm 3 install,
# upgrade, roll back, test and uninstall it under Pod Security "restricted"; wrktalk itself deploys it; its pods are run.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres kubernetes vault helm jq openssl curl bwrap
bwrap --unshare-user --ro-bind / / true 2>"$WORK/bwrap" || skip_suite "no container can be had: $(<"$WORK/bwrap")"
# shellcheck source=../support/site.bash
. "$SUPPORT/site.bash"
CHART=$K8S/chart/wrktalk
helms=(helm)
! have_service helm3 || helms+=(helm3)
helm package "$CHART" --destination "$WORK" >/dev/null 2>&1
PACKAGE=$(echo "$WORK"/wrktalk-*.tgz)

# ---------------------------------------------------------------- the same truth as k8s/base

version() { expect_equal "$("$WRKTALK" --version | cut -d' ' -f2)" sed -n 's/^appVersion: //p' "$CHART/Chart.yaml"; }
check "the chart's version of the program is the program's" version

# plain: manifests as one line of JSON each, without what Helm adds.
plain() {
    kubectl create --dry-run=client -o json -f - | jq -cS '.metadata.labels |= {app} |
        del(.spec.template.metadata.annotations["checksum/settings"]?)' | sort
}
# same FOLDER NAMESPACE TEMPLATES [SETTINGS]: these templates of the chart make what the folder of k8s/ does.
same() {
    kubectl kustomize "$K8S/$1" | plain >"$WORK/base"
    helm template wrktalk-agent "$PACKAGE" --namespace "$2" --show-only "templates/$3" --set "${4:-}" | plain >"$WORK/chart"
    diff "$WORK/base" "$WORK/chart"
}
check 'it makes base/agent' same base/agent wrktalk-agent 'agent-*.yaml'
check 'it makes base/migration' same base/migration bizmatters migration-job.yaml migration.enabled=true,migration.hook=none
check 'it makes overlays/argocd' same overlays/argocd bizmatters migration-job.yaml migration.enabled=true,migration.hook=argocd
check 'it makes overlays/flux' same overlays/flux bizmatters migration-job.yaml migration.enabled=true,migration.hook=flux
check 'it makes overlays/helm-hook' same overlays/helm-hook bizmatters migration-job.yaml migration.enabled=true
check 'it makes base/backup' same base/backup bizmatters backup-cronjob.yaml backup.enabled=true
check 'it makes base/network-policy' same base/network-policy bizmatters jobs-network-policy.yaml migration.enabled=true

# ---------------------------------------------------------------- values

# rows: each value and its default, as the table of the chart's README has them.
rows() {
    mkdir -p "$WORK/values/templates"
    cp "$CHART/Chart.yaml" "$CHART/values.yaml" "$WORK/values"
    echo '{values: {{ toJson .Values }}}' >"$WORK/values/templates/values.yaml"
    helm template values "$WORK/values" | sed -n 's/^{values: \(.*\)}$/\1/p' | jq -r '
        def leaves($path): to_entries[] | ($path + [.key]) as $path | .value |
            if type == "object" and . != {} and $path[-1] != "resources" then leaves($path)
            else "| `\($path | join("."))` | `\(tojson)` |" end;
        leaves([])'
}
# shellcheck disable=SC2016  # the backquotes are Markdown's
documented() { grep -o '^| `[^`]*` | `[^`]*` |' "$CHART/README.md"; }
check "the table of the chart's README has every value and its default" expect_same_lines rows documented

for helm in "${helms[@]}"; do
    check "$helm lint finds nothing" expect_exit 0 "$helm" lint --strict "$PACKAGE"
done

# refused REGEX SETTING: every Helm refuses it, and says why.
refused() {
    local helm
    for helm in "${helms[@]}"; do
        expect_exit 1 "$helm" template wrktalk-agent "$PACKAGE" --set "$2"
        expect_output "$1"
    done
}
check 'a value that does not exist is refused' refused replica agent.replica=2
check 'a value of another type is refused' refused agent.*replicas agent.replicas=two
check 'a hook that does not exist is refused' refused migration.*hook migration.hook=never
check 'a port that is none is refused' refused networkPolicy.*postgres.*ports 'networkPolicy.postgres.ports={70000}'
check 'a schedule that is none is refused' refused backup.*schedule backup.schedule=nightly
check 'a password among the settings is refused' refused 'WRKTALK_AGENT_DB_PASSWORD would stand' agent.settings.WRKTALK_AGENT_DB_PASSWORD=hunter
# secret_refused NAME: among the settings, and as a plain value of the environment.
secret_refused() {
    refused "agent.settings.$1 would stand" "agent.settings.$1=hunter"
    refused "vault.settings.$1 would stand" "migration.enabled=true,vault.settings.$1=hunter"
    refused "agent.extraEnv.$1 would stand" "agent.extraEnv[0].name=$1,agent.extraEnv[0].value=hunter"
    expect_exit 0 helm template wrktalk-agent "$PACKAGE" \
        --set "agent.extraEnv[0].name=$1,agent.extraEnv[0].valueFrom.secretKeyRef.name=s,agent.extraEnv[0].valueFrom.secretKeyRef.key=k"
}
# secrets: what wrktalk itself shows as a secret; tests/core/config compares the chart's list with the definitions, too.
secrets() {
    WRKTALK_AGENT_DB_DSN=host=a WRKTALK_AGENT_CHECKPOINT_DSN=host=a WRKTALK_AGENT_DB_PASSWORD=b WRKTALK_AGENT_CHECKPOINT_PASSWORD=b \
        WRKTALK_AGENT_VAULT_SECRET_ID=c VAULT_TOKEN=d WRKTALK_AGENT_WEBHOOK_URL=https://e WRKTALK_AGENT_WEBHOOK_SECRET=f \
        "$WRKTALK" config show -o json | jq -r '.settings[] | select(.value == "***").variable'
    echo PGPASSWORD
}
secret_settings() { cat "$CHART/files/secret-settings"; }
check 'so is each other setting that is secret, the webhook among them' each_line secrets secret_refused
check 'and they are those that the chart lists' expect_same_lines secrets secret_settings
check 'a token among those of Vault is refused' refused 'VAULT_TOKEN would stand' migration.enabled=true,vault.settings.VAULT_TOKEN=t
check 'a setting that is none is refused' refused DB_HOST agent.settings.DB_HOST=db
check 'an agent that would replace itself is refused' refused 'is this release.s own name, wrktalk-agent' \
    agent.settings.WRKTALK_AGENT_HELM_RELEASE_NAME=wrktalk-agent,agent.settings.WRKTALK_AGENT_KUBE_NAMESPACE=default
check 'an unlimited folder is refused' refused agent.*tmpSize agent.tmpSize=
check 'a login to Vault without a role is refused' refused 'agent.vault.role is needed' agent.vault.enabled=true

# with SETTINGS QUERY: what a jq query finds in the objects made with these settings.
with() {
    helm template wrktalk-agent "$PACKAGE" --namespace wrktalk --set "$1" | kubectl create --dry-run=client -o json -f - | jq -rc "$2"
}
with_all() { with migration.enabled=true,backup.enabled=true '.. | .args? | arrays | .[:2] | join(" ")' | sort -u; }
check 'a large number in a setting stays one' expect_equal 10000000 \
    with agent.settings.WRKTALK_AGENT_POLL_INTERVAL=10000000 'select(.kind == "ConfigMap").data.WRKTALK_AGENT_POLL_INTERVAL'
# Each container that connects to a database: its name, sslmode, CA, and where that is mounted.
verifies() {
    with "migration.enabled=true,backup.enabled=true,$1" '.. | objects | select(.args? and .name? and .volumeMounts?) |
        select(.args[0] == "poll" or .args[0] == "migrate" or .args[:2] == ["backup", "create"]) | [.name,
        (.env[]? | select(.name | startswith("PGSSL")).value), (.volumeMounts[] | select(.name == "postgres-ca").mountPath)] | join(" ")' | sort
}
check 'with the CA of the databases each connection is verified' expect_equal 'agent verify-full /etc/postgres-ca/ca.crt /etc/postgres-ca
backup verify-full /etc/postgres-ca/ca.crt /etc/postgres-ca
migrate verify-full /etc/postgres-ca/ca.crt /etc/postgres-ca' verifies postgres.caConfigMap=postgres-ca
check 'and without one there is none' expect_equal 'agent
backup
migrate' verifies agent.replicas=1
check 'no other pod can keep the kubelet from the answer whether the agent lives' expect_equal '["wrktalk","health","--max-age","60s"]' \
    with agent.replicas=1 'select(.kind == "Deployment").spec.template.spec.containers[0].livenessProbe.exec.command'
check 'with Vault there is no Secret, and a login' expect_equal \
    '["poll","--loop","--http",":9464","--vault"] ["HOME","VAULT_ADDR","VAULT_CACERT","WRKTALK_AGENT_VAULT_ROLE","WRKTALK_AGENT_VAULT_PATH"] ["shm","tmp","vault-ca"]' \
    with agent.vault.enabled=true,agent.vault.role=r,agent.vault.path=p \
    'select(.kind == "Deployment").spec.template.spec | "\(.containers[0].args) \([.containers[0].env[].name]) \([.volumes[].name] | sort)"'
check 'nor does a setting go before what Vault says' expect_equal '[]' with agent.vault.enabled=true,agent.vault.role=r,agent.vault.path=p \
    'select(.kind == "ConfigMap").data | keys | map(select(startswith("WRKTALK_AGENT_DB_")))'
check 'but the one that the site sets' expect_equal '{"WRKTALK_AGENT_DB_HOST":"replica"}' \
    with agent.vault.enabled=true,agent.vault.role=r,agent.vault.path=p,agent.settings.WRKTALK_AGENT_DB_HOST=replica \
    'select(.kind == "ConfigMap").data | with_entries(select(.key | startswith("WRKTALK_AGENT_DB_")))'
unlimited() { with "$1" '.. | .emptyDir? | objects | select(.sizeLimit == null)'; }
limited() { with "$1" '.. | .emptyDir? | objects | select(.sizeLimit != null).sizeLimit' | sort | uniq -c | sed 's/^ *//'; }
everything=migration.enabled=true,backup.enabled=true
check 'no volume of any pod grows without limit' expect_equal '' unlimited "$everything"
check 'each has the size of what lies there' expect_equal '2 1Gi
2 1Mi
2 32Mi' limited "$everything"
check 'the rights are in the namespace that is deployed to' expect_equal 'Role shop
RoleBinding shop' with agent.settings.WRKTALK_AGENT_KUBE_NAMESPACE=shop \
    'select(.kind | startswith("Role")) | "\(.kind) \(.metadata.namespace)"'
check 'pods get what all of them are to have' expect_equal 'ssd b [{"name":"registry"}]' \
    with 'nodeSelector.disk=ssd,podAnnotations.a=b,image.pullSecrets[0].name=registry' 'select(.kind == "Deployment").spec.template |
        "\(.spec.nodeSelector.disk) \(.metadata.annotations.a) \(.spec.imagePullSecrets)"'
check 'no pod runs anything else, such as what drops the tables' expect_equal 'backup create
backup prune
migrate up
poll --loop
secrets pg-env
verify --set' with_all
check 'and no value makes one' refuse grep -rE 'down.*--yes' "$CHART/templates"
check 'without a Job there is no policy for them' expect_equal wrktalk-agent with '' 'select(.kind == "NetworkPolicy").metadata.name'
networks() {
    with migration.enabled=true,backup.enabled=true '.. | .metadata? | objects | select(.labels["wrktalk/network"]) |
        "\(.labels["wrktalk/network"]) \(.labels["app.kubernetes.io/component"])"' | sort
    with migration.enabled=true 'select(.kind == "NetworkPolicy") | "\(.spec.podSelector)"' | sort
}
check 'each pod belongs to one of the two networks, and no other pod does' expect_equal 'agent-executor job
agent-executor job
wrktalk-agent agent
wrktalk-agent test
{"matchLabels":{"wrktalk/network":"agent-executor"}}
{"matchLabels":{"wrktalk/network":"wrktalk-agent"}}' networks
check 'both policies have the rules of the site, too' expect_equal '[3128]
[3128]' with 'migration.enabled=true,networkPolicy.extraEgress[0].ports[0].port=3128' \
    'select(.kind == "NetworkPolicy").spec.egress[-1].ports | map(.port)'
# notes NAMESPACE SETTINGS: what Helm says after an installation there.
notes() { helm install wrktalk-agent "$PACKAGE" --dry-run=client --namespace "$1" --set "$2"; }
check 'an agent among what it deploys is warned of' expect_output '^WARNING: that is its own namespace' notes wrktalk ''
check 'also in another namespace' expect_output '^WARNING: that is its own namespace' \
    notes shop agent.settings.WRKTALK_AGENT_KUBE_NAMESPACE=shop
unwarned() {
    expect_output 'deploys to the namespace wrktalk ' notes "$1" "$2"
    refuse grep WARNING "$OUT"
}
check 'with a namespace of its own it is not' unwarned wrktalk-agent ''
check 'nor is one whose settings name none' unwarned wrktalk-agent agent.settings.WRKTALK_AGENT_KUBE_NAMESPACE=
# ports SETTINGS: what Helm says after an installation of ports that a policy does not name.
ports() { helm install wrktalk-agent "$PACKAGE" --dry-run=client --set "$1" 2>/dev/null | sed -n 's/^\(.* names port [0-9]*\),.*/\1/p'; }
check 'of a database behind its own NetworkPolicy the notes tell' expect_equal \
    'agent.settings.WRKTALK_AGENT_DB_PORT names port 6432' ports 'agent.settings.WRKTALK_AGENT_DB_PORT=5432\,6432'
for address in https://vault-2 https://10.1.2.3 https://vault.example.com:443/path:1; do
    check "and of a Vault, $address" expect_equal 'vault.address names port 443' ports "migration.enabled=true,vault.address=$address"
done
check 'but not where the policy names the port' expect_equal '' ports migration.enabled=true,vault.address=https://vault-2:8200/
check 'nor where nothing asks Vault' expect_equal '' ports vault.address=https://vault-2
check 'nor where there is no policy' expect_equal '' \
    ports migration.enabled=true,vault.address=https://vault-2,networkPolicy.enabled=false
pod_monitor() {
    expect_exit 0 helm template wrktalk-agent "$PACKAGE" --set agent.podMonitor.enabled=true -s templates/agent-pod-monitor.yaml
    expect_output '^ +app: wrktalk-agent$'
    expect_output '^ +- port: http$'
}
check 'with the Prometheus operator its PodMonitor names the port' pod_monitor

# ---------------------------------------------------------------- installed, and away again

site wrktalk-chart-$$
site_agent
site_jobs agent-executor-backups
cat >"$WORK/site.yaml" <<END
vault:
  address: $VAULT_TLS_ADDR
agent:
  settings: {WRKTALK_AGENT_DB_PORT: $PGPORT, WRKTALK_AGENT_HELM_TIMEOUT: 5s, WRKTALK_AGENT_KUBE_NAMESPACE: $TARGET}
migration: {enabled: true}
backup: {enabled: true}
networkPolicy:
  postgres: {ports: [$PGPORT]}
  vault: {ports: [${VAULT_TLS_ADDR##*:}]}
END

cat >"$WORK/full.yaml" <<'END'
fullnameOverride: full
image: {repository: registry.example.com/wrktalk, tag: "1", pullPolicy: Always, pullSecrets: [{name: registry}]}
postgres: {caConfigMap: postgres-ca}
vault: {caConfigMap: "", settings: {VAULT_NAMESPACE: site, WRKTALK_AGENT_VAULT_AUTH_MOUNT: kubernetes-site}}
agent:
  replicas: 2
  settings: {WRKTALK_AGENT_KUBE_NAMESPACE: default, WRKTALK_AGENT_POLL_INTERVAL: 60}
  vault: {enabled: true, role: agent, path: kv/agent}
  httpPort: 8080
  extraEnv: [{name: WRKTALK_AGENT_WEBHOOK_SECRET, valueFrom: {secretKeyRef: {name: webhook, key: key}}}]
  extraVolumes: [{name: ca, configMap: {name: ca}}]
  extraVolumeMounts: [{name: ca, mountPath: /ca, readOnly: true}]
serviceAccount: {annotations: {a: b}}
jobs: {name: other, vaultRole: other, vaultPath: kv/other}
migration: {backoffLimit: 0, ttlSecondsAfterFinished: 60}
backup: {schedule: "@weekly", timeZone: Europe/Berlin, keepDaily: 1, persistence: {storageClassName: fast, size: 1.5Ti}}
networkPolicy:
  postgres: {to: [{ipBlock: {cidr: 10.1.2.3/32}}]}
  metrics: {from: [{namespaceSelector: {matchLabels: {name: monitoring}}}]}
  extraEgress: [{ports: [{protocol: TCP, port: 3128}], to: [{ipBlock: {cidr: 10.1.2.4/32}}]}]
podAnnotations: {a: b}
nodeSelector: {disk: ssd}
tolerations: [{key: a, operator: Exists}]
affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [
  {weight: 1, podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {app: full}}}}]}}
END
# accepted ARGUMENTS: what Helm makes with these values.
accepted() {
    helm template wrktalk-agent "$PACKAGE" --namespace "$NS" --values "$WORK/site.yaml" --skip-tests "$@" >"$WORK/rendered.yaml"
    expect_exit 0 kubectl apply --dry-run=server --validate=strict -f "$WORK/rendered.yaml"
    expect_equal '' cat "$ERR"
}
check 'all of it is accepted, and no pod breaks the level restricted' accepted
check 'and with every value another one' accepted --values "$WORK/full.yaml"
kinds() {
    helm template wrktalk-agent "$PACKAGE" --values "$WORK/site.yaml" --set "$1" | sed -n 's/^kind: //p' | sort -u | paste -sd ' '
}
check 'what is there already, or not wanted, is not made' expect_equal 'ConfigMap CronJob Deployment Job Pod' kinds \
    serviceAccount.create=false,rbac.create=false,networkPolicy.enabled=false,podDisruptionBudget.enabled=false,backup.persistence.existingClaim=claim

# objects: what the release has made, the hook's and kept ones included; what is for the target begins with its namespace.
objects() {
    local namespace
    for namespace in "$NS" "$TARGET"; do
        kubectl get deployment,cronjob,job,configmap,networkpolicy,poddisruptionbudget,role,rolebinding,serviceaccount,pvc \
            -n "$namespace" -l "app in (wrktalk-agent, agent-executor)" -o json |
            jq -r --arg own "$NS" '.items[] | "\(if .metadata.namespace == $own then "" else "target " end)\(.kind)/\(.metadata.name)"'
    done | sort
}
all='ConfigMap/agent-executor-migrations-001
ConfigMap/wrktalk-agent
CronJob/agent-executor-checkpoint-backup
Deployment/wrktalk-agent
Job/agent-executor-migration-001
NetworkPolicy/agent-executor-jobs
NetworkPolicy/wrktalk-agent
PersistentVolumeClaim/agent-executor-backups
PodDisruptionBudget/wrktalk-agent
ServiceAccount/wrktalk-agent
target Role/wrktalk-agent
target RoleBinding/wrktalk-agent'
stays='ConfigMap/agent-executor-migrations-001
Job/agent-executor-migration-001
PersistentVolumeClaim/agent-executor-backups'

interval() { kubectl get configmap wrktalk-agent -o 'jsonpath={.data.WRKTALK_AGENT_POLL_INTERVAL}'; }

installed() {
    expect_exit 0 "$1" install wrktalk-agent "$PACKAGE" --values "$WORK/site.yaml" --wait --timeout 60s
    expect_output 'kubectl logs job/agent-executor-migration-001'
    expect_equal "$all" objects
    expect_equal 1/1 kubectl get deployment wrktalk-agent -o 'jsonpath={.status.readyReplicas}/{.spec.replicas}'
    completes agent-executor-migration-001
}
upgraded() {
    local job pod
    job=$(kubectl get job agent-executor-migration-001 -o 'jsonpath={.metadata.uid}')
    pod=$(kubectl get pods -l app=wrktalk-agent -o name)
    expect_exit 0 "$1" upgrade wrktalk-agent "$PACKAGE" --values "$WORK/site.yaml" --wait --timeout 60s \
        --set agent.settings.WRKTALK_AGENT_POLL_INTERVAL=10
    expect_equal 10 interval
    expect_exit 0 kubectl wait --for=delete "$pod" --timeout=30s
    [ "$job" != "$(kubectl get job agent-executor-migration-001 -o 'jsonpath={.metadata.uid}')" ]
}
gone_back() {
    expect_exit 0 "$1" rollback wrktalk-agent 1 --wait --timeout 60s
    expect_equal '' interval
    expect_exit 0 "$1" test wrktalk-agent --timeout 60s
    expect_output 'Phase: +Succeeded'
}
uninstalled() {
    expect_exit 0 "$1" uninstall wrktalk-agent --wait --timeout 60s
    expect_equal "$stays" objects
}
for helm in "${helms[@]}"; do
    check "$helm installs it, and the migration runs first" installed "$helm"
    check "$helm upgrades it: new settings, a new pod, and the migration anew" upgraded "$helm"
    check "$helm rolls it back, and its test pod succeeds" gone_back "$helm"
    check "$helm uninstalls it; the backups stay" uninstalled "$helm"
done

# ---------------------------------------------------------------- by wrktalk itself, and its agent at work

# itself COMMAND...: about the release of this chart.
itself() { env WRKTALK_AGENT_KUBE_NAMESPACE="$NS" WRKTALK_AGENT_HELM_RELEASE_NAME=wrktalk-agent WRKTALK_AGENT_HELM_TIMEOUT=60s "$WRKTALK" "$@"; }
# queued: the agent in the pod deploys the shop.
queued() { timeout 60 "$WRKTALK" deploy 1.0.0 --queue --wait --target "kubernetes:$TARGET/wrktalk"; }
running() { kubectl get deployment wrktalk-agent -o 'jsonpath={.metadata.labels.helm\.sh/chart}'; }

deploys() {
    helm package "$CHART" --version "$1" --destination "$WORK" >/dev/null 2>&1
    expect_exit 0 "$WRKTALK" release add "$WORK/wrktalk-$1.tgz" --version "$1" --values "$2"
    expect_exit 0 itself deploy "$1"
    expect_equal "wrktalk-$1" running
}
check 'wrktalk deploys the chart' deploys 0.1.0 "$WORK/site.yaml"

shop 1.0.0 '{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: shop}, rules: []}'
agent_pod wrktalk-agent "$WORK/agent.json"
background agent pod_run "$WORK/agent.json" agent
refuses() {
    wait_until 20 probe readinessProbe
    expect_exit 8 queued
    expect_output 'roles.rbac.authorization.k8s.io.* is forbidden'
}
check 'its agent has no rights for a Role' refuses

cat "$WORK/site.yaml" - >"$WORK/wider.yaml" <<'END'
rbac:
  extraRules:
    - apiGroups: [rbac.authorization.k8s.io]
      resources: [roles]
      verbs: [get, list, watch, create, update, patch, delete]
END
widened() {
    deploys 0.2.0 "$WORK/wider.yaml"
    expect_exit 0 queued
    expect_output role.rbac.authorization.k8s.io/shop kubectl get role shop -n "$TARGET" -o name
}
check 'wrktalk deploys another version, with a rule more, and now it has them' widened

goes_back() {
    expect_exit 0 itself rollback
    expect_equal wrktalk-0.1.0 running
}
check 'wrktalk goes back' goes_back

tested() {
    expect_exit 0 helm test wrktalk-agent --timeout 60s
    kubectl get pod wrktalk-agent-test -o json | jq .spec >"$WORK/test.json"
    expect_exit 0 pod_run "$WORK/test.json" verify
    sql 'alter table agent_task rename to agent_tasks'
    expect_exit 3 pod_run "$WORK/test.json" verify
    sql 'alter table agent_tasks rename to agent_task'
}
PGDATABASE=wrktalk check 'its test pod looks at the tables of the agent' tested

from_vault() {
    local path=kv/bizmatters/agent-executor/agent
    sql "create role other login password 'other_password'"
    createdb -O other other
    env WRKTALK_AGENT_DB_NAME=other WRKTALK_AGENT_DB_USER=other "$WRKTALK" migrate up --set agent
    as_root POST "${path/kv/kv/data}" "{\"data\": {\"host\": \"postgres.bizmatters.svc.cluster.local\", \"port\": \"$PGPORT\",
        \"database\": \"other\", \"username\": \"other\", \"password\": \"other_password\"}}" >/dev/null
    as_root POST auth/kubernetes/role/wrktalk-agent "{\"bound_service_account_names\": \"wrktalk-agent\",
        \"bound_service_account_namespaces\": \"$NS\", \"token_policies\": \"agent-executor\"}" >/dev/null
    expect_exit 0 helm upgrade wrktalk-agent "$PACKAGE" --values "$WORK/site.yaml" --wait --timeout 60s \
        --set "agent.vault.enabled=true,agent.vault.role=wrktalk-agent,agent.vault.path=$path,agent.settings.WRKTALK_AGENT_DB_PORT="
    expect_exit 0 helm test wrktalk-agent --timeout 60s
    kubectl get pod wrktalk-agent-test -o json | jq .spec >"$WORK/test.json"
    api_token "$WORK/test.json"
    expect_exit 0 pod_run "$WORK/test.json" verify
}
check 'with Vault it looks at those that Vault names, and needs no Secret' from_vault

# ---------------------------------------------------------------- its Jobs, run

job agent-executor-migration-001 >"$WORK/migration.json"
check "its vault-init logs the guide's lines and nothing else" expect_equal "$(vault_init)" pod_run "$WORK/migration.json" vault-init
check "its migrate logs the guide's lines and nothing else" expect_equal "$(migrated "$created")" \
    pod_run "$WORK/migration.json" migrate
check 'and skips what is applied' expect_equal "$(migrated "$skipped")" pod_run "$WORK/migration.json" migrate

backed_up() {
    kubectl create job --from=cronjob/agent-executor-checkpoint-backup manual
    completes manual
    job manual >"$WORK/backup.json"
    expect_exit 0 pod_run "$WORK/backup.json" vault-init
    expect_exit 0 pod_run "$WORK/backup.json" backup
    expect_exit 0 pod_run "$WORK/backup.json" prune
    expect_output '^good ' "$WRKTALK" backup verify --dir "$VOLUMES/backups" --all
}
check 'a Job of its CronJob makes a backup that is good, and prunes' backed_up
helm get all wrktalk-agent >"$WORK/held"
check 'the password is in nothing that Helm holds, nor in the log' refuse grep secure_password "$WORK/held" "$WORK/agent.log"
