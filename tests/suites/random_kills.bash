#!/usr/bin/env bash
# Random kills: two agents deploy to four host targets each, with leases of 0.6 s, and are killed, their tools are, both are, their
# sessions are ended, the database crashes. Whatever was hit: every task ends, none is lost, doubled or stuck, and what runs is what
# the record says.
#
#   WRKTALK_TEST_SEED    of the kills (printed; a new one each time)
#   WRKTALK_TEST_KILLS   how many (200)
#   WRKTALK_TEST_TASKS   how many deployments (1000)
. "$(dirname "$0")/../support/lib.bash"
need_service postgres flock
pg_cluster autovacuum=off
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

SEED=${WRKTALK_TEST_SEED:-$((RANDOM * 32768 + RANDOM))}
KILLS=${WRKTALK_TEST_KILLS:-200}
TASKS=${WRKTALK_TEST_TASKS:-1000}
RANDOM=$SEED
echo "seed $SEED, $KILLS kills, $TASKS deployments"

lease_ms=600
export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate \
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=$((lease_ms / 3))ms WRKTALK_AGENT_POLL_INTERVAL=1s WRKTALK_AGENT_GRACE=0s TMPDIR=$WORK/tmp
mkdir "$TMPDIR"

# Its last act tells that it ran; meanwhile nobody else may be in the same target. The lock is not its children's.
cat >"$WORK/activate" <<SH2
#!/bin/sh
exec 9>"\$WRKTALK_RELEASE_DIR/../../lock"
flock -n 9 || echo "\$WRKTALK_VERSION" >>"$WORK/overlaps"
sleep 0.08 9>&-
echo "\$WRKTALK_VERSION" >>"$WORK/activations"
SH2
chmod +x "$WORK/activate"
touch "$WORK/overlaps" "$WORK/activations" "$WORK/ends"

"$WRKTALK" migrate up --set agent >/dev/null
sql "insert into admin (email) values ('a@example.org')" >/dev/null
mkdir "$WORK/tree"
echo one >"$WORK/tree/file"
tar -czf "$WORK/tree.tar.gz" -C "$WORK/tree" .
"$WRKTALK" release add "$WORK/tree.tar.gz" --version 0.0.0 --type host >/dev/null 2>&1
targets=(host:a host:a/1 host:a/2 host:a/3 host:b host:b/1 host:b/2 host:b/3)
# queue FIRST LAST: deployments of the versions 1.0.FIRST to 1.0.LAST, one each, to the targets in turn.
queue() {
    sql "insert into release_artifact (release_version, chart_type, artifact_data, sha256, size_bytes)
         select '1.0.' || n, chart_type, artifact_data, sha256, size_bytes from release_artifact, generate_series($1, $2) n
          where release_version = '0.0.0';
         insert into agent_task (type, release_artifact_id, target, created_at)
         select 'deploy', id, (array[$(printf "'%s'," "${targets[@]}")null])[1 + n % 8], now() + n * interval '1 us'
           from generate_series($1, $2) n join release_artifact on release_version = '1.0.' || n" >/dev/null
}

# ---------------------------------------------------------------- agents that are started again

# keep ID: that agent runs until $WORK/stop is there; how each start of it ended goes to $WORK/ends.
keep() {
    local status pid
    until [ -e "$WORK/stop" ]; do
        status=0
        WRKTALK_AGENT_AGENT_ID=$1 WRKTALK_AGENT_HOST_ROOT=$WORK/root-$1 WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag-$1 \
            WRKTALK_AGENT_TARGETS=host:$1/1,host:$1/2,host:$1/3 "$WRKTALK" poll --loop >>"$WORK/agent-$1.log" 2>&1 </dev/null &
        pid=$!
        echo "$pid" >"$WORK/agent-$1.new"
        mv "$WORK/agent-$1.new" "$WORK/agent-$1.now"
        wait "$pid" || status=$?
        echo "$status" >>"$WORK/ends"
        sleep 0.05
    done
}
agent_of() { cat "$WORK/agent-$1.now"; }
is_agent() { [ "$({ tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null)" = "$WRKTALK poll --loop " ]; }
kill_agent() {
    local pid
    pid=$(agent_of "$1")
    ! is_agent "$pid" || kill -KILL "$pid" 2>/dev/null || true
}
tools() { pgrep -f "^/bin/sh $WORK/activate" || true; }
keepers=()
end_agents() {
    local each
    touch "$WORK/stop"
    for each in "${keepers[@]}"; do
        while kill -0 "$each" 2>/dev/null; do
            kill_agent a
            kill_agent b
            sleep 0.05
        done
    done
    tools | xargs -r kill -KILL 2>/dev/null || true
}

# watch: the longest that any lease was over while its task was in progress, in ms, into $WORK/longest; what the database's own
# absence and the first seconds after it cost does not count.
watch() {
    local longest=0 now
    until [ -e "$WORK/stop" ]; do
        now=$(sql "select coalesce(max(extract(epoch from clock_timestamp() - lease_expires_at) * 1000)::bigint, 0) from agent_task
                    where status = 'inProgress' and clock_timestamp() - pg_postmaster_start_time() > interval '5 s'" 2>/dev/null) || now=0
        if [ "$now" -gt "$longest" ]; then
            longest=$now
            echo "$longest" >"$WORK/longest"
        fi
        sleep 0.1
    done
}

# ---------------------------------------------------------------- kills

# One that is at work; there may be none for a moment.
kill_tool() {
    local pids=()
    for _ in {1..30}; do
        mapfile -t pids < <(tools)
        [ ${#pids[@]} -eq 0 ] || break
        sleep 0.02
    done
    [ ${#pids[@]} -eq 0 ] || kill -KILL "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null || true
}
end_sessions() {
    sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'wrktalk%' and random() < 0.7" >/dev/null 2>&1 || true
}
declare -A hits=()
strike() {
    local agent=a what
    [ $((RANDOM % 2)) -eq 0 ] || agent=b
    case $((RANDOM % 20)) in
        [0-7]) what=agent; kill_agent "$agent" ;;
        [89] | 1[01]) what=tool; kill_tool ;;
        1[2-5]) what=both; kill_tool; kill_agent "$agent" ;;
        1[6-8]) what=sessions; end_sessions ;;
        *) what=database; pg_stop "$WORK/pg" QUIT; pg_cluster autovacuum=off ;;
    esac
    hits[$what]=$((${hits[$what]:-0} + 1))
}

left() { sql "select count(*) from agent_task where status in ('pending', 'inProgress')"; }
none_is_left() { [ "$(left)" = 0 ]; }

echo 0 >"$WORK/longest"
at_exit end_agents
before=$(date +%s%N)
for each in a b; do
    keep "$each" 2>/dev/null & # where the shell tells who was killed
    keepers+=($!)
    wait_until 20 test -s "$WORK/agent-$each.now"
done
both_wait() { [ "$(sql 'select count(*) from agent_instance')" = 2 ]; }
wait_until 20 both_wait
start_ms=$((($(date +%s%N) - before) / 1000000))
queue 1 "$TASKS"
watch &
keepers+=($!)
began=$SECONDS struck=0
# In step with the work, so that the last kill comes shortly before the last task whatever the machine's pace.
while [ "$struck" -lt "$KILLS" ]; do
    done_now=$((TASKS - $(left)))
    if [ $((done_now * KILLS)) -ge $((struck * TASKS * 9 / 10)) ] || [ $((SECONDS - began)) -gt $((5 + struck * 2)) ]; then
        strike
        struck=$((struck + 1))
    fi
    sleep "0.$((RANDOM % 40 + 10))"
done
check "$TASKS tasks end" wait_until 120 none_is_left
echo "        in $((SECONDS - began)) s; hit: $(for what in "${!hits[@]}"; do echo -n "$what ${hits[$what]} times, "; done)"
# What an expired lease has to wait for: its agent to start, and what that has to do on its three other targets. On a slow machine
# both take long.
busy_ms=$(sql "select (extract(epoch from max(completed_at - picked_up_at)) * 1000)::bigint from agent_task where attempt = 1 and status = 'completed'")
allowed_ms=$((lease_ms + 1000 + start_ms + 3 * busy_ms))
longest_ms=$(<"$WORK/longest")
echo "        an agent starts in $start_ms ms, the longest undisturbed task took $busy_ms ms"
check "no lease was over for longer than $allowed_ms ms ($longest_ms)" test "$longest_ms" -le "$allowed_ms"
stuck_windows() {
    sql "select w.owner, w.target, t.status, t.result->>'state' from maintenance_window w left join agent_task t on t.id::text = w.owner
          where t.result->>'state' is distinct from 'not_put_back'"
}
check 'no window is open, but for what could not be put back' expect_equal '' stuck_windows

# What could not be put back, since its tool was killed twice, is made good by the next deployment.
queue $((TASKS + 1)) $((TASKS + 8))
check 'one more deployment for each target' wait_until 120 none_is_left
check 'all of those completed' expect_equal 8 \
    sql "select count(*) from agent_task t join release_artifact a on a.id = t.release_artifact_id
          where t.status = 'completed' and split_part(release_version, '.', 3)::int > $TASKS"
sql "copy (select release_version, attempt from agent_task t join release_artifact a on a.id = t.release_artifact_id
           where status = 'completed' order by 1) to stdout with (delimiter ' ')" >"$WORK/completed"
echo "        $(wc -l <"$WORK/completed") completed, the others failed: $(sql "select coalesce(string_agg(n || ' ' || state, ', '), 'none') from (
    select count(*) as n, coalesce(result->>'state', error_message) as state from agent_task where status = 'failed' group by 2) x")"
sort "$WORK/activations" | uniq -c | awk '{print $2, $1}' >"$WORK/activated"
completed() { cut -d' ' -f1 "$WORK/completed"; }
activated() { cut -d' ' -f1 "$WORK/activated"; }
check 'the activation of each completed task ran' expect_all_among completed activated
check 'no task has ended otherwise than completed or failed' expect_equal 0 \
    sql "select count(*) from agent_task where status not in ('completed', 'failed')"
check 'each that failed has a reason' expect_equal 0 \
    sql "select count(*) from agent_task where status = 'failed' and coalesce(error_message, '') = ''"
check 'one mail for each' expect_equal "$((TASKS + 8))" sql \
    "select count(*) from notification where event in ('deploy.completed', 'deploy.failed')"
# A version is activated again by a task that was taken over, or when it is what ran before one that failed on the same target.
activated_again() {
    psql -XAtq -v ON_ERROR_STOP=1 <<SQL
create temp table activated (version text, times int);
\\copy activated from '$WORK/activated' with (delimiter ' ')
select version || ': ' || times || ' times' from activated join release_artifact a on release_version = version
  join agent_task t on t.release_artifact_id = a.id
 where times > 1 and t.attempt <= 1 and not exists (select from agent_task n
   where n.target = t.target and n.id <> t.id and (n.attempt > 1 or n.status = 'failed'));
SQL
}
check 'none is activated again without a reason' expect_equal '' activated_again
check 'never two at a time on one target' expect_equal '' cat "$WORK/overlaps"
records() { sql 'select name, release_version from deployment_target d join release_artifact a on a.id = d.current_artifact_id'; }
# shown TARGET|VERSION: that one's link and its tree.
shown() {
    local target=${1%|*} version=${1#*|}
    expect_output "^releases/$version(~[0-9]+)?\$" readlink "$WORK/root-${target#host:}/current"
    expect_exit 0 test -e "$WORK/root-${target#host:}/current/file"
}
check 'what runs is what the record says' each_line records shown
check 'no maintenance window is left' expect_equal 0 sql 'select count(*) from maintenance_window'
check 'nor a flag file' refuse ls "$WORK/flag-a" "$WORK/flag-b"
touch "$WORK/stop"
for each in a b; do kill -TERM "$(agent_of "$each")"; done
ended() { [ "$(tail -n 2 "$WORK/ends" | xargs)" = '0 0' ]; }
check 'both agents end with 0 when they are asked to' wait_until 20 ended
check 'and never ended by themselves' expect_equal '' bash -c "head -n -2 '$WORK/ends' | grep -vx 137 || true"
check 'no tool is left' expect_equal '' tools
check 'nothing half made is left' no_left_overs
trees() { find "$WORK"/root-? -path '*/releases/*' -prune -name '1.0.*' | wc -l; }
check 'nor a tree that is neither the current nor the previous one' expect_equal 16 trees
[ "$_failed" -eq 0 ] || { echo "seed $SEED"; grep -h ' WARN \| ERROR ' "$WORK"/agent-?.log | grep -v notify.put_off | tail -n 20; }
