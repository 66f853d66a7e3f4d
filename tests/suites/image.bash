#!/usr/bin/env bash
# The container image: built from the Dockerfile as it is, and the whole flow in containers as hard-pressed as docs/image.md says:
# nobody's user, a read-only root, no capability, 48 MB of memory; and, so that nothing of ours can lean on one, without a shell.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker compose
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

root=$SUPPORT/../..
image=wrktalk:test-$$

# ---------------------------------------------------------------- building it

# build: what was compiled before is kept in the cache, and goes into the context as anybody may put it there.
build() {
    local kept=${TESTBED_CACHE:-$HOME/.cache/wrktalk-testbed}/image-ccache part parts id
    "$SUPPORT/testbed/image-bases" "$root/Dockerfile"
    mapfile -t parts < <(sed -n 's/^!\([^.]\)/\1/p' "$root/.dockerignore")
    mkdir "$WORK/context"
    tar -C "$root" -c Dockerfile .dockerignore "${parts[@]}" | tar -x -C "$WORK/context"
    [ ! -d "$kept" ] || cp -a "$kept" "$WORK/context/.ccache"
    for part in "$image-build --target build" "$image"; do
        # shellcheck disable=SC2086  # words
        docker build --network host --build-arg http_proxy --build-arg https_proxy -t $part "$WORK/context"
    done
    id=$(docker create "$image-build" true)
    docker cp "$id:/src/.ccache" "$kept.$$"
    rm -rf "$kept"
    mv "$kept.$$" "$kept"
    docker rm "$id"
    rm -rf "$WORK/context"
}
remove_image() {
    docker ps -aq --filter "label=wrktalk-test=$$" | xargs -r docker rm -f
    docker rmi -f "$image" "$image-build"
} >/dev/null 2>&1
at_exit remove_image
check 'the image is built' build
docker image inspect "$image" >/dev/null 2>&1 || exit 1

of_image() { docker image inspect -f "$1" "$image"; }
label() { of_image "{{index .Config.Labels \"org.opencontainers.image.$1\"}}"; }
bytes_of_wrktalk() { docker history --human=false --no-trunc --format '{{.Size}} {{.CreatedBy}}' "$image" | sed -nE 's/^([0-9]+) .*COPY (dir:[0-9a-f]+ in|\/out) \/ .*/\1/p'; }
small() {
    local bytes
    bytes=$(bytes_of_wrktalk)
    echo "$bytes bytes"
    [ "$bytes" -gt 0 ] && [ "$bytes" -le 10000000 ]
}
check 'it is labelled' expect_equal wrktalk label title
check 'with its license' expect_equal Apache-2.0 label licenses
check 'with the version that the program tells' expect_equal "$("$WRKTALK" --version | cut -d' ' -f2)" label version
check 'and with what it is based on' expect_output 'trixie' label base.name
check 'it runs as nobody special' expect_equal 65532:65532 of_image '{{.Config.User}}'
check 'its command is the program, without a shell' expect_equal '["wrktalk"] ["--help"]' \
    of_image '{{json .Config.Entrypoint}} {{json .Config.Cmd}}'
check 'so is its health check' expect_equal '["CMD","wrktalk","health","--max-age","30s"]' of_image '{{json .Config.Healthcheck.Test}}'
check 'the layer of wrktalk is no larger than 10 MB' small

# ---------------------------------------------------------------- in containers

# What no container can run.
touch "$WORK/nothing"
shut=()
for path in bash dash perl; do shut+=(-v "$WORK/nothing:/usr/bin/$path:ro"); done

# The site's folder is the containers' user's, also where it hangs below /tmp; besides it they see the server's socket and nothing.
site=$(mktemp -d /tmp/site.XXXXXX)
at_exit rm -rf "$site"
mkdir "$site/backups"
export WRKTALK_AGENT_HOST_ROOT=$site/srv WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=image \
    WRKTALK_AGENT_HOST_TIMEOUT=3s WRKTALK_AGENT_CHECKPOINT_NAME=$PGDATABASE
unset WRKTALK_AGENT_SECRETS_DIR # /dev/shm is the container's own

# contained [OPTION...] IMAGE WORD...: docker run, with 48 MB and no network unless "memory" and "network" say otherwise.
contained() {
    local name settings=()
    for name in "${!WRKTALK_AGENT_@}"; do settings+=(-e "$name"); done
    docker run --label "wrktalk-test=$$" --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp \
        --memory "${memory:-48m}" --memory-swap "${memory:-48m}" --network "${network:-none}" \
        "${shut[@]}" -v "$PGHOST:$PGHOST:ro" -v "$site:$site" "${settings[@]}" "$@"
}
wrktalk() { contained --rm "$image" "$@"; }
# tool PROGRAM WORD...: with the memory that Go's programs take.
tool() { memory=128m contained --rm --entrypoint "$1" "$image" "${@:2}"; }

check 'there is no shell to lean on' expect_exit 126 contained --rm --entrypoint /bin/sh "$image" -c true
check 'it tells its version' expect_output '^wrktalk [0-9]' wrktalk --version
check 'without words it tells its commands' expect_output '^Usage: wrktalk' wrktalk
check 'helm is there' expect_output '^v4' tool helm version --template '{{.Version}}'
check 'kubectl is there' expect_output '^Client Version: v1' tool kubectl version --client
check 'docker is there' expect_output '^Docker version' tool docker --version
check 'compose is there' expect_output 'version v?2' tool docker compose version
for program in pg_dump pg_restore psql; do check "$program is there" expect_output 'PostgreSQL\) 17' tool "$program" --version; done
check 'age is there' expect_output '^v?1' tool age --version
check 'the user has a name' expect_output '^wrktalk$' tool id -un
no_vault() { contained --rm -e VAULT_TOKEN=none "$image" secrets pg-env --vault-addr http://127.0.0.1:9 --out /tmp/pg_env.sh; }
check 'libcurl is there: nobody answers, 6' expect_exit 6 no_vault
check 'and nothing else is wrong' expect_output 'connect to 127.0.0.1'

# ---------------------------------------------------------------- a host's releases

# The site's programs, which have a shell of their own. What starts a release leaves a process behind.
cp /bin/busybox "$site/"
program() { printf '#!%s sh\n%s\n' "$site/busybox" "$2" >"$site/$1" && chmod +x "$site/$1"; }
program health "exec $site/srv/current/bin/health"
program activate "( until [ -e $site/leave ]; do $site/busybox sleep 0.1; done ) &"
export WRKTALK_AGENT_HOST_HEALTH=$site/health

# release VERSION PROGRAM: one whose health check is that program.
release() {
    mkdir -p "$WORK/tree-$1/bin"
    cp "/usr/bin/$2" "$WORK/tree-$1/bin/health"
    tar --zstd -cf "$site/$1.tar.zst" -C "$WORK/tree-$1" .
    wrktalk release add "$site/$1.tar.zst" --version "$1" --type host
}
running() { readlink "$site/srv/current"; }
chown -R 65532:65532 "$site"
check 'the tables are made' expect_exit 0 wrktalk migrate up --set agent
check 'and those of the application' expect_exit 0 wrktalk migrate up
check 'they are right' expect_exit 0 wrktalk verify
check 'store 1.0.0' release 1.0.0 true
check 'store 2.0.0' release 2.0.0 true
check 'store 3.0.0' release 3.0.0 false
check 'deploy' expect_exit 0 wrktalk deploy 1.0.0
check 'upgrade' expect_exit 0 wrktalk deploy 2.0.0
check '2.0.0 runs' expect_output '/2.0.0$' running
check 'what fails is put back: 9' expect_exit 9 wrktalk deploy 3.0.0
check '2.0.0 runs again' expect_output '/2.0.0$' running
check 'rollback' expect_exit 0 wrktalk rollback
check '1.0.0 runs' expect_output '/1.0.0$' running
check 'status tells' expect_output 'host:image +1.0.0' wrktalk status
check 'the flags follow' expect_equal '1.0.0|2.0.0' flags

# Encrypted, so that age runs beside pg_dump.
age-keygen -o "$site/key" 2>/dev/null
chmod 644 "$site/key"
check 'a backup is made and encrypted' expect_exit 0 wrktalk backup create --dir "$site/backups" --age-recipient "$(age-keygen -y "$site/key")"
check 'and proven' expect_exit 0 wrktalk backup verify --dir "$site/backups" --all --age-identity "$site/key"

# Four times the container's memory, and nothing that compresses.
mkdir -p "$WORK/tree-big/bin"
cp /usr/bin/true "$WORK/tree-big/bin/health"
head -c 200M /dev/urandom >"$WORK/tree-big/data"
tar -cf "$site/big.tar" -C "$WORK/tree-big" .
check 'a release four times its memory is stored' expect_exit 0 wrktalk release add "$site/big.tar" --version big --type host
check 'and deployed' expect_exit 0 wrktalk deploy big
check 'whole' cmp "$WORK/tree-big/data" "$site/srv/current/data"
rm -rf "$WORK/tree-big" "$site/big.tar"

# ---------------------------------------------------------------- the daemon is pid 1

export WRKTALK_AGENT_HOST_ACTIVATE=$site/activate
daemon=$(contained -d --health-interval 1s "$image" poll --loop)
pid=$(docker inspect -f '{{.State.Pid}}' "$daemon")
check 'the daemon starts' wait_until 20 expect_output 'waiting for tasks' docker logs "$daemon"
check 'it deploys what is queued' expect_exit 0 wrktalk deploy 2.0.0 --queue --wait
check 'pid 1 is given what the site left behind' wait_until 5 pgrep -P "$pid"
touch "$site/leave"
check 'and reaps it when it ends' wait_until 10 refuse pgrep -P "$pid"
check 'docker finds it healthy' wait_until 20 expect_equal healthy docker inspect -f '{{.State.Health.Status}}' "$daemon"
ended_quickly() {
    local begin=$SECONDS
    docker stop -t 30 "$daemon"
    [ $((SECONDS - begin)) -lt 10 ]
}
check 'docker stop ends it at once' ended_quickly
check 'with 0' expect_equal 0 docker inspect -f '{{.State.ExitCode}}' "$daemon"
unset WRKTALK_AGENT_HOST_ACTIVATE WRKTALK_AGENT_HOST_HEALTH

# ---------------------------------------------------------------- a Docker engine's socket

# The engine reads bind mounts by the path it is told: the folder has the same one inside and outside.
export WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_COMPOSE_PROJECT_NAME=wi$$ WRKTALK_AGENT_COMPOSE_TIMEOUT=60s \
    WRKTALK_AGENT_COMPOSE_WORKING_DIR=$site/compose
remove_project() {
    docker ps -aq --filter "label=com.docker.compose.project=wi$$" | xargs -r docker rm -f
    docker network ls -q --filter "label=com.docker.compose.project=wi$$" | xargs -r docker network rm
} >/dev/null 2>&1
at_exit remove_project
socket=${DOCKER_HOST#unix://}
# beside_engine WORD...: compose and docker share the container with us.
beside_engine() {
    memory=128m contained --rm -v "$socket:/var/run/docker.sock" --group-add "$(stat -c %g "$socket")" "$image" "$@"
}
mkdir -p "$WORK/bundle/page"
echo here >"$WORK/bundle/page/file"
cat >"$WORK/bundle/docker-compose.yml" <<'YAML'
services:
  web:
    image: wrktalk-test:1
    command: [sleep, "1000"]
    init: true
    volumes: ["./page:/page:ro"]
YAML
tar -czf "$site/bundle.tar.gz" -C "$WORK/bundle" .
check 'a compose bundle is stored' expect_exit 0 wrktalk release add "$site/bundle.tar.gz" --version c1
check 'and deployed through the socket' expect_exit 0 beside_engine deploy c1
page() { docker exec "$(docker ps -q --filter "label=com.docker.compose.project=wi$$")" cat /page/file; }
check 'its container sees the files of the release' expect_equal here page

# ---------------------------------------------------------------- a cluster

have_service kubernetes || exit 0
export WRKTALK_AGENT_DEPLOYMENT_TYPE=kubernetes WRKTALK_AGENT_KUBE_NAMESPACE=wi$$ WRKTALK_AGENT_HELM_RELEASE_NAME=web \
    WRKTALK_AGENT_HELM_TIMEOUT=30s
at_exit kubectl delete namespace "wi$$" --wait=false
kubectl config view --minify --flatten >"$site/kubeconfig"
chmod 644 "$site/kubeconfig"
beside_cluster() { memory=128m network=host contained --rm -e "KUBECONFIG=$site/kubeconfig" "$image" "$@"; }
# chart VERSION
chart() {
    mkdir -p "$WORK/chart-$1/web/templates"
    printf 'apiVersion: v2\nname: web\nversion: %s\n' "$1" >"$WORK/chart-$1/web/Chart.yaml"
    cat >"$WORK/chart-$1/web/templates/deployment.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {version: "$1"}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: "$1"}}
    spec: {containers: [{name: web, image: "web:$1"}]}
YAML
    tar -czf "$site/chart-$1.tgz" -C "$WORK/chart-$1" web
    wrktalk release add "$site/chart-$1.tgz" --version "$1"
}
deployed() { kubectl -n "wi$$" get deployment web -o 'jsonpath={.metadata.annotations.version}'; }
check 'a chart is stored' chart 1.0.0
check 'and another' chart 2.0.0
check 'helm installs it' expect_exit 0 beside_cluster deploy 1.0.0
check 'and upgrades it' expect_exit 0 beside_cluster deploy 2.0.0
check '2.0.0 is deployed' expect_equal 2.0.0 deployed
check 'and rolls it back' expect_exit 0 beside_cluster rollback
check '1.0.0 is deployed' expect_equal 1.0.0 deployed
