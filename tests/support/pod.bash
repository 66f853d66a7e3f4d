# shellcheck shell=bash
# Sourced by suites of Kubernetes manifests, after lib.bash: runs a container of a pod's specification where no kubelet
# does. Its command, environment, mounts, user and read-only root file system are taken from the specification; the image
# is the host's /usr with $WRKTALK in PATH. Nothing else of the host is seen but its network.
#
#   pod_volumes NAME...         make empty volumes of these names, folders of $VOLUMES in memory; the suite fills them
#   pod_run SPEC.json NAME      run that (init) container; its log goes to stdout, as kubectl logs shows it
#
# POD_PROGRAMS: what else the image has, a list of paths. A ConfigMap in envFrom is read from the current namespace.

POD_PROGRAMS=()

pod_volumes() {
    if [ -z "${VOLUMES:-}" ]; then
        VOLUMES=$(mktemp -d /dev/shm/pod.XXXXXX)
        at_exit rm -rf "$VOLUMES"
    fi
    (cd "$VOLUMES" && mkdir -p "$@")
    echo '127.0.0.1 localhost postgres.bizmatters.svc.cluster.local postgres.wrktalk.svc.cluster.local' >"$WORK/hosts"
    echo 'hosts: files' >"$WORK/nsswitch.conf"
}

pod_run() {
    local module container sandbox words name value path mode server
    container=$(jq --arg name "$2" '.initContainers[]?, .containers[] | select(.name == $name)' "$1")
    module=("${WRKTALK%/*}"/wrktalk-exposition-*.so)
    sandbox=(--unshare-user --unshare-pid --die-with-parent --cap-drop ALL --clearenv
        --uid "$(jq .securityContext.runAsUser "$1")" --gid "$(jq .securityContext.runAsGroup "$1")"
        --proc /proc --dev /dev --ro-bind /usr /usr
        --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64
        --ro-bind "$WORK/hosts" /etc/hosts --ro-bind "$WORK/nsswitch.conf" /etc/nsswitch.conf
        --ro-bind "$WRKTALK" /image/wrktalk --ro-bind "${module[0]}" "/image/${module[0]##*/}"
        --setenv PATH "/image:$(pg_bin):/usr/bin")
    while read -r name path mode; do
        sandbox+=("$mode" "$VOLUMES/$name" "$path")
    done < <(jq -r '.volumeMounts[]? | "\(.name) \(.mountPath) \(if .readOnly then "--ro-bind" else "--bind" end)"' <<<"$container")
    for path in "${POD_PROGRAMS[@]}"; do sandbox+=(--ro-bind "$path" "/image/${path##*/}"); done
    server=$(kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}')
    sandbox+=(--setenv KUBERNETES_SERVICE_HOST 127.0.0.1 --setenv KUBERNETES_SERVICE_PORT "${server##*:}")
    while IFS='=' read -r name value; do
        sandbox+=(--setenv "$name" "$value")
    done < <(
        for name in $(jq -r '.envFrom[]?.configMapRef.name' <<<"$container"); do
            kubectl get configmap "$name" -o json | jq -r '.data | to_entries[] | "\(.key)=\(.value)"'
        done
        jq -r '.env[]? | "\(.name)=\(.value)"' <<<"$container"
    )
    [ "$(jq .securityContext.readOnlyRootFilesystem <<<"$container")" != true ] || sandbox+=(--remount-ro /)
    eval "words=($(jq -r '[.command[], .args[]?] | @sh' <<<"$container"))" # a word may have several lines
    bwrap "${sandbox[@]}" "${words[@]}" 2>&1
}
