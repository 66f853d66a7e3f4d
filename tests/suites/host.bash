#!/usr/bin/env bash
# The whole flow on the host target: deploy, upgrade, put back, roll back; what the database says and what lies on disk agree.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_HOST_HEALTH=$WORK/health \
    WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag WRKTALK_AGENT_HOST_TIMEOUT=3s TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
# shellcheck disable=SC2016  # expanded when the program runs
printf '#!/bin/sh\n[ -e %q ] && echo "in maintenance" >>%q\nreadlink %q >>%q\n' \
    "$WORK/flag" "$WORK/seen" "$WORK/srv/current" "$WORK/activations" >"$WORK/activate"
printf '#!/bin/sh\nexec %q\n' "$WORK/srv/current/bin/check" >"$WORK/health"
chmod +x "$WORK/activate" "$WORK/health"

# tree VERSION STATUS: a release whose check exits with STATUS.
tree() {
    mkdir -p "$WORK/tree-$1/bin"
    printf '#!/bin/sh\nexit %s\n' "$2" >"$WORK/tree-$1/bin/check"
    chmod +x "$WORK/tree-$1/bin/check"
    echo "$1" >"$WORK/tree-$1/VERSION"
    tar -czf "$WORK/$1.tar.gz" -C "$WORK/tree-$1" .
    echo "SECRET=for-$1" >"$WORK/$1.env"
    "$WRKTALK" release add "$WORK/$1.tar.gz" --version "$1" --type host --env-file "$WORK/$1.env"
}
running() { cat "$WORK/srv/current/VERSION"; }

check 'a database without the agent tables is refused with a hint' expect_exit 5 "$WRKTALK" deploy 1.0.0
check 'which names the command' expect_output 'migrate up --set agent'
check 'migrate makes the agent tables' expect_exit 0 "$WRKTALK" migrate up --set agent
sql "insert into admin (name, email) values ('A', 'a@example.org'), ('B', 'b@example.org');
     insert into admin (email, is_active) values ('gone@example.org', false)" >/dev/null
for version in 1.0.0 2.0.0; do tree "$version" 0; done
tree 3.0.0 1

check 'a dry run says what would happen' expect_exit 0 "$WRKTALK" deploy 1.0.0 --dry-run
check 'and changes nothing' expect_equal 0 sql 'select count(*) from agent_task'
check 'a version that is not stored is refused' expect_exit 1 "$WRKTALK" deploy 9.9.9
check 'with a hint' expect_output 'release list'

check 'deploy 1.0.0' expect_exit 0 "$WRKTALK" deploy 1.0.0
check '1.0.0 runs' expect_equal 1.0.0 running
check 'the task is completed' task_is completed
check 'maintenance was on while it was activated' test -s "$WORK/seen"
check 'and is off' maintenance_is_off
check 'the flags say 1.0.0' expect_equal '1.0.0|' flags
check 'deploy 2.0.0 from the queue' expect_exit 0 "$WRKTALK" deploy 2.0.0 --queue
check 'poll takes it' expect_exit 0 "$WRKTALK" poll
check '2.0.0 runs' expect_equal 2.0.0 running
check 'the flags follow' expect_equal '2.0.0|1.0.0' flags
check 'a second poll finds nothing' expect_output 'nothing is due' "$WRKTALK" poll

check 'a release that fails its check is put back: 9' expect_exit 9 "$WRKTALK" deploy 3.0.0
check 'and says so' expect_output 'put back'
check '2.0.0 runs again' expect_equal 2.0.0 running
check 'the task failed' task_is failed
check 'the flags are as they were' expect_equal '2.0.0|1.0.0' flags
check 'maintenance is off after a put-back' maintenance_is_off
check 'task show tells the story' expect_output 'put.back' "$WRKTALK" task show "$(last_task)"

check 'rollback goes to the previous release' expect_exit 0 "$WRKTALK" rollback
check '1.0.0 runs' expect_equal 1.0.0 running
check 'the flags are exchanged' expect_equal '1.0.0|2.0.0' flags
check 'rollback to a named version' expect_exit 0 "$WRKTALK" rollback --to-version 2.0.0
check '2.0.0 runs after that' expect_equal 2.0.0 running
check 're-deploying the current version does not lose the previous one' expect_exit 0 "$WRKTALK" deploy 2.0.0
check 'flags after that' expect_equal '2.0.0|1.0.0' flags

check 'one notification for each event and active admin' expect_equal \
    '5 deploy.completed|deploy.failed|rollback.completed 12' \
    sql "select count(*) filter (where recipient like 'a@%' and event like '%.completed') || ' ' ||
                string_agg(distinct event, '|' order by event) || ' ' || count(*) from notification"
check 'no temporary file is left' no_left_overs
check 'no secret is left on disk' refuse grep -rqs 'for-[123]' "$WORK/srv" "$WORK/tmp" "$WORK/secrets"
check 'only the current and the previous tree are kept' expect_equal '1.0.0 2.0.0~2' \
    bash -c "cd '$WORK/srv/releases' && echo *"

# ---------------------------------------------------------------- what must be refused

tamper() { sql "update release_artifact set artifact_data = set_byte(artifact_data, 40, 0) where release_version = '$1'" >/dev/null; }
tree 4.0.0 0
tamper 4.0.0
check 'bytes that do not match their digest are refused: 7' expect_exit 7 "$WRKTALK" deploy 4.0.0
check 'and nothing of them is left' refuse ls "$WORK/srv/releases/4.0.0"
check 'nothing changed' expect_equal 2.0.0 running

# stray SQL...: rows as a stranger may write them, one after another; all end with a reason and the queue goes on.
sql "insert into agent_task (type) values ('reboot');
     insert into agent_task (type, target, release_artifact_id) values ('deploy', 'host:site', null);
     insert into agent_task (type, target, payload) values ('rollback', 'host:site', '{\"target_revision\": \"x\"}');
     insert into agent_task (type, target, payload) values ('rollback', 'host:site', '{\"target_version\": \"--help; rm -rf /\"}');
     insert into release_artifact (release_version, chart_type, artifact_data, sha256) values ('5.0.0', 'helm', 'x', 'y');
     insert into agent_task (type, target, release_artifact_id)
       select 'deploy', 'host:site', id from release_artifact where release_version = '5.0.0'" >/dev/null
"$WRKTALK" deploy 1.0.0 --queue --queue-anyway >/dev/null
check 'drain runs all that is due and says that some failed' refuse "$WRKTALK" poll --drain
check 'the stray rows failed with a reason' expect_equal 5 \
    sql "select count(*) from agent_task where status = 'failed' and error_message ~ 'unknown task type|names no release|payload|no stored release|there is no release|helm release|takes host'"
check 'the good one was deployed' expect_equal 1.0.0 running
check 'nothing is in progress or pending' expect_equal 0 sql "select count(*) from agent_task where status in ('pending', 'inProgress')"

# ---------------------------------------------------------------- schemas and settings

export WRKTALK_AGENT_CHECKPOINT_NAME=wrktalk
echo '[{"key": "MAIL_RETRIES", "value": "3", "category": "mail", "description": "how often"},
       {"key": "THEME", "value": "dark", "category": "ui"}]' >"$WORK/settings.json"
sql "insert into server_env (key, value, category) values ('THEME', 'light', 'ui')" >/dev/null
settings() { sql "select string_agg(key || '=' || value, ' ' order by key) from server_env"; }
mkdir -p "$WORK/tree-6.0.0/bin"
cp "$WORK/tree-1.0.0/bin/check" "$WORK/tree-6.0.0/bin/"
tar -czf "$WORK/6.0.0.tar.gz" -C "$WORK/tree-6.0.0" .
add_6() { "$WRKTALK" release add "$WORK/6.0.0.tar.gz" --version 6.0.0 --type host --requires-schema 'checkpoint >= 9, agent>=2' --server-env "$WORK/settings.json"; }
check 'a release may say which schema it runs with, and bring settings' expect_exit 0 add_6
check 'show tells' expect_output 'schema: +checkpoint>=9,agent>=2' "$WRKTALK" release show 6.0.0
check 'the same again changes nothing' expect_output 'there already' add_6
check 'it is refused where the schema is missing: 7' expect_exit 7 "$WRKTALK" deploy 6.0.0
check 'naming the migration' expect_output 'checkpoint>=9, and checkpoint is at 0 .*migration 9 is missing'
check 'nothing was touched' expect_equal 1.0.0 running
check 'nor any setting' expect_equal 'THEME=light' settings
no_application_database() { WRKTALK_AGENT_CHECKPOINT_HOST=$WORK/nowhere expect_exit 1 "$WRKTALK" deploy 6.0.0; }
check 'an application database that is away fails the task, it is not waited for' no_application_database
check 'and is named' expect_output 'the schema cannot be looked at: .*nowhere'
check 'the schema is made' expect_exit 0 "$WRKTALK" migrate up
check 'then it is deployed' expect_exit 0 "$WRKTALK" deploy 6.0.0
check 'its new settings are there, and what was there stayed' expect_equal 'MAIL_RETRIES=3 THEME=light' settings
check 'and its story tells' expect_output 'settings added: MAIL_RETRIES' "$WRKTALK" task show "$(last_task)"
check 'a rollback leaves them' expect_exit 0 "$WRKTALK" rollback
check 'as they are' expect_equal 'MAIL_RETRIES=3 THEME=light' settings
check '1.0.0 runs again' expect_equal 1.0.0 running
check 'a requirement that is none: 2' expect_exit 2 "$WRKTALK" release add "$WORK/6.0.0.tar.gz" --version 6.0.1 --type host --requires-schema 'checkpoint>9'

# ---------------------------------------------------------------- prune

check 'old releases go' expect_exit 0 "$WRKTALK" deploy 3.0.0 --queue --at 2999-01-01
check 'but not the current, the previous, or one that a task waits for' expect_exit 0 "$WRKTALK" release prune --keep 1 --yes
check 'those are left' expect_equal '1.0.0 3.0.0 6.0.0' sql "select string_agg(release_version, ' ' order by release_version) from release_artifact where chart_type = 'host'"
check 'ended tasks still tell their version' expect_output '2.0.0' "$WRKTALK" task list --limit 100
"$WRKTALK" task cancel "$(last_task)" >/dev/null
"$WRKTALK" release add "$WORK/2.0.0.tar.gz" --version 2.0.0 --type host --env-file "$WORK/2.0.0.env" >/dev/null 2>&1

# ---------------------------------------------------------------- a missed schedule

check 'a task for last year that must not run late is queued' expect_exit 0 \
    "$WRKTALK" deploy 2.0.0 --queue --at 2025-01-01 --now --missed-after 1h
check 'and never run' expect_output 'nothing is due' "$WRKTALK" poll
check 'it failed with a reason' expect_equal 'failed|missed schedule' \
    sql 'select status, error_message from agent_task order by created_at desc limit 1'
check 'and each active admin is told' expect_equal '2|2.0.0' \
    sql "select count(*), max(data->>'version') from notification where event = 'deploy.missed'"

# ---------------------------------------------------------------- maintenance by the operator

check 'maintenance on' expect_exit 0 "$WRKTALK" maintenance on --reason disks
check 'the flag is there' test -e "$WORK/flag"
check 'a deployment leaves the operator its window' expect_exit 0 "$WRKTALK" deploy 2.0.0
check 'still on' test -e "$WORK/flag"
check 'status says who' expect_output 'operator.*disks' "$WRKTALK" maintenance status
check 'maintenance off' expect_exit 0 "$WRKTALK" maintenance off
check 'off' maintenance_is_off

check 'status shows what runs' expect_output 'host:site +2.0.0' "$WRKTALK" status
current_in_json() {
    "$WRKTALK" status -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)["targets"][0]["current"])'
}
check 'status in JSON' expect_equal 2.0.0 current_in_json
