# shellcheck shell=bash
# Sourced by the suites that kill and stall an agent of a Helm release, after agent.bash: the target, two releases, and what kill.bash asks for.

namespace=wk-$$
export WRKTALK_AGENT_DEPLOYMENT_TYPE=kubernetes WRKTALK_AGENT_KUBE_NAMESPACE=$namespace WRKTALK_AGENT_HELM_RELEASE_NAME=demo \
    WRKTALK_AGENT_HELM_TIMEOUT=30s WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag WRKTALK_AGENT_HEARTBEAT_INTERVAL=1s TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
at_exit kubectl delete namespace "$namespace" --wait=false
"$WRKTALK" migrate up --set agent >/dev/null
sql "insert into admin (email) values ('a@example.org')" >/dev/null
for version in 1.0.0 2.0.0; do
    tree=$WORK/chart-$version/demo
    mkdir -p "$tree/templates"
    printf 'apiVersion: v2\nname: demo\nversion: %s\n' "$version" >"$tree/Chart.yaml"
    echo 'startAfter: 0s' >"$tree/values.yaml"
    cat >"$tree/templates/all.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: demo, annotations: {version: "$version"}}
spec:
  replicas: 1
  selector: {matchLabels: {app: demo}}
  template:
    metadata: {labels: {app: demo}, annotations: {version: "$version", testbed/start-after: {{ .Values.startAfter | quote }}}}
    spec:
      containers: [{name: web, image: "web:$version"}]
YAML
    tar -czf "$WORK/$version.tgz" -C "$WORK/chart-$version" demo
    "$WRKTALK" release add "$WORK/$version.tgz" --version "$version" >/dev/null 2>&1
done
"$WRKTALK" deploy 1.0.0 >/dev/null 2>&1

# running: what the API server holds, when helm says that it is whole.
running() {
    [[ $(helm -n "$namespace" status demo) == *'STATUS: deployed'* ]] || return 0
    kubectl -n "$namespace" get deployment demo -o 'jsonpath={.metadata.annotations.version}'
}
tool="helm upgrade .*$namespace"
# Neither the guard, which has the same words behind its own name, nor this search.
tool_pids() { pgrep -f -- "$tool" | while read -r pid; do grep -qz __guard "/proc/$pid/cmdline" 2>/dev/null || echo "$pid"; done; }
tool_running() { [ -n "$(tool_pids)" ]; }
tool_at_work() { [[ $(helm -n "$namespace" status demo) == *'STATUS: pending-upgrade'* ]]; }
# The pods take their time to start; what ran before starts at once when helm goes back to it.
make_slow() { sql "update release_artifact set values_data = 'startAfter: 6s'" >/dev/null; }
make_fast() { sql 'update release_artifact set values_data = null' >/dev/null; }
kill_tool() { tool_pids | xargs -r kill -KILL; }

# shellcheck source=kill.bash
. "$SUPPORT/kill.bash"
