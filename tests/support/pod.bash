# shellcheck shell=bash
# Sourced by suites of Kubernetes manifests, after lib.bash: runs a container of a pod's specification where no kubelet
# does. Its command, environment, mounts, user and read-only root file system are taken from the specification; the image
# is the host's /usr with $WRKTALK in PATH. Nothing else of the host is seen but its network.
#
#   pod_volumes                 make the volumes the manifests name, from the current namespace; VOLUMES has them
#   pod_run SPEC.json NAME      run that (init) container; its log goes to stdout, as kubectl logs shows it

pod_volumes() {
    # A volume in memory, as the manifests want it for credentials.
    VOLUMES=$(mktemp -d /dev/shm/pod.XXXXXX)
    at_exit rm -rf "$VOLUMES"
    mkdir "$VOLUMES"/{vault-secrets,vault-ca,token,backups}
    kubectl get configmap vault-ca -o json | jq -r '.data["ca.crt"]' >"$VOLUMES/vault-ca/ca.crt"
    kubectl create token agent-executor >"$VOLUMES/token/token"
    echo '127.0.0.1 localhost postgres.bizmatters.svc.cluster.local' >"$WORK/hosts"
    echo 'hosts: files' >"$WORK/nsswitch.conf"
}

pod_run() {
    local container sandbox words name value path mode
    container=$(jq --arg name "$2" '.initContainers[], .containers[] | select(.name == $name)' "$1")
    sandbox=(--unshare-user --unshare-pid --die-with-parent --cap-drop ALL --clearenv
        --uid "$(jq .securityContext.runAsUser "$1")" --gid "$(jq .securityContext.runAsGroup "$1")"
        --proc /proc --dev /dev --ro-bind /usr /usr
        --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64
        --ro-bind "$WORK/hosts" /etc/hosts --ro-bind "$WORK/nsswitch.conf" /etc/nsswitch.conf
        --ro-bind "$WRKTALK" /image/wrktalk --setenv PATH "/image:$(pg_bin):/usr/bin")
    while read -r name path mode; do
        sandbox+=("$mode" "$VOLUMES/$name" "$path")
    done < <(jq -r '.volumeMounts[] | "\(.name) \(.mountPath) \(if .readOnly then "--ro-bind" else "--bind" end)"' <<<"$container")
    while IFS='=' read -r name value; do
        sandbox+=(--setenv "$name" "$value")
    done < <(jq -r '.env[]? | "\(.name)=\(.value)"' <<<"$container")
    [ "$(jq .securityContext.readOnlyRootFilesystem <<<"$container")" != true ] || sandbox+=(--remount-ro /)
    mapfile -t words < <(jq -r '.command[], .args[]' <<<"$container")
    bwrap "${sandbox[@]}" "${words[@]}" 2>&1
}
