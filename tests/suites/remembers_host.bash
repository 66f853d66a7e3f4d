#!/usr/bin/env bash
# A task's row remembers where it goes, what ran before and how far it came: whatever fails or dies, and whoever goes on, what ran is
# never lost and nothing is computed anew. On the host target.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
# shellcheck source=../support/alone.bash
. "$SUPPORT/alone.bash"

# by_hand: a site that runs already, and that the database never heard of.
by_hand() {
    mkdir -p "$ROOT/releases/20260101"
    echo 20260101 >"$ROOT/releases/20260101/VERSION"
    ln -s releases/20260101 "$ROOT/current"
}
runs_by_hand() {
    is_running 20260101
    expect_equal releases/20260101 readlink "$ROOT/current"
}
last_state() { sql "select status || ' ' || (result->>'state') from agent_task order by created_at desc limit 1"; }

# ---------------------------------------------------------------- what ran before

unknown_site_health() {
    export WRKTALK_AGENT_HOST_TIMEOUT=1s
    by_hand
    touch "$WORK/sick-1.0.0"
    expect_exit 9 wrk deploy 1.0.0
    runs_by_hand
    expect_equal 'failed put_back' last_state
    maintenance_is_off
}
alone 'a site that the database never heard of, its first deployment is not healthy: it runs as before' unknown_site_health

unknown_site_refused() {
    by_hand
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/nowhere expect_exit 5 wrk deploy 1.0.0
    runs_by_hand
}
alone 'the same, refused before it is applied: untouched' unknown_site_refused

unknown_site_refused_in_a_daemon() {
    by_hand
    queue 1.0.0
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/nowhere refuse wrk poll
    runs_by_hand
    expect_equal 'failed untouched' last_state
    deployed 1.0.0
    is_running 1.0.0
    # Once more: what runs now is ours, what ran before is still somebody's.
    deployed 2.0.0 3.0.0
    expect_equal 20260101 cat "$ROOT/releases/20260101/VERSION"
}
alone 'nor does its tree go when our releases follow it' unknown_site_refused_in_a_daemon

changed_on_disk() {
    deployed 1.0.0
    echo 'changed by hand' >"$ROOT/current/VERSION"
    echo uploaded >"$ROOT/current/data"
    touch "$WORK/sick-2.0.0"
    WRKTALK_AGENT_HOST_TIMEOUT=1s expect_exit 9 wrk deploy 2.0.0
    is_running 1.0.0
    expect_equal releases/1.0.0 readlink "$ROOT/current"
    expect_equal uploaded cat "$ROOT/current/data"
    expect_equal 'changed by hand' cat "$ROOT/.wrktalk/changed/$(last_task)/1.0.0/VERSION"
    expect_output 'were changed on this machine .VERSION. and are again as stored' sql "select message from task_event where phase = 'put-back'"
}
alone 'a file of the tree that ran was changed by hand: what is put back is what is stored' changed_on_disk

database_lost_after_the_claim() {
    deployed 1.0.0
    killed_in_apply 2.0.0
    export WRKTALK_HOLD_AT=claim WRKTALK_HOLD_FILE=$WORK/hold
    agent next
    wait_until 20 test -e "$WORK/hold"
    unset WRKTALK_HOLD_AT
    database_down
    rm "$WORK/hold"
    wait_until 10 said next 'database.away\|take-over.failed\|record.waits'
    kill -TERM "$(<"$WORK/next.pid")"
    ended() { ! kill -0 "$(<"$WORK/next.pid")"; }
    wait_until 20 ended || true
    database_up
    is_running 1.0.0 2.0.0
    end_background next KILL || true
    wait_until 30 settled
    is_running 1.0.0 2.0.0
    expect_equal "$(running)" sql "select a.release_version from deployment_target d join release_artifact a on a.id = d.current_artifact_id"
    maintenance_is_off
}
alone 'killed in apply, the next holder loses the database after its claim and is asked to end: never nothing' database_lost_after_the_claim

three_holders() {
    deployed 1.0.0
    killed_in_apply 2.0.0
    sql "update release_artifact set artifact_data = set_byte(artifact_data, 40, 0) where release_version = '2.0.0'" >/dev/null
    rm -rf "$ROOT/releases/2.0.0" # so that it must be fetched
    WRKTALK_CRASH_AT=claim expect_exit 137 wrk poll
    wait_until 30 settled
    expect_equal 'failed put_back' last_state
    is_running 1.0.0
    maintenance_is_off
    no_left_overs
}
alone 'A killed in apply, B after its claim, C fails at fetch: put back' three_holders

two_holders_and_a_retry() {
    deployed 1.0.0
    killed_in_apply 2.0.0
    for _ in 1 2; do
        WRKTALK_CRASH_AT=claim expect_exit 137 wrk poll
        wait_until 20 lease_is_over
    done
    wait_until 30 settled
    expect_equal 'failed put_back' last_state
    is_running 1.0.0
    maintenance_is_off
}
alone 'killed in apply, then twice after the claim: given up, put back' two_holders_and_a_retry

both_sick() {
    export WRKTALK_AGENT_HOST_TIMEOUT=1s
    deployed 1.0.0
    touch "$WORK/sick-1.0.0" "$WORK/sick-2.0.0"
    expect_exit 10 wrk deploy 2.0.0
    test -e "$WORK/flag"
    expect_equal 'failed not_put_back' last_state
}
alone 'neither the new release nor the old one is healthy: 10, in maintenance' both_sick

cancel_without_a_holder() {
    deployed 1.0.0
    killed_in_apply 2.0.0
    expect_exit 0 wrk task cancel "$(last_task)"
    wait_until 20 settled
    task_is cancelled
    is_running 1.0.0
    expect_equal '1.0.0 2.0.0 1.0.0' activations
    maintenance_is_off
}
alone 'cancelled while nobody holds it: put back, not deployed' cancel_without_a_holder

full_disk() {
    mkdir "$WORK/small"
    mount -t tmpfs -o size=16m,nr_inodes=200 tmpfs "$WORK/small"
    export ROOT=$WORK/small WRKTALK_AGENT_HOST_ROOT=$WORK/small
    _settings_for_root
    deployed 1.0.0
    # Activating 2.0.0 takes what is left of the disk, and fails: no new link can be made.
    cat >"$WORK/more" <<PROGRAM
#!/bin/sh
[ "\$WRKTALK_VERSION" = 2.0.0 ] || exit 0
mkdir "$ROOT/data"
i=0
while true >"$ROOT/data/\$i"; do i=\$((i + 1)); done
exit 1
PROGRAM
    chmod +x "$WORK/more"
    expect_exit 10 wrk deploy 2.0.0
    is_running 1.0.0 2.0.0
    test -e "$WORK/flag"
    rm -r "$ROOT/data" "$WORK/more"
    deployed 2.0.0
    is_running 2.0.0
}
_settings_for_root() { sed -i "s,$WORK/srv,$ROOT,g" "$WORK/health"; }
mkdir "$WORK/small"
if mount -t tmpfs tmpfs "$WORK/small" 2>/dev/null; then
    umount "$WORK/small"
    alone 'the disk is full in a put-back: what current points to is kept' full_disk
else
    echo 'left out, no file system can be mounted here: the disk is full in a put-back'
fi

# ---------------------------------------------------------------- where it goes

link_by_hand() {
    deployed 1.0.0 2.0.0
    ln -sfn releases/1.0.0 "$ROOT/current"
    : >"$WORK/activations"
    expect_exit 0 wrk rollback --dry-run
    cp "$OUT" "$WORK/told"
    expect_exit 0 wrk rollback
    is_running 1.0.0
    expect_equal 1.0.0 activations
    grep -q '1\.0\.0' "$WORK/told" || { cat "$WORK/told"; return 1; }
}
alone 'a link set by hand: a rollback goes where its dry run said' link_by_hand

queued_rollback() {
    deployed 1.0.0 2.0.0
    wrk rollback --queue >/dev/null
    sql "update agent_task set execute_after = now() + interval '1 hour' where status = 'pending'" >/dev/null
    expect_output '1\.0\.0' wrk task show "$(last_task)"
    deployed 3.0.0
    sql "update agent_task set execute_after = now() where status = 'pending'" >/dev/null
    expect_exit 0 wrk poll
    is_running 1.0.0
}
alone 'a queued rollback goes where it was to go when it was queued' queued_rollback

retried_rollback() {
    local id
    deployed 1.0.0 2.0.0
    touch "$WORK/bad-1.0.0"
    expect_exit 9 wrk rollback
    id=$(last_task)
    is_running 2.0.0
    rm "$WORK/bad-1.0.0"
    deployed 3.0.0
    expect_exit 0 wrk task retry "$id"
    expect_exit 0 wrk poll
    expect_equal completed sql "select status from agent_task where id = '$id'"
    is_running 1.0.0
}
alone 'a failed rollback is tried again after another deployment: to the same release' retried_rollback

taken_over_rollback() {
    deployed 1.0.0 2.0.0
    touch "$WORK/slow-1.0.0"
    wrk rollback --queue >/dev/null
    agent victim
    wait_until 20 activating 1.0.0
    end_background victim KILL || true
    wait_until 20 refuse tool_runs
    rm -f "$WORK/slow-1.0.0"
    wait_until 30 settled
    expect_equal 'completed applied' last_state
    is_running 1.0.0
}
alone 'a rollback that is taken over goes to the same release' taken_over_rollback

# ---------------------------------------------------------------- names

version_like_an_id() {
    local id
    id=$(sql "select id from release_artifact where release_version = '1.0.0'")
    ! add "$id" 2>"$WORK/refused" || { echo "it was stored as $id"; return 1; }
    expect_exit 0 wrk deploy "$id"
    is_running 1.0.0
    expect_equal 0 sql "select count(*) from release_artifact where release_version = '$id'"
}
alone "a version that is another release's id is refused; that one is still deployable by its id" version_like_an_id

stranger_wrote_it() {
    local id
    id=$(sql "select id from release_artifact where release_version = '1.0.0'")
    sql "insert into release_artifact (release_version, chart_type, artifact_data, sha256, size_bytes)
         select '$id', chart_type, artifact_data, sha256, size_bytes from release_artifact where release_version = '2.0.0'" >/dev/null
    expect_exit 0 wrk deploy "$id"
    is_running 1.0.0
}
alone 'also when a stranger has written such a row' stranger_wrote_it

# ---------------------------------------------------------------- a database that was restored

restored() { dropdb --force "$PGDATABASE" && createdb "$PGDATABASE" && pg_restore -d "$PGDATABASE" "$WORK/backup.dump"; }
# went_on: a backup of the database was taken while 2.0.0 was applied; since then 2.0.0 and 4.0.0 were deployed.
went_on() {
    deployed 1.0.0
    killed_in_apply 2.0.0
    pg_dump -Fc -f "$WORK/backup.dump"
    wait_until 30 settled
    mkdir -p "$WORK/tree-4"
    cp -r "$ROOT/current/." "$WORK/tree-4"
    echo 4.0.0 >"$WORK/tree-4/VERSION"
    tar -czf "$WORK/4.tar.gz" -C "$WORK/tree-4" .
    wrk release add "$WORK/4.tar.gz" --version 4.0.0 --type host >/dev/null 2>&1
    deployed 4.0.0
    is_running 4.0.0
    restored
}
no_downgrade() {
    went_on
    expect_output 'OLDER THAN WHAT RUNS: no release 4.0.0 is stored here' wrk status
    wait_until 60 settled
    is_running 4.0.0
    expect_equal 'failed untouched' last_state
    expect_equal 'take-over: release 4.0.0 runs there, which this task cannot have left (it goes from 1.0.0 to 2.0.0)' \
        sql "select substring(error_message from 'take-over: .*2.0.0.') from agent_task order by created_at desc limit 1"
    expect_equal 1 sql "select count(*) from notification where event = 'deploy.failed'"
    maintenance_is_off
    # What comes next, as docs/restore.md says.
    wrk release add "$WORK/4.tar.gz" --version 4.0.0 --type host >/dev/null 2>&1
    deployed 4.0.0
    is_running 4.0.0
    expect_output '4.0.0' wrk status
}
alone 'a task in progress in a restored database commands no downgrade: it fails untouched and is told' no_downgrade
cancelled_there() {
    went_on
    expect_exit 0 wrk task cancel "$(last_task)"
    wait_until 60 settled
    is_running 4.0.0
    expect_equal 'untouched' sql "select result->>'state' from agent_task order by created_at desc limit 1"
}
alone 'nor does its cancellation put anything back' cancelled_there

# ---------------------------------------------------------------- what is told

at_work() {
    deployed 1.0.0
    cat >"$WORK/health" <<PROGRAM
#!/bin/sh
while [ -e "$WORK/slow-health" ]; do sleep 0.05; done
PROGRAM
    touch "$WORK/slow-health"
    agent one
    queue 2.0.0
    health_runs() { [ "$(sql 'select reached from agent_task order by created_at desc limit 1')" = health ]; }
    wait_until 20 health_runs
    expect_output 'task .* is at work' wrk status
    refuse grep -q 'CHANGED BY OTHERS' "$OUT"
    expect_output '^times are of the zone ' wrk status
    rm "$WORK/slow-health"
    wait_until 20 status_is completed
    touch "$WORK/bad-3.0.0"
    queue 3.0.0
    wait_until 20 status_is failed
    expect_output 'failed .*apply' wrk status
    end_background one KILL || true
    sql "update agent_instance set last_seen = now() - interval '11 minutes'" >/dev/null
    expect_output 'SILENT' wrk status
}
alone 'status knows our own work from that of others, the step that failed, and agents that are silent' at_work

missed_twice() {
    local id
    wrk deploy 1.0.0 --queue --at 2025-01-01 --now --missed-after 1h >/dev/null
    id=$(last_task)
    wrk poll >/dev/null
    expect_equal 1 sql "select count(*) from notification where event = 'deploy.missed'"
    wrk task retry "$id" >/dev/null
    sql "update agent_task set execute_after = '2025-01-01' where status = 'pending'" >/dev/null
    wrk poll >/dev/null
    expect_equal 'failed|missed schedule' sql "select status, error_message from agent_task where id = '$id'"
    expect_equal 2 sql "select count(*) from notification where event = 'deploy.missed'"
    expect_equal '' activations
}
alone 'a task that is missed, tried again and missed again: told twice' missed_twice
