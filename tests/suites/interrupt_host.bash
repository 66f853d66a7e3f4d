#!/usr/bin/env bash
# Signals, cancelling, and a database that goes away, while a slow release is being applied on the host target.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag \
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=2s WRKTALK_AGENT_GRACE=300ms WRKTALK_AGENT_POLL_INTERVAL=1s TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
# Activating 2.0.0 waits as long as $WORK/slow is there.
cat >"$WORK/activate" <<SH
#!/bin/sh
echo "\$WRKTALK_VERSION" >>"$WORK/activations"
[ "\$WRKTALK_VERSION" = 2.0.0 ] || exit 0
while [ -e "$WORK/slow" ]; do sleep 0.1; done
SH
chmod +x "$WORK/activate"
"$WRKTALK" migrate up --set agent >/dev/null
sql "insert into admin (email) values ('a@example.org')" >/dev/null
for version in 1.0.0 2.0.0; do
    mkdir -p "$WORK/tree-$version"
    echo "$version" >"$WORK/tree-$version/VERSION"
    tar -czf "$WORK/$version.tar.gz" -C "$WORK/tree-$version" .
    "$WRKTALK" release add "$WORK/$version.tar.gz" --version "$version" --type host >/dev/null 2>&1
done
"$WRKTALK" deploy 1.0.0 >/dev/null 2>&1

running() { cat "$WORK/srv/current/VERSION"; }
activating() { [ "$(tail -n 1 "$WORK/activations")" = 2.0.0 ]; }
in_phase() { [ "$(sql 'select phase from agent_task order by created_at desc limit 1')" = "$1" ]; }
status_is() { [ "$(sql 'select status from agent_task order by created_at desc limit 1')" = "$1" ]; }
no_activation() { ! pgrep -f "$WORK/activate" >/dev/null; }

# begin: an agent in the background that is busy activating 2.0.0.
begin() {
    touch "$WORK/slow"
    echo none >"$WORK/activations"
    background agent "$WRKTALK" poll --loop
    "$WRKTALK" deploy 2.0.0 --queue >/dev/null
    wait_until 20 activating
}
# finish: let the activation go on and end the agent; back to 1.0.0.
finish() {
    rm -f "$WORK/slow"
    end_background agent || true
    "$WRKTALK" poll --drain >/dev/null 2>&1 || true
    "$WRKTALK" deploy 1.0.0 >/dev/null 2>&1
}

begin
status=0
end_background agent TERM || status=$?
check 'SIGTERM in the middle: the daemon ends with 0' test "$status" = 0
check 'the task is pending again' task_is pending
check 'that attempt does not count' expect_equal 0 sql 'select attempt from agent_task order by created_at desc limit 1'
check 'the target was put back' expect_equal 1.0.0 running
check 'the tool is gone' no_activation
check 'maintenance is off' maintenance_is_off
check 'nothing is left over' no_left_overs
finish
check 'the next agent had finished it' expect_equal 2.0.0 sql "select a.release_version from agent_task t
    join release_artifact a on a.id = t.release_artifact_id where t.status = 'completed' order by t.completed_at desc offset 1 limit 1"

begin
check 'cancelling a running task' expect_exit 0 "$WRKTALK" task cancel "$(last_task)"
check 'it ends soon' wait_until 10 status_is cancelled
check 'the target was put back after cancelling' expect_equal 1.0.0 running
check 'the tool is gone after cancelling' no_activation
check 'nobody is mailed about it' expect_equal 0 sql "select count(*) from notification where task_id = '$(last_task)'"
finish

touch "$WORK/slow"
echo none >"$WORK/activations"
background deploy "$WRKTALK" deploy 2.0.0
wait_until 20 activating
status=0
end_background deploy INT || status=$?
check '^C on a deployment in the foreground: 130' test "$status" = 130
check 'it is cancelled, not left to a daemon' task_is cancelled
check 'and put back' expect_equal 1.0.0 running
finish

begin
kill -KILL "$(<"$WORK/agent.pid")"
end_background agent || true
check 'the agent is killed: its tool ends before the lease does' wait_until 8 no_activation
rm -f "$WORK/slow"
drained() { "$WRKTALK" poll --drain; status_is completed; }
check 'and the task is taken over' wait_until 20 drained
check 'taken over once' expect_equal 2 sql 'select attempt from agent_task order by created_at desc limit 1'
finish

begin
kill -STOP "$(<"$WORK/agent.pid")"
check 'the agent is frozen past its lease: its tool is ended' wait_until 10 no_activation
rm -f "$WORK/slow"
check 'another agent takes the task over' wait_until 20 drained
kill -CONT "$(<"$WORK/agent.pid")"
wait_until 10 grep -q 'task.lost' "$WORK/agent.log"
check 'the thawed agent has written nothing more' task_is completed
check 'and 2.0.0 runs' expect_equal 2.0.0 running
finish

begin
pg_stop "$WORK/pg" QUIT
rm -f "$WORK/slow"
sleep 1
pg_cluster
check 'the database is away when the tool ends: the outcome is recorded when it is back' wait_until 20 status_is completed
check 'in the first attempt' expect_equal 1 sql 'select attempt from agent_task order by created_at desc limit 1'
finish

background agent "$WRKTALK" poll --loop
wait_until 10 grep -q agent.started "$WORK/agent.log"
pg_stop "$WORK/pg" QUIT
sleep 1
pg_cluster
"$WRKTALK" deploy 2.0.0 --queue >/dev/null
check 'an idle agent survives a restart of the database' wait_until 20 status_is completed
check 'with one line when it went and one when it came back' expect_equal '1 1' \
    bash -c "echo \$(grep -c database.away '$WORK/agent.log') \$(grep -c database.back '$WORK/agent.log')"
finish
