#!/usr/bin/env bash
# Commands whose database falls silent: the connections stay open and nothing comes any more. ^C ends them, and so does a deadline.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres socat
pg_database wrktalk
"$WRKTALK" migrate up --set agent >/dev/null
task=$(sql "with one as (insert into agent_task (type, execute_after) values ('deploy', now() + interval '1 day') returning id) select id from one")

# proxy: a port that leads to the server, in a process group of its own, which can be stopped. A stopped one accepts (its kernel does)
# and forwards nothing.
proxy() {
    while :; do
        port=$((20000 + RANDOM % 10000))
        setsid socat "TCP-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr" "UNIX-CONNECT:$PGHOST/.s.PGSQL.5432" 2>/dev/null &
        socat=$!
        wait_until 5 answers || continue
        break
    done
    at_exit kill -KILL -- "-$socat"
}
answers() { ! kill -0 "$socat" 2>/dev/null || PGHOST=127.0.0.1 PGPORT=$port sql 'select 1'; }
fall_silent() { kill -STOP -- "-$socat"; }
wake() { kill -CONT -- "-$socat"; }
proxy
export WRKTALK_AGENT_DB_HOST=127.0.0.1 WRKTALK_AGENT_DB_PORT=$port

# unanswered N: what N commands have said lies before the stopped proxy.
unanswered() { [ "$(awk -v port=":$(printf %04X "$port")$" '$2 ~ port && $4 == "01" && $5 !~ /:0+$/' /proc/net/tcp | wc -l)" -ge "$1" ]; }
sessions() { sql "select count(*) from pg_stat_activity where application_name = 'wrktalk/$1' and $2"; }
is_watching() { [ "$(sessions 'task watch' "state = 'idle'")" = 1 ]; }
is_stuck() { [ "$(sessions status "wait_event_type = 'Lock'")" = 1 ]; }
is_locked() { [ "$(sql "select count(*) from pg_locks where relation = 'deployment_target'::regclass and mode = 'AccessExclusiveLock' and granted")" = 1 ]; }
is_forgotten() { [ "$(sql "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like 'wrktalk/%'")" = 0 ]; }

# begin_watch, begin_status: one that the silence will find in the middle of a statement.
begin_watch() {
    background watch "$WRKTALK" task watch "$task"
    wait_until 10 is_watching
}
begin_status() {
    background status "$WRKTALK" status
    wait_until 10 is_stuck
}
# await NAME [SIGNAL]: wait until it ends, by itself or by a signal; $ended is its exit code, $took the seconds.
await() {
    local pid start=$SECONDS
    pid=$(<"$WORK/$1.pid")
    rm "$WORK/$1.pid"
    ended=0
    [ -z "${2:-}" ] || kill -s "$2" "$pid"
    wait "$pid" || ended=$?
    took=$((SECONDS - start))
}
# as_it_should CODE SECONDS NAME: what `await` saw.
as_it_should() {
    echo "it ended with $ended after $took s, having said:"
    cat "$WORK/$3.log"
    [ "$ended" = "$1" ] && [ "$took" -le "$2" ]
}
says() { grep -q "$2" "$WORK/$1.log" || { cat "$WORK/$1.log"; return 1; }; }

background lock psql -X -c 'begin; lock table deployment_target; select pg_sleep(600)'
wait_until 10 is_locked

begin_watch
begin_status
fall_silent
wait_until 5 unanswered 1
await watch INT
check '^C ends task watch in a statement that gets no answer: 130' as_it_should 130 3 watch
await status INT
check '^C ends status likewise' as_it_should 130 3 status
check 'and it is told as what it is, no trouble with the database' says status 'error: interrupted'

for words in 'task list' 'verify --set agent' 'migrate up --set agent' 'release list'; do
    # shellcheck disable=SC2086  # several words
    background new "$WRKTALK" $words
    wait_until 5 unanswered 1
    await new INT
    check "^C ends $words while it connects: 130" as_it_should 130 2 new
done
background new "$WRKTALK" verify --set agent
wait_until 5 unanswered 1
await new TERM
check 'SIGTERM does: 143' as_it_should 143 2 new
wake
wait_until 10 is_forgotten

begin_watch
begin_status
fall_silent
background new "$WRKTALK" status
await new
check 'a server that accepts and says nothing: 6 after connect_timeout' as_it_should 6 13 new
await watch
check 'task watch that gets no answer: 6 after the deadline of a statement' as_it_should 6 37 watch
check 'with the reason' says watch 'the server did not answer in 35.0 s'
await status
check 'status likewise' as_it_should 6 37 status
