#!/usr/bin/env bash
# docs/migration-guide.md, walked through: each command of the page is run against a real API server, Vault and PostgreSQL, and what it prints
# is compared with what the page shows. Then the part of docs/upgrade-from-v4.2.md that swaps the agent's Deployment.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres kubernetes testbed-cluster helm vault jq openssl bwrap socat python3
bwrap --unshare-user --ro-bind / / true 2>"$WORK/bwrap" || skip_suite "no container can be had: $(<"$WORK/bwrap")"
# shellcheck source=../support/vault.bash
. "$SUPPORT/vault.bash"
# shellcheck source=../support/pod.bash
. "$SUPPORT/pod.bash"
# shellcheck source=../support/document.bash
. "$SUPPORT/document.bash"
# shellcheck source=../support/kubelet.bash
. "$SUPPORT/kubelet.bash"

# ---------------------------------------------------------------- the site: PostgreSQL, Vault, and what the cluster knows of them

# shellcheck source=../support/testbed/lib.bash
free_port() { (. "$SUPPORT/testbed/lib.bash" && free_port); }
PGPORT=$(free_port)
FORWARDED=$(free_port)
export PGPORT
start_postgres() { pg_cluster listen_addresses=127.0.0.1 "port=$PGPORT"; }
start_postgres
PASSWORD=$(openssl rand -hex 12)
sql "create role agent_executor_user login password '$PASSWORD'" >/dev/null
createdb -O agent_executor_user agent_executor
printf 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n' >"$WORK/pg/data/pg_hba.conf"
sql 'select pg_reload_conf()' >/dev/null

# The names are the page's: what the testbed did not make is never deleted.
clean_cluster() { "$KUBECTL" delete namespace,persistentvolume -l made-by=testbed; } >/dev/null 2>&1
clean_cluster
if "$KUBECTL" get namespace -o name -l made-by!=testbed | grep -xE 'namespace/(bizmatters(-dev)?|wrktalk(-agent)?)'; then
    echo 'the testbed did not make it: not touched'
    exit 1
fi
at_exit clean_cluster
at_exit "$KUBECTL" delete namespace wrktalk-agent --ignore-not-found --wait=false # the page makes it
vault_start # makes the namespace and the service account
put_secret host postgres.bizmatters.svc.cluster.local port 1 database agent_executor username agent_executor_user
mkdir "$WORK/programs"
cat >"$WORK/programs/vault" <<'END'
#!/usr/bin/python3
import os, pty, sys, termios, time

if sys.argv[1:] != ["operator", "unseal"]:
    os.execvp("bao", ["bao", *sys.argv[1:]])
# What asks for a key wants a terminal, and the key when it listens: once it echoes no more.
key = sys.stdin.readline().encode()
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("bao", ["bao", "operator", "unseal"])
try:
    while said := os.read(terminal, 1024):
        sys.stdout.buffer.write(said)
        if key:
            while termios.tcgetattr(terminal)[3] & termios.ECHO:
                time.sleep(0.01)
            os.write(terminal, key)
            key = b""
except OSError:
    pass  # it has ended
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
chmod 755 "$WORK/programs/vault"
POD_PROGRAMS=("$WORK/programs/vault" "$BAO")

kubectl label namespace bizmatters pod-security.kubernetes.io/enforce=restricted >/dev/null
kubectl create configmap vault-ca -n bizmatters --from-file=ca.crt="$VAULT_CACERT" >/dev/null
confined='securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}'
as_user='automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, seccompProfile: {type: RuntimeDefault}}'
kubectl create -f - >/dev/null <<END
apiVersion: v1
kind: Namespace
metadata: {name: bizmatters-dev, labels: {made-by: testbed}}
---
apiVersion: v1
kind: Pod
metadata: {name: vault-0, namespace: bizmatters-dev, labels: {app: vault}}
spec:
  $as_user
  containers:
    - name: vault
      image: openbao/openbao
      env: [{name: BAO_ADDR, value: "$BAO_ADDR"}, {name: BAO_TOKEN, value: root}, {name: HOME, value: /tmp}]
      $confined
---
apiVersion: v1
kind: Pod
metadata: {name: postgres-0, namespace: bizmatters, labels: {app: postgres}, annotations: {testbed/log: "$WORK/pg/log"}}
spec:
  $as_user
  containers: [{name: postgres, image: postgres, $confined}]
---
apiVersion: v1
kind: Service
metadata: {name: postgres, namespace: bizmatters}
spec: {selector: {app: postgres}, ports: [{port: 5432}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: agent-executor, namespace: bizmatters}
spec:
  selector: {matchLabels: {app: agent-executor}}
  template:
    metadata: {labels: {app: agent-executor}}
    spec:
      $(sed 's/^ */      /; 1s/^ *//' <<<"$as_user")
      containers:
        - name: agent-executor
          image: agent-executor
          env:
            - {name: PGHOST, value: postgres.bizmatters.svc.cluster.local}
            - {name: PGPORT, value: "5432"}
            - {name: PGDATABASE, value: agent_executor}
            - {name: PGUSER, value: agent_executor_user}
            - {name: PGPASSWORD, value: "$PASSWORD"}
          $confined
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: agent-executor-backups, labels: {made-by: testbed}}
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 10Gi}
  claimRef: {namespace: bizmatters, name: agent-executor-backups}
  hostPath: {path: /backups}
END
kubectl wait --for=condition=ready --timeout=60s pod/vault-0 -n bizmatters-dev >/dev/null
kubectl wait --for=condition=ready --timeout=60s pod --all -n bizmatters >/dev/null
K8S=$(cd "$SUPPORT/../../k8s" && pwd)
REAL=("$VAULT_TLS_ADDR=https://vault.bizmatters-dev.svc.cluster.local:8200" "$FORWARDED=15432" "$PGPORT=5432" 120s=5m)
kubelet bizmatters

# ---------------------------------------------------------------- the page

# What happens to the site while the page is read.
before() {
    case $1 in
        'Step 1: apply the migration Job') bind_role staging ;;
        'Step 2: monitor its execution')
            check "the role is another namespace's, and the Job has to try again" wait_until 60 failed_once
            bind_role bizmatters
            ;;
        'Job without a pod, or stuck in Pending')
            kubectl delete serviceaccount agent-executor -n bizmatters >/dev/null
            check 'the service account is gone, and a Job gets no pod' no_pod
            ;;
        'Vault does not answer')
            check 'Vault is sealed, and a Job that tries again waits for it' again vault-init seal
            ;;
        'Vault authentication failed')
            bind_role staging
            check "the role is another namespace's, and a Job fails" anew
            ;;
        'PostgreSQL connection failed')
            check 'PostgreSQL is away, and a Job that tries again waits for it' again migrate pg_stop "$WORK/pg"
            ;;
        'When it is back') start_postgres ;;
        'Monitor checkpoint usage') check 'the graph of the page keeps its checkpoints by PostgresSaver' checkpointing ;;
    esac
}
# checkpointing: the page's Python, with a graph of one step, run once.
checkpointing() {
    eval "$("$SUPPORT/langgraph/install")"
    cat >"$WORK/agent_builder.py" <<'PY'
from langgraph.graph import MessagesState, StateGraph


def build():
    graph = StateGraph(MessagesState)
    graph.add_node("answer", lambda state: {"messages": ["hello to you"]})
    graph.set_entry_point("answer")
    return graph
PY
    {
        echo 'import agent_builder'
        cat "$BLOCKS"/*.python
        echo 'compiled.invoke({"messages": ["hello"]}, {"configurable": {"thread_id": "first"}})'
    } >"$WORK/executor.py"
    POSTGRES_CONNECTION_STRING="host=127.0.0.1 port=$PGPORT dbname=agent_executor user=agent_executor_user password=$PASSWORD" \
        python3 "$WORK/executor.py"
}
no_pod() {
    kubectl apply -f "$K8S/base/migration/migration-job.yaml"
    wait_until 60 expect_output FailedCreate kubectl describe job agent-executor-migration-001 -n bizmatters
}
failed_once() { [ "$(kubectl get job agent-executor-migration-001 -n bizmatters -o jsonpath='{.status.failed}')" = 1 ]; }
# bind_role NAMESPACE: Vault lets that one's service account in.
bind_role() {
    as_root POST auth/kubernetes/role/agent-executor "{\"bound_service_account_names\": \"agent-executor\",
        \"bound_service_account_namespaces\": \"$1\", \"token_policies\": \"agent-executor\"}" >/dev/null
}
# anew: the Job anew, and its first pod has failed.
anew() {
    kubectl delete job agent-executor-migration-001 -n bizmatters
    kubectl apply -f "$K8S/base/migration/migration-job.yaml"
    wait_until 60 failed_once
}
# again CONTAINER COMMAND...: Vault refuses the Job's first pod; then COMMAND, and that container of the second has said why it waits.
again() {
    bind_role staging
    anew
    bind_role bizmatters
    "${@:2}"
    wait_until 60 grep -rq --include="$1.log" 'vault.waits\|database.waiting' "$PODS"
}

document migration-guide.md
ln -s "$K8S" "$SUPPORT/../../scripts" "$WORK/session"
printf %s "$PASSWORD" >"$WORK/session/password"
TYPED=$WORK/typed
echo "$(<"$VAULT_STATE/unseal-key")" >"$TYPED"
mkdir -p "$WORK/session/agent-executor/templates"
printf 'apiVersion: v2\nname: agent-executor\nversion: 1.0.0\n' >"$WORK/session/agent-executor/Chart.yaml"
walk

# ---------------------------------------------------------------- what cannot be run here

# Each block that is left out, and why.
declare -A left_out=([argocd]='its controllers run as containers' [flux]='its controllers run as containers')
blocks_left_out() { awk -F'|' '$2 == "bash" && $3 != "" { print $3 }' "$BLOCKS/blocks" | sort; }
check 'only what has a reason was left out' expect_equal "$(printf '%s\n' "${!left_out[@]}" | sort)" blocks_left_out
for tag in "${!left_out[@]}"; do echo "left out, the command of $tag: ${left_out[$tag]}"; done

# ---------------------------------------------------------------- the agent's Deployment, from v4.2 to here

kubectl create -f - >/dev/null <<END
apiVersion: v1
kind: Namespace
metadata: {name: wrktalk, labels: {made-by: testbed}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: wrktalk-agent, namespace: wrktalk}
spec:
  selector: {matchLabels: {app: wrktalk-agent-v4.2}}
  template:
    metadata: {labels: {app: wrktalk-agent-v4.2}}
    spec: {containers: [{name: agent, image: "wrktalk-agent:v4.2"}]}
END
document upgrade-from-v4.2.md
printf %s "$PASSWORD" >"$WORK/session/db-password"
walk kubernetes
rights_in_the_target() {
    expect_equal yes "$KUBECTL" auth can-i create deployments.apps -n wrktalk --as system:serviceaccount:wrktalk-agent:wrktalk-agent
    refuse "$KUBECTL" get secret wrktalk-agent -n wrktalk
}
check 'the agent may deploy to the namespace wrktalk, where its Secret is not' rights_in_the_target
