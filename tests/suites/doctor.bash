#!/usr/bin/env bash
# `wrktalk doctor` on a host target: a set-up that is well, and one fault after the other. Each is named with its check, the other checks
# go on, and nothing is changed.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
# shellcheck source=../support/alone.bash
. "$SUPPORT/alone.bash"

# examine CODE [WORD...]: what doctor finds lies in OUT as JSON.
examine() {
    local code=$1
    shift
    expect_exit "$code" wrk doctor -o json "$@"
}
# finds SEVERITY CHECK TEXT: one of the findings has these, and a text in which TEXT occurs.
finds() {
    jq -e --arg severity "$1" --arg check "$2" --arg text "$3" \
        'any(.findings[]; .severity == $severity and .check == $check and (.text | contains($text)))' "$OUT" >/dev/null ||
        { cat "$OUT"; return 1; }
}
quiet_site() { export WRKTALK_AGENT_CHECKPOINT_NAME=$PGDATABASE && wrk migrate up >/dev/null 2>&1; }

well() {
    quiet_site
    deployed 1.0.0
    rows() { pg_dump --data-only | sed '/restrict/d'; }
    rows >"$WORK/before"
    examine 0
    expect_equal 0 jq .errors "$OUT"
    finds ok database 'PostgreSQL'
    finds ok schema 'migration'
    finds ok rights 'all that an agent does'
    finds ok checkpoints 'as the migrations make them'
    finds ok targets 'host:site'
    finds ok disk 'are free in'
    finds ok maintenance 'not in maintenance'
    expect_equal "$(<"$WORK/before")" rows
}
alone 'a set-up that is well has no error, and nothing is changed' well

text() {
    quiet_site
    expect_exit 0 wrk doctor --only database,schema
    grep -q '^ok       database     PostgreSQL' "$OUT"
    grep -q '^0 errors, 0 warnings$' "$OUT"
    refuse grep -q '^ok       targets' "$OUT"
}
alone 'for people each finding is a line' text

unknown_check() {
    expect_exit 2 wrk doctor --only databse
    grep -q "did you mean 'database'" "$ERR"
}
alone 'a check that is none is refused with the nearest name' unknown_check

settings() {
    local setting=WRKTALK_AGENT_POLL_INTERVAL
    export "${setting}L=5"
    examine 0 --only settings
    finds warning settings "did you mean $setting?"
    examine 3 --only settings --strict
    unset "${setting}L"
    WRKTALK_AGENT_TARGETS=nomad:x examine 3 --only settings,schema
    finds error settings "bad target 'nomad:x'"
    finds ok schema migration
}
alone 'a misspelt variable is a warning, an error with --strict; a bad target is an error' settings

database_away() {
    quiet_site
    database_down
    examine 3
    finds error database ''
    finds error schema ''
    finds ok disk 'are free in'
    finds ok targets 'host:site'
}
alone 'without the database the other checks go on' database_away

silent_server() {
    python3 -c 'import socket,time; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(9); print(s.getsockname()[1], flush=True); time.sleep(60)' >"$WORK/port" &
    echo $! >"$WORK/silent.pid"
    wait_until 5 test -s "$WORK/port"
    local port
    port=$(<"$WORK/port")
    WRKTALK_AGENT_DB_HOST=127.0.0.1 WRKTALK_AGENT_DB_PORT=$port LIMIT=30 examine 3 --only database,disk --limit 2s
    finds error database ''
    finds ok disk 'are free in'
    kill "$(<"$WORK/silent.pid")"
}
alone 'a server that never answers costs no more than the limits' silent_server

no_tables() {
    createdb --maintenance-db=postgres "empty_$PGDATABASE"
    WRKTALK_AGENT_DB_NAME=empty_$PGDATABASE examine 3 --only database,schema
    finds ok database PostgreSQL
    finds error schema ''
    jq -e 'any(.findings[]; .check == "schema" and (.hint | contains("migrate up --set agent")))' "$OUT" >/dev/null
}
alone 'missing tables are an error with the command that makes them' no_tables

rights() {
    local role=role_${PGDATABASE//[^a-z0-9]/x}
    sql "create role $role login" >/dev/null
    wrk migrate grants --agent "$role" --apply >/dev/null
    WRKTALK_AGENT_DB_USER=$role examine 0 --only rights
    finds ok rights 'all that an agent does'
    sql "revoke insert on notification from $role; revoke insert (event) on notification from $role;
         revoke update (phase) on agent_task from $role; revoke execute on function wrktalk_remove_tasks(uuid[], integer) from $role" >/dev/null
    WRKTALK_AGENT_DB_USER=$role examine 3 --only rights
    finds error rights 'INSERT of event, event_key, task_id, recipient, data on notification'
    finds error rights 'UPDATE of phase on agent_task'
    finds error rights 'EXECUTE on wrktalk_remove_tasks'
    sql 'grant delete on task_event to public' >/dev/null
    examine 0 --only rights
    finds warning rights task_event
}
alone 'rights that the role lacks, and rights that nobody needs' rights

odd_database() {
    createdb --maintenance-db=postgres -T template0 -E SQL_ASCII --locale=C "ascii_$PGDATABASE"
    sql "alter database \"ascii_$PGDATABASE\" set idle_in_transaction_session_timeout = '5min'" >/dev/null
    WRKTALK_AGENT_DB_NAME=ascii_$PGDATABASE examine 0 --only database
    finds warning database 'encoding is SQL_ASCII'
    finds note database 'idle_in_transaction_session_timeout = 300000ms'
    sql "alter database \"ascii_$PGDATABASE\" set default_transaction_read_only = on" >/dev/null
    WRKTALK_AGENT_DB_NAME=ascii_$PGDATABASE examine 3 --only database
    finds error database 'read-only'
}
alone 'encoding, time limits and a read-only database are told' odd_database

programs() {
    chmod -x "$WORK/health"
    examine 3 --only tools,targets
    finds error tools "$WORK/health"
    WRKTALK_AGENT_HOST_ACTIVATE=/nowhere/activate examine 3 --only tools
    finds error tools /nowhere/activate
}
alone 'programs that cannot be run are named' programs

maintenance_shown() {
    touch "$WORK/flag"
    examine 0 --only maintenance
    finds warning maintenance ''
    WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER=haproxy WRKTALK_AGENT_HAPROXY_SOCKET=/nowhere/haproxy.sock \
        WRKTALK_AGENT_HAPROXY_SERVERS=web/one examine 3 --only maintenance
    finds error maintenance 'the proxy does not answer'
}
alone 'a flag file without a window, and a proxy that is away' maintenance_shown

mail() {
    examine 0 --only mail
    finds note mail 'no mail server'
    sql "update deployment_config set smtp_host = '127.0.0.1', smtp_port = 1, smtp_from = 'a@example.org'" >/dev/null
    [ "$(sql 'select count(*) from deployment_config')" -gt 0 ] ||
        sql "insert into deployment_config (deployment_type, smtp_host, smtp_port, smtp_from) values ('host', '127.0.0.1', 1, 'a@example.org')" >/dev/null
    examine 3 --only mail
    finds error mail 'the mail server'
    sql 'update admin set is_active = false' >/dev/null
    examine 3 --only mail
    finds warning mail 'no admin is active'
}
alone 'a mail server that refuses, and no admin' mail

away() {
    WRKTALK_AGENT_WEBHOOK_URL=http://127.0.0.1:1/hook examine 3 --only webhook
    finds error webhook ''
    VAULT_ADDR=http://127.0.0.1:1 WRKTALK_AGENT_VAULT=true WRKTALK_AGENT_VAULT_AUTH=token VAULT_TOKEN=t-none \
        WRKTALK_AGENT_VAULT_TIMEOUT=1s examine 3 --only vault,disk
    finds error vault ''
    finds ok disk 'are free in'
}
alone 'a webhook and a Vault that are away' away

backups() {
    mkdir "$WORK/backups"
    examine 3 --only backups --backup-dir "$WORK/backups"
    finds error backups 'no backup'
    quiet_site
    wrk backup create --dir "$WORK/backups" >/dev/null 2>&1
    examine 0 --only backups --backup-dir "$WORK/backups"
    finds ok backups 'the newest backup'
    find "$WORK/backups" -type f -exec touch -d '3 days ago' {} +
    examine 0 --only backups --backup-dir "$WORK/backups"
    finds warning backups 'old'
}
alone 'backups that are old or missing' backups

stuck() {
    deployed 1.0.0
    queue 2.0.0
    examine 0 --only queue
    finds warning queue 'no agent serves host:site'
    sql "update agent_task set status = 'inProgress', claimed_by = 'gone', claim_token = gen_random_uuid(),
         picked_up_at = now() - interval '1 hour', lease_expires_at = now() - interval '50 minutes' where status = 'pending'" >/dev/null
    examine 0 --only queue
    finds warning queue 'its agent gone has been silent'
}
alone 'tasks that nobody runs, and tasks whose agent is gone' stuck
