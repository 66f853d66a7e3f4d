#!/usr/bin/env bash
# The Dockerfile's build arguments take images by digest, NAME:TAG@sha256:DIGEST: whatever a tag has become meanwhile, that image is built on,
# and no other. A registry on loopback has the images; of the Dockerfile it needs what names them.
. "$(dirname "$0")/../support/lib.bash"
need_service docker python3
DOCKERFILE=$(cd "$SUPPORT/../.." && pwd)/Dockerfile

image=wrktalk-digests-$$
# forget: an image goes when no other is built on it any more.
forget() {
    for _ in 1 2 3; do docker images -aq --filter "label=wrktalk-digests=$$" | sort -u | xargs -r docker rmi -f; done
} >/dev/null 2>&1
at_exit forget
# registry NAME CONTENT: an image of one file in a registry; $WORK/NAME.log has "PORT DIGEST".
registry() {
    echo "$2" >"$WORK/file"
    tar -C "$WORK" -c file | docker import --change "LABEL wrktalk-digests=$$" - "$image:$1" >/dev/null
    docker save -o "$WORK/$1.tar" "$image:$1"
    background "$1" python3 "$SUPPORT/registry.py" "$WORK/$1.tar"
    wait_until 20 grep -q ' sha256:' "$WORK/$1.log"
}
registry old 'what was tried'
registry new 'what the tag is now'
read -r port digest <"$WORK/new.log"
read -r old_port old_digest <"$WORK/old.log"

# The Dockerfile's images, and the file of each, so that what was built on can be told.
mkdir "$WORK/context"
sed -n -e '/^ARG [A-Z]*_IMAGE/p' -e '/^FROM /p' "$DOCKERFILE" >"$WORK/context/Dockerfile"
for stage in helm kubectl docker build; do echo "COPY --from=$stage /file /$stage"; done >>"$WORK/context/Dockerfile"
arguments() { sed -n 's/^ARG \([A-Z]*_IMAGE\)=.*/\1/p' "$DOCKERFILE"; }
# built PORT REFERENCE: on that image for each argument, under a name of its own; never on one that is already there.
built() {
    local name words=()
    for name in $(arguments); do words+=(--build-arg "$name=127.0.0.1:$1/${name,,}$2"); done
    docker build --pull --no-cache --label "wrktalk-digests=$$" -t "$image:built" "${words[@]}" "$WORK/context"
}
contents() {
    local id
    id=$(docker create "$image:built" none)
    for file in file helm kubectl docker build; do docker cp "$id:/$file" - | tar -xO; done
    docker rm "$id" >/dev/null
}

check 'the Dockerfile names four images' expect_equal 'DEBIAN_IMAGE
HELM_IMAGE
KUBECTL_IMAGE
DOCKER_IMAGE' arguments
of_old() { printf 'what was tried\n%.0s' 1 2 3 4 5; }
of_new() { printf 'what the tag is now\n%.0s' 1 2 3 4 5; }
check 'by a tag each is what the tag is now' expect_exit 0 built "$port" :1
check 'and nothing else is built on' expect_equal "$(of_new)" contents
check 'by a digest each is that image' expect_exit 0 built "$old_port" ":1@$old_digest"
check 'which it was when it was tried' expect_equal "$(of_old)" contents
check 'where that image is no more, nothing is built' expect_exit 1 built "$port" ":1@$old_digest"
check 'and the digest is told' expect_output "manifest.*(unknown|not found)|$old_digest"
check 'though the tag is there, with another image' expect_exit 0 built "$port" ":1@$digest"
