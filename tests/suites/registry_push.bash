#!/usr/bin/env bash
# `registry push`: the images of stored releases into a registry that the site has, digests as they are, of a second version only what is new.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres skopeo docker-registry jq curl python3
# shellcheck source=../support/testbed/lib.bash
. "$SUPPORT/testbed/lib.bash"
# shellcheck source=../support/site_registry.bash
. "$SUPPORT/site_registry.bash"
pg_database wrktalk

"$WRKTALK" migrate up --set agent >/dev/null 2>&1
site_registry site
# shellcheck disable=SC2154  # site_registry sets it
host=$site_host

# Layouts made here: two versions of a single image, one for two platforms, one of which a platform is left out.
python3 - "$WORK" <<'PY'
import hashlib, io, json, os, sys, tarfile

work = sys.argv[1]
OCI = "application/vnd.oci.image."


def layer(seed, size):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        info = tarfile.TarInfo(seed)
        info.size = size
        tar.addfile(info, io.BytesIO(hashlib.sha256(seed.encode()).digest() * (size // 32 + 1)))
    return data.getvalue()


class Layout:
    def __init__(self, name):
        self.top = os.path.join(work, name)
        os.makedirs(self.top + "/blobs/sha256")
        open(self.top + "/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
        self.index = []

    def blob(self, kind, data):
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        digest = hashlib.sha256(data).hexdigest()
        open(f"{self.top}/blobs/sha256/{digest}", "wb").write(data)
        return {"mediaType": OCI + kind, "digest": "sha256:" + digest, "size": len(data)}

    def image(self, architecture, layers):
        ids = ["sha256:" + hashlib.sha256(one).hexdigest() for one in layers]
        config = {"architecture": architecture, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ids}}
        manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": self.blob("config.v1+json", config),
                    "layers": [self.blob("layer.v1.tar", one) for one in layers]}
        return self.blob("manifest.v1+json", manifest)

    def many(self, *architectures):
        children = []
        for one in architectures:
            children.append(self.image(one, [layer(one, 2000)]) | {"platform": {"os": "linux", "architecture": one}})
        return self.blob("index.v1+json", {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": children})

    def name(self, descriptor, name):
        self.index.append(descriptor | {"annotations": {"io.containerd.image.name": name}})
        json.dump({"schemaVersion": 2, "manifests": self.index}, open(self.top + "/index.json", "w"))


base = layer("base", 3_000_000)
for version in "1", "2":
    one = Layout("v" + version)
    one.name(one.image("amd64", [base, layer("of " + version, 50_000)]), "registry.example.com/shop/api:" + version)
two = Layout("many")
two.name(two.many("amd64", "arm64"), "nginx:1")
for name, seed in ("a.example.com/same:1", "a"), ("b.example.com/same:1", "b"):
    clash = Layout("clash-" + seed)
    clash.name(clash.image("amd64", [layer(seed, 10)]), name)
PY
mkdir "$WORK/tree"
echo x >"$WORK/tree/x"
tar -czf "$WORK/host.tgz" -C "$WORK/tree" .
add() { "$WRKTALK" release add "$WORK/host.tgz" --type host --version "$@" >/dev/null; }
add 1 --images "$WORK/v1"
add 2 --images "$WORK/v2"
add 3 --images "$WORK/many" --platform linux/amd64 --platform linux/arm64
add 4 --images "$WORK/many" --platform linux/amd64
add 5
add 6 --images "$WORK/clash-a" --images "$WORK/clash-b"
push() { "$WRKTALK" registry push "$@"; }
stored_digest() { "$WRKTALK" release images "$1" -o json | jq -r '.[0].digest'; }
uploads() { grep -c '"PUT /v2/[^ ]*/blobs/uploads/' "$WORK/site.log" || true; }

# ---------------------------------------------------------------- what is refused

check 'a place that names no registry: 2' expect_exit 2 push shop/api 1
check 'no version: 2' expect_exit 2 push "$host"
check 'a release that is not there: 1' expect_exit 1 push "$host" 9
check 'one without images: 1' expect_exit 1 push "$host" 5
check 'two images that would have one name: 7' expect_exit 7 push "$host" 6
check 'which are named' expect_output 'a.example.com/same:1 and b.example.com/same:1 would both be'
check 'a registry that is not there: 8' expect_exit 8 push 127.0.0.1:1 1
without_skopeo() {
    mkdir "$WORK/bin"
    PATH=$WORK/bin expect_exit 5 "$WRKTALK" registry push "$host" 1
    expect_output 'install the package skopeo'
}
check 'without skopeo: 5, and the package' without_skopeo

# ---------------------------------------------------------------- what is copied

dry() {
    expect_output "registry.example.com/shop/api:1 +$host/mirror/shop/api:1 +would be copied" push "$host/mirror" 1 --dry-run
    expect_equal '' manifest_digest "$host" mirror/shop/api 1
}
check '--dry-run copies nothing' dry
check 'a release is copied' expect_output "registry.example.com/shop/api:1 +$host/mirror/shop/api:1 +copied" push "$host/mirror" 1
check 'its digest stays' expect_equal "$(stored_digest 1)" manifest_digest "$host" mirror/shop/api 1
check 'again: it is there' expect_output ' there already$' push "docker://$host/mirror/" 1
check 'and nothing was sent' expect_output '^1 images, 0 B sent'
second() {
    local before
    before=$(uploads)
    expect_exit 0 push "$host/mirror" 2 -o json
    expect_equal copied jq -r '.images[0].state' "$OUT"
    expect_equal true jq '.bytes_sent < 80000' "$OUT"
    # The layer that is new, and the configuration.
    expect_equal $((before + 2)) uploads
    expect_equal "$(stored_digest 2)" manifest_digest "$host" mirror/shop/api 2
}
check 'of the second version one layer moves' second
check 'an image for several platforms is copied whole' expect_output ' copied$' push "$host" 3
check 'with its digest' expect_equal "$(stored_digest 3)" manifest_digest "$host" library/nginx 1
part() {
    expect_exit 0 push "$host/part" 4
    expect_output 'the tag of nginx:1 means the manifest sha256:[0-9a-f]{64}, of linux/amd64' || return 1
    expect_equal "$(jq -r '.manifests[0].digest' "$WORK/many/blobs/sha256/$(stored_digest 4 | cut -d: -f2)")" \
        manifest_digest "$host" part/library/nginx 1
    expect_output ' one platform$' push "$host/part" 4
}
check 'of one that lacks platforms the tag means the one that there is' part
several() {
    expect_exit 0 push "$host/both" 1 2 -o json
    expect_equal 2 jq '[.images[] | select(.state == "copied")] | length' "$OUT"
}
check 'several releases at once' several

# ---------------------------------------------------------------- damage, kills

flip() {
    sql "update image_blob_chunk set data = set_byte(data, 100, get_byte(data, 100) # 1) where seq = 3" >/dev/null
}
# Of a registry that has nothing yet: what it has elsewhere it would take from there.
site_registry fresh
# shellcheck disable=SC2154  # site_registry sets it
damaged() {
    flip
    expect_exit 7 push "$fresh_host" 1
    expect_output 'image blob sha256:[0-9a-f]{64} is damaged' || return 1
    expect_equal '' manifest_digest "$fresh_host" shop/api 1
    flip
    expect_exit 0 push "$fresh_host" 1
}
check 'a damaged blob: 7, and nothing is named' damaged
killed() {
    background lock psql -qc 'BEGIN; LOCK TABLE image_blob_chunk; SELECT pg_sleep(600)'
    wait_until 20 locked
    background killed "$WRKTALK" registry push "$host/killed" 1
    wait_until 30 pgrep -f "skopeo copy .*$host/killed"
    end_background killed KILL || true
    sql "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()" >/dev/null
    end_background lock || true
    wait_until 30 refuse pgrep -f "skopeo copy .*$host/killed"
    expect_exit 0 push "$host/killed" 1
    expect_equal "$(stored_digest 1)" manifest_digest "$host" killed/shop/api 1
}
locked() { [ "$(sql "select count(*) from pg_locks where relation = 'image_blob_chunk'::regclass and mode = 'AccessExclusiveLock' and granted")" = 1 ]; }
check 'killed, it leaves no skopeo behind, and is done again' killed
