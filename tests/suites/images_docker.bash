#!/usr/bin/env bash
# Releases that carry their images, on a real Docker engine that no registry helps: deployed, upgraded, put back, rolled back after a prune, and
# loaded by a second agent when the first was killed in the middle.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker compose
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

project=wi$$
repository=127.0.0.1:9/$project/shop
export WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_COMPOSE_PROJECT_NAME=$project WRKTALK_AGENT_COMPOSE_TIMEOUT=60s \
    WRKTALK_AGENT_COMPOSE_WORKING_DIR=$WORK/compose WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag \
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=500ms WRKTALK_AGENT_GRACE=0s WRKTALK_AGENT_POLL_INTERVAL=1s TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
forget_images() {
    docker image ls --format '{{.Repository}}:{{.Tag}}' | { grep "/$project/" || true; } | xargs -r docker rmi -f >/dev/null
}
remove_project() {
    docker ps -aq --filter "label=com.docker.compose.project=$project" | xargs -r docker rm -f
    docker network ls -q --filter "label=com.docker.compose.project=$project" | xargs -r docker network rm
    forget_images
} >/dev/null 2>&1
at_exit remove_project
"$WRKTALK" migrate up --set agent >/dev/null
sql "insert into admin (email) values ('a@example.org')" >/dev/null

# release VERSION TAG [COMMAND]: stored with an image of two layers, of which only the second one is its own, and forgotten by the engine.
release() {
    local folder=$WORK/$1 command='["sleep", "1000"]'
    [ $# -lt 3 ] || command=$3
    mkdir -p "$folder/bundle"
    cat >"$folder/bundle/compose.yaml" <<YAML
services:
  web:
    image: $repository:$2
    init: true
    stop_grace_period: 1s
    pull_policy: always
    command: $command
YAML
    tar -czf "$folder/bundle.tar.gz" -C "$folder/bundle" .
    docker create --name "$project-$1" wrktalk-test:1 >/dev/null
    echo "$1" >"$folder/version"
    docker cp "$folder/version" "$project-$1:/version" >/dev/null
    docker commit "$project-$1" "$repository:$2" >/dev/null
    docker rm "$project-$1" >/dev/null
    docker save "$repository:$2" -o "$folder/image.tar"
    docker rmi -f "$repository:$2" >/dev/null
    "$WRKTALK" release add "$folder/bundle.tar.gz" --version "$1" --images "$folder/image.tar" --all-images >/dev/null
}
release 1.0.0 latest
release 2.0.0 latest
release 3.0.0 latest '["sh", "-c", "exit 3"]'
release 4.0.0 latest

runs() {
    expect_equal "$1" docker exec "$(docker ps -q --filter "label=com.docker.compose.project=$project")" cat /version
}
story() { "$WRKTALK" task show "$(last_task)"; }

check_says_loaded() {
    "$WRKTALK" deploy 1.0.0 --check >"$WORK/said"
    grep -q "the engine lacks $repository:latest: it is loaded from the release" "$WORK/said"
}
deploys() {
    "$WRKTALK" deploy "$1" >"$WORK/log" 2>&1 || { cat "$WORK/log"; return 1; }
    runs "$1"
    story | grep "images: 1 image loaded from the release"
}
put_back() {
    local status=0
    "$WRKTALK" deploy 3.0.0 >"$WORK/log" 2>&1 || status=$?
    expect_equal 9 echo "$status"
    runs 2.0.0
    expect_equal 2.0.0 docker run --rm "$repository:latest" cat /version
}
rolls_back_pruned() {
    forget_images
    "$WRKTALK" rollback --to-version 1.0.0 >"$WORK/log" 2>&1 || { cat "$WORK/log"; return 1; }
    runs 1.0.0
}
settled() {
    "$WRKTALK" poll --drain >>"$WORK/second.log" 2>&1
    [ "$(sql "select count(*) from agent_task where status in ('pending', 'inProgress')")" = 0 ]
}
killed_while_loading() {
    forget_images
    "$WRKTALK" deploy 4.0.0 --queue >/dev/null
    refuse env WRKTALK_CRASH_AT=load "$WRKTALK" poll >"$WORK/first.log" 2>&1
    refuse docker image inspect "$repository:latest" --format '{{.Id}}'
    expect_equal images sql "select reached from agent_task order by created_at desc limit 1"
    runs 1.0.0
    wait_until 60 settled
    runs 4.0.0
    task_is completed
    maintenance_is_off
    no_left_overs
}
damaged() {
    local status=0
    sql "update image_blob_chunk set data = set_byte(data, 700, get_byte(data, 700) # 1) where digest in
         (select b.digest from release_image_blob b join release_artifact a on a.id = b.artifact_id where a.release_version = '1.0.0'
          except select b.digest from release_image_blob b join release_artifact a on a.id = b.artifact_id where a.release_version <> '1.0.0')
         and length(data) > 1024" >/dev/null
    forget_images
    "$WRKTALK" deploy 1.0.0 >"$WORK/log" 2>&1 || status=$?
    expect_equal 7 echo "$status"
    refuse docker image inspect "$repository:latest"
    runs 4.0.0
}

check 'deploy --check says that an image is loaded from the release' check_says_loaded
check 'an engine without the image gets it from the release, and pulls nothing' deploys 1.0.0
check 'the next release moves the same tag' deploys 2.0.0
check 'a release that fails is put back with its own image under the tag' put_back
check 'a rollback loads what was removed from the engine' rolls_back_pruned
check 'an agent killed while it loads: nothing is named, and the next one deploys' killed_while_loading
check 'one flipped byte: refused, nothing is named, what runs is untouched' damaged
