#!/usr/bin/env bash
# Eight agents and WRKTALK_TEST_TASKS tasks (600) on 16 host targets: every task runs once, never two at a time on one target, none is
# starved, and each target's tasks run in their order, rollbacks first. Half of the agents serve all targets, the others four each.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

tasks=${WRKTALK_TEST_TASKS:-600}
# The agents have ids of their own and serve the host targets of one site: their default target is of another kind.
export WRKTALK_AGENT_DEPLOYMENT_TYPE=docker WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER=none TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
"$WRKTALK" migrate up --set agent >/dev/null
for version in 1 2 3 4; do
    mkdir "$WORK/tree-$version"
    echo "$version" >"$WORK/tree-$version/VERSION"
    tar -czf "$WORK/$version.tar.gz" -C "$WORK/tree-$version" .
    "$WRKTALK" release add "$WORK/$version.tar.gz" --version "$version" --type host >/dev/null 2>&1
done

# Each target has its queue before the first agent starts; its rollbacks were added last.
sql "insert into agent_task (type, release_artifact_id, target, execute_after, created_at)
     select case when n > $tasks - 32 then 'rollback' else 'deploy' end, a.id,
            'host:site' || case n % 16 when 0 then '' else '/' || n % 16 end,
            now() - interval '1 hour' + (n * 7919 % 100) * interval '1 s', now() + n * interval '1 ms'
       from generate_series(1, $tasks) n join release_artifact a on a.release_version = (1 + n / 16 % 4)::text" >/dev/null

# targets FIRST LAST: their names, with commas.
targets() { seq -s , -f 'host:site/%g' "$1" "$2"; }
for n in 1 2 3 4; do
    WRKTALK_AGENT_AGENT_ID=all-$n WRKTALK_AGENT_TARGETS=host:site,$(targets 1 15) background "all-$n" "$WRKTALK" poll --loop
    WRKTALK_AGENT_AGENT_ID=some-$n WRKTALK_AGENT_TARGETS=$(targets $((n * 4 - 3)) $((n < 4 ? n * 4 : 15))) \
        background "some-$n" "$WRKTALK" poll --loop
done

none_is_left() { [ "$(sql "select count(*) from agent_task where status in ('pending', 'inProgress')")" = 0 ]; }
began=$SECONDS
check "$tasks tasks end" wait_until 300 none_is_left
echo "        in $((SECONDS - began)) s"
check 'all are completed' expect_equal "$tasks" sql "select count(*) from agent_task where status = 'completed'"
check 'each was claimed once' expect_equal "$tasks $tasks" \
    sql "select count(*) || ' ' || count(distinct task_id) from task_event where phase = 'claim'"
check 'no attempt was lost' expect_equal 1 sql 'select max(attempt) from agent_task'
check 'never two at a time on one target' expect_equal 0 \
    sql 'select count(*) from agent_task a join agent_task b on a.target = b.target and a.id < b.id
          and tstzrange(a.picked_up_at, a.completed_at) && tstzrange(b.picked_up_at, b.completed_at)'
check 'in each target'\''s order, rollbacks first' expect_equal 0 \
    sql "select count(*) from (
           select row_number() over (partition by target order by picked_up_at) as ran,
                  row_number() over (partition by target order by type <> 'rollback', execute_after, created_at) as due
             from agent_task) o where ran <> due"
check 'no target waited for all others' expect_equal 16 \
    sql "select count(distinct target) from (select target from agent_task order by picked_up_at limit $tasks / 2) t"
check 'every agent had a part' expect_equal 8 \
    sql "select count(*) from agent_instance"
records() { sql 'select name, release_version from deployment_target d join release_artifact a on a.id = d.current_artifact_id'; }
# shown TARGET|VERSION: what its row says is what its link shows.
shown() {
    local target=${1%|*}
    expect_equal "${1#*|}" cat "$WORK/srv${target#host:site}/current/VERSION"
}
check 'what runs is what the database says' each_line records shown
check 'nothing half made is left' no_left_overs
ends=''
for n in 1 2 3 4; do
    end_background "all-$n" && end_background "some-$n" && ends+=0
done
check 'all agents end cleanly' test "$ends" = 0000
