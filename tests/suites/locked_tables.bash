#!/usr/bin/env bash
# Tables that somebody holds in ACCESS EXCLUSIVE: commands that read say for whom they wait, give up, and exit with 4.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
"$WRKTALK" migrate up >/dev/null
"$WRKTALK" migrate up --set agent >/dev/null
mkdir "$WORK/backups"

# hold TABLE: locked until the next one.
hold() {
    release
    PGAPPNAME=holder psql -Xq <"$WORK/wish" >/dev/null &
    exec 9>"$WORK/wish"
    echo "begin; lock table $1;" >&9
    wait_until 5 expect_equal t sql "select exists (select from pg_locks where relation = '$1'::regclass and mode = 'AccessExclusiveLock' and granted)"
}
release() {
    exec 9>&-
    wait
}
mkfifo "$WORK/wish"
at_exit release
# refused COMMAND...: within the limit, with the holder's name.
refused() {
    local began=$SECONDS
    expect_exit 4 "$WRKTALK" "$@"
    [ $((SECONDS - began)) -le 15 ]
    expect_output 'database.lock.*waits for a lock that is held by pid [0-9]+ \(user postgres, application holder, in its transaction since 20'
    expect_output 'error: .*lock timeout; the lock is held by pid [0-9]+ \(user postgres, application holder, .*query: .*lock table'
    expect_output '^hint: wait for that session to end, or end it'
}

hold checkpoint_blobs
check 'verify' refused verify
check 'verify --usage' refused verify --usage
check 'backup create' refused backup create --dir "$WORK/backups" --metrics "$WORK/metrics.prom"
check 'which counts as a failure' grep -qx 'wrktalk_backup_last_run_success 0' "$WORK/metrics.prom"
hold checkpoint_migrations
check 'migrate up' refused migrate up
check 'verify that meets it at its version' refused verify
hold wrktalk_migration
check 'migrate status' refused migrate status
check 'migrate up of files' refused migrate up --set agent
hold deployment_target
check 'status, which names nobody' expect_exit 4 "$WRKTALK" status
release
check 'none of them stays locked out' expect_exit 0 "$WRKTALK" verify
