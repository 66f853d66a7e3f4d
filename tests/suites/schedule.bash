#!/usr/bin/env bash
# When tasks begin, in which order, and who has to wait: schedules, refusals, cancel, retry, reschedule.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

# A look at the queue comes too late for every check here: what runs was woken by its time or by a notification.
export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag WRKTALK_AGENT_POLL_INTERVAL=10m TMPDIR=$WORK/tmp
mkdir "$TMPDIR" "$WORK/tree"
"$WRKTALK" migrate up --set agent >/dev/null
for version in 1.0.0 2.0.0; do
    echo "$version" >"$WORK/tree/VERSION"
    tar -czf "$WORK/$version.tar.gz" -C "$WORK/tree" .
    "$WRKTALK" release add "$WORK/$version.tar.gz" --version "$version" --type host >/dev/null 2>&1
done
running() { cat "$WORK/srv/current/VERSION"; }
queue() { expect_exit "$1" "$WRKTALK" "${@:2}" --queue; }
pending() { sql "select count(*) from agent_task where status = 'pending'"; }
# order: what ran, in the order in which it began.
order() { sql "select string_agg(type || ' ' || coalesce(result->>'version', '?'), ', ' order by picked_up_at) from agent_task where status = 'completed'"; }
empty() { sql 'delete from agent_task' >/dev/null; }

background agent "$WRKTALK" poll --loop
wait_until 20 expect_equal 1 sql 'select count(*) from agent_instance'

check 'a task for in two seconds is queued' queue 0 deploy 1.0.0 --at +2s
check 'show says when' expect_output 'Execute after: +20' "$WRKTALK" task show "$(last_task)"
check 'it runs when its time has come' wait_until 10 task_is completed
check 'and not before' expect_equal t sql 'select picked_up_at >= execute_after from agent_task'
check '1.0.0 runs' expect_equal 1.0.0 running

empty
check 'a time with a time zone is understood' queue 0 deploy 2.0.0 --at '2099-12-01 02:00 Europe/Berlin' --missed-after 1h
check 'to the second' expect_equal '2099-12-01 01:00:00' sql "select execute_after at time zone 'utc' from agent_task"
check 'show tells how late it may be' expect_output 'Missed after: +01:00:00' "$WRKTALK" task show "$(last_task)"
berlin() {
    queue 0 deploy 2.0.0 --at '2099-12-01 02:00 Europe/Berlin'
    expect_output ': it begins at 2099-12-01 01:00:00 \+00:00 \(time zone .*\), in [0-9]+ '
    "$WRKTALK" task cancel "$(last_task)" >/dev/null
    PGTZ=Europe/Berlin queue 0 deploy 2.0.0 --at '2099-12-01 02:00'
    expect_output 'it begins at 2099-12-01 02:00:00 \+01:00 \(time zone Europe/Berlin\)'
    "$WRKTALK" task cancel "$(last_task)" >/dev/null
}
check 'a time without a zone is one of the session, and that is told' berlin
past() {
    local before
    before=$(pending)
    queue 2 deploy 2.0.0 --at '2025-01-01 02:00 Europe/Berlin'
    expect_output "has passed: it is 2025-01-01 01:00:00 .* ago"
    expect_output '^hint: .*--now'
    expect_equal "$before" pending
    queue 0 deploy 2.0.0 --at '2025-01-01' --now --missed-after 1h
    expect_exit 2 "$WRKTALK" task reschedule "$(last_task)" --at '2025-01-01'
    expect_output 'has passed'
}
check 'a time that has passed is refused, unless it is meant' past
check 'it is not run late' wait_until 10 expect_equal 'missed schedule' sql "select error_message from agent_task where status = 'failed'"
sql "delete from agent_task where status = 'failed'" >/dev/null
check 'a time that is none: 2' queue 2 deploy 2.0.0 --at 'next tuesdayish'
check 'with an example' expect_output 'Europe/Berlin'
check 'a task for later needs the queue: 2' expect_exit 2 "$WRKTALK" deploy 2.0.0 --at +2h
check 'a task for later does not stand in the way of one for now' queue 0 deploy 1.0.0
check 'which runs' wait_until 10 expect_equal 1 sql "select count(*) from agent_task where status = 'completed'"
check 'and waits on' expect_equal 1 pending

later=$(sql "select id from agent_task where status = 'pending'")
check 'reschedule moves it to in two seconds' expect_output 'will run after' "$WRKTALK" task reschedule "$later" --at +2s
check 'then it runs' wait_until 10 expect_equal completed sql "select status from agent_task where id = '$later'"
check '2.0.0 runs' expect_equal 2.0.0 running
check 'what has ended cannot be moved: 1' expect_exit 1 "$WRKTALK" task reschedule "$later" --at +2s
end_background agent

empty
check 'with nobody there a task waits' queue 0 deploy 1.0.0
first=$(last_task)
check 'a second one that is due is refused: 4' queue 4 deploy 2.0.0
check 'naming the first' expect_output "$first is due"
check 'here and now it is refused too: 4' expect_exit 4 "$WRKTALK" deploy 2.0.0
check 'unless it may queue behind' queue 0 deploy 2.0.0 --queue-anyway
check 'a rollback may always be queued' queue 0 rollback
check 'and goes first, then the oldest' expect_exit 0 "$WRKTALK" poll --drain
check 'in that order' expect_equal 'rollback 1.0.0, deploy 1.0.0, deploy 2.0.0' order

empty
queue 0 deploy 1.0.0
queue 0 deploy 2.0.0 --queue-anyway
check 'a pending task is cancelled at once' expect_output 'is cancelled' "$WRKTALK" task cancel "$(last_task)"
check 'and not run' expect_exit 0 "$WRKTALK" poll --drain
check 'only the other was' expect_equal 'deploy 1.0.0' order
cancelled=$(sql "select id from agent_task where status = 'cancelled'")
check 'what has ended cannot be cancelled: 1' expect_exit 1 "$WRKTALK" task cancel "$(sql "select id from agent_task where status = 'completed'")"
check 'what is completed cannot be tried again: 1' expect_exit 1 "$WRKTALK" task retry "$(sql "select id from agent_task where status = 'completed'")"
check 'a cancelled task can' expect_output 'pending again' "$WRKTALK" task retry "$cancelled"
check 'and runs' expect_exit 0 "$WRKTALK" poll
check '2.0.0 runs after that' expect_equal 2.0.0 running

empty
background agent "$WRKTALK" poll --loop
wait_until 20 expect_equal 1 sql 'select count(*) from agent_instance'
watched() {
    queue 0 deploy 1.0.0 --at +1s
    expect_exit 0 "$WRKTALK" task watch "$(last_task)"
    expect_output 'completed'
}
check 'watch follows a task to its end and gives its exit code' watched
check 'nothing is left over' no_left_overs
end_background agent || true

# ---------------------------------------------------------------- a full NOTIFY queue

# From 17 on the queue can be made small; before, it holds 8 GB.
full_queue() {
    sql 'alter system set max_notify_queue_pages = 64' >/dev/null
    pg_stop "$WORK/pg"
    pg_cluster
    background listener psql -Xq -c 'listen x' -c begin -c 'select 1' -c 'select pg_sleep(600)'
    wait_until 10 expect_equal 1 sql "select count(*) from pg_stat_activity where query ~ '^select pg_sleep'"
    for _ in {1..80}; do echo "select pg_notify('x', repeat('x', 7000) || random());"; done |
        psql -Xq -v ON_ERROR_STOP=1 >/dev/null 2>&1 || true
}
nobody_is_woken() {
    refuse sql "select pg_notify('y', 'z')" 2>/dev/null
    queue 0 deploy 2.0.0
    queue 0 rollback
    sql "insert into agent_task (type, target) values ('rollback', 'host:site')" >/dev/null
    expect_exit 0 "$WRKTALK" task cancel "$(last_task)"
    expect_exit 0 "$WRKTALK" maintenance on --for 1h
    expect_exit 0 "$WRKTALK" maintenance off
    background agent env WRKTALK_AGENT_POLL_INTERVAL=1s "$WRKTALK" poll --loop
    wait_until 20 expect_equal 2 sql "select count(*) from agent_task where status = 'completed' and created_at > now() - interval '1 minute' and type in ('deploy', 'rollback')"
    end_background agent
}
if [ "$(sql 'show server_version_num')" -ge 170000 ]; then
    empty
    full_queue
    check 'a full NOTIFY queue keeps no task out of the queue: polling finds it' nobody_is_woken
else
    echo 'left out, a full NOTIFY queue: PostgreSQL is older than 17'
fi
