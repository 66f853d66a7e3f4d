#!/usr/bin/env bash
# A database, a network, a log or a table that stalls: nothing freezes, no lease is lost by it, no release is activated twice, and the
# daemon ends when it is asked to. On the host target.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
# shellcheck source=../support/alone.bash
. "$SUPPORT/alone.bash"

SEED=${WRKTALK_TEST_SEED:-1}

# proxy NAME [ADDRESS:PORT]: in front of the server; tell NAME WORD... says what it is to do (support/stall.py).
proxy() {
    background "$1" python3 "$SUPPORT/stall.py" run "$WORK/$1" "$PGHOST/.s.PGSQL.5432" --listen "${2:-127.0.0.1:0}" --seed "$SEED"
    wait_until 10 test -s "$WORK/$1.port"
}
tell() { timeout 10 python3 "$SUPPORT/stall.py" tell "$WORK/$1" "${@:2}" >/dev/null; }
# through NAME COMMAND...: run it with the database behind that proxy.
through() {
    local -x WRKTALK_AGENT_DB_HOST=127.0.0.1 WRKTALK_AGENT_DB_PORT
    WRKTALK_AGENT_DB_PORT=$(<"$WORK/$1.port")
    "${@:2}"
}
lives() { kill -0 "$(<"$WORK/$1.pid")"; }
gone() { ! lives "$1" 2>/dev/null; }
# begin_slow VERSION: the daemon is busy activating it until end_slow VERSION.
begin_slow() {
    touch "$WORK/slow-$1"
    queue "$1"
    wait_until 20 activating "$1"
}
end_slow() { rm "$WORK/slow-$1"; }
once() {
    task_is completed
    expect_equal "$1" activations
}

# ---------------------------------------------------------------- the network

silent_host() {
    export PGCONNECT_TIMEOUT=2
    proxy a
    proxy b "127.0.0.2:$(<"$WORK/a.port")"
    tell a silent
    WRKTALK_AGENT_DB_HOST=127.0.0.1,127.0.0.2 WRKTALK_AGENT_DB_PORT=$(<"$WORK/a.port") agent daemon
    begin_slow 1.0.0
    sleep 6
    end_slow 1.0.0
    wait_until 30 status_is completed
    once 1.0.0
    expect_equal 1 attempt
}
alone 'the first of two hosts accepts and is silent: a task twice as long as its lease completes' silent_host

idle_behind_a_hole() {
    proxy middle
    through middle agent daemon
    tell middle hole
    sleep 3 # the daemon has looked at the queue meanwhile
    queue 1.0.0
    wait_until 60 status_is completed
    once 1.0.0
}
alone 'idle connections go nowhere any more, new ones work: a due task runs within 60 s' idle_behind_a_hole

hole_and_then_new_connections() {
    proxy middle
    through middle agent daemon
    tell middle black
    sleep 3
    queue 1.0.0
    tell middle forward
    wait_until 60 status_is completed
    once 1.0.0
}
alone 'new ones are silent, too, for 3 s: a due task runs within 60 s of their working' hole_and_then_new_connections

ends_behind_a_hole() {
    proxy middle
    through middle agent daemon
    tell middle black
    sleep 3
    kill -TERM "$(<"$WORK/daemon.pid")"
    wait_until 10 gone daemon
    expect_exit 0 end_background daemon
}
alone 'an idle daemon behind it ends when it is asked to' ends_behind_a_hole

watch_behind_a_hole() {
    queue 1.0.0 --at +1h
    proxy middle
    through middle background watch timeout 60 "$WRKTALK" task watch "$(last_task)"
    watches() { [ "$(sql "select count(*) from pg_stat_activity where application_name like 'wrktalk/%'")" = 1 ]; }
    wait_until 10 watches
    sleep 0.5
    tell middle black
    sleep 2
    kill -INT "$(pgrep -P "$(<"$WORK/watch.pid")")"
    wait_until 10 gone watch
    expect_exit 130 end_background watch
}
alone 'so does task watch, at ^C' watch_behind_a_hole

silent_in_a_task() {
    export WRKTALK_AGENT_HEARTBEAT_INTERVAL=2s
    proxy middle
    through middle agent daemon
    begin_slow 1.0.0
    tell middle hole
    sleep 3
    end_slow 1.0.0
    wait_until 40 status_is completed
    once 1.0.0
    expect_equal 1 attempt
}
alone 'open connections fall silent in a task, new ones work: completed, activated once' silent_in_a_task

second_signal() {
    export WRKTALK_AGENT_HEARTBEAT_INTERVAL=10s WRKTALK_AGENT_GRACE=30s
    proxy middle
    through middle agent daemon
    begin_slow 1.0.0
    tell middle black
    end_slow 1.0.0
    sleep 1 # its outcome is on the way
    kill -TERM "$(<"$WORK/daemon.pid")"
    # Two signals of which the first was not taken yet are one.
    wait_until 5 grep -q agent.stopping "$WORK/daemon.log"
    lives daemon
    kill -TERM "$(<"$WORK/daemon.pid")"
    wait_until 5 gone daemon
}
alone 'all of them do: the daemon ends at the second signal' second_signal

cut_at_random() {
    local pid tasks=30
    export WRKTALK_AGENT_HEARTBEAT_INTERVAL=2s
    sql "insert into release_artifact (release_version, chart_type, artifact_data, sha256, size_bytes)
         select '5.0.' || n, chart_type, artifact_data, sha256, size_bytes from release_artifact, generate_series(1, $tasks) n
          where release_version = '1.0.0'" >/dev/null
    proxy middle
    through middle agent daemon
    pid=$(<"$WORK/daemon.pid")
    echo "seed $SEED"
    tell middle cut 0.02
    sql "insert into agent_task (type, release_artifact_id, target, max_attempts)
         select 'deploy', id, 'host:site', 100 from release_artifact where release_version like '5.%'" >/dev/null
    over() { gone daemon || [ "$(sql "select count(*) from agent_task where status in ('pending', 'inProgress')")" = 0 ]; }
    # Seen to take 130 to 200 s: each cut may cost a lease.
    wait_until 400 over
    tell middle forward
    kill -0 "$pid"
    refuse grep -i 'uncaught\|terminate called' "$WORK/daemon.log"
    expect_equal "$tasks" sql "select count(*) from agent_task where status = 'completed'"
    expect_equal "$tasks $tasks" bash -c "echo \$(wc -l <'$WORK/activations') \$(sort -u '$WORK/activations' | wc -l)"
    maintenance_is_off
    no_left_overs
}
alone 'connections are cut at random while 30 tasks run: the daemon goes on, none is lost, none runs twice' cut_at_random

# ---------------------------------------------------------------- names

# A name server of our own, in a file system and a network where nobody else is.
slow_names() {
    cat >"$WORK/names.py" <<'PY'
import os, socket, struct, sys
door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
door.bind(("127.0.0.1", 53))
open(sys.argv[1] + "/names.up", "w").close()
while True:
    question, client = door.recvfrom(512)
    if os.path.exists(sys.argv[1] + "/names-silent"):
        continue
    end = question.index(b"\0", 12) + 5
    kind = struct.unpack(">H", question[end - 4:end - 2])[0]
    head = question[:2] + b"\x85\x80\0\1" + (b"\0\1" if kind == 1 else b"\0\0") + b"\0\0\0\0"
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1" if kind == 1 else b""
    door.sendto(head + question[12:end] + answer, client)
PY
    printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:8\n' >"$WORK/resolv.conf"
    echo 'hosts: dns' >"$WORK/nsswitch.conf"
    # In there, all of it: the name server, the proxy to the server's socket, the daemon.
    cat >"$WORK/inside" <<INSIDE
mount --bind "$WORK/resolv.conf" /etc/resolv.conf
mount --bind "$WORK/nsswitch.conf" /etc/nsswitch.conf
ip link set lo up
python3 "$WORK/names.py" "$WORK" &
python3 "$SUPPORT/stall.py" run "$WORK/middle" "$PGHOST/.s.PGSQL.5432" &
while [ ! -e "$WORK/names.up" ] || [ ! -s "$WORK/middle.port" ]; do sleep 0.05; done
export WRKTALK_AGENT_DB_HOST=database.example WRKTALK_AGENT_DB_PORT=\$(cat "$WORK/middle.port")
exec "$WRKTALK" poll --loop
INSIDE
    background daemon unshare --mount --net sh "$WORK/inside"
    wait_until 20 said daemon agent.started
    begin_slow 1.0.0
    sleep 2 # the lease has been renewed
    touch "$WORK/names-silent"
    # What the heartbeat has open stays.
    sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'wrktalk/%' and query !~ 'last_heartbeat'" >/dev/null
    end_slow 1.0.0
    sleep 4
    rm "$WORK/names-silent"
    wait_until 30 status_is completed
    once 1.0.0
}
if unshare --mount --net true 2>/dev/null && have_service ip; then
    alone 'the name server is silent for longer than a lease when a new connection is needed: completed, activated once' slow_names
fi

# ---------------------------------------------------------------- the log

full_pipe() {
    mkfifo "$WORK/pipe"
    exec 9<>"$WORK/pipe"
    "$WRKTALK" poll --loop >/dev/null 2>"$WORK/pipe" 9>&- </dev/null &
    echo $! >"$WORK/daemon.pid"
    _started $! >"$WORK/daemon.started"
    signed_in() { [ "$(sql 'select count(*) from agent_instance')" = 1 ]; }
    wait_until 20 signed_in
    python3 - "$WORK/pipe" <<'PY'
import os, sys
pipe = os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK)
for size in (4096, 1):
    try:
        while True:
            os.write(pipe, b"x" * size)
    except BlockingIOError:
        pass
PY
    queue 1.0.0
    wait_until 20 status_is completed
    once 1.0.0
    expect_equal 1 attempt
    # Somebody reads again: the log goes on.
    cat <&9 >"$WORK/read.log" &
    echo $! >"$WORK/cat.pid"
    _started $! >"$WORK/cat.started"
    queue 2.0.0
    wait_until 20 status_is completed
    wait_until 10 said read 'task.completed.*2\.0\.0'
}
alone 'nobody reads the log and its pipe is full: the task completes, and the log goes on when somebody does' full_pipe

# ---------------------------------------------------------------- the record

away_before_the_record() {
    agent daemon
    begin_slow 1.0.0
    sleep 1.5
    database_down
    end_slow 1.0.0
    sleep 3.5
    database_up
    wait_until 30 status_is completed
    once 1.0.0
    expect_equal 1 attempt
}
alone 'the database is away for longer than the lease when the outcome is to be recorded: activated once' away_before_the_record

locked_admin() {
    agent daemon
    WRKTALK_AGENT_AGENT_ID=other WRKTALK_AGENT_TARGETS=host:site background other "$WRKTALK" poll --loop
    begin_slow 1.0.0
    background locker psql -Xqc 'begin; lock table admin in access exclusive mode; select pg_sleep(14); commit'
    locked() { [ "$(sql "select count(*) from pg_locks where relation = 'admin'::regclass and mode = 'AccessExclusiveLock' and granted")" = 1 ]; }
    wait_until 10 locked
    end_slow 1.0.0
    wait_until 40 status_is completed
    once 1.0.0
    expect_equal 1 attempt
    expect_equal 1 sql "select count(*) from task_event where phase = 'record'"
    wait_until 20 refuse locked
    expect_equal 0 sql "select count(*) from agent_task where error_message is not null"
}
alone 'admin is locked for 14 s when the outcome is to be recorded: recorded once, activated once' locked_admin

no_right_to_mail() {
    sql "do \$\$ begin create role keeper login; exception when duplicate_object then null; end \$\$;
         grant all on all tables in schema public to keeper;
         grant all on all sequences in schema public to keeper;
         revoke insert on notification from keeper" >/dev/null
    WRKTALK_AGENT_DB_USER=keeper agent daemon
    queue 1.0.0
    wait_until 15 status_is completed
    once 1.0.0
    expect_equal 1 attempt
    grep -E ' (WARN|ERROR) .*notification' "$WORK/daemon.log"
}
alone 'the agent may not write mails: completed, activated once, and the log says so' no_right_to_mail

latin1() {
    local name=latin_$PGDATABASE
    createdb --maintenance-db=postgres -T template0 -E LATIN1 --locale=C "$name"
    export PGDATABASE=$name WRKTALK_AGENT_DB_NAME=$name
    wrk migrate up --set agent >/dev/null
    sql "insert into admin (email) values ('a@example.org')" >/dev/null
    add 1.0.0
    printf '#!/bin/sh\nprintf "\\342\\234\\223 done\\n"\nprintf "\\342\\234\\223 done\\n" >&2\n' >"$WORK/more"
    chmod +x "$WORK/more"
    agent daemon
    queue 1.0.0
    wait_until 15 status_is completed
    once 1.0.0
    expect_equal 1 attempt
}
alone 'a database in LATIN1 and a tool that prints U+2713: completed, activated once' latin1

latin1_failure() {
    local name=latin_$PGDATABASE
    createdb --maintenance-db=postgres -T template0 -E LATIN1 --locale=C "$name"
    export PGDATABASE=$name WRKTALK_AGENT_DB_NAME=$name
    wrk migrate up --set agent >/dev/null
    sql "insert into admin (email) values ('a@example.org')" >/dev/null
    add 1.0.0
    add 2.0.0
    deployed 1.0.0
    touch "$WORK/bad-2.0.0"
    printf '#!/bin/sh\nprintf "\\342\\234\\223 not done\\n" >&2\n' >"$WORK/more"
    chmod +x "$WORK/more"
    agent daemon
    queue 2.0.0
    wait_until 15 status_is failed
    expect_equal '1.0.0 2.0.0 1.0.0' activations
    expect_equal 1 attempt
}
alone 'also when it fails: put back and recorded once' latin1_failure

read_only_meanwhile() {
    export WRKTALK_AGENT_HEARTBEAT_INTERVAL=2s
    WRKTALK_HOLD_AT=maintenance-off WRKTALK_HOLD_FILE=$WORK/hold agent daemon
    queue 1.0.0
    wait_until 20 test -e "$WORK/hold"
    test -e "$WORK/flag"
    server default_transaction_read_only on
    rm "$WORK/hold"
    sleep 2
    sql 'alter system reset default_transaction_read_only' >/dev/null
    sql 'select pg_reload_conf()' >/dev/null
    wait_until 20 status_is completed
    once 1.0.0
    wait_until 10 maintenance_is_off
}
alone 'the server is read-only just when maintenance is switched off: it is off afterwards' read_only_meanwhile

# ---------------------------------------------------------------- the queue

transactions() { sql "select xact_commit + xact_rollback from pg_stat_database where datname = current_database()"; }
# calm SECONDS: the daemon is ready, runs what is due, and otherwise asks little.
calm() {
    local before after
    queue 1.0.0
    wait_until 10 status_is completed
    sleep 1
    before=$(transactions)
    sleep "$1"
    after=$(transactions)
    echo "$((after - before)) transactions in $1 s"
    [ $((after - before)) -le $(($1 * 5)) ]
    refuse grep database.away "$WORK/daemon.log"
}

infinity() {
    export WRKTALK_AGENT_POLL_INTERVAL=30s
    agent daemon
    sql "insert into agent_task (type, release_artifact_id, target, execute_after, created_at)
         select 'deploy', id, 'host:site', 'infinity', now() - interval '1 hour' from release_artifact where release_version = '2.0.0'" >/dev/null
    calm 3
    expect_equal 1 sql "select count(*) from agent_task where execute_after = 'infinity' and status in ('pending', 'failed')"
}
alone 'a task for infinity waits: others run, and the daemon is calm' infinity

far_future() {
    export WRKTALK_AGENT_POLL_INTERVAL=30s
    agent daemon
    sql "insert into agent_task (type, release_artifact_id, target, execute_after, missed_after, created_at)
         select 'deploy', id, 'host:site', '294276-12-31', '2 days', now() - interval '1 hour' from release_artifact where release_version = '2.0.0'" >/dev/null
    calm 2
    refuse wrk deploy 3.0.0 --queue --at 294276-12-31 --missed-after 48h 2>"$WORK/refused"
    calm 1
}
alone 'so does one for the last day that there is, with a time after which it is missed' far_future
