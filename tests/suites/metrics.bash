#!/usr/bin/env bash
# Probes, metrics and `wrktalk health` of a daemon; its alerts and dashboard in a real Prometheus.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres curl jq
pg_cluster
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/testbed/lib.bash
. "$SUPPORT/testbed/lib.bash"

monitoring=$SUPPORT/../../k8s/monitoring
export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag \
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=3s WRKTALK_AGENT_POLL_INTERVAL=2s TMPDIR=$WORK/tmp
mkdir "$TMPDIR" "$WORK/tree" "$WORK/backups"
# Activating waits as long as $WORK/slow is there, and fails when $WORK/broken is.
cat >"$WORK/activate" <<SH
#!/bin/sh
touch "$WORK/activating"
while [ -e "$WORK/slow" ]; do sleep 0.1; done
rm -f "$WORK/activating"
[ ! -e "$WORK/broken" ]
SH
chmod +x "$WORK/activate"
"$WRKTALK" migrate up --set agent >/dev/null
for version in 1.0.0 2.0.0; do
    echo "$version" >"$WORK/tree/VERSION"
    tar -czf "$WORK/$version.tar.gz" -C "$WORK/tree" .
    "$WRKTALK" release add "$WORK/$version.tar.gz" --version "$version" --type host >/dev/null 2>&1
done

port=$(free_port)
start() {
    background agent "$WRKTALK" poll --loop --http "127.0.0.1:$port" "$@"
    at_exit rm -f "$WORK/slow"
}
said() { grep -q "$1" "$WORK/agent.log"; }
get() { curl -s -m 5 "http://127.0.0.1:$port/$1"; }
code() { curl -s -m 5 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/$1"; }
# says CODE PATH REGEX: the probe's code, and a line of what it says.
says() {
    expect_equal "$1" code "$2"
    expect_output "$3" get "$2"
}
# value SERIES: its number now.
value() { get metrics | awk -v series="$1" '$1 == series { print $2 }'; }
is() { [ "$(value "$1")" = "$2" ]; }
above() { [[ $(value "$1") =~ ^([0-9.e+-]+)$ ]] && jq -en "${BASH_REMATCH[1]} > $2"; }
health() { expect_exit "$1" "$WRKTALK" health "${@:2}"; }
deploy() { "$WRKTALK" deploy "$1" --queue --queue-anyway >/dev/null; }

# ---------------------------------------------------------------- start

check 'health without an agent: 1' health 1
check 'and the file that is not there' expect_output 'no agent runs here: .*wrktalk-agent-site.state'
check 'an address that is none: 5, with what one looks like' expect_exit 5 "$WRKTALK" poll --loop --http localhost:9464
check 'in the hint' expect_output 'hint: .*127.0.0.1:9464'
check '--http is for the daemon: 2' expect_exit 2 "$WRKTALK" poll --http 127.0.0.1:9464
start --backup-dir "$WORK/backups"
ready() { [ "$(code readyz)" = 200 ]; }
check 'the agent is ready' wait_until 10 ready
check 'and alive' says 200 livez '^ok$'
check 'and healthy' health 0 --max-age 30s
check 'says health' expect_output "healthy: the loop's last tick was"
check 'also as JSON' expect_equal true jq .healthy <("$WRKTALK" health -o json)
# Each of four addresses holds ten connections that send a byte now and then.
cat >"$WORK/slow.py" <<'PY'
import socket, sys, time
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=(f"127.0.0.{2 + i % 4}", 0)) for i in range(40)]
print("held", flush=True)
while True:
    for one in held:
        try:
            one.send(b"G")
        except OSError:
            pass
    time.sleep(1)
PY
starved() {
    background slow python3 "$WORK/slow.py" "$port"
    wait_until 10 grep -q held "$WORK/slow.log"
    for _ in 1 2 3 4 5; do
        expect_equal 200 code livez
        sleep 1
    done
    end_background slow || true
}
check 'slow connections from several addresses starve nobody' starved
check 'nothing else is there' says 404 '' '/livez, /readyz and /metrics'
check 'nothing takes a POST' expect_equal 405 curl -s -o /dev/null -w '%{http_code}' -d x "http://127.0.0.1:$port/metrics"
check 'HEAD is answered' expect_output '^HTTP/1.1 200' curl -sI "http://127.0.0.1:$port/readyz"
check 'a second agent on the same port: 5' expect_exit 5 "$WRKTALK" poll --loop --http "127.0.0.1:$port"
check 'it says what is in the way' expect_output "cannot listen on 127.0.0.1:$port: Address already in use"
check 'the first one is still healthy' health 0
check 'who asks slowly keeps nobody waiting' expect_equal 200 \
    bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'GET /livez' >&3; curl -s -m 2 -o /dev/null -w '%{http_code}' http://127.0.0.1:$port/livez"
lint() { get metrics | promtool check metrics; }
if have_service promtool; then
    check 'promtool has nothing to say of the metrics' lint
    check 'nor of the rules' promtool check rules "$monitoring/wrktalk.rules.yaml"
    check 'each alert comes when it should' promtool test rules "$SUPPORT/alerts.test.yaml"
fi

# ---------------------------------------------------------------- what is counted

check 'the version is shown' expect_output "^wrktalk_build_info\{agent=\"site\",version=\"[0-9.]+\"\} 1$" get metrics
deploy 1.0.0
check 'a task that completes is counted' wait_until 10 is 'wrktalk_tasks_total{type="deploy",result="completed"}' 1
for phase in fetch apply record; do
    check "how long its step $phase took, too" is "wrktalk_phase_duration_seconds_count{phase=\"$phase\"}" 1
done
check 'so are the bytes of its artifact' is wrktalk_artifact_bytes_total "$(stat -c %s "$WORK/1.0.0.tar.gz")"
touch "$WORK/broken"
deploy 2.0.0
check 'and one that could not be put back' wait_until 20 is 'wrktalk_tasks_total{type="deploy",result="not_put_back"}' 1
rm "$WORK/broken"
check 'which leaves the site in maintenance' wait_until 10 is wrktalk_maintenance_on 1
deploy 1.0.0
check 'until a task completes' wait_until 20 is wrktalk_maintenance_on 0
touch "$WORK/slow"
deploy 2.0.0
wait_until 10 test -e "$WORK/activating"
check 'a task that runs is shown' wait_until 10 is 'wrktalk_queue_tasks{state="running"}' 1
check 'and that it has put the site in maintenance' is wrktalk_maintenance_on 1
deploy 1.0.0
"$WRKTALK" deploy 2.0.0 --queue --at +1h >/dev/null
check 'the agent stays healthy while it works' health 0 --max-age 10s
rm "$WORK/slow"
check 'what is scheduled is shown' wait_until 20 is 'wrktalk_queue_tasks{state="scheduled"}' 1
check 'nothing is due any more' wait_until 10 is 'wrktalk_queue_tasks{state="due"}' 0
sql "insert into agent_task (type, target, execute_after) values ('deploy', 'host:elsewhere', now() - interval '1 hour')" >/dev/null
check 'a task that no agent serves waits' wait_until 10 above wrktalk_queue_oldest_due_seconds 3599
check 'and is due' is 'wrktalk_queue_tasks{state="due"}' 1
sql 'delete from agent_task where status = '\''pending'\' >/dev/null
sql "insert into notification (event, event_key, recipient, data, next_attempt_at) values ('deploy.failed', 'x', 'a@example.com', '{}', now() + interval '1 hour')" >/dev/null
check 'a message that waits is shown' wait_until 10 is 'wrktalk_outbox_messages{state="waiting"}' 1
sql 'delete from notification' >/dev/null
check 'no backup is shown as long as there is none' expect_equal '' value wrktalk_backup_last_success_size_bytes

# ---------------------------------------------------------------- what is missing

mv "$WORK/activate" "$WORK/activate.away"
check 'a program that is not there: not ready' wait_until 10 says 503 readyz 'host:site: the program .*/activate is not there'
check 'but alive' expect_equal 200 code livez
mv "$WORK/activate.away" "$WORK/activate"
check 'there again: ready' wait_until 10 ready
pg_stop "$WORK/pg"
check 'the database is stopped: not ready' wait_until 10 says 503 readyz '^database: no answer for'
check 'but alive' says 200 livez '^ok$'
check 'and healthy' health 0
check 'the metrics say so' is wrktalk_database_up 0
pg_cluster
check 'it is back: ready' wait_until 40 ready
check 'one reconnect' is wrktalk_database_reconnects_total 1
touch "$WORK/slow"
deploy 1.0.0
wait_until 10 test -e "$WORK/activating"
pg_stop "$WORK/pg"
check 'heartbeats that do not arrive are counted' wait_until 15 above wrktalk_heartbeats_late_total 0
pg_cluster
rm "$WORK/slow"
idle() { [ "$(sql "select count(*) from agent_task where status in ('pending', 'inProgress')")" = 0 ]; }
check 'the task ends when it is over' wait_until 60 idle
check 'and the agent is ready' wait_until 10 ready

# ---------------------------------------------------------------- end

touch "$WORK/slow"
deploy 2.0.0
wait_until 10 test -e "$WORK/activating"
kill -TERM "$(cat "$WORK/agent.pid")"
check 'asked to end while a task runs: not ready' wait_until 5 says 503 readyz '^ending'
check 'but alive' expect_equal 200 code livez
rm "$WORK/slow"
status=0
end_background agent || status=$?
check 'it ends cleanly' test "$status" = 0
check 'nobody answers any more' refuse get livez
check 'and health says so: 1' health 1
start
wait_until 10 ready
kill -KILL "$(cat "$WORK/agent.pid")"
end_background agent || true
check 'killed: 1' health 1
check 'by whom it was left' expect_output 'the agent is gone'
port=$(free_port)
if [ -e /proc/net/if_inet6 ] && grep -q 'lo$' /proc/net/if_inet6; then
    background six "$WRKTALK" poll --loop --http "[::1]:$port"
    check 'IPv6' wait_until 10 curl -sf "http://[::1]:$port/readyz"
    end_background six || true
else
    echo 'left out, no IPv6 here'
fi

# ---------------------------------------------------------------- Prometheus

have_service prometheus || exit 0
start --backup-dir "$WORK/backups"
wait_until 10 ready
touch "$WORK/backups/checkpoint_20260131.sql.gz"
touch -d '3 days ago' "$WORK/backups/checkpoint_20260131.sql.gz"
# As the file has them, but for how long an alert waits; Prometheus' own times are short.
sed 's/for: .*/for: 1s/' "$monitoring/wrktalk.rules.yaml" >"$WORK/wrktalk.rules.yaml"
web=$(free_port)
cat >"$WORK/prometheus.yaml" <<YAML
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [$WORK/wrktalk.rules.yaml]
scrape_configs:
  - job_name: wrktalk-agent
    static_configs: [{targets: ["127.0.0.1:$port"]}]
YAML
background prometheus prometheus --config.file "$WORK/prometheus.yaml" --storage.tsdb.path "$WORK/tsdb" \
    --web.listen-address "127.0.0.1:$web" --log.level warn
ask() { curl -sf -m 5 "http://127.0.0.1:$web/api/v1/$1" "${@:2}"; }
query() { ask query --data-urlencode "query=$1" | jq -r '.data.result | length'; }
seen() { [ "$(query "$1")" -gt 0 ]; }
fires() { seen "ALERTS{alertname=\"$1\",alertstate=\"firing\"}"; }
check 'Prometheus scrapes the agent' wait_until 30 seen 'wrktalk_build_info{agent="site"}'
check 'it has all the rules' expect_equal "$(grep -c 'alert:' "$monitoring/wrktalk.rules.yaml")" \
    jq '[.data.groups[].rules[]] | length' <(ask rules)
in_error() { ask rules | jq '[.data.groups[].rules[] | select(.health == "err").name] | length'; }
check 'and none in error' expect_equal 0 in_error
touch "$WORK/broken"
deploy 2.0.0
check 'a task that cannot be put back raises an alert' wait_until 30 fires WrktalkTaskNotPutBack
rm "$WORK/broken"
check 'maintenance that stays on, another' wait_until 30 fires WrktalkMaintenanceLong
check 'an old backup a third' wait_until 90 fires WrktalkBackupOld
check 'and what is well none' refuse fires WrktalkQueueStands
kill -STOP "$(cat "$WORK/agent.pid")"
check 'a frozen agent is not healthy' wait_until 10 health 1 --max-age 3s
check 'and says since when' expect_output "the loop's last tick was .* ago, allowed are 3.0 s"
kill -CONT "$(cat "$WORK/agent.pid")"

# names FILE: the metrics that an expression in it names.
names() { grep -o 'wrktalk_[a-z_]*' | sed 's/_bucket$//; s/\(_seconds\)_sum$/\1/' | sort -u; }
exposed() { get metrics | awk '$2 == "TYPE" { print $3 }' | sort -u; }
used() { { jq -r '.. | .expr? // empty' "$monitoring/wrktalk-dashboard.json"; grep -v '^ *#' "$monitoring/wrktalk.rules.yaml" | grep -v 'wrktalk-agent"'; } | names; }
check 'dashboard and alerts use no metric that is not there' expect_all_among used exposed
# shellcheck disable=SC2016  # the backquotes are the document's
documented() { sed '/^## The registry/,$d' "$SUPPORT/../../docs/metrics.md" | grep -o '`wrktalk_[a-z_]*`' | tr -d '`' | sort -u; }
check 'docs/metrics.md has all of the agent'"'"'s, and no other' expect_same_lines documented exposed
panels() { jq -r '.. | .expr? // empty' "$monitoring/wrktalk-dashboard.json" | sed 's/[$]job/.*/'; }
is_taken() { ask query --data-urlencode "query=$1"; }
check 'Prometheus takes each of the dashboard'\''s expressions' each_line panels is_taken
end_background agent || true
WRKTALK_HOLD_AT=fetch WRKTALK_HOLD_FILE=$WORK/held start
deploy 1.0.0
wait_until 20 test -e "$WORK/held"
check 'a loop that hangs is not healthy' wait_until 10 health 1 --max-age 3s
check 'and after a minute not alive' wait_until 80 says 503 livez "^the loop's last tick was .* ago, allowed are 1 min 0 s"
check 'which raises an alert' wait_until 20 fires WrktalkAgentHangs
rm "$WORK/held"
check 'when it goes on it is alive again' wait_until 10 says 200 livez '^ok$'
end_background agent KILL 2>/dev/null || true # it holds again when it takes its task over
check 'an agent that is gone raises an alert' wait_until 30 fires WrktalkAgentDown
