#!/usr/bin/env bash
# `wrktalk registry` as real clients ask it: curl, skopeo, containerd and a Docker engine, where they are there; slow clients, kills, damage.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres curl jq python3 openssl
pg_cluster
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/testbed/lib.bash
. "$SUPPORT/testbed/lib.bash"

"$WRKTALK" migrate up --set agent >/dev/null
# add VERSION SIZE SEED REFERENCE...: a release with these images, as stored_image.py has it.
add() { python3 "$SUPPORT/stored_image.py" "$@" 2>>"$WORK/stored" | psql -q -v ON_ERROR_STOP=1; }
# of REFERENCE index | manifest | layer [VERSION-TH]: a digest.
of() {
    local column=2
    [ "$2" != manifest ] || column=3
    [ "$2" != layer ] || column=4
    awk -v reference="$1" -v column=$column -v wanted="${3:-1}" '$1 == reference && ++seen == wanted { print $column }' "$WORK/stored"
}
api=registry.example.com/shop/api:1.0
add 1.0.0 3000000 base "$api" nginx registry.example.com/shop/web:1.0

port=$(free_port)
url=http://127.0.0.1:$port
serve() {
    background registry "$WRKTALK" registry --listen "127.0.0.1:$port"
    wait_until 10 curl -sfo /dev/null "$url/readyz"
}
code() { curl -s -m 10 -o "$WORK/body" -w '%{http_code}' "$@"; }
# answers CODE PATH [CURL-OPTION...]: and keeps the body.
answers() { expect_equal "$1" code "${@:3}" "$url$2"; }
header() { curl -s -m 10 -o /dev/null -D - "${@:2}" | tr -d '\r' | sed -n "s/^$1: //Ip"; }
error_code() { jq -r '.errors[0].code' "$WORK/body"; }
digest_of() { echo "sha256:$(curl -s -m 60 "$@" | sha256sum | cut -d' ' -f1)"; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$(<"$WORK/registry.pid")/status"; }
said() { grep -q "$1" "$WORK/registry.log"; }
serve

# ---------------------------------------------------------------- what is answered

index=$(of "$api" index)
manifest=$(of "$api" manifest)
layer=$(of "$api" layer)
check '/v2/: 200' answers 200 /v2/
check 'with the API that it is' expect_equal registry/2.0 header Docker-Distribution-Api-Version "$url/v2/"
check 'a manifest by its tag' expect_equal "$index" digest_of "$url/v2/shop/api/manifests/1.0"
check 'has its media type' expect_equal application/vnd.oci.image.index.v1+json header Content-Type "$url/v2/shop/api/manifests/1.0"
check 'and its digest' expect_equal "$index" header Docker-Content-Digest "$url/v2/shop/api/manifests/1.0"
check 'also to HEAD' expect_equal "$index" header Docker-Content-Digest -I "$url/v2/shop/api/manifests/1.0"
check 'a manifest by its digest' expect_equal "$manifest" digest_of "$url/v2/shop/api/manifests/$manifest"
check 'with the type that its index names' expect_equal application/vnd.oci.image.manifest.v1+json \
    header Content-Type "$url/v2/shop/api/manifests/$manifest"
check 'a blob' expect_equal "$layer" digest_of "$url/v2/shop/api/blobs/$layer"
check 'is bytes' expect_equal application/octet-stream header Content-Type -I "$url/v2/shop/api/blobs/$layer"
check 'the tags of a repository' expect_equal '{"name":"shop/api","tags":["1.0"]}' curl -s "$url/v2/shop/api/tags/list"
check 'by containerd, with the host' answers 200 '/v2/shop/api/manifests/1.0?ns=registry.example.com'
check 'of another host: 404' answers 404 '/v2/shop/api/manifests/1.0?ns=docker.io'
check 'NAME_UNKNOWN' expect_equal NAME_UNKNOWN error_code
check 'the host in front of the repository' answers 200 /v2/registry.example.com/shop/api/manifests/1.0
check "Docker's short name" answers 200 '/v2/library/nginx/manifests/latest?ns=docker.io'
check 'as it is written' answers 200 /v2/nginx/manifests/latest

check 'a tag that is not there: 404' answers 404 /v2/shop/api/manifests/2.0
check 'MANIFEST_UNKNOWN' expect_equal MANIFEST_UNKNOWN error_code
check "an image's platform that was not stored: 404" answers 404 "/v2/shop/api/manifests/sha256:$(printf '5%.0s' {1..64})"
check "another repository's blob, of the same release: 404" answers 404 "/v2/shop/web/blobs/$layer"
check 'BLOB_UNKNOWN' expect_equal BLOB_UNKNOWN error_code
check 'a layer is no manifest: 404' answers 404 "/v2/shop/api/manifests/$layer"
check 'a digest that is none: 400' answers 400 /v2/shop/api/blobs/sha256:12
check 'DIGEST_INVALID' expect_equal DIGEST_INVALID error_code
check 'a tag with 300 characters: 400' answers 400 "/v2/shop/api/manifests/$(printf 't%.0s' {1..300})"
check 'a path upwards: 400' answers 400 "/v2/../../etc/blobs/$layer" --path-as-is
check 'no list of repositories' answers 404 /v2/_catalog
check 'a push: 405' answers 405 /v2/shop/api/blobs/uploads/ -X POST -d x
check 'with what is allowed' expect_equal 'GET, HEAD' header Allow -X PUT "$url/v2/shop/api/manifests/1.0"
check 'and DELETE: 405' answers 405 "/v2/shop/api/manifests/$index" -X DELETE
check 'a header of 20 kB is refused' refuse answers 200 /v2/ -H "X: $(printf 'x%.0s' {1..20000})"

ranged() { curl -s -m 10 "$url/v2/shop/api/blobs/$layer" -r "$1" | sha256sum; }
cut_out() { tail -c "+$(($1 + 1))" "$WORK/layer" | head -c "$2" | sha256sum; }
curl -s "$url/v2/shop/api/blobs/$layer" >"$WORK/layer"
size=$(stat -c %s "$WORK/layer")
check 'a range' expect_equal "$(cut_out 262100 100000)" ranged 262100-362099
check 'is 206' answers 206 "/v2/shop/api/blobs/$layer" -r 5-9
check 'says where it lies' expect_equal "bytes 5-9/$size" header Content-Range -r 5-9 "$url/v2/shop/api/blobs/$layer"
check 'the end of it' expect_equal "$(cut_out $((size - 70000)) 70000)" ranged -70000
check 'beyond the end: 416' answers 416 "/v2/shop/api/blobs/$layer" -r "$size-"
check 'with the size' expect_equal "bytes */$size" header Content-Range -r "$size-" "$url/v2/shop/api/blobs/$layer"
check 'what the client has already: 304' answers 304 "/v2/shop/api/blobs/$layer" -H "If-None-Match: \"$layer\""

hello() { python3 - "$port" <<'PY'; }
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
s.sendall(bytes.fromhex("1603010200010001fc0303") + bytes(500))
data = b""
while part := s.recv(4096):
    data += part
print(data.decode().splitlines()[0])
PY
check 'a TLS handshake is answered with 400' expect_equal 'HTTP/1.1 400 Bad Request' hello
check 'livez' answers 200 /livez
exposed() { curl -s "$url/metrics" | awk '$2 == "TYPE" { print $3 }' | sort -u; }
# shellcheck disable=SC2016  # the backquotes are the document's
documented() { sed '1,/^## The registry/d' "$SUPPORT/../../docs/metrics.md" | grep -o '`wrktalk_[a-z_]*`' | tr -d '`' | sort -u; }
check 'docs/metrics.md has all of its metrics, and no other' expect_same_lines documented exposed
check 'metrics' expect_output '^wrktalk_registry_requests_total.kind="manifest",status="200".' curl -s "$url/metrics"

# ---------------------------------------------------------------- releases

add 2.0.0 3000000 base "$api"
second=$(of "$api" index 2)
check 'a tag in two releases is of the newer one' expect_equal "$second" header Docker-Content-Digest -I "$url/v2/shop/api/manifests/1.0"
check 'the older is there by its digest' expect_equal "$index" digest_of "$url/v2/shop/api/manifests/$index"
add 3.0.0 1000 other other.example.com/shop/api:1.0
check 'a tag of two hosts, and none is named: 404' answers 404 /v2/shop/api/manifests/1.0
check 'which says why' expect_output 'other.example.com and registry.example.com: name the host' cat "$WORK/body"
check 'with the host: 200' answers 200 '/v2/shop/api/manifests/1.0?ns=other.example.com'
sql "DELETE FROM release_artifact WHERE release_version = '3.0.0'" >/dev/null
check 'a release that goes takes its tag along' answers 404 '/v2/shop/api/manifests/1.0?ns=other.example.com'

# ---------------------------------------------------------------- clients

if have_service skopeo; then
    source=docker://127.0.0.1:$port
    check 'skopeo inspects' expect_output "\"Digest\": \"$second\"" skopeo inspect --tls-verify=false "$source/shop/api:1.0"
    check 'skopeo lists tags' expect_output '"1.0"' skopeo list-tags --tls-verify=false "$source/shop/api"
    check 'skopeo copies' expect_exit 0 skopeo copy --src-tls-verify=false "$source/shop/api@$manifest" "dir:$WORK/copy"
    check 'what is stored' expect_equal "$manifest" sh -c "echo sha256:\$(sha256sum <$WORK/copy/manifest.json | cut -d' ' -f1)"
fi

if have_service containerd ctr; then
    mkdir -p "$WORK/certs.d/registry.example.com"
    cat >"$WORK/certs.d/registry.example.com/hosts.toml" <<TOML
server = "$url"
[host."$url"]
  capabilities = ["pull", "resolve"]
TOML
    cat >"$WORK/containerd.toml" <<TOML
version = 2
root = "$WORK/containerd/root"
state = "$WORK/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$WORK/ctr.sock"
[ttrpc]
  address = "$WORK/ctr.ttrpc"
TOML
    ctr() { command ctr -a "$WORK/ctr.sock" "$@"; }
    background containerd containerd -c "$WORK/containerd.toml"
    wait_until 20 ctr version
    fetch() { ctr content fetch "$@" >"$WORK/ctr.out" 2>&1; }
    check 'containerd fetches by the original name' fetch --hosts-dir "$WORK/certs.d" "$api"
    check 'and has every blob' expect_output "$(of "$api" layer 2)" ctr content ls -q
    check 'by digest' fetch --hosts-dir "$WORK/certs.d" "registry.example.com/shop/api@$index"
    check 'without hosts.toml' fetch --plain-http "127.0.0.1:$port/shop/web:1.0"
    check 'what is not there is not found' refuse fetch --hosts-dir "$WORK/certs.d" registry.example.com/shop/api:9
    check 'and says so' expect_output 'not found' cat "$WORK/ctr.out"
    end_background containerd || true
fi

docker_is_here=
if have_service docker; then
    docker_is_here=yes
    image=127.0.0.1:$port/shop/api
    at_exit sh -c "docker rmi -f $image:1.0 $image@$manifest 127.0.0.1:$port/big:1 >/dev/null 2>&1"
    check 'docker pulls a tag' expect_output "Digest: $second" docker pull "$image:1.0"
    check 'and a digest' expect_output "Digest: $manifest" docker pull "$image@$manifest"
fi

# ---------------------------------------------------------------- slow, many, damaged, killed

add 4.0.0 40000000 big big.example.com/big:1
big=$(of big.example.com/big:1 layer)
for i in 1 2 3 4 5 6 7 8; do
    background "slow$i" curl -s --limit-rate 100k -o "$WORK/slow$i" "$url/v2/big/blobs/$big"
done
pull_all() {
    local i
    local -a pids=()
    for i in 1 2 3 4 5 6 7 8; do
        curl -s -m 100 "$url/v2/big/blobs/$big" | sha256sum | cut -d' ' -f1 >"$WORK/sum$i" &
        pids+=($!)
    done
    while sleep 0.2; do
        resident
        kill -0 "${pids[@]}" 2>/dev/null || break
    done | sort -n | tail -1 >"$WORK/resident"
    wait "${pids[@]}"
    [ "$(sort -u "$WORK"/sum[1-8])" = "${big#sha256:}" ]
}
check '8 clients pull 40 MB beside 8 slow ones' pull_all
echo "resident: $(<"$WORK/resident") KiB"
check 'in 24 MiB' test "$(<"$WORK/resident")" -lt $((24 * 1024))

idle() { python3 - "$port" <<'PY'; }
import socket, sys, urllib.request
port = int(sys.argv[1])
held = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(250)]
for s in held[:200]:
    s.sendall(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n")
print(urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5).status)
PY
check '250 connections that ask nothing keep nobody out' expect_equal 200 idle

flip() {
    sql "UPDATE image_blob_chunk SET data = set_byte(data, 100, get_byte(data, 100) # 1) WHERE digest = '$1' AND seq = $2" >/dev/null
}
flip "$big" 7
check 'a flipped byte breaks a blob off before its end' expect_exit 18 curl -s -o "$WORK/damaged" "$url/v2/big/blobs/$big"
check 'and is told in the log' said 'registry.damaged.*digest\|digest.*damaged\|is damaged'
check 'and counted' expect_output '^wrktalk_registry_damaged_blobs_total [1-9]' curl -s "$url/metrics"
if [ -n "$docker_is_here" ]; then
    check 'docker takes nothing of it' refuse docker pull "127.0.0.1:$port/big:1"
    check 'and has no such image' refuse docker image inspect "127.0.0.1:$port/big:1"
fi
flip "$big" 7
flip "$(of big.example.com/big:1 index)" 0
check 'a damaged manifest: 500' answers 500 /v2/big/manifests/1
flip "$(of big.example.com/big:1 index)" 0
check 'which is well again' answers 200 /v2/big/manifests/1

for i in 1 2 3 4 5 6 7 8; do end_background "slow$i" || true; done
background half curl -s --limit-rate 10M -o "$WORK/half" "$url/v2/big/blobs/$big"
wait_until 10 test -s "$WORK/half"
end_background registry KILL || true
wait_until 10 refuse kill -0 "$(<"$WORK/half.pid")"
serve
check 'a pull goes on where the killed registry left it' expect_exit 0 curl -s -C - -o "$WORK/half" "$url/v2/big/blobs/$big"
check 'and is whole' expect_equal "${big#sha256:}" sh -c "sha256sum <$WORK/half | cut -d' ' -f1"

if [ -n "$docker_is_here" ]; then
    # The database holds the layers back while the registry is killed: the pull is half done for certain.
    sent() { curl -s "$url/metrics" | awk '$1 == "wrktalk_registry_bytes_total" { exit !($2 > 1e6) }'; }
    end_background registry || true
    serve
    background pull docker pull "127.0.0.1:$port/big:1"
    wait_until 20 sent
    background lock psql -qc 'BEGIN; LOCK TABLE image_blob_chunk; SELECT pg_sleep(2); COMMIT'
    sleep 1
    check 'docker is in the middle of a pull' kill -0 "$(<"$WORK/pull.pid")"
    end_background registry KILL || true
    end_background lock INT || true
    serve
    wait_until 60 refuse kill -0 "$(<"$WORK/pull.pid")"
    check 'which the killed registry does not break' expect_output "Digest: $(of big.example.com/big:1 index)" cat "$WORK/pull.log"
    check 'and goes on by Range' said '206'
    docker rmi -f "127.0.0.1:$port/big:1" >/dev/null 2>&1
fi

background kept curl -s --limit-rate 20M -o "$WORK/kept" "$url/v2/big/blobs/$big"
wait_until 10 test -s "$WORK/kept"
status=0
end_background registry TERM || status=$?
check 'SIGTERM lets an answer end: 0' test "$status" -eq 0
wait_until 10 refuse kill -0 "$(<"$WORK/kept.pid")"
check 'which is whole' expect_equal "${big#sha256:}" sh -c "sha256sum <$WORK/kept | cut -d' ' -f1"

# ---------------------------------------------------------------- the database goes away

serve
background away curl -s --limit-rate 10M -o "$WORK/away" "$url/v2/big/blobs/$big"
wait_until 10 test -s "$WORK/away"
pg_stop "$WORK/pg" QUIT
check 'without a database a new request is refused: 503' answers 503 /v2/shop/api/manifests/1.0
check 'UNAVAILABLE' expect_equal UNAVAILABLE error_code
check 'and /readyz says why' expect_output '^database: ' curl -s "$url/readyz"
check '/livez is well' answers 200 /livez
check 'a pull under way waits' kill -0 "$(<"$WORK/away.pid")"
pg_start "$WORK/pg"
wait_until 20 curl -sfo /dev/null "$url/readyz"
wait_until 20 refuse kill -0 "$(<"$WORK/away.pid")"
check 'and goes on when the database is back' expect_equal "${big#sha256:}" sh -c "sha256sum <$WORK/away | cut -d' ' -f1"
check 'which the log tells' said 'registry.database_back\|answers again'
end_background registry || true

# ---------------------------------------------------------------- TLS

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$WORK/tls.key" -out "$WORK/tls.crt" 2>/dev/null
chmod 0644 "$WORK/tls.key"
check 'a key that others can read: 5' expect_exit 5 "$WRKTALK" registry --tls-cert "$WORK/tls.crt" --tls-key "$WORK/tls.key"
chmod 0600 "$WORK/tls.key"
check 'a key that is none: 5' expect_exit 5 "$WRKTALK" registry --listen "127.0.0.1:$port" --tls-cert "$WORK/tls.crt" --tls-key "$WORK/tls.crt"
check 'a certificate without its key: 2' expect_exit 2 "$WRKTALK" registry --tls-cert "$WORK/tls.crt"
background registry "$WRKTALK" registry --listen "127.0.0.1:$port" --tls-cert "$WORK/tls.crt" --tls-key "$WORK/tls.key"
secure() { curl -s -m 60 --cacert "$WORK/tls.crt" "$@"; }
wait_until 10 secure -fo /dev/null "https://127.0.0.1:$port/readyz"
check 'over TLS' expect_equal "${big#sha256:}" sh -c "curl -s --cacert $WORK/tls.crt https://127.0.0.1:$port/v2/big/blobs/$big | sha256sum | cut -d' ' -f1"
check 'plain HTTP at a TLS port: 400' answers 400 /v2/
