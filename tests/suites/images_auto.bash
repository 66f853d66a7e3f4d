#!/usr/bin/env bash
# `release add --images auto`: what a bundle or chart names is found, copied from the engine or its registry, and stored.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker compose skopeo docker-registry jq curl
# shellcheck source=../support/testbed/lib.bash
. "$SUPPORT/testbed/lib.bash"
# shellcheck source=../support/site_registry.bash
. "$SUPPORT/site_registry.bash"
pg_database wrktalk

"$WRKTALK" migrate up --set agent >/dev/null 2>&1
export TMPDIR=$WORK/tmp WRKTALK_AGENT_COMPOSE_PROJECT_NAME=wt$$
mkdir "$TMPDIR"
site_registry site
# shellcheck disable=SC2154  # site_registry sets it
host=$site_host

# On the engine alone web:1 and web:2, which has a layer more; in the registry the same as shop/web, and shop/multi for two platforms.
web=registry.invalid/wt$$/web
docker tag wrktalk-test:1 "$web:1"
head -c 3000000 /dev/urandom >"$WORK/data"
container=$(docker create wrktalk-test:1 true)
docker cp "$WORK/data" "$container:/data" >/dev/null
docker commit "$container" "$web:2" >/dev/null
docker rm "$container" >/dev/null
remove_images() { docker rmi "$web:1" "$web:2"; } >/dev/null 2>&1
at_exit remove_images
for tag in 1 2; do
    docker save "$web:$tag" -o "$WORK/$tag.tar"
    skopeo copy -q --dest-tls-verify=false "docker-archive:$WORK/$tag.tar" "docker://$host/shop/web:$tag"
done
skopeo copy -q --src-tls-verify=false "docker://$host/shop/web:1" "dir:$WORK/amd64"
other_architecture "$WORK/amd64" "$WORK/arm64" arm64
list_type=application/vnd.docker.distribution.manifest.list.v2+json
push_list "$host" shop/multi 1 $list_type "$WORK/amd64" "$WORK/arm64"
digest=$(manifest_digest "$host" shop/web 1)
base_layer=$(jq -r '.layers[0].digest' "$WORK/amd64/manifest.json")

# bundle NAME IMAGE...: a compose bundle with a service for each image; all but the first one's profile is off.
bundle() {
    local name=$1 one number=0
    mkdir "$WORK/$name"
    shift
    {
        echo 'services:'
        for one; do
            printf '  s%s:\n    image: "%s"\n' $((++number)) "$one"
            [ "$number" = 1 ] || printf '    profiles: [off]\n'
        done
    } >"$WORK/$name/compose.yaml"
    tar -czf "$WORK/$name.tgz" -C "$WORK/$name" .
}
bundle one "$host/shop/web:\${TAG}"
bundle all "$host/shop/web:\${TAG}" "$host/shop/multi:1" "$web:1" "$host/shop/web@$digest"
bundle multi "$host/shop/multi:1"
bundle none "$host/shop/none:1" "$web:1"
echo 'TAG=1' >"$WORK/env1"
echo 'TAG=2' >"$WORK/env2"
add() { "$WRKTALK" release add "$WORK/$1.tgz" --version "$2" "${@:3}"; }
stored() { sql "select count(*) || '/' || (select count(*) from release_artifact) from image_blob"; }
digest_in() { "$WRKTALK" release images "$1" -o json | jq -r --arg reference "$2" '.[] | select(.reference == $reference).digest'; }
nothing_left() { expect_equal '' ls "$TMPDIR"; }

# ---------------------------------------------------------------- what cannot be had

check 'an image that is nowhere: 7' expect_exit 7 add none 1 --images auto
check 'which is named' expect_output "image $host/shop/none:1 cannot be had: .*manifest unknown"
check 'another platform: 7' expect_exit 7 add multi 1 --images auto --platform linux/s390x
check 'with those that are there' expect_output 'but for linux/amd64, linux/arm64'
without_skopeo() {
    mkdir "$WORK/bin"
    ln -s "$(command -v docker)" "$WORK/bin/docker"
    PATH=$WORK/bin expect_exit 5 "$WRKTALK" release add "$WORK/one.tgz" --version 1 --env-file "$WORK/env1" --images auto
    expect_output 'skopeo is not on this machine' && expect_output 'install the package skopeo'
}
check 'without skopeo: 5, and the package' without_skopeo
check 'nothing of all that is stored' expect_equal 0/0 stored

# ---------------------------------------------------------------- compose

check 'what a bundle names is copied: from registries, from the engine, by digest, with profiles' \
    expect_output '^with 4 images' add all 1 --env-file "$WORK/env1" --images auto --all-images
check 'nothing is left in the temporary folder' nothing_left
check "a registry's digest stays" expect_equal "$digest" digest_in 1 "$host/shop/web:1"
check "also of Docker's list" expect_equal "$(manifest_digest "$host" shop/multi 1)" digest_in 1 "$host/shop/multi:1"
check 'of a digest it is that' expect_equal "$digest" digest_in 1 "$host/shop/web@$digest"
check "this machine's platform alone" expect_equal '["linux/amd64"]' \
    jq -c '[.[] | select(.reference | endswith("multi:1")).platforms[]]' <("$WRKTALK" release images 1 -o json)
check 'the image of the engine is the one that it has' expect_equal 1 \
    sql "select count(*) from image_blob where digest = '$(docker image inspect -f '{{.Id}}' "$web:1")'"
check 'everything is whole' expect_exit 0 "$WRKTALK" release verify 1
check 'the same again changes nothing' expect_output 'is there already, nothing changed' \
    add all 1 --env-file "$WORK/env1" --images auto
second() {
    local before
    before=$(blob_reads site shop/web "$base_layer")
    expect_output '^with 1 images, .* of which 1\.[0-9] MB were there' add one 2 --env-file "$WORK/env2" --images auto
    expect_equal "$before" blob_reads site shop/web "$base_layer"
    expect_exit 0 "$WRKTALK" release verify 2
}
check 'of a second version only the layer that is new is copied' second
check 'several platforms' expect_output '^with 1 images' add multi 3 --images auto --platform linux/amd64 --platform linux/arm64
check 'are both there' expect_equal '["linux/amd64","linux/arm64"]' jq -c '.[0].platforms' <("$WRKTALK" release images 3 -o json)
beside() {
    expect_output '^with 2 images' add one 4 --env-file "$WORK/env1" --images auto --image "$host/shop/multi:1"
    expect_equal "$host/shop/multi:1" jq -r '.[0].reference' <("$WRKTALK" release images 4 -o json)
}
check '--image adds what it does not name' beside
alone() {
    expect_exit 0 add none 5 --image "$web:2"
    expect_output '^with 1 images' || return 1
    expect_output "names image $host/shop/none:1 and does not carry it"
}
check '--image alone copies nothing else, and what is missing is told' alone
held() {
    expect_output '^with 3 images' add none 6 --images "$host/shop/none:1=$WORK/1.tar" --images auto --image "$host/shop/multi:1" --all-images
}
check 'what a path holds is not looked for' held

# ---------------------------------------------------------------- room, credentials, kills

small() {
    local ran=0
    mkdir "$WORK/small"
    mount -t tmpfs -o size=100k small "$WORK/small"
    sql 'delete from release_artifact; delete from image_blob' >/dev/null
    TMPDIR=$WORK/small expect_exit 1 "$WRKTALK" release add "$WORK/multi.tgz" --version 7 --images auto || ran=1
    umount "$WORK/small"
    [ "$ran" = 0 ] && expect_output 'has 100 kB left, and an image on its way needs 1\.[0-9] MB|has 10[0-9].*left'
}
[ "$(id -u)" != 0 ] || check 'no room: 1, and nothing was begun' small

password=pass$$
python3 -W ignore -c "import crypt; print('user:' + crypt.crypt('$password', crypt.mksalt(crypt.METHOD_BLOWFISH)))" >"$WORK/htpasswd"
site_registry closed "$WORK/htpasswd"
# shellcheck disable=SC2154  # site_registry sets it
skopeo copy -q --dest-tls-verify=false --dest-creds "user:$password" "docker-archive:$WORK/1.tar" "docker://$closed_host/shop/web:1"
bundle behind-a-password "$closed_host/shop/web:1"
secret() {
    expect_exit 8 add behind-a-password 8 --images auto
    expect_output "log in: skopeo login $closed_host" || return 1
    mkdir "$WORK/docker-config"
    printf '{"auths":{"%s":{"auth":"%s"}}}' "$closed_host" "$(printf 'user:%s' "$password" | base64)" >"$WORK/docker-config/config.json"
    REGISTRY_AUTH_FILE=$WORK/docker-config/config.json expect_exit 0 add behind-a-password 8 --images auto
    cp -r "${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins" "$WORK/docker-config/"
    DOCKER_CONFIG=$WORK/docker-config expect_exit 0 add behind-a-password 9 --images auto
}
check 'credentials are those of skopeo and docker' secret

holds() { [ "$(sql "select count(*) from pg_locks where relation = '$1'::regclass and mode = 'ShareLock' and granted")" = 1 ]; }
waits() { [ "$(sql "select count(*) from pg_locks where relation = '$1'::regclass and not granted")" = 1 ]; }
# killed_at TABLE: an add that is killed when it wants to write there.
killed_at() {
    background holder psql -X -c "begin; lock table $1 in share mode; select pg_sleep(600)"
    wait_until 30 holds "$1"
    background killed "$WRKTALK" release add "$WORK/one.tgz" --version 10 --env-file "$WORK/env2" --images auto
    wait_until 60 waits "$1"
    end_background killed KILL || true
    sql "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()" >/dev/null
    end_background holder || true
}
interrupted() {
    local before
    sql 'delete from release_artifact; delete from image_blob' >/dev/null
    killed_at image_blob
    [ -n "$(ls "$TMPDIR")" ] || { echo 'it was not killed with an image on its way'; return 1; }
    killed_at release_artifact
    before=$(blob_reads site shop/web "$base_layer")
    expect_output '^with 1 images, (4\.[0-9] MB), of which \1 were there' add one 10 --env-file "$WORK/env2" --images auto
    expect_equal "$before" blob_reads site shop/web "$base_layer"
    nothing_left
}
check 'an add that was killed is gone on with, and leaves nothing behind' interrupted

# ---------------------------------------------------------------- charts

if have_service helm; then
    mkdir -p "$WORK/chart/templates"
    cat >"$WORK/chart/Chart.yaml" <<YAML
apiVersion: v2
name: shop
version: 1.0.0
annotations:
  helm.sh/images: |
    - name: child
      image: $host/shop/multi:1
    - name: metrics
      image: $host/shop/none:1
      condition: metrics.enabled
YAML
    printf 'tag: "1"\nmetrics: {enabled: false}\n' >"$WORK/chart/values.yaml"
    cat >"$WORK/chart/templates/all.yaml" <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: i, image: "$host/shop/web:{{ .Values.tag }}"}]
      containers: [{name: c, image: "$web:1"}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: before, annotations: {helm.sh/hook: pre-upgrade}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "$web:2"}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: test, annotations: {helm.sh/hook: test}}
spec: {containers: [{name: c, image: "$host/shop/web@$digest"}]}
YAML
    tar -czf "$WORK/chart.tgz" -C "$WORK" --transform 's/^chart/shop/' chart
    echo 'tag: "2"' >"$WORK/values"
    lacks() {
        expect_exit 7 add chart 20 --all-images
        local one
        for one in "$host/shop/web:1" "$web:1" "$web:2" "$host/shop/web@$digest" "$host/shop/multi:1"; do
            expect_output "does not carry: (.*, )?$one(,|\$)" || return 1
        done
        refuse grep -q "$host/shop/none" "$ERR"
    }
    check 'what a chart names and does not carry is refused with --all-images: 7' lacks
    told() {
        expect_exit 0 add chart 20 --images "$WORK/1.tar"
        expect_output "names image $web:2 and does not carry it" || return 1
        expect_output "^$web:2 +- +- +not carried" "$WRKTALK" release images 20
        expect_output "^$web:1 +linux/"
    }
    check 'else it is told, and listed' told
    chart() {
        expect_output '^with 5 images' add chart 21 --values "$WORK/values" --images auto --all-images
        expect_equal "$host/shop/multi:1 $host/shop/web:2 $host/shop/web@$digest $web:1 $web:2" \
            jq -r 'map(select(.carried).reference) | sort | join(" ")' <("$WRKTALK" release images 21 -o json)
        expect_exit 0 "$WRKTALK" release verify 21
    }
    check 'what it names is copied: containers of all kinds, hooks, tests, its annotation' chart
    echo 'metrics: {enabled: true}' >"$WORK/metrics"
    check 'what its annotation lists under a condition that holds, too' expect_exit 7 add chart 22 --values "$WORK/metrics" --images auto
fi
