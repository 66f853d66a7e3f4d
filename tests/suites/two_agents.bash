#!/usr/bin/env bash
# Two agents on one queue of 200 tasks to one host target: each task runs exactly once, never two at a time.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
# A second activation while one runs finds the folder and says so.
cat >"$WORK/activate" <<SH
#!/bin/sh
mkdir "$WORK/busy" || { echo overlap >>"$WORK/activations"; exit 1; }
echo once >>"$WORK/activations"
rmdir "$WORK/busy"
SH
chmod +x "$WORK/activate"
"$WRKTALK" migrate up --set agent >/dev/null
mkdir "$WORK/tree"
echo 1 >"$WORK/tree/VERSION"
tar -czf "$WORK/1.tar.gz" -C "$WORK/tree" .
"$WRKTALK" release add "$WORK/1.tar.gz" --version 1 --type host >/dev/null 2>&1

background one "$WRKTALK" poll --loop
# The second one has an id of its own, and serves the same target on the same root.
WRKTALK_AGENT_AGENT_ID=other WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_TARGETS=host:site \
    background two "$WRKTALK" poll --loop
both_wait() { [ "$(sql 'select count(*) from agent_instance')" = 2 ]; }
wait_until 10 both_wait
sql "insert into agent_task (type, release_artifact_id, target)
     select 'deploy', id, 'host:site' from release_artifact, generate_series(1, 200)" >/dev/null
all_done() { [ "$(sql "select count(*) from agent_task where status = 'completed'")" = 200 ]; }
check 'all 200 are completed' wait_until 120 all_done
check 'each was claimed once' expect_equal 200 sql "select count(*) from task_event where phase = 'claim'"
check 'each was activated once, and never two at a time' expect_equal '200 once' \
    bash -c "sort '$WORK/activations' | uniq -c | sed 's/^ *//'"
check 'no attempt was lost' expect_equal 1 sql 'select max(attempt) from agent_task'
first=0 second=0
end_background one || first=$?
end_background two || second=$?
check 'both agents end cleanly' test "$first $second" = '0 0'
check 'and both have signed out' expect_equal 0 sql 'select count(*) from agent_instance'
