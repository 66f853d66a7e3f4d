# shellcheck shell=bash
# Sourced by suites of independent checks on the host target, after lib.bash: each has its own database and folder, and what it
# starts is ended with it, whatever way it ends.
#
#   alone NAME FUNCTION      one check, unless WRKTALK_TEST_ONLY is there and does not match its NAME; its FUNCTION may use,
#                            besides what lib.bash and agent.bash have,
#
#     WORK ROOT              its own folder; the target's, with releases/ and the link current
#     wrk ...                $WRKTALK, ended after LIMIT seconds (60)
#     agent NAME [WORD...]   a daemon in the background, with these options; its log is $WORK/NAME.log
#     server SETTING VALUE   set it on the running server until the check ends
#
# Stored are releases 1.0.0, 2.0.0 and 3.0.0 for the target host:site, and one admin. A lease lasts 3 s. Files in WORK tell the
# target's programs what to do:
#
#   slow-VERSION             activating it waits while this is there; activating-VERSION is there meanwhile
#   more                     a program that the activation runs; the activation fails when it does
#   bad-VERSION              activating it fails
#   sick-VERSION             the health check fails while current points to it
#   activations              what was activated, a line each

# shellcheck source=agent.bash
. "$SUPPORT/agent.bash"

LIMIT=60
_CLUSTER=$WORK/pg
_SUITE=$WORK

alone() { [[ ! $1 =~ ${WRKTALK_TEST_ONLY:-} ]] || check "$1" _alone "${@:2}"; }
wrk() { timeout -k 2 "$LIMIT" "$WRKTALK" "$@"; }
agent() {
    background "$1" "$WRKTALK" poll --loop "${@:2}"
    wait_until 20 said "$1" agent.started
}
server() {
    _changed+=("$1")
    sql "alter system set $1 = $2" >/dev/null
    sql 'select pg_reload_conf()' >/dev/null
}
database_down() { pg_stop "$_CLUSTER" QUIT; }
database_up() { pg_start "$_CLUSTER" autovacuum=off; }

# ---------------------------------------------------------------- what a check asks

said() { grep -q "$2" "$WORK/$1.log"; }
# running: the version in the tree that current points to; is_running VERSION...: one of them.
running() { cat "$ROOT/current/VERSION" || ls -l "$ROOT"; }
is_running() {
    local now
    now=$(running 2>&1)
    [[ " $* " == *" $now "* ]] || { echo "wanted: $*, got: $now"; return 1; }
}
activations() { xargs <"$WORK/activations"; }
status_is() { [ "$(sql 'select status from agent_task order by created_at desc limit 1')" = "$1" ]; }
attempt() { sql 'select attempt from agent_task order by created_at desc limit 1'; }
tool_runs() { pgrep -f "^/bin/sh $WORK/activate" >/dev/null; }
activating() { test -e "$WORK/activating-$1"; }
# queue VERSION [WORD...]
queue() { wrk deploy "$@" --queue --queue-anyway >/dev/null; }
deployed() { for _version; do wrk deploy "$_version" >/dev/null 2>&1 || return; done; }
# settled: all that is due has been run; for a check that may have to wait for a lease to end.
settled() {
    wrk poll --drain >>"$WORK/settled.log" 2>&1
    [ "$(sql "select count(*) from agent_task where status in ('pending', 'inProgress')")" = 0 ]
}
lease_is_over() { [ "$(sql "select count(*) from agent_task where status = 'inProgress' and lease_expires_at >= now()")" = 0 ]; }
# killed_in_apply VERSION: an agent was killed while its tool activated that release; the lease is over and so is the tool.
killed_in_apply() {
    touch "$WORK/slow-$1"
    queue "$1"
    agent victim
    wait_until 20 activating "$1"
    end_background victim KILL || true
    wait_until 20 lease_is_over
    wait_until 20 refuse tool_runs
    rm -f "$WORK/slow-$1" "$WORK/activating-$1"
}

# ---------------------------------------------------------------- one check

_alone() {
    WORK=$(mktemp -d "$_SUITE/XXXX")
    chmod 711 "$WORK"
    OUT=$WORK/out ERR=$WORK/err _changed=()
    touch "$OUT" "$ERR" "$WORK/activations"
    trap _leave EXIT
    PGDATABASE=db_${WORK##*/}
    createdb --maintenance-db=postgres -T template_site "$PGDATABASE"
    _settings
    "$@"
}

_leave() {
    local status=$? name
    trap - EXIT
    set +e
    if [ "$status" -ne 0 ]; then
        for name in "$WORK"/*.log; do
            [ ! -s "$name" ] || { echo "-- ${name##*/}" && tail -n 12 "$name"; }
        done
    fi
    for name in "$WORK"/*.pid; do
        [ ! -e "$name" ] || { name=${name##*/} && end_background "${name%.pid}" KILL; }
    done 2>/dev/null
    # Programs that a daemon left: they have the folder in their command line.
    pgrep -f "$WORK/" | xargs -r kill -KILL 2>/dev/null
    database_up >/dev/null 2>&1 # when it is up already, that does nothing
    for name in "${_changed[@]}"; do sql "alter system reset $name" >/dev/null; done
    [ ${#_changed[@]} -eq 0 ] || sql 'select pg_reload_conf()' >/dev/null
    ! mountpoint -q "$WORK/small" || umount -l "$WORK/small"
    rm -rf "$WORK"
    exit "$status"
}

_settings() {
    export ROOT=$WORK/srv TMPDIR=$WORK/tmp
    mkdir -p "$ROOT" "$TMPDIR" "$WORK/secrets"
    export WRKTALK_AGENT_DB_HOST=$PGHOST WRKTALK_AGENT_DB_USER=$PGUSER WRKTALK_AGENT_DB_NAME=$PGDATABASE \
        WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$ROOT \
        WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_HOST_HEALTH=$WORK/health \
        WRKTALK_AGENT_HOST_TIMEOUT=20s WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag \
        WRKTALK_AGENT_SECRETS_DIR=$WORK/secrets WRKTALK_AGENT_HEARTBEAT_INTERVAL=1s \
        WRKTALK_AGENT_POLL_INTERVAL=1s WRKTALK_AGENT_GRACE=0s
    cat >"$WORK/activate" <<PROGRAM
#!/bin/sh
echo "\$WRKTALK_VERSION" >>"$WORK/activations"
touch "$WORK/activating-\$WRKTALK_VERSION"
while [ -e "$WORK/slow-\$WRKTALK_VERSION" ]; do sleep 0.05; done
rm -f "$WORK/activating-\$WRKTALK_VERSION"
[ ! -x "$WORK/more" ] || "$WORK/more" || exit
[ ! -e "$WORK/bad-\$WRKTALK_VERSION" ]
PROGRAM
    cat >"$WORK/health" <<PROGRAM
#!/bin/sh
[ ! -e "$WORK/sick-\$(cat "$ROOT/current/VERSION")" ]
PROGRAM
    chmod +x "$WORK/activate" "$WORK/health"
}

# add VERSION: store a release.
add() {
    mkdir -p "$WORK/tree-$1"
    echo "$1" >"$WORK/tree-$1/VERSION"
    tar -czf "$WORK/$1.tar.gz" -C "$WORK/tree-$1" .
    "$WRKTALK" release add "$WORK/$1.tar.gz" --version "$1" --type host >/dev/null
}

# What each check's database is a copy of.
_template() {
    pg_cluster autovacuum=off
    pg_database template_site
    "$WRKTALK" migrate up --set agent >/dev/null
    sql "insert into admin (email) values ('a@example.org')" >/dev/null
    for _version in 1.0.0 2.0.0 3.0.0; do add "$_version" 2>/dev/null; done
}
_template
