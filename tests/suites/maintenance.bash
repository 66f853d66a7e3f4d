#!/usr/bin/env bash
# Maintenance at real proxies, with the configurations of docs/maintenance: what is said when a proxy cannot be switched, what survives a
# reload, windows that close by themselves, and 200 requests a second over deployments, failed ones and kills.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres nginx haproxy
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/proxy.bash
. "$SUPPORT/proxy.bash"

proxies
export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_HOST_HEALTH=$WORK/health WRKTALK_AGENT_HOST_TIMEOUT=2s \
    WRKTALK_AGENT_MAINTENANCE_FLAG=$NGINX_FLAG WRKTALK_AGENT_HEARTBEAT_INTERVAL=500ms WRKTALK_AGENT_POLL_INTERVAL=1s TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
printf '#!/bin/sh\nsleep 0.5\nwhile [ -e %q ]; do sleep 0.05; done\n' "$WORK/slow" >"$WORK/activate"
printf '#!/bin/sh\nexec %q\n' "$WORK/srv/current/check" >"$WORK/health"
chmod +x "$WORK/activate" "$WORK/health"
"$WRKTALK" migrate up --set agent >/dev/null
sql "insert into deployment_config (deployment_type) values ('host')" >/dev/null
for version in 1.0.0 2.0.0 broken; do
    mkdir -p "$WORK/tree-$version"
    printf '#!/bin/sh\n[ %s != broken ]\n' "$version" >"$WORK/tree-$version/check"
    chmod +x "$WORK/tree-$version/check"
    tar -czf "$WORK/$version.tar.gz" -C "$WORK/tree-$version" .
    "$WRKTALK" release add "$WORK/$version.tar.gz" --version "$version" --type host >/dev/null 2>&1
done

status_of() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
haproxy_says() { echo "$*" | socat stdio "unix-connect:$HAPROXY_SOCKET"; }
nginx() { "$WRKTALK" "$@"; }
haproxy_map() {
    WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER=haproxy WRKTALK_AGENT_HAPROXY_SOCKET=$HAPROXY_SOCKET \
        WRKTALK_AGENT_HAPROXY_MAP=$HAPROXY_MAP "$WRKTALK" "$@"
}
haproxy_servers() {
    WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER=haproxy WRKTALK_AGENT_HAPROXY_SOCKET=$HAPROXY_TCP \
        WRKTALK_AGENT_HAPROXY_SERVERS=app/one "$WRKTALK" "$@"
}
no_window() {
    expect_equal 0 sql 'select (select count(*) from maintenance_window)
        + (select count(*) from deployment_config where maintenance_mode_enabled)'
}

# ---------------------------------------------------------------- on and off by hand

by_hand() {
    local url=$2
    expect_equal 200 status_of "$url"
    expect_exit 0 "$1" maintenance on
    curl -s -D "$WORK/head" -o "$WORK/body" "$url"
    grep -q '^HTTP/1.[01] 503' "$WORK/head"
    grep -qi '^retry-after: 120' "$WORK/head"
    grep -qi '^cache-control: no-store' "$WORK/head"
    grep -q '<h1>Maintenance' "$WORK/body"
    expect_equal 503 status_of -d x "$url/form"
    expect_exit 0 "$1" maintenance status --exit-code
    expect_exit 0 "$1" maintenance off
    expect_equal 200 status_of "$url"
    no_window
}
check 'nginx: 503 with the own page while it is on' by_hand nginx "$NGINX_URL"
check 'haproxy, map: the same' by_hand haproxy_map "$HAPROXY_URL"
check 'haproxy, servers over TCP: the same' by_hand haproxy_servers "$HAPROXY_URL"

health_open() {
    expect_exit 0 "$1" maintenance on
    expect_equal 200 status_of "$2/healthz"
    expect_exit 0 "$1" maintenance off
}
check 'nginx: the health path stays open' health_open nginx "$NGINX_URL"
check 'haproxy, map: the health path stays open' health_open haproxy_map "$HAPROXY_URL"

reloaded_haproxy() {
    local workers=$1
    kill -USR2 "$HAPROXY_PID"
    new_worker() { [ "$(pgrep -P "$HAPROXY_PID" | sort)" != "$workers" ] && haproxy_says show info | grep -q Uptime; }
    wait_until 10 new_worker
}
survives_reload() {
    expect_exit 0 haproxy_map maintenance on
    reloaded_haproxy "$(pgrep -P "$HAPROXY_PID" | sort)"
    expect_equal 503 status_of "$HAPROXY_URL"
    expect_exit 0 haproxy_map maintenance off
    expect_equal $'# kept\nmaintenance off' cat "$HAPROXY_MAP"
}
check 'haproxy: a reload keeps the map, and the rest of its file is as it was' survives_reload

open_file_cache() {
    local nginx
    nginx=$(cat "$(dirname "$NGINX_CONF")/nginx/nginx.pid")
    workers() { pgrep -P "$nginx" | sort | tr '\n' ' '; }
    reloaded() { [ "$(workers)" != "$1" ] && [ "$(workers | wc -w)" = 1 ]; }
    local before
    before=$(workers)
    cp "$NGINX_CONF" "$WORK/nginx.conf"
    sed -i 's/^http {/http { open_file_cache max=100; open_file_cache_valid 60s; open_file_cache_errors on;/' "$NGINX_CONF"
    kill -HUP "$nginx"
    wait_until 10 reloaded "$before"
    for _ in 1 2; do
        expect_equal 200 status_of "$NGINX_URL"
        expect_exit 0 nginx maintenance on
        expect_equal 503 status_of "$NGINX_URL"
        expect_exit 0 nginx maintenance off
    done
    expect_equal 200 status_of "$NGINX_URL"
    before=$(workers)
    cp "$WORK/nginx.conf" "$NGINX_CONF"
    kill -HUP "$nginx"
    wait_until 10 reloaded "$before"
}
check 'nginx with open_file_cache sees the flag at once, on and off' open_file_cache

asked() {
    export WRKTALK_AGENT_MAINTENANCE_PROBE=$NGINX_URL
    expect_exit 0 nginx maintenance on
    expect_output "the site answers 503 at $NGINX_URL"
    expect_exit 0 nginx maintenance off
    # The backend itself knows nothing of maintenance.
    export WRKTALK_AGENT_MAINTENANCE_PROBE=$BACKEND_URL
    expect_exit 3 nginx maintenance on
    expect_output "DISAGREEMENT: the site answers 200 at $BACKEND_URL, not 503, although a window is open"
    expect_equal 503 status_of "$NGINX_URL"
    expect_exit 3 nginx maintenance status --exit-code
    expect_exit 0 nginx maintenance off
    export WRKTALK_AGENT_MAINTENANCE_PROBE=http://127.0.0.1:9/
    expect_exit 3 nginx maintenance off
    expect_output 'the site cannot be asked: .*127.0.0.1'
    unset WRKTALK_AGENT_MAINTENANCE_PROBE
    expect_exit 0 nginx maintenance status --exit-code
}
check 'on and off ask the site what it really answers' asked

forgotten() {
    cp "$HAPROXY_MAP" "$WORK/map"
    background forgets env WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER=haproxy "WRKTALK_AGENT_HAPROXY_SOCKET=$HAPROXY_SOCKET" \
        "WRKTALK_AGENT_HAPROXY_MAP=$HAPROXY_MAP" "$WRKTALK" poll --loop
    wait_until 20 grep -q agent.started "$WORK/forgets.log"
    expect_exit 0 haproxy_map maintenance on
    # As where the agent cannot write the map's file.
    cp "$WORK/map" "$HAPROXY_MAP"
    reloaded_haproxy "$(pgrep -P "$HAPROXY_PID" | sort)"
    wait_until 10 expect_equal 503 status_of "$HAPROXY_URL"
    grep -q maintenance.shown_again "$WORK/forgets.log"
    expect_exit 0 haproxy_map maintenance off
    expect_equal 200 status_of "$HAPROXY_URL"
    end_background forgets || true
    cp "$WORK/map" "$HAPROXY_MAP"
}
check 'haproxy: what a reload forgot is shown again by the daemon' forgotten

new_key() {
    expect_exit 0 env WRKTALK_AGENT_HAPROXY_KEY=second "$(command -v bash)" -c "$(declare -f haproxy_map); haproxy_map maintenance on"
    haproxy_says show map "$HAPROXY_MAP" | grep -q ' second on$'
    expect_exit 0 env WRKTALK_AGENT_HAPROXY_KEY=second "$(command -v bash)" -c "$(declare -f haproxy_map); haproxy_map maintenance off"
    haproxy_says show map "$HAPROXY_MAP" | grep -q ' second off$'
}
check 'haproxy: a key that the map lacks is added' new_key

# ---------------------------------------------------------------- what cannot be switched

# refused CODE TEXT VARIABLE=VALUE...: on fails with this message, and leaves nothing behind in the database once off was possible.
refused() {
    local code=$1 text=$2
    shift 2
    expect_exit "$code" env "$@" "$WRKTALK" maintenance on
    expect_output "$text"
    expect_equal 0 sql 'select count(*) from maintenance_window where expires_at is null or expires_at > now()'
}
ha=(WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER=haproxy "WRKTALK_AGENT_HAPROXY_SOCKET=$HAPROXY_SOCKET" "WRKTALK_AGENT_HAPROXY_MAP=$HAPROXY_MAP")
check 'a flag folder that is not there' refused 5 'cannot make the maintenance flag /nowhere/flag' WRKTALK_AGENT_MAINTENANCE_FLAG=/nowhere/flag
check 'a socket that is not there' refused 5 'cannot reach haproxy at /nowhere/sock.*No such file' "${ha[@]}" WRKTALK_AGENT_HAPROXY_SOCKET=/nowhere/sock
check 'a socket without the level' refused 5 'level admin' "${ha[@]}" WRKTALK_AGENT_HAPROXY_SERVERS=app/one "WRKTALK_AGENT_HAPROXY_SOCKET=$HAPROXY_WATCH_SOCKET"
check 'a map that haproxy does not know' refused 5 'Unknown map identifier' "${ha[@]}" WRKTALK_AGENT_HAPROXY_MAP=/etc/other.map
check 'a server that haproxy does not know' refused 5 'No such server' "${ha[@]}" WRKTALK_AGENT_HAPROXY_SERVERS=app/two
check 'a backend that haproxy does not know' refused 5 'No such backend' "${ha[@]}" WRKTALK_AGENT_HAPROXY_SERVERS=other/one
check 'a program that fails' refused 8 '/bin/false exited with status 1' WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER=command \
    WRKTALK_AGENT_MAINTENANCE_ON=/bin/false WRKTALK_AGENT_MAINTENANCE_OFF=/bin/true
haproxy_map maintenance off >/dev/null
check 'off cleans up after that' no_window

reader() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$WORK/proxies" "$WORK/proxies/proxy"
    not_writable() {
        expect_exit 5 reader env HOME=/ "$WRKTALK" maintenance on
        expect_output 'cannot make the maintenance flag .*Permission denied'
        no_window
    }
    check 'a flag folder that may not be written to' not_writable
fi

disagree() {
    expect_exit 0 nginx maintenance on
    rm "$NGINX_FLAG"
    sql 'update deployment_config set maintenance_mode_enabled = false' >/dev/null
    expect_exit 3 nginx maintenance status --exit-code
    expect_output 'DISAGREEMENT: deployment_config says that maintenance is off'
    expect_output "DISAGREEMENT: flag file $NGINX_FLAG does not show"
    expect_exit 0 nginx maintenance status
    nginx status | grep -q 'MAINTENANCE: flag file'
    expect_exit 0 nginx maintenance off
}
check 'status names what does not agree' disagree

# ---------------------------------------------------------------- by itself, and kills

by_itself() {
    background daemon "$WRKTALK" poll --loop
    wait_until 10 grep -q agent.started "$WORK/daemon.log"
    expect_exit 0 nginx maintenance on --for 2s
    expect_equal 503 status_of "$NGINX_URL"
    wait_until 10 no_window
    expect_equal 200 status_of "$NGINX_URL"
    end_background daemon
}
check 'a window with a time closes by itself' by_itself
end_background daemon || true

stuck_then_closed() {
    background daemon "$WRKTALK" poll --loop
    expect_exit 0 nginx maintenance on --for 1s
    rm "$NGINX_FLAG"
    mkdir "$NGINX_FLAG"
    wait_until 10 grep -q 'maintenance.stuck .*cannot remove the maintenance flag' "$WORK/daemon.log"
    refuse no_window
    rmdir "$NGINX_FLAG"
    wait_until 10 no_window
    end_background daemon
}
check 'a proxy that refuses is told in the log and asked again' stuck_then_closed
end_background daemon || true

killed_at() {
    "$WRKTALK" deploy 1.0.0 --queue >/dev/null
    WRKTALK_CRASH_AT=$1 expect_exit 137 "$WRKTALK" poll
    settled() { "$WRKTALK" poll --drain >/dev/null 2>&1; task_is completed; }
    wait_until 20 settled
    no_window
    task_is completed
    expect_equal 200 status_of "$NGINX_URL"
}
check 'killed between window and flag' killed_at maintenance-window
check 'killed between flag and commit' killed_at maintenance-hidden

# pod N COMMAND...: an agent in a container of its own, with the flag on a volume that all of them have.
pod() { env WRKTALK_AGENT_AGENT_ID="pod-$1" WRKTALK_AGENT_TARGETS=host:shared WRKTALK_AGENT_HOST_ROOT="$WORK/pod-$1" "${@:2}"; }
another_agent() {
    pod 1 "$WRKTALK" deploy 1.0.0 --queue --target host:shared >/dev/null
    expect_exit 137 pod 1 env WRKTALK_CRASH_AT=apply "$WRKTALK" poll
    expect_equal 503 status_of "$NGINX_URL"
    settled() { pod 2 "$WRKTALK" poll --drain >/dev/null 2>&1; task_is completed; }
    wait_until 60 settled
    refuse test -e "$NGINX_FLAG"
    no_window
    expect_exit 0 pod 2 "$WRKTALK" maintenance status --exit-code
}
check 'another agent that finishes the task of a dead one takes down the flag that they share' another_agent

# sessions_end MODE: all sessions of the agents are ended; new ones may write when MODE is off.
sessions_end() {
    PGOPTIONS='-c default_transaction_read_only=off' sql "alter database wrktalk set default_transaction_read_only = $1" >/dev/null
    sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'wrktalk/%'" >/dev/null
}
read_only() {
    WRKTALK_HOLD_AT=maintenance-off WRKTALK_HOLD_FILE=$WORK/held WRKTALK_AGENT_HEARTBEAT_INTERVAL=5s \
        background deploy "$WRKTALK" deploy 2.0.0
    wait_until 20 test -e "$WORK/held"
    sessions_end on
    rm "$WORK/held"
    wait_until 10 grep -q 'read-only transaction' "$WORK/deploy.log"
    expect_equal 503 status_of "$NGINX_URL"
    sessions_end off
    expect_exit 0 end_background_itself deploy
    task_is completed
    expect_equal 200 status_of "$NGINX_URL"
    no_window
}
# end_background_itself NAME: wait for its end.
end_background_itself() { local pid; pid=$(<"$WORK/$1.pid"); rm "$WORK/$1.pid"; wait "$pid"; }
check 'a server that is read-only just then: the site leaves maintenance when it is not any more' read_only
end_background deploy || true
sessions_end off

slow_program() {
    printf '#!/bin/sh\ntouch %q\nsleep 4\n' "$WORK/off-began" >"$WORK/off"
    chmod +x "$WORK/off"
    WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER=command WRKTALK_AGENT_MAINTENANCE_ON=/bin/true WRKTALK_AGENT_MAINTENANCE_OFF=$WORK/off \
        background deploy "$WRKTALK" deploy 1.0.0
    wait_until 20 test -e "$WORK/off-began"
    # No lock is held, and no transaction is open, while it runs.
    expect_equal 0 sql "select count(*) from pg_stat_activity where application_name like 'wrktalk/%' and state like 'idle in transaction%'"
    expect_equal 0 sql "select count(*) from pg_locks where locktype = 'advisory'"
    sessions_end off
    expect_exit 0 end_background_itself deploy
    task_is completed
    no_window
}
check 'sessions that are ended while a program runs for 4 s harm nothing' slow_program
end_background deploy || true

before_any_agent() {
    sql 'delete from deployment_config; delete from maintenance_window' >/dev/null
    expect_exit 0 nginx maintenance on
    expect_exit 0 "$WRKTALK" poll
    expect_equal t sql 'select maintenance_mode_enabled from deployment_config'
    expect_equal 503 status_of "$NGINX_URL"
    expect_exit 0 nginx maintenance status --exit-code
    expect_exit 0 nginx maintenance off
    no_window
}
check 'maintenance that was switched on before any agent ran stays on' before_any_agent

by_hand_before() {
    touch "$NGINX_FLAG"
    expect_exit 0 "$WRKTALK" deploy 2.0.0
    test -e "$NGINX_FLAG"
    no_window
    expect_output 'shows maintenance, but no window is open' "$WRKTALK" maintenance status
    expect_exit 0 nginx maintenance off
    refuse test -e "$NGINX_FLAG"
}
check 'a flag that was put there by hand stays after a deployment' by_hand_before

not_put_back() {
    mv "$WORK/srv/releases/2.0.0" "$WORK/aside"
    sql "delete from release_artifact_chunk; update release_artifact set artifact_data = '' where release_version = '2.0.0'" >/dev/null
    expect_exit 10 "$WRKTALK" deploy broken
    expect_equal 503 status_of "$NGINX_URL"
    expect_exit 0 "$WRKTALK" maintenance off
    expect_equal 503 status_of "$NGINX_URL"
    expect_exit 0 "$WRKTALK" deploy 1.0.0
    expect_equal 200 status_of "$NGINX_URL"
    no_window
}
check 'what could not be put back stays in maintenance until a task completes there' not_put_back
"$WRKTALK" release add "$WORK/2.0.0.tar.gz" --version 2.0.1 --type host >/dev/null 2>&1

# ---------------------------------------------------------------- under load

_loads=$WORK/loads
printf '%-16s %-20s %s\n' PROXY CASE ANSWERS >"$_loads"
at_exit cat "$_loads"

load() { background load python3 "$SUPPORT/load.py" "$1" 200; sleep 0.5; }
# good_answers PROXY CASE: only 200 and our page, both of them, at the rate that was asked for.
good_answers() {
    sleep 0.3
    end_background load
    python3 - "$WORK/load.log" "$1" "$2" >>"$_loads" <<'PY'
import json, sys
got = json.load(open(sys.argv[1]))
print(f"{sys.argv[2]:16} {sys.argv[3]:20} {got['kinds']} in {got['seconds']:.1f} s")
assert set(got["kinds"]) == {"200", "503"}, got
assert sum(got["kinds"].values()) >= 150 * got["seconds"], got
PY
}
# The first 503 came after the window was to be opened; the last was asked for before the outcome was recorded.
within_window() {
    read -r first last < <(python3 -c 'import json, sys; got = json.load(open(sys.argv[1])); print(got["first"], got["last"])' "$WORK/load.log")
    expect_equal t sql "select min(extract(epoch from at)) filter (where phase = 'maintenance-on') <= $first
        and max(extract(epoch from at)) filter (where phase = 'record') >= $last
        from task_event where task_id = '$(last_task)'"
}
other() { if [ "$(readlink "$WORK/srv/current")" = releases/1.0.0 ]; then echo 2.0.1; else echo 1.0.0; fi; }

deployed() {
    load "$2"
    expect_exit 0 "$1" deploy "$(other)"
    good_answers "$1" deployed
    within_window
}
failed() {
    load "$2"
    expect_exit 9 "$1" deploy broken
    good_answers "$1" failed
    within_window
}
killed() {
    local goal
    goal=$(other)
    load "$2"
    touch "$WORK/slow"
    "$1" deploy "$goal" --queue >/dev/null
    background first "$SHELL_OF" "$1" poll --loop
    in_maintenance() { [ "$(status_of "$2")" = 503 ]; }
    wait_until 20 in_maintenance "$1" "$2"
    kill -KILL "$(<"$WORK/first.pid")"
    rm "$WORK/slow"
    background second "$SHELL_OF" "$1" poll --loop
    wait_until 30 task_is completed
    wait_until 10 no_window
    good_answers "$1" 'killed, taken over'
    expect_equal 2 sql "select attempt from agent_task where id = '$(last_task)'"
    within_window
    end_background first || true
    end_background second
}
SHELL_OF=$WORK/handler
{
    echo '#!/usr/bin/env bash'
    # shellcheck disable=SC2016  # so that the handler's program is the process that is killed
    declare -f nginx haproxy_map haproxy_servers | sed 's|"\$WRKTALK" "\$@"|exec env "$WRKTALK" "$@"|'
    # shellcheck disable=SC2016  # expanded when it runs
    echo '"$@"'
} >"$SHELL_OF"
chmod +x "$SHELL_OF"
export HAPROXY_SOCKET HAPROXY_MAP HAPROXY_TCP

for pair in "nginx $NGINX_URL" "haproxy_map $HAPROXY_URL" "haproxy_servers $HAPROXY_URL"; do
    read -r handler url <<<"$pair"
    for case in deployed failed killed; do
        check "$handler, 200 requests a second, $case: each answer is 200 or our 503" "$case" "$handler" "$url"
        end_background load || true
        end_background first || true
        end_background second || true
    done
done
