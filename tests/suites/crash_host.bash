#!/usr/bin/env bash
# The agent is killed at each row of the step table, started again, and what it left must be finished or put back. Needs a build with
# crash points.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag \
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=300ms WRKTALK_AGENT_POLL_INTERVAL=1s TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
printf '#!/bin/sh\nreadlink %q >>%q\n' "$WORK/srv/current" "$WORK/activations" >"$WORK/activate"
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

# drained: what is due was run, and nothing is left.
drained() {
    "$WRKTALK" poll --drain
    [ "$(sql "select count(*) from agent_task where status in ('pending', 'inProgress')")" = 0 ]
}

# killed_at STEP: 2.0.0 is deployed by an agent that kills itself at STEP, then by one that lives.
killed_at() {
    "$WRKTALK" deploy 2.0.0 --queue >/dev/null
    WRKTALK_CRASH_AT=$1 expect_exit 137 "$WRKTALK" poll
    wait_until 20 drained
    task_is completed
    expect_equal 2.0.0 cat "$WORK/srv/current/VERSION"
    expect_equal '2.0.0|1.0.0' flags
    maintenance_is_off
    no_left_overs
    expect_equal 1 sql "select count(*) from notification where task_id = '$(last_task)'"
    "$WRKTALK" deploy 1.0.0 >/dev/null 2>&1
}

for step in claim resolve fetch check maintenance-on apply health maintenance-off record; do
    check "killed at $step: finished by the next agent" killed_at "$step"
done

after_the_record() {
    "$WRKTALK" deploy 2.0.0 --queue >/dev/null
    WRKTALK_CRASH_AT=recorded expect_exit 137 "$WRKTALK" poll
    task_is completed
    expect_output 'nothing is due' "$WRKTALK" poll
    no_left_overs
    "$WRKTALK" deploy 1.0.0 >/dev/null 2>&1
}
check 'killed after the record: nothing is done twice' after_the_record

given_up() {
    "$WRKTALK" deploy 2.0.0 --queue >/dev/null
    for _ in 1 2 3; do
        WRKTALK_CRASH_AT=health expect_exit 137 "$WRKTALK" poll
        sleep 1
    done
    refuse "$WRKTALK" poll
    task_is failed
    expect_equal 'Task timeout - no heartbeat received' sql 'select error_message from agent_task order by created_at desc limit 1'
    expect_equal 1.0.0 cat "$WORK/srv/current/VERSION"
    expect_equal '1.0.0|2.0.0' flags
    maintenance_is_off
    no_left_overs
}
check 'killed three times: given up, put back and failed' given_up
