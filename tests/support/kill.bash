# shellcheck shell=bash
# Sourced by the kill suites, after lib.bash and agent.bash: at each row of the step table something is killed, then another agent goes on,
# and what is left must be whole. Needs a build with crash points. The suite has set up the target and defines
#
#   running          prints the version that really runs
#   tool_running     succeeds while the tool that applies a release runs
#   tool_at_work     succeeds once it has begun to change the target
#   make_slow, make_fast   from now on applying takes long enough to be met in the middle, or not
#
# and has stored releases 1.0.0 and 2.0.0 and deployed 1.0.0.

export WRKTALK_AGENT_HEARTBEAT_INTERVAL=${WRKTALK_AGENT_HEARTBEAT_INTERVAL:-500ms} WRKTALK_AGENT_GRACE=0s WRKTALK_AGENT_POLL_INTERVAL=1s
STEPS=(claim resolve fetch check maintenance-on apply health server-env maintenance-off record)
_goal=2.0.0
_table=$WORK/table
printf '%-18s %-28s %-10s %s\n' STEP FAULT ATTEMPTS OUTCOME >"$_table"
at_exit cat "$_table"

# settled: all that is due has been run, and nothing is left.
settled() {
    "$WRKTALK" poll --drain >>"$WORK/second.log" 2>&1
    [ "$(sql "select count(*) from agent_task where status in ('pending', 'inProgress')")" = 0 ]
}

# whole VERSION STATUS: everything that must hold after a case.
whole() {
    local id
    id=$(last_task)
    [ "$(sql "select status from agent_task where id = '$id'")" = "$2" ] || what_happened "$id"
    expect_equal "$2" sql "select status from agent_task where id = '$id'"
    expect_equal "$1" running
    expect_equal "$1" sql "select a.release_version from deployment_target d join release_artifact a on a.id = d.current_artifact_id"
    expect_equal '1 1' sql "select count(*) filter (where is_current) || ' ' || (count(*) filter (where is_previous) <= 1)::int from release_artifact"
    maintenance_is_off
    refuse tool_running
    no_left_overs
    expect_equal 1 sql "select count(*) from notification where task_id = '$id'"
}

# what_happened ID: the task's story and the last words of the second agent.
what_happened() {
    sql "select e.* from task_event e where task_id = '$1' order by e.id"
    sql "select status, result, error_message from agent_task where id = '$1'"
    tail -n 20 "$WORK/second.log"
}

# tell STEP FAULT: a row of the table.
tell() {
    printf '%-18s %-28s %-10s %s\n' "$1" "$2" \
        "$(sql "select attempt from agent_task where id = '$(last_task)'")" \
        "$(sql "select concat_ws(', ', status, result->>'state', result->>'version', error_message) from agent_task where id = '$(last_task)'")" >>"$_table"
}

# other: the version that does not run now; each case deploys it, so that none has to clean up.
other() { if [ "$_goal" = 2.0.0 ]; then echo 1.0.0; else echo 2.0.0; fi; }

# queue_next: the next version to deploy. A machine so slow that leases run out more than once must not make it give up.
queue_next() {
    "$WRKTALK" deploy "$_goal" --queue >/dev/null
    sql "update agent_task set max_attempts = 10 where status = 'pending'" >/dev/null
}

# hold STEP: an agent that stands still at STEP, with the next version to deploy.
hold() {
    queue_next
    rm -f "$WORK/hold"
    WRKTALK_HOLD_AT=$1 WRKTALK_HOLD_FILE=$WORK/hold background first "$WRKTALK" poll --loop
    wait_until 30 test -e "$WORK/hold"
}
let_go() { rm -f "$WORK/hold"; }

kill_agent() { kill -KILL "$(<"$WORK/first.pid")"; }
ask_to_end() { kill -TERM "$(<"$WORK/first.pid")"; let_go; }
restart_database() { pg_stop "$WORK/pg" QUIT; pg_cluster; let_go; }
cut_connections() {
    sql "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like 'wrktalk%'" >/dev/null
    let_go
}

# at_step STEP FAULT-COMMAND: one case.
at_step() {
    hold "$1"
    "$2"
    # The agent itself may finish it; when it cannot, the second one does.
    wait_until 60 settled
    end_background first || true
    whole "$_goal" completed
}

# kill_matrix: every row of the step table with every fault.
kill_matrix() {
    local step fault
    for step in "${STEPS[@]}"; do
        for fault in kill_agent restart_database cut_connections ask_to_end; do
            check "$step, ${fault//_/ }" at_step "$step" "$fault"
            tell "$step" "${fault//_/ }"
            end_background first || true
            _goal=$(other)
        done
    done
}

# ---------------------------------------------------------------- what stalls

# The first agent of a stalled case has the database behind a proxy that can be told to be silent, and its log is read by nobody who
# can be counted on.
_proxy=$WORK/proxy
stall() { python3 "$SUPPORT/stall.py" tell "$_proxy" "$1" >/dev/null; }
start_proxy() {
    background proxy python3 "$SUPPORT/stall.py" run "$_proxy" "$PGHOST/.s.PGSQL.5432"
    wait_until 10 test -s "$_proxy.port"
}

# Each is applied while the agent stands still at a step, which goes on then.
silent_host() { stall silent; cut_connections; sleep 1; stall forward; }
black_hole() { stall hole; let_go; }
stalled_statement() {
    psql -X -q -c 'begin' -c 'lock table agent_task in access exclusive mode' -c 'select pg_sleep(1)' >/dev/null &
    let_go
    wait $!
}
sessions_end_in_transactions() {
    let_go
    for _ in {1..20}; do
        sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'wrktalk%' and xact_start is not null" >/dev/null
        sleep 0.05
    done
}
full_log_pipe() { let_go; }

# hold_stalled STEP FAULT: as hold, behind the proxy; for full_log_pipe, stderr is a pipe that is full and has no reader who reads.
hold_stalled() {
    queue_next
    rm -f "$WORK/hold" "$WORK/pipe"
    stall forward
    local log=/dev/null
    if [ "$2" = full_log_pipe ]; then
        mkfifo "$WORK/pipe"
        exec {_pipe}<>"$WORK/pipe"
        dd if=/dev/zero of="$WORK/pipe" bs=4096 count=64 oflag=nonblock 2>/dev/null || true
        log=$WORK/pipe
    fi
    WRKTALK_HOLD_AT=$1 WRKTALK_HOLD_FILE=$WORK/hold WRKTALK_AGENT_DB_HOST=127.0.0.1 \
        WRKTALK_AGENT_DB_PORT=$(<"$_proxy.port") background first bash -c "exec '$WRKTALK' poll --loop 2>'$log'"
    wait_until 30 test -e "$WORK/hold"
}

# An agent that lost its lease by the stall may come by the step again.
settled_without_holds() { let_go; settled; }

at_step_stalled() {
    hold_stalled "$1" "$2"
    "$2"
    wait_until 90 settled_without_holds
    end_background first || true
    whole "$_goal" completed
}

# stall_matrix FAULT STEP...: the fault at each of the steps.
stall_matrix() {
    local fault=$1 step
    for step in "${@:2}"; do
        check "$step, ${fault//_/ }" at_step_stalled "$step" "$fault"
        tell "$step" "${fault//_/ }"
        end_background first KILL || true
        _goal=$(other)
    done
}

# stall_in_apply: every fault where the target is changed and where the outcome is recorded; at other steps when WRKTALK_TEST_STEPS names them,
# at each when it is "all".
stall_in_apply() {
    local fault steps=(apply record)
    case ${WRKTALK_TEST_STEPS:-} in
        all) steps=("${STEPS[@]}") ;;
        ?*) read -ra steps <<<"$WRKTALK_TEST_STEPS" ;;
    esac
    start_proxy
    for fault in silent_host stalled_statement sessions_end_in_transactions full_log_pipe; do stall_matrix "$fault" "${steps[@]}"; done
    stall_matrix black_hole apply
}

# The tool in the middle of its work. begin_slow: an agent whose tool is at work.
begin_slow() {
    make_slow
    queue_next
    background first "$WRKTALK" poll --loop
    wait_until 30 tool_at_work
}

tool_killed() {
    begin_slow
    make_fast_after_kill
    wait_until 60 settled
    end_background first || true
    whole "$(other)" failed
    expect_equal put_back sql "select result->>'state' from agent_task where id = '$(last_task)'"
}
make_fast_after_kill() { kill_tool; make_fast; }

both_killed() {
    begin_slow
    kill_agent
    kill_tool
    make_fast
    wait_until 60 settled
    whole "$_goal" completed
}

agent_killed() {
    begin_slow
    kill_agent
    wait_until 30 refuse tool_running
    make_fast
    wait_until 60 settled
    whole "$_goal" completed
}

# kill_in_the_middle: the tool, the agent, or both, while the tool is at work.
kill_in_the_middle() {
    local case
    for case in tool_killed both_killed agent_killed; do
        check "in the middle of apply, ${case//_/ }" "$case"
        tell apply "${case//_/ } in the middle"
        end_background first || true
        make_fast
        [ "$case" = tool_killed ] || _goal=$(other)
    done
}
