#!/usr/bin/env bash
# What belongs to whom: a target's folder and an agent's name have one owner, what a tool starts ends with it or lives on as it is meant
# to, and a maintenance window can be closed by whoever finishes the task. On the host target, but for the last.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
# shellcheck source=../support/alone.bash
. "$SUPPORT/alone.bash"

gone() { ! kill -0 "$(<"$WORK/$1.pid")" 2>/dev/null; }

# ---------------------------------------------------------------- folders and names

# as ID COMMAND...: as another agent, on the same folder.
as() { WRKTALK_AGENT_AGENT_ID=$1 "${@:2}"; }
untouched() {
    is_running 1.0.0
    expect_equal 1.0.0 activations
    expect_equal 1.0.0 ls "$ROOT/releases"
}

two_ids_on_one_root() {
    agent first
    queue 1.0.0
    wait_until 20 status_is completed
    LIMIT=10
    as other expect_exit 5 wrk poll --loop
    as other expect_exit 5 wrk deploy 2.0.0
    untouched
    expect_output "$ROOT" # says which folder, so that it is known what to do
    queue 3.0.0
    wait_until 20 status_is completed
    is_running 3.0.0
}
alone 'the folder of a running agent is refused to another one: 5, nothing is touched' two_ids_on_one_root

two_ids_one_after_another() {
    LIMIT=10
    deployed 1.0.0
    as other expect_exit 5 wrk deploy 2.0.0
    untouched
    deployed 2.0.0
    is_running 2.0.0
}
alone 'also when that agent does not run' two_ids_one_after_another

two_daemons() {
    local status=0
    LIMIT=10
    agent first
    # Another folder: it is the name that is taken.
    mkdir "$WORK/elsewhere"
    WRKTALK_AGENT_HOST_ROOT=$WORK/elsewhere wrk poll --loop >"$OUT" 2>"$ERR" || status=$?
    echo "ended with $status"
    [ "$status" -eq 4 ] || [ "$status" -eq 5 ]
    expect_equal 1 sql 'select count(*) from agent_instance'
    queue 1.0.0
    wait_until 20 status_is completed
    is_running 1.0.0
}
alone 'a second live daemon with the same agent id is refused' two_daemons

# A process namespace of its own stands for another machine: whether the other process lives can only be told by its signs.
two_machines() {
    local status=0
    LIMIT=20
    agent first
    mkdir "$WORK/elsewhere"
    WRKTALK_AGENT_POLL_INTERVAL=2s WRKTALK_AGENT_HOST_ROOT=$WORK/elsewhere \
        timeout -k 2 "$LIMIT" unshare --pid --fork "$WRKTALK" poll --loop >"$OUT" 2>"$ERR" || status=$?
    expect_equal 5 echo "$status"
    expect_output 'another agent with the id'
    end_background first KILL || true
    # Nobody is seen any more: the id is free when a poll interval is over.
    WRKTALK_AGENT_POLL_INTERVAL=2s background second unshare --pid --fork --kill-child "$WRKTALK" poll --loop
    wait_until 10 said second agent.started
    expect_equal 1 sql 'select count(*) from agent_instance'
}
if unshare --pid --fork true 2>/dev/null; then
    alone 'one agent id on two machines is refused, and taken over from one that is gone' two_machines
else
    echo 'left out, no process namespace can be made here: one agent id on two machines'
fi

restart() {
    agent first
    end_background first KILL || true
    LIMIT=10
    background first "$WRKTALK" poll --loop
    wait_until 3 said first agent.started
    queue 1.0.0
    wait_until 3 status_is completed
}
alone 'a restart after kill -9 works at once' restart

restart_in_a_task() {
    deployed 1.0.0
    touch "$WORK/slow-2.0.0"
    queue 2.0.0
    agent first
    wait_until 20 activating 2.0.0
    end_background first KILL || true
    rm "$WORK/slow-2.0.0"
    background first "$WRKTALK" poll --loop
    wait_until 3 said first agent.started
    # The lease of the dead one, and the activation.
    wait_until 8 status_is completed
    is_running 2.0.0
}
alone 'also when it was killed in a task, which goes on when its lease is over' restart_in_a_task

# ---------------------------------------------------------------- what a tool starts

# more COMMAND...: lines that the activation runs.
more() {
    printf '%s\n' '#!/bin/sh' "$@" >"$WORK/more"
    chmod +x "$WORK/more"
}
# child BODY: a program whose process can be found by its name.
child() {
    printf '%s\n' '#!/bin/sh' "$@" >"$WORK/child"
    chmod +x "$WORK/child"
}
child_runs() { pgrep -f "^/bin/sh $WORK/child" >/dev/null; }

own_session() {
    child 'while sleep 0.1; do date; done >/dev/null'
    more "setsid $WORK/child &" 'sleep 30'
    queue 1.0.0
    agent first
    wait_until 20 child_runs
    end_background first KILL || true
    wait_until 10 lease_is_over
    refuse child_runs
}
alone 'the activation began a session of its own, the agent is killed: it is ended before the lease is over' own_session

own_session_on_cancel() {
    export WRKTALK_AGENT_HEARTBEAT_INTERVAL=10s
    child 'while sleep 0.1; do date; done >/dev/null'
    more "setsid $WORK/child &" 'sleep 30'
    queue 1.0.0
    agent first
    wait_until 20 child_runs
    expect_exit 0 wrk task cancel "$(last_task)"
    wait_until 20 status_is cancelled
    wait_until 1 refuse child_runs
}
alone 'also when the task is cancelled' own_session_on_cancel

left_with_stdout() {
    child "while echo tick && sleep 0.05; do date >$WORK/tick; done"
    more "$WORK/child &"
    agent first
    queue 1.0.0
    wait_until 20 status_is completed
    sleep 2
    child_runs
    rm "$WORK/tick"
    wait_until 2 test -e "$WORK/tick"
    expect_exit 0 end_background first
    sleep 1
    child_runs
}
alone 'a program that the activation leaves with its stdout lives on, also when the daemon ends' left_with_stdout

# ---------------------------------------------------------------- maintenance

slow_off_program() {
    local pid
    export WRKTALK_AGENT_HEARTBEAT_INTERVAL=2s WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER=command \
        WRKTALK_AGENT_MAINTENANCE_ON=$WORK/on WRKTALK_AGENT_MAINTENANCE_OFF=$WORK/off
    printf '#!/bin/sh\ntouch %q\n' "$WORK/shown" >"$WORK/on"
    printf '#!/bin/sh\ntouch %q\nsleep 4\nrm -f %q\n' "$WORK/going" "$WORK/shown" >"$WORK/off"
    chmod +x "$WORK/on" "$WORK/off"
    agent first
    pid=$(<"$WORK/first.pid")
    queue 1.0.0
    wait_until 20 test -e "$WORK/going"
    for _ in 1 2 3; do
        sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'wrktalk/%'" >/dev/null
        sleep 0.5
    done
    wait_until 30 status_is completed
    kill -0 "$pid"
    expect_equal 1.0.0 activations
    refuse test -e "$WORK/shown"
    maintenance_is_off
}
alone 'the program that ends maintenance takes 4 s, sessions are ended meanwhile: completed' slow_off_program

# helm's part is played by a program that keeps the release's history in a file; the proxy and its flag file are what is looked at.
stub_helm() {
    cat >"$WORK/helm" <<PROGRAM
#!/bin/sh
case "\$1" in
    version) echo v3.14.0 ;;
    history) [ -e "$WORK/history" ] && exec cat "$WORK/history"; echo 'Error: release: not found' >&2; exit 1 ;;
    upgrade)
        touch "$WORK/upgrading"
        while [ -e "$WORK/slow" ]; do sleep 0.05; done
        echo '[{"revision": 1, "status": "deployed", "description": "wrktalk 7.0.0"}]' >"$WORK/history"
        echo '{"version": 1, "info": {"status": "deployed"}}'
        ;;
    *) exit 1 ;;
esac
PROGRAM
    chmod +x "$WORK/helm"
    export WRKTALK_AGENT_HELM_BIN=$WORK/helm WRKTALK_AGENT_KUBECTL_BIN=$WORK/none WRKTALK_AGENT_DEPLOYMENT_TYPE=kubernetes
    mkdir -p "$WORK/chart/demo"
    printf 'apiVersion: v2\nname: demo\nversion: 7.0.0\n' >"$WORK/chart/demo/Chart.yaml"
    tar -czf "$WORK/chart.tgz" -C "$WORK/chart" demo
    "$WRKTALK" release add "$WORK/chart.tgz" --version 7.0.0 >/dev/null
}
pod_takes_over() {
    stub_helm
    touch "$WORK/slow"
    queue 7.0.0
    WRKTALK_AGENT_AGENT_ID=pod-1 agent pod-1
    wait_until 20 test -e "$WORK/upgrading"
    test -e "$WORK/flag"
    end_background pod-1 KILL || true
    wait_until 20 refuse pgrep -f "^/bin/sh $WORK/helm upgrade"
    rm "$WORK/slow"
    WRKTALK_AGENT_AGENT_ID=pod-2 agent pod-2
    wait_until 20 status_is completed
    wait_until 5 maintenance_is_off
    WRKTALK_AGENT_AGENT_ID=pod-2 expect_exit 0 wrk maintenance status
}
alone 'a pod dies in apply, another one completes: the flag file that they share is gone' pod_takes_over

# ---------------------------------------------------------------- v4.2

orphan_of_v42() {
    sql "insert into agent_task (type, status, release_artifact_id, picked_up_at, created_at, updated_at)
         select 'deploy', 'inProgress', id, t, t, t from release_artifact, (select now() - interval '31 minutes' as t) x
          where release_version = '1.0.0'" >/dev/null
    queue 2.0.0
    wrk poll --drain >"$OUT" 2>"$ERR" || true # whether the orphan counts is not what is asked here
    expect_equal 'failed|deploy|Task timeout - no heartbeat received' \
        sql "select status, type, error_message from agent_task order by created_at limit 1"
    task_is completed
    is_running 2.0.0
}
alone 'drain ends the orphan of a dead v4.2 agent, and runs what waited behind it' orphan_of_v42
