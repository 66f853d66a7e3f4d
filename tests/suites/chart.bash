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

version() { expect_equal "$("$WRKTALK" --version | cut -d' ' -f2)" awk '$1 == "appVersion:" { print $2 }' "$CHART/Chart.yaml"; }
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
check 'it makes base/agent' same base/agent wrktalk 'agent-*.yaml'
check 'it makes base/migration' same base/migration bizmatters migration-job.yaml migration.enabled=true,migration.hook=none
check 'it makes overlays/argocd' same overlays/argocd bizmatters migration-job.yaml migration.enabled=true,migration.hook=argocd
check 'it makes overlays/flux' same overlays/flux bizmatters migration-job.yaml migration.enabled=true,migration.hook=flux
check 'it makes overlays/helm-hook' same overlays/helm-hook bizmatters migration-job.yaml migration.enabled=true
check 'it makes base/rollback' same base/rollback bizmatters rollback-job.yaml rollback.enabled=true
check 'it makes base/backup' same base/backup bizmatters backup-cronjob.yaml backup.enabled=true
check 'it makes base/network-policy' same base/network-policy bizmatters jobs-network-policy.yaml fullnameOverride=agent-executor

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
documented() { diff <(rows | sort) <(grep -o '^| `[^`]*` | `[^`]*` |' "$CHART/README.md" | sort); }
check "the table of the chart's README has every value and its default" documented

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
check 'a password among the settings is refused' refused WRKTALK_AGENT_DB_PASSWORD agent.settings.WRKTALK_AGENT_DB_PASSWORD=hunter
check 'a setting that is none is refused' refused DB_HOST agent.settings.DB_HOST=db
check 'an agent that would replace itself is refused' refused 'is this release.s own name, wrktalk-agent' \
    agent.settings.WRKTALK_AGENT_HELM_RELEASE_NAME=wrktalk-agent
check 'a login to Vault without a role is refused' refused 'agent.vault.role is needed' agent.vault.enabled=true
check 'making the tables and dropping them is refused' refused 'enable one of them' migration.enabled=true,rollback.enabled=true

# with SETTINGS QUERY: what a jq query finds in the objects made with these settings.
with() {
    helm template wrktalk-agent "$PACKAGE" --namespace wrktalk --set "$1" | kubectl create --dry-run=client -o json -f - | jq -rc "$2"
}
container='select(.kind == "Deployment").spec.template.spec.containers[0]'
check 'a large number in a setting stays one' expect_equal 10000000 \
    with agent.settings.WRKTALK_AGENT_POLL_INTERVAL=10000000 'select(.kind == "ConfigMap").data.WRKTALK_AGENT_POLL_INTERVAL'
check 'with Vault there is no Secret, and a login' expect_equal \
    '["poll","--loop","--http",":9464","--vault"] ["HOME","VAULT_ADDR","VAULT_CACERT","WRKTALK_AGENT_VAULT_ROLE","WRKTALK_AGENT_VAULT_PATH"] ["tmp","vault-ca"]' \
    with agent.vault.enabled=true,agent.vault.role=r,agent.vault.path=p \
    'select(.kind == "Deployment").spec.template.spec | "\(.containers[0].args) \([.containers[0].env[].name]) \([.volumes[].name] | sort)"'
check 'the rights are in the namespace that is deployed to' expect_equal '["Role","shop"] ["RoleBinding","shop"] ' \
    eval "with agent.settings.WRKTALK_AGENT_KUBE_NAMESPACE=shop 'select(.kind | startswith(\"Role\")) | [.kind, .metadata.namespace]' | tr '\n' ' '"
check 'pods get what all of them are to have' expect_equal '["nodeSelector","podAnnotations","pullSecrets"]' \
    with 'nodeSelector.disk=ssd,podAnnotations.a=b,image.pullSecrets[0].name=registry' \
    'select(.kind == "Deployment").spec.template | [.spec.nodeSelector.disk == "ssd", .metadata.annotations.a == "b", .spec.imagePullSecrets == [{name: "registry"}]] | if all then ["nodeSelector", "podAnnotations", "pullSecrets"] else . end'
