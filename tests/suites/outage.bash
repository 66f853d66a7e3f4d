#!/usr/bin/env bash
# What the daemon makes of a database that refuses, hangs up, forgets to call, is read-only, is full, or moves to another host.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_cluster log_connections=on autovacuum=off
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag \
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=3s WRKTALK_AGENT_POLL_INTERVAL=1s TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
# Activating waits as long as $WORK/slow is there.
cat >"$WORK/activate" <<SH
#!/bin/sh
touch "$WORK/activating"
while [ -e "$WORK/slow" ]; do sleep 0.1; done
rm -f "$WORK/activating"
SH
chmod +x "$WORK/activate"
"$WRKTALK" migrate up --set agent >/dev/null
mkdir "$WORK/tree"
echo 1.0.0 >"$WORK/tree/VERSION"
tar -czf "$WORK/1.tar.gz" -C "$WORK/tree" .
"$WRKTALK" release add "$WORK/1.tar.gz" --version 1.0.0 --type host >/dev/null 2>&1

start() {
    background agent "$WRKTALK" poll --loop
    wait_until 10 said agent.started
}
queue() { "$WRKTALK" deploy 1.0.0 --queue >/dev/null; }
# begin_slow: the agent is busy activating until end_slow.
begin_slow() {
    touch "$WORK/slow"
    queue
    wait_until 10 test -e "$WORK/activating"
}
end_slow() { rm "$WORK/slow"; }
said() { grep -q "$1" "$WORK/agent.log"; }
times_said() { grep -c "$1" "$WORK/agent.log" || true; }
away_and_back() { echo "$(times_said 'ERROR .*database.away') $(times_said database.back)"; }
complaints() { grep ' WARN \| ERROR ' "$WORK/agent.log" || true; }
completed() { [ "$(sql "select status from agent_task order by created_at desc limit 1")" = completed ]; }
attempt() { sql 'select attempt from agent_task order by created_at desc limit 1'; }
set_server() {
    sql "alter system set $1" >/dev/null
    sql 'select pg_reload_conf()' >/dev/null
}

start
PGDATABASE=postgres sql 'alter database wrktalk allow_connections false' >/dev/null
connections() { grep -c 'connection received' "$WORK/pg/log"; }
before=$(connections)
PGDATABASE=postgres sql "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'wrktalk' and pid <> pg_backend_pid()" >/dev/null
sleep 6
tries=$(($(connections) - before))
check "a server that refuses for 6 s is asked a few times ($tries)" test "$tries" -ge 2 -a "$tries" -le 20
PGDATABASE=postgres sql 'alter database wrktalk allow_connections true' >/dev/null
check 'the daemon comes back by itself' wait_until 15 said database.back
check 'having said once that the database went away, and once that it is back' \
    expect_equal '1 1' away_and_back
end_background agent || true

# As a Secret's volume gives it: the file changes under the daemon.
new_password() {
    sql "alter role keeper password '$1'" >/dev/null
    echo "$1" >"$WORK/password"
    sql "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'keeper'" >/dev/null
}
sql 'create role keeper superuser login' >/dev/null
sed -i '1i local all keeper scram-sha-256' "$WORK/pg/data/pg_hba.conf"
sql 'select pg_reload_conf()' >/dev/null
new_password first
export WRKTALK_AGENT_DB_USER=keeper WRKTALK_AGENT_DB_PASSWORD_FILE=$WORK/password
start
new_password second
check 'a password that has changed in its file is read again' wait_until 15 said credentials.changed
queue
check 'and tasks go on' wait_until 15 completed
begin_slow
new_password third
sleep 4
end_slow
check 'also while one runs' wait_until 15 completed
check 'in one attempt' expect_equal 1 attempt
end_background agent || true
export WRKTALK_AGENT_DB_USER=$PGUSER
unset WRKTALK_AGENT_DB_PASSWORD_FILE

start
set_server 'idle_session_timeout = 500'
sleep 1
queue
check 'sessions ended by idle_session_timeout: a task is found' wait_until 10 completed
begin_slow
sleep 4
end_slow
check 'and a long one runs to its end' wait_until 10 completed
check 'in its first attempt' expect_equal 1 attempt
check 'without a word about it' expect_equal '' complaints
set_server 'idle_session_timeout = default'
sql 'alter table agent_task disable trigger wrktalk_task_added' >/dev/null
queue
sql 'alter table agent_task enable trigger wrktalk_task_added' >/dev/null
check 'a lost notification costs at most a poll interval' wait_until 3 completed
end_background agent || true

start
begin_slow
set_server 'default_transaction_read_only = on'
end_slow
check 'a server that becomes read-only while a task runs is named as such' wait_until 5 said 'read-only'
sleep 1
set_server 'default_transaction_read_only = default'
check 'the outcome is recorded when it takes writes again' wait_until 15 completed
check 'in the first attempt, too' expect_equal 1 attempt
set_server 'default_transaction_read_only = on'
check 'an idle daemon names it as well' wait_until 5 said 'database.away.*read-only.*target_session_attrs'
sleep 3
set_server 'default_transaction_read_only = default'
check 'and goes on when it is over' wait_until 15 said database.back
check 'having said each once' expect_equal '1 1' away_and_back
end_background agent || true

# The tables on a file system of 16 MB, filled by a bulk insert that fails.
mkdir -m 777 "$WORK/small"
if mount -t tmpfs -o size=16m,mode=777 tmpfs "$WORK/small" 2>/dev/null; then
    at_exit umount -l "$WORK/small"
    sql "create tablespace small location '$WORK/small'" >/dev/null
    sql 'alter table task_event set tablespace small' >/dev/null
    start
    begin_slow
    dd if=/dev/zero of="$WORK/small/filler" bs=1M count=12 2>/dev/null
    # The second one fills the gap that rows of the first are too large for.
    for length in 1000 1; do
        sql "insert into task_event (task_id, attempt, phase, message) select id, 1, 'fill', repeat('x', $length)
             from (select id from agent_task limit 1) t, generate_series(1, 20000)" 2>/dev/null || true
    done
    end_slow
    check 'a full disk under the story on the server: the outcome is recorded all the same' wait_until 15 completed
    check 'and is not taken for a failed release' refuse said task.failed
    check 'in the first attempt' expect_equal 1 attempt
    check 'and the log says why the story is not whole' said 'story.refused.*could not extend'
    rm "$WORK/small/filler"
    end_background agent || true
    sql 'alter table task_event set tablespace pg_default' >/dev/null
    sql 'drop tablespace small' >/dev/null
else
    echo 'left out, no file system can be mounted here: a full disk on the server'
fi

# The server's WAL on a file system of 80 MB: when it is full the server crashes, and cannot start again before there is room.
mkdir -m 777 "$WORK/wal"
if mount -t tmpfs -o size=80m,mode=777 tmpfs "$WORK/wal" 2>/dev/null; then
    at_exit umount -l "$WORK/wal"
    pg_stop "$WORK/pg"
    cp -a "$WORK/pg/data/pg_wal" "$WORK/wal/"
    rm -r "$WORK/pg/data/pg_wal"
    ln -s "$WORK/wal/pg_wal" "$WORK/pg/data/pg_wal"
    pg_cluster autovacuum=off
    interval=$WRKTALK_AGENT_HEARTBEAT_INTERVAL
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=20s # filling it takes longer than the other leases last
    start
    begin_slow
    sql 'create table bulk (filler text)' >/dev/null
    check 'a full WAL: the server crashes' \
        refuse sql "insert into bulk select string_agg(md5(random()::text), '') from generate_series(1, 3000000) i group by i % 100000" 2>/dev/null
    check 'and stays away' wait_until 10 refuse sql 'select 1'
    end_slow
    check 'the task waits for it' wait_until 10 said 'database.away\|record.waits'
    # Recovery needs room for a segment; nothing of the server's is removed.
    mount -o remount,size=400m "$WORK/wal"
    pg_stop "$WORK/pg" QUIT # it may be trying to start again
    pg_cluster autovacuum=off
    check 'it is recorded when the server is back' wait_until 30 completed
    check 'in the first attempt' expect_equal 1 attempt
    queue
    check 'and the daemon goes on' wait_until 10 completed
    end_background agent || true
    sql 'drop table bulk' >/dev/null
    WRKTALK_AGENT_HEARTBEAT_INTERVAL=$interval
else
    echo 'left out, no file system can be mounted here: a full WAL'
fi

mkdir "$WORK/standby"
pg_basebackup -D "$WORK/standby/data" --write-recovery-conf --checkpoint=fast --no-sync
pg_start "$WORK/standby"
at_exit pg_stop "$WORK/standby" QUIT
export WRKTALK_AGENT_DB_DSN="host=$WORK/standby,$WORK/pg target_session_attrs=read-write"
unset WRKTALK_AGENT_DB_HOST
start
begin_slow
caught_up() { [ "$(sql 'select bool_and(replay_lsn = pg_current_wal_lsn()) from pg_stat_replication')" = t ]; }
wait_until 5 caught_up
pg_stop "$WORK/pg" QUIT
export PGHOST=$WORK/standby
end_slow
sleep 1
sql 'select pg_promote()' >/dev/null
check 'failover while a task runs: its outcome is recorded on the new primary' wait_until 15 completed
check 'in one attempt' expect_equal 1 attempt
queue
check 'and the next task is found there' wait_until 10 completed
check 'a command finds the new primary, too' expect_exit 0 "$WRKTALK" status
end_background agent || true
