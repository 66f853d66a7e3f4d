# shellcheck shell=bash
# Sourced by suites that walk through what is done with kubectl, after lib.bash, document.bash and pod.bash: what a kubelet
# does for the pods of Jobs, so that a Job ends as its command ends. Nothing else stands in for a part of the cluster.
#
#   kubelet NAMESPACE    from here on, pods there that end (restartPolicy Never) are run, their init containers first; exit
#                        codes go to the pods' status. What the API server stores of them is what runs: see pod.bash
#   kubectl ...          the real one, but for exec, logs and port-forward, which ask a kubelet, and `get -w`, which is
#                        ended, as by ^C, when a Job has completed
#
# Volumes are folders in memory with what the ConfigMap, Secret or token has; a claim's folder is $PODS/claim-NAME and
# stays. A Service's name leads to loopback, and to the port that REAL says. The pod's annotation testbed/log names the
# file with the log of a pod that is not run here.

KUBECTL=$(type -P kubectl)

kubelet() {
    PODS=$(mktemp -d /dev/shm/pods.XXXXXX)
    at_exit rm -rf "$PODS"
    echo '127.0.0.1 localhost postgres.bizmatters.svc.cluster.local' >"$WORK/hosts"
    echo 'hosts: files' >"$WORK/nsswitch.conf"
    # The testbed's own kubelet must leave these pods to us.
    at_exit _leave_pods "$1"
    "$KUBECTL" apply -f - <<END
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: $1}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration:
        expression: 'Object{metadata: Object.metadata{annotations: {"testbed/run-for": "forever"}}}'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: $1}
spec:
  policyName: $1
  matchResources:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $1}}
END
    wait_until 60 _policy_works "$1"
    background kubelet _kubelet "$1"
} >/dev/null

_leave_pods() { "$KUBECTL" delete "mutatingadmissionpolicy/$1" "mutatingadmissionpolicybinding/$1" --ignore-not-found >/dev/null; }

# _policy_works NAMESPACE: the API server takes a moment until it follows a new policy.
_policy_works() {
    "$KUBECTL" create -n "$1" --dry-run=server -o yaml -f - <<END | grep testbed/run-for
apiVersion: v1
kind: Pod
metadata: {name: probe}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - {name: probe, image: none, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}
END
}

_kubelet() {
    local pods watch uid name phase policy
    exec {pods}< <(exec "$KUBECTL" get pods -n "$1" -w \
        -o jsonpath='{.metadata.uid} {.metadata.name} {.status.phase} {.spec.restartPolicy}{"\n"}')
    watch=$!
    # shellcheck disable=SC2064  # this watch
    trap "kill $watch \$(jobs -p) 2>/dev/null; exit 0" TERM
    while read -ru "$pods" uid name phase policy; do
        if [ "$phase $policy" != 'Running Never' ] || [ -e "$PODS/$uid" ]; then continue; fi
        mkdir "$PODS/$uid"
        # A pod may be deleted at any moment: what fails for it ends with it.
        { _admit "$1" "$name" "$PODS/$uid"; _run_pod "$1" "$name" "$PODS/$uid"; } &
    done
}

# _admit NAMESPACE POD FOLDER: its specification and its volumes.
_admit() {
    local volume name
    mkdir -p "$3/volumes"
    "$KUBECTL" get pod -n "$1" "$2" -o json | jq .spec | as_here >"$3/spec.json"
    while read -r volume; do
        name=$3/volumes/$(jq -r .name <<<"$volume")
        if [[ $volume == *'"persistentVolumeClaim"'* ]]; then
            mkdir -p "$PODS/claim-$(jq -r .persistentVolumeClaim.claimName <<<"$volume")"
            ln -s "$PODS/claim-$(jq -r .persistentVolumeClaim.claimName <<<"$volume")" "$name"
            continue
        fi
        mkdir "$name"
        case $volume in
            *'"configMap"'*) _keys "$1" configmap "$(jq -r .configMap.name <<<"$volume")" "$name" ;;
            *'"secret"'*) _keys "$1" secret "$(jq -r .secret.secretName <<<"$volume")" "$name" ;;
            *'"serviceAccountToken"'*)
                "$KUBECTL" create token -n "$1" "$(jq -r .serviceAccountName "$3/spec.json")" >"$name/token"
                ;;
        esac
    done < <(jq -c '.volumes[]?' "$3/spec.json")
}

# _keys NAMESPACE KIND NAME FOLDER: a file for each key.
_keys() {
    local key data
    data=$("$KUBECTL" get -n "$1" "$2" "$3" -o json | jq '(if .kind == "Secret" then .data[] |= @base64d else . end).data')
    for key in $(jq -r 'keys[]' <<<"$data"); do jq -j --arg key "$key" '.[$key]' <<<"$data" >"$4/$key"; done
}

_run_pod() {
    local container VOLUMES=$3/volumes code
    for container in $(jq -r '.initContainers[]?.name, .containers[].name' "$3/spec.json"); do
        echo "$container" >"$3/running"
        code=0
        pod_run "$3/spec.json" "$container" >"$3/$container.log" || code=$?
        echo "$code" >"$3/$container.exit"
        [ "$code" -eq 0 ] || break
    done
    rm "$3/running"
    _status "$3" "$code" >"$3/status.json"
    "$KUBECTL" patch pod -n "$1" "$2" --subresource=status --type=merge --patch-file "$3/status.json"
}

# _status FOLDER CODE: the pod's status: what each container ended with.
_status() {
    (cd "$1" && for file in *.exit; do echo "${file%.exit} $(<"$file")"; done) |
        jq -Rn --slurpfile spec "$1/spec.json" --argjson code "$2" '
            [inputs / " " | {(.[0]): .[1] | tonumber}] | add as $exit | (now | todate) as $now |
            def ended: map({name, image, imageID: .image, ready: false, restartCount: 0, state: (
                $exit[.name] as $code | if $code == null then {waiting: {reason: "PodInitializing"}} else
                {terminated: {exitCode: $code, reason: (if $code == 0 then "Completed" else "Error" end),
                              startedAt: $now, finishedAt: $now}} end)});
            {status: {phase: (if $code == 0 then "Succeeded" else "Failed" end),
                      conditions: [{type: "Ready", status: "False", reason: "PodCompleted", lastTransitionTime: $now}],
                      initContainerStatuses: ($spec[0].initContainers // [] | ended),
                      containerStatuses: ($spec[0].containers | ended)}}'
}

# ---------------------------------------------------------------- kubectl

kubectl() {
    local verb=$1
    case " $* " in
        ' exec '* | ' logs '* | ' port-forward '*)
            shift
            "_kubectl_$verb" "$@"
            ;;
        ' get '*' -w '*) _kubectl_watch "$@" ;;
        *) "$KUBECTL" "$@" ;;
    esac
}

# _words ARG...: sets TARGET, NAMESPACE, CONTAINER, SELECTOR, TAIL, FOLLOW, and COMMAND from what follows "--".
_words() {
    TARGET='' NAMESPACE=default CONTAINER='' SELECTOR='' TAIL=+1 FOLLOW='' COMMAND=()
    while [ $# -gt 0 ]; do
        case $1 in
            --) COMMAND=("${@:2}"); return ;;
            -n) NAMESPACE=$2; shift ;;
            -c) CONTAINER=$2; shift ;;
            -l) SELECTOR=$2; shift ;;
            -f) FOLLOW=1 ;;
            --tail=*) TAIL=${1#*=} ;;
            -*) ;;
            *) TARGET=$1 ;;
        esac
        shift
    done
}

# _pod: sets POD to the pod that TARGET or SELECTOR means, in JSON, and FOLDER to what the kubelet has of it. Which of a
# Job's pods that is, the real kubectl says.
_pod() {
    local selector=$SELECTOR chosen
    case $TARGET in
        job/*)
            selector=job-name=${TARGET#*/}
            if chosen=$("$KUBECTL" logs "$TARGET" -n "$NAMESPACE" 2>&1 | grep '^Found '); then
                echo "$chosen"
                TARGET=${chosen##* } selector=''
            fi
            ;;
        deployment/*) selector=app=${TARGET#*/} ;;
    esac
    if [ -n "$selector" ]; then
        POD=$("$KUBECTL" get pods -n "$NAMESPACE" -l "$selector" -o json | jq '.items | sort_by(.metadata.creationTimestamp) | last')
    else
        POD=$("$KUBECTL" get pod -n "$NAMESPACE" "${TARGET#pod/}" -o json)
    fi
    [ "${POD:-null}" != null ] || { echo "error: no pod for $TARGET$SELECTOR"; return 1; }
    FOLDER=$PODS/$(jq -r .metadata.uid <<<"$POD")
}

# shellcheck disable=SC2034  # VOLUMES is pod_run's
_kubectl_exec() {
    local VOLUMES words word
    _words "$@"
    _pod
    [ -n "$CONTAINER" ] || CONTAINER=$(jq -r '.spec.containers[0].name' <<<"$POD")
    if [ "$(jq -r .spec.restartPolicy <<<"$POD")" = Always ]; then
        [ -e "$FOLDER" ] || _admit "$NAMESPACE" "$(jq -r .metadata.name <<<"$POD")" "$FOLDER"
    elif [ "$(cat "$FOLDER/running" 2>/dev/null)" != "$CONTAINER" ]; then
        echo 'error: cannot exec in a stopped container'
        return 1
    fi
    VOLUMES=$FOLDER/volumes
    words=$(for word in "${COMMAND[@]}"; do printf %s "$word" | jq -Rs .; done | jq -s .)
    jq --arg name "$CONTAINER" --argjson words "$words" '
        (.initContainers[]?, .containers[] | select(.name == $name)) |= (.command = $words | .args = [])' \
        "$FOLDER/spec.json" >"$WORK/exec.json"
    pod_run "$WORK/exec.json" "$CONTAINER"
}

_kubectl_logs() {
    local file default
    _words "$@"
    _pod
    default=$(jq -r '.metadata.annotations["kubectl.kubernetes.io/default-container"] // .spec.containers[0].name' <<<"$POD")
    file=$(jq -r '.metadata.annotations["testbed/log"] // ""' <<<"$POD")
    [ -n "$file" ] || file=$FOLDER/${CONTAINER:-$default}.log
    [ -z "$FOLLOW" ] || wait_until 60 test -e "${file%.log}.exit"
    tail -n "$TAIL" "$file"
}

_kubectl_port-forward() {
    local ports=${*: -1}
    echo "Forwarding from 127.0.0.1:${ports%:*} -> ${ports#*:}"
    exec socat "TCP-LISTEN:${ports%:*},bind=127.0.0.1,fork,reuseaddr" "TCP:127.0.0.1:${ports#*:}"
}

_kubectl_watch() {
    local lines line
    exec {lines}< <(exec "$KUBECTL" "$@")
    while read -rt 60 -u "$lines" line; do
        echo "$line"
        [[ $line != *' 1/1 '* ]] || break
    done
    kill $!
}
