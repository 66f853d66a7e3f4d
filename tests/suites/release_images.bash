#!/usr/bin/env bash
# Images that go with a release: what docker save and skopeo write, into the database and out of it.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker compose skopeo
pg_database wrktalk

"$WRKTALK" migrate up --set agent >/dev/null 2>&1
export TMPDIR=$WORK/tmp WRKTALK_AGENT_COMPOSE_PROJECT_NAME=wt$$
mkdir "$TMPDIR"

# Two images of one base, the second with a layer more, and a registry's name for each.
image=registry.invalid/wt$$/web
docker tag wrktalk-test:1 "$image:1"
head -c 3000000 /dev/urandom >"$WORK/data"
container=$(docker create wrktalk-test:1 true)
docker cp -q "$WORK/data" "$container:/data" >/dev/null 2>&1 || docker cp "$WORK/data" "$container:/data" >/dev/null
docker commit "$container" "$image:2" >/dev/null
docker rm "$container" >/dev/null
remove_images() { docker rmi "$image:1" "$image:2"; } >/dev/null 2>&1
at_exit remove_images
docker save "$image:1" -o "$WORK/1.tar"
docker save "$image:2" -o "$WORK/2.tar"
skopeo copy -q "docker-archive:$WORK/2.tar" "oci:$WORK/layout:$image:2"
skopeo copy -q "docker-archive:$WORK/2.tar" "dir:$WORK/dir"

# bundle NAME IMAGE...: a compose bundle with a service for each image, the second one's profile is off.
bundle() {
    local name=$1 one profile=''
    mkdir "$WORK/$name"
    shift
    {
        echo 'services:'
        for one; do
            printf '  s%s:\n    image: "%s"\n%s' "${one//[^0-9a-z]/}" "$one" "$profile"
            profile=$'    profiles: [off]\n'
        done
    } >"$WORK/$name/compose.yaml"
    tar -czf "$WORK/$name.tgz" -C "$WORK/$name" .
}
bundle one "$image:1"
bundle two "$image:\${TAG}"
bundle many "$image:1" "$image:2"
echo 'TAG=2' >"$WORK/env"
add() { "$WRKTALK" release add "$WORK/$1.tgz" --version "$2" "${@:3}"; }
add_2() { add two 2 --env-file "$WORK/env" --images "$WORK/2.tar" --all-images; }
blobs() { sql 'select count(*) from image_blob'; }

# ---------------------------------------------------------------- what is refused

check 'an image that the bundle names and no file holds is refused with --all-images: 7' \
    expect_exit 7 add one 1 --all-images
check 'also one of a service whose profile is off' expect_exit 7 add many 1 --images "$WORK/1.tar" --all-images
expect_named() {
    add many 1 --images "$WORK/1.tar" --all-images 2>"$WORK/err" || true
    grep -q "does not carry: $image:2" "$WORK/err"
}
check 'it is named' expect_named
check 'a folder without images: 7' expect_exit 7 add one 1 --images "$WORK/one"
check 'a file that is not there: 1' expect_exit 1 add one 1 --images "$WORK/none.tar"
check 'another platform: 7' expect_exit 7 add one 1 --images "$WORK/1.tar" --platform linux/s390x
check 'no platform: 2' expect_exit 2 add one 1 --images "$WORK/1.tar" --platform amd64
damaged() {
    cp -r "$WORK/layout" "$WORK/damaged"
    local largest
    largest=$(find "$WORK/damaged/blobs/sha256" -type f -size +1000k -print -quit)
    printf x | dd of="$largest" bs=1 seek=100000 conv=notrunc status=none
    expect_exit 7 add two 2 --env-file "$WORK/env" --images "$WORK/damaged"
    rm "$largest"
    expect_exit 7 add two 2 --env-file "$WORK/env" --images "$WORK/damaged"
}
check 'a blob with a flipped byte, or none: 7' damaged
check 'nothing of all that is stored' expect_equal 0/0 sql 'select (select count(*) from image_blob) || $$/$$ || count(*) from release_artifact'

# ---------------------------------------------------------------- in

check 'what docker save wrote goes with the release' expect_output '^with 1 images, [0-9.]+ MB, of which 0 B were there' \
    add one 1 --images "$WORK/1.tar" --all-images
check 'the same again changes nothing' expect_output 'is there already, nothing changed' \
    add one 1 --images "$WORK/1.tar" --all-images
check 'without its images it is another release: 1' expect_exit 1 add one 1
second() {
    local before
    before=$(sql 'select sum(size_bytes) from image_blob')
    expect_exit 0 add_2
    # The layer with 3,000,000 bytes, manifest and configuration.
    expect_equal t sql "select sum(size_bytes) - $before between 3000000 and 3100000 from image_blob"
}
check 'of the second version only what is new' second
check 'layers are stored as they are' expect_equal 0 sql "select count(*) from release_image_blob where media_type like '%gzip%'"
shown() {
    expect_output "^$image:2 +linux/[a-z0-9]+ +[0-9.]+ MB +sha256:[0-9a-f]{64}\$" "$WRKTALK" release images 2
    expect_equal "$image:2" jq -r '.[].reference' <("$WRKTALK" release images 2 -o json)
    expect_output '^2 .* 1, [0-9.]+ MB, [0-9.]+ MB shared$' "$WRKTALK" release list
    expect_output '^images: +1, [0-9.]+ MB, [0-9.]+ MB shared$' "$WRKTALK" release show 2
}
check 'they are listed, with what is shared' shown
check 'a layout of skopeo' expect_output 'with 1 images' add two 3 --env-file "$WORK/env" --images "$WORK/layout" --all-images
check 'a folder of skopeo, which has no name for it' expect_output 'with 1 images' \
    add two 4 --env-file "$WORK/env" --images "$image:2=$WORK/dir" --all-images
check 'the bundle names one image: that is it' expect_output 'with 1 images' \
    add two 5 --env-file "$WORK/env" --images "$WORK/dir" --all-images
missing() {
    expect_exit 0 add many 9 --images "$WORK/1.tar"
    expect_output "^$image:2 +- +- +not carried\$" "$WRKTALK" release images 9
    expect_equal "$image:2" jq -r '.[] | select(.carried | not).reference' <("$WRKTALK" release images 9 -o json)
}
check 'what a bundle names and does not carry is listed' missing
check 'several files' expect_output 'with 2 images' add many 6 --images "$WORK/1.tar" --images "$WORK/2.tar" --all-images
check 'digests are those of the layout' expect_equal "$(jq -r '.manifests[0].digest' "$WORK/layout/index.json")" \
    jq -r '.[].digest' <("$WRKTALK" release images 3 -o json)

# It is killed when all blobs are stored and the release is not.
interrupted() {
    sql 'delete from release_artifact; delete from image_blob' >/dev/null
    background holder psql -X -c 'begin; lock table release_artifact in share mode; select pg_sleep(600)'
    wait_until 30 holds
    background killed "$WRKTALK" release add "$WORK/two.tgz" --version 7 --env-file "$WORK/env" --images "$WORK/2.tar"
    wait_until 60 waits
    end_background killed KILL || true
    sql "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()" >/dev/null
    end_background holder || true
    expect_equal 0 sql 'select count(*) from release_artifact'
    expect_output "with 1 images, ([0-9.]+ MB), of which \\1 were there" add two 7 --env-file "$WORK/env" --images "$WORK/2.tar"
    expect_exit 0 "$WRKTALK" release verify 7
}
holds() { [ "$(sql "select count(*) from pg_locks where relation = 'release_artifact'::regclass and mode = 'ShareLock' and granted")" = 1 ]; }
waits() { [ "$(sql "select count(*) from pg_locks where relation = 'release_artifact'::regclass and not granted")" = 1 ]; }

# ---------------------------------------------------------------- out

check 'verify reads every blob' expect_output '^good +2 \(compose\): .* [0-9]+ image blobs' "$WRKTALK" release verify 2
exported() {
    expect_exit 0 "$WRKTALK" release export 3 "$WORK/out.tgz" --images "$WORK/out.tar"
    expect_exit 0 skopeo inspect "oci-archive:$WORK/out.tar"
    expect_output 'with 1 images, .* of which' add two 8 --env-file "$WORK/env" --images "$WORK/out.tar" --all-images
    expect_equal "$("$WRKTALK" release images 3 -o json)" "$WRKTALK" release images 8 -o json
}
check 'export writes an OCI layout that skopeo reads and add takes' exported
pruned() {
    expect_output 'removed [0-9]+ image blobs' "$WRKTALK" release prune --keep 1 --yes
    expect_equal "$(sql 'select count(distinct digest) from release_image_blob')" blobs
    expect_exit 0 "$WRKTALK" release verify --all
}
check 'blobs go with the last release that needs them' pruned
flipped() {
    sql 'update image_blob_chunk set data = set_byte(data, 7, get_byte(data, 7) # 1) where (digest, seq) = (select digest, seq from image_blob_chunk order by octet_length(data) desc limit 1)' >/dev/null
    expect_exit 7 "$WRKTALK" release verify --all
    expect_exit 7 "$WRKTALK" release export 8 "$WORK/flipped.tgz" --images "$WORK/flipped.tar"
    [ ! -e "$WORK/flipped.tar" ]
}
check 'a flipped byte is found: 7' flipped
mended() {
    expect_output 'is there already, damaged blobs of its images were mended: 1' \
        add two 8 --env-file "$WORK/env" --images "$WORK/out.tar" --all-images
    expect_exit 0 "$WRKTALK" release verify 8
}
check 'and mended when the release is added again' mended
check 'an add that was killed is gone on with' interrupted
