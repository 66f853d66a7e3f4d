# shellcheck shell=bash
# Sourced by suites that need a registry as a site has one: Debian's docker-registry on a folder.

# site_registry NAME [AUTH-FILE]: start one, or go on with its folder $WORK/NAME; prints nothing, sets ${NAME}_host to its address, and logs each request
# to $WORK/NAME.log.
site_registry() {
    local name=$1 port auth=''
    port=$(free_port)
    [ -z "${2:-}" ] || auth="auth: {htpasswd: {realm: site, path: $2}}"
    mkdir -p "$WORK/$name"
    cat >"$WORK/$name.yml" <<YAML
version: 0.1
log: {accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: $WORK/$name}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$port"}
$auth
YAML
    background "$name" docker-registry serve "$WORK/$name.yml"
    wait_until 20 sh -c "curl -s -o /dev/null http://127.0.0.1:$port/v2/"
    printf -v "${name}_host" %s "127.0.0.1:$port"
}

# manifest_digest HOST REPOSITORY TAG: what a registry has under that tag.
manifest_digest() {
    curl -sI -H 'Accept: application/vnd.oci.image.index.v1+json' -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
        -H 'Accept: application/vnd.docker.distribution.manifest.list.v2+json' -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
        "http://$1/v2/$2/manifests/$3" | tr -d '\r' | sed -n 's/^docker-content-digest: //Ip'
}

# blob_reads NAME REPOSITORY DIGEST: how often a layer was read from that registry.
blob_reads() { grep -c "\"GET /v2/$2/blobs/$3 " "$WORK/$1.log" || true; }

# push_list HOST REPOSITORY TAG TYPE: make what $WORK/DIRECTORY/ARCHITECTURE (skopeo's dir:) hold an image for several platforms there.
push_list() {
    local host=$1 repository=$2 tag=$3 type=$4 list='[]' file architecture
    shift 4
    for file; do
        skopeo copy -q --preserve-digests --dest-tls-verify=false "dir:$file" "docker://$host/$repository:part-${file##*/}"
        architecture=$(jq -r .architecture "$file/$(jq -r .config.digest "$file/manifest.json" | cut -d: -f2)")
        list=$(jq -c --arg type "$(jq -r .mediaType "$file/manifest.json")" --arg digest "sha256:$(sha256sum <"$file/manifest.json" | cut -d' ' -f1)" \
            --argjson size "$(stat -c %s "$file/manifest.json")" --arg architecture "$architecture" \
            '. + [{mediaType: $type, digest: $digest, size: $size, platform: {os: "linux", architecture: $architecture}}]' <<<"$list")
    done
    jq -nc --arg type "$type" --argjson list "$list" '{schemaVersion: 2, mediaType: $type, manifests: $list}' >"$WORK/list.json"
    curl -sf -X PUT -H "Content-Type: $type" --data-binary "@$WORK/list.json" "http://$host/v2/$repository/manifests/$tag"
}

# other_architecture DIR NEW ARCHITECTURE: an image in skopeo's dir:, as if it were for another one.
other_architecture() {
    local config old
    cp -r "$1" "$2"
    old=$(jq -r .config.digest "$1/manifest.json" | cut -d: -f2)
    jq -c --arg architecture "$3" '.architecture = $architecture' "$1/$old" >"$2/config"
    config=$(sha256sum <"$2/config" | cut -d' ' -f1)
    jq -c --arg digest "sha256:$config" --argjson size "$(stat -c %s "$2/config")" '.config.digest = $digest | .config.size = $size' \
        "$1/manifest.json" >"$2/manifest.json"
    rm "$2/$old"
    mv "$2/config" "$2/$config"
}
