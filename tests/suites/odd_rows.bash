#!/usr/bin/env bash
# What a row holds is input: odd dates, texts of 10 MB and what no agent understands fail the task that they belong to, and nothing else. In
# each check a second task waits behind the odd one, and the commands that show tasks go on working.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
# shellcheck source=../support/alone.bash
. "$SUPPORT/alone.bash"

huge="repeat('x', 10000000)"

# set_odd COLUMN=VALUE...: what is odd in the task for 2.0.0, which is due before the one for 3.0.0.
set_odd() {
    queue 2.0.0
    sql "select id from agent_task where status = 'pending'" >"$WORK/odd"
    sql "update agent_task set $1, created_at = now() - interval '1 minute' where status = 'pending'" >/dev/null
    queue 3.0.0
}

# others_go_on: both tasks end, 3.0.0 runs, and people can look at all of it.
others_go_on() {
    wait_until 30 settled
    is_running 3.0.0
    expect_equal completed sql "select status from agent_task where id <> '$(<"$WORK/odd")' order by created_at desc limit 1"
    maintenance_is_off
    expect_exit 0 wrk task list
    expect_exit 0 wrk task list -o json
    expect_exit 0 wrk task show "$(<"$WORK/odd")"
    expect_exit 0 wrk task show "$(<"$WORK/odd")" -o json
    expect_exit 0 jq -e . "$OUT"
    expect_exit 0 wrk status
}

odd() {
    deployed 1.0.0
    set_odd "$1"
    others_go_on
    expect_equal "$2" sql "select status from agent_task where id = '$(<"$WORK/odd")'"
}

alone 'a result of 10 MB is overwritten' odd "result = to_jsonb($huge)" completed
alone 'an error of 10 MB, too' odd "error_message = $huge" completed
alone 'a payload of 10 MB is refused' odd "payload = jsonb_build_object('x', $huge)" failed
alone 'a payload that is no object is refused' odd "payload = '[1]'" failed
alone 'a goal that is nonsense counts as none: the release that the task names is deployed' odd "goal = '{\"artifact_id\": 7}'" completed
alone 'times at both ends of what there is do no harm' odd "last_heartbeat = '-infinity', updated_at = 'infinity'" completed
alone 'a year that no clock shows does no harm' odd "updated_at = '294276-12-31', last_heartbeat = '4713-01-01 BC'" completed
alone 'a task with an unknown type fails' odd "type = 'explode'" failed
