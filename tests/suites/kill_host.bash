#!/usr/bin/env bash
# The kill matrix on the host target.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

# shellcheck source=../support/kill_host.bash
. "$SUPPORT/kill_host.bash"
kill_matrix
kill_in_the_middle

# ---------------------------------------------------------------- what one agent cannot finish, and what is finished already

"$WRKTALK" deploy 1.0.0 >/dev/null 2>&1
after_the_record() {
    "$WRKTALK" deploy 2.0.0 --queue >/dev/null
    WRKTALK_CRASH_AT=recorded expect_exit 137 "$WRKTALK" poll
    task_is completed
    expect_output 'nothing is due' "$WRKTALK" poll
    no_left_overs
}
check 'killed after the record: nothing is done twice' after_the_record

given_up() {
    "$WRKTALK" deploy 1.0.0 >/dev/null 2>&1
    "$WRKTALK" deploy 2.0.0 --queue >/dev/null
    for _ in 1 2 3; do
        WRKTALK_CRASH_AT=health expect_exit 137 "$WRKTALK" poll
        sleep 2
    done
    refuse "$WRKTALK" poll
    task_is failed
    expect_equal 'Task timeout - no heartbeat received' sql 'select error_message from agent_task order by created_at desc limit 1'
    expect_equal 1.0.0 cat "$WORK/srv/current/VERSION"
    expect_equal 1.0.0 sql 'select release_version from release_artifact where is_current'
    maintenance_is_off
    no_left_overs
}
check 'killed three times: given up, put back and failed' given_up
