#!/usr/bin/env bash
# PgBouncer in front of the database: in transaction mode no session is ours, so nothing may be kept in one.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres pgbouncer
pg_cluster log_statement=all
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag \
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=1s WRKTALK_AGENT_POLL_INTERVAL=2s TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
# Activating waits as long as $WORK/slow is there.
cat >"$WORK/activate" <<SH
#!/bin/sh
while [ -e "$WORK/slow" ]; do sleep 0.1; done
SH
chmod +x "$WORK/activate"
"$WRKTALK" migrate up --set agent >/dev/null
mkdir "$WORK/tree"
echo 1.0.0 >"$WORK/tree/VERSION"
tar -czf "$WORK/1.tar.gz" -C "$WORK/tree" .
"$WRKTALK" release add "$WORK/1.tar.gz" --version 1.0.0 --type host >/dev/null 2>&1

mkdir "$WORK/pooler"
cat >"$WORK/pooler/pgbouncer.ini" <<INI
[databases]
wrktalk = host=$PGHOST user=postgres
sessions = host=$PGHOST user=postgres dbname=wrktalk pool_mode=session
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = $WORK/pooler
auth_type = any
pool_mode = transaction
INI
unprivileged "$WORK/pooler"
# shellcheck disable=SC2154  # unprivileged has set it
background pooler "${as_server[@]}" "$(command -v pgbouncer)" "$WORK/pooler/pgbouncer.ini"
export WRKTALK_AGENT_DB_HOST=$WORK/pooler WRKTALK_AGENT_DB_PORT=6432

pooled() { psql -X -At -h "$WORK/pooler" -p 6432 "$@"; }
wait_until 10 pooled -d pgbouncer -c 'show version'
clients() { pooled -d pgbouncer -F ' ' -c 'show clients' | grep -c wrktalk; }
no_clients() { [ "$(clients)" = 0 ]; }
status_is() { [ "$(sql 'select status from agent_task order by created_at desc limit 1')" = "$1" ]; }
begun() { grep -q "$1" "$WORK/agent.log"; }
queue() { "$WRKTALK" deploy 1.0.0 --queue >/dev/null; }
# listens: statements with LISTEN that the server has seen.
listens() { grep -c ': LISTEN' "$WORK/pg/log" || true; }

check 'deploy works behind the pooler' expect_exit 0 "$WRKTALK" deploy 1.0.0
queue
check 'poll --drain does' expect_output '1 completed' "$WRKTALK" poll --drain
check 'task list does' expect_output completed "$WRKTALK" task list
check 'status does' expect_exit 0 "$WRKTALK" status
check 'task watch does' expect_exit 0 "$WRKTALK" task watch "$(last_task)"

background agent "$WRKTALK" poll --loop --poll-only
wait_until 10 begun agent.started
check 'the daemon with --poll-only holds no connection while idle' wait_until 5 no_clients
queue
check 'it finds a task within the poll interval' wait_until 4 status_is completed
touch "$WORK/slow"
queue
wait_until 5 status_is inProgress
beats() { [ "$(sql "select last_heartbeat - picked_up_at > '2s' from agent_task order by created_at desc limit 1")" = t ]; }
check 'heartbeats reach the database' wait_until 8 beats
check 'task cancel works' expect_exit 0 "$WRKTALK" task cancel "$(last_task)"
check 'the next heartbeat brings it' wait_until 5 begun 'cancelled by an operator'
rm "$WORK/slow"
check 'and the task ends' wait_until 10 status_is cancelled
end_background agent || true
check 'nobody has sent LISTEN' expect_equal 0 listens
check 'nothing was said about the database' refuse begun 'database\|heartbeat'
check 'no limit was left in a session of the pool' expect_equal 0 pooled -d wrktalk -c 'show statement_timeout'

background agent "$WRKTALK" poll --loop
check 'a daemon without --poll-only says that no notification comes through' wait_until 10 begun 'listen.silent.*--poll-only'
queue
check 'and finds a task within the poll interval' wait_until 4 status_is completed
check 'it, too, holds no connection then' wait_until 5 no_clients
check 'and listens no more' expect_equal 0 pooled -d wrktalk -c 'select count(*) from pg_listening_channels()'
end_background agent || true
check 'it has said so once' expect_equal 1 grep -c 'listen.silent' "$WORK/agent.log"

export WRKTALK_AGENT_DB_NAME=sessions WRKTALK_AGENT_POLL_INTERVAL=1h
background agent "$WRKTALK" poll --loop
wait_until 10 begun agent.started
queue
check 'a pooler in session mode wakes the daemon' wait_until 5 status_is completed
check 'and is not complained about' refuse begun listen.silent
end_background agent || true
