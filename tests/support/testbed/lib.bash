# shellcheck shell=bash
# Sourced by the testbed scripts. It names where things live and starts and
# stops daemons by recorded pid.
#
#   TESTBED_STATE  run-time files: pids, logs, data, env files   (removable)
#   TESTBED_CACHE  downloaded or compiled programs               (kept)

TESTBED_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TESTBED_STATE=${TESTBED_STATE:-${TMPDIR:-/tmp}/wrktalk-testbed-$(id -u)}
TESTBED_CACHE=${TESTBED_CACHE:-$HOME/.cache/wrktalk-testbed}
export TESTBED_DIR TESTBED_STATE TESTBED_CACHE
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# use_state NAME: make $TESTBED_STATE/NAME and set STATE to it.
use_state() {
    STATE=$TESTBED_STATE/$1
    mkdir -p "$STATE" "$TESTBED_CACHE"
}

# need COMMAND=PACKAGE...: install the Debian packages whose command is missing.
need() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    [ "$(id -u)" -eq 0 ] || die "missing packages: ${missing[*]}"
    say "installing ${missing[*]}"
    apt_install >"$STATE/apt.log" 2>&1 || { apt_get update && apt_install; } >>"$STATE/apt.log" 2>&1 ||
        die "apt-get failed, see $STATE/apt.log"
    hash -r
}
apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 "$@" </dev/null; }
apt_install() { apt_get install -y --no-install-recommends "${missing[@]}"; }

# started PID: the kernel's start time of a process, empty when it is gone.
# A pid alone may have been handed to another process since.
started() {
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
    read -ra stat <<<"${stat##*) }"
    [ "${stat[0]}" = Z ] || printf '%s' "${stat[19]}"
}

# running NAME: is the daemon recorded in $STATE/NAME.pid still that process?
running() {
    local pid since
    [ -f "$STATE/$1.pid" ] && read -r pid since <"$STATE/$1.pid" && [ "$(started "$pid")" = "$since" ]
}

# start NAME COMMAND...: run a foreground command as a daemon in its own session.
start() {
    local name=$1 pid
    shift
    setsid "$@" >"$STATE/$name.log" 2>&1 </dev/null &
    pid=$!
    printf '%s %s\n' "$pid" "$(started "$pid")" >"$STATE/$name.pid"
}

# stop NAME [SECONDS] [SIGNAL]: end a daemon, by force after SECONDS.
stop() {
    local name=$1 patience=${2:-10} signal=${3:-TERM} pid
    if running "$name"; then
        read -r pid _ <"$STATE/$name.pid"
        kill -s "$signal" "$pid"
        local end=$((SECONDS + patience))
        while running "$name"; do
            [ "$SECONDS" -lt "$end" ] || kill -s KILL "$pid" 2>/dev/null || true
            sleep 0.1
        done
    fi
    rm -f "$STATE/$name.pid"
}

# wait_for NAME SECONDS COMMAND...: wait until COMMAND succeeds while NAME runs.
wait_for() {
    local name=$1 end=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        running "$name" || { tail -n 20 "$STATE/$name.log" >&2; die "$name ended"; }
        [ "$SECONDS" -lt "$end" ] || { tail -n 20 "$STATE/$name.log" >&2; die "$name is not ready"; }
        sleep 0.1
    done
}

# listening PORT: does something accept connections there?
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: a port of the loopback below the ephemeral range where nothing listens.
free_port() {
    local port
    until port=$((20000 + RANDOM % 12000)) && ! listening "$port"; do :; done
    printf '%s' "$port"
}

# publish NAME=VALUE...: write $STATE/env, a file to source, and print it.
publish() {
    local pair
    for pair in "$@"; do
        printf 'export %s=%q\n' "${pair%%=*}" "${pair#*=}"
    done | tee "$STATE/env"
}

# make_ca: a certificate authority and one server certificate for localhost,
# shared by every service: $TLS/ca.crt, $TLS/server.crt, $TLS/server.key.
make_ca() {
    TLS=$TESTBED_STATE/tls
    [ -f "$TLS/server.crt" ] && return
    mkdir -p "$TLS"
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=wrktalk testbed CA" \
        -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout "$TLS/ca.key" -out "$TLS/ca.crt" 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost \
        -keyout "$TLS/server.key" -out "$TLS/server.csr" 2>/dev/null
    openssl x509 -req -in "$TLS/server.csr" -days 30 -CA "$TLS/ca.crt" -CAkey "$TLS/ca.key" \
        -CAcreateserial -out "$TLS/server.crt" -extfile <(printf '%s\n' \
        'subjectAltName=DNS:localhost,IP:127.0.0.1' 'extendedKeyUsage=serverAuth') 2>/dev/null
}
