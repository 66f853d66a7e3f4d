#!/usr/bin/env bash
# Backups that are killed, asked to end, or run out of space, and what the next command makes of what is left.
# shellcheck disable=SC2016  # scripts of stand-ins are written here
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
# shellcheck source=../support/backup.bash
. "$SUPPORT/backup.bash"

"$WRKTALK" backup create --dir "$DIR" >/dev/null

# slow_dump: a pg_dump that is the real one and then waits; its path goes to --programs.
slow_dump() {
    mkdir -p "$WORK/slow"
    printf '#!/bin/sh\ncase $1 in --version) exec pg_dump --version;; esac\npg_dump "$@"; touch %s; exec sleep 60\n' \
        "$WORK/dumped" >"$WORK/slow/pg_dump"
    chmod +x "$WORK/slow/pg_dump"
    rm -f "$WORK/dumped"
}

ended() {
    local before status
    slow_dump
    before=$("$WRKTALK" backup list --dir "$DIR")
    background create "$WRKTALK" backup create --dir "$DIR" --programs "$WORK/slow"
    wait_until 10 test -e "$WORK/dumped"
    expect_exit 4 backup create
    expect_output "error: another backup works in $DIR: pid $(<"$WORK/create.pid")"
    expect_exit 4 backup prune
    status=0
    end_background create "$1" || status=$?
    [ "$status" -eq "$2" ]
    expect_equal "$before" "$WRKTALK" backup list --dir "$DIR"
    [ "$1" = KILL ] || nothing_half
    expect_exit 0 backup create -o json
    nothing_half
    rm -f "$(jq -r .path "$OUT")"*
}
check 'a second backup meanwhile is busy; one that is killed leaves no backup, and the next one sweeps' ended KILL 137
check 'one that is asked to end leaves nothing' ended TERM 143
check 'neither does ^C' ended INT 130

killed_at_the_end() {
    local before
    before=$(ls "$DIR")
    WRKTALK_CRASH_AT=backup.publish expect_exit 137 backup create
    expect_equal 1 bash -c "ls -A '$DIR' | grep -c '^\\.checkpoint_.*\\.part$'"
    refuse [ "$(ls "$DIR")" = "$before" ]
    expect_exit 0 backup prune --dry-run
    expect_output 'backup.swept'
    expect_equal "$before" ls "$DIR"
    nothing_half
}
killed_removing() {
    local folder=$WORK/killed day
    mkdir "$folder"
    for day in 20240101 20240102; do
        cp "$first" "$folder/checkpoint_$day.sql.gz"
        cp "$first.json" "$folder/checkpoint_$day.sql.gz.json"
        sed "s/checkpoint_$today/checkpoint_$day/" "$first.sha256" >"$folder/checkpoint_$day.sql.gz.sha256"
    done
    WRKTALK_CRASH_AT=backup.remove \
        expect_exit 137 "$WRKTALK" backup prune --dir "$folder" --keep-daily 1 --keep-weekly 0
    [ ! -e "$folder/checkpoint_20240101.sql.gz" ]
    [ -e "$folder/checkpoint_20240101.sql.gz.sha256" ]
    expect_exit 0 "$WRKTALK" backup prune --dir "$folder" --dry-run
    expect_equal 'checkpoint_20240102.sql.gz checkpoint_20240102.sql.gz.json checkpoint_20240102.sql.gz.sha256' \
        bash -c "cd '$folder' && find . -name '*checkpoint*' -printf '%f\n' | sort | xargs"
}
check 'one that is killed just before the backup gets its name leaves nothing for long' killed_at_the_end
check 'nor does a prune that is killed between a backup and what lies beside it' killed_removing

# A role without CREATEDB gets a private server, which does not run as root.
private=$WORK/private
# shellcheck disable=SC2154  # pg.bash sets as_server
as_user() { TMPDIR=$private "${as_server[@]}" "$WRKTALK" backup verify --dir "$private" "${private_file##*/}" "$@"; }
with_private_server() {
    expect_exit 0 as_user --restore --checkpoint-dsn 'user=modest' --programs "$(pg_bin)"
    expect_output 'backup.private_server'
    expect_output '^good .*checkpoints 1000.*restored and compared'
    expect_equal '' find "$private" -name 'wrktalk-verify-*'
}
private_server_left() {
    local program data pid
    mkdir "$private/programs"
    for program in "$(pg_bin)"/*; do ln -s "$program" "$private/programs/"; done
    rm "$private/programs/pg_dump"
    printf '#!/bin/sh\ntouch %s/dumping; exec sleep 60\n' "$private" >"$private/programs/pg_dump"
    chmod +x "$private/programs/pg_dump"
    TMPDIR=$private background left "${as_server[@]}" "$WRKTALK" backup verify --restore --dir "$private" \
        "${private_file##*/}" --checkpoint-dsn 'user=modest' --programs "$private/programs"
    wait_until 60 test -e "$private/dumping"
    data=$(echo "$private"/wrktalk-verify-*/data)
    read -r pid <"$data/postmaster.pid"
    expect_exit 0 as_user
    [ -d "$data" ] # it is in use
    end_background left KILL || true
    [ "/proc/$pid/cwd" -ef "$data" ]
    expect_exit 0 as_user
    expect_output 'backup.swept'
    [ ! -e "/proc/$pid/cwd" ]
    expect_equal '' find "$private" -name 'wrktalk-verify-*'
}
mkdir "$private"
private_file=$private/checkpoint_$today.sql.gz
cp "$first" "$private_file"
cp "$first.sha256" "$private_file.sha256"
chmod 755 "$private"
unprivileged "$private"
sql 'create role modest login' >/dev/null
check 'verify --restore for a role that may not create a database starts a private server' with_private_server
check 'the private server that a killed one leaves is ended and removed by the next, not while it is used' private_server_left

full_disk() {
    mkdir "$WORK/small"
    mount -t tmpfs -o size=200k none "$WORK/small" || return 1
    local status=0
    "$WRKTALK" backup create --dir "$WORK/small" --format plain.zst >/dev/null
    (fill_disk) || status=$?
    umount "$WORK/small"
    return "$status"
}
fill_disk() {
    local before
    set -e
    head -c "$(($(stat -f -c '%a * %S' "$WORK/small") - 20000))" /dev/zero >"$WORK/small/other"
    before=$(cd "$WORK/small" && sha256sum checkpoint*)
    expect_exit 1 "$WRKTALK" backup create --dir "$WORK/small"
    expect_output "cannot write the backup to $WORK/small: No space left on device"
    expect_output 'hint: free space there; the older backups are untouched'
    expect_equal '' find "$WORK/small" -name '.*.part'
    expect_equal "$before" bash -c "cd '$WORK/small' && sha256sum checkpoint*"
}
if [ "$(id -u)" -eq 0 ] && mkdir "$WORK/probe" && mount -t tmpfs none "$WORK/probe" 2>/dev/null; then
    umount "$WORK/probe"
    check 'a full disk leaves the older backups whole and nothing half done' full_disk
else
    echo 'left out, a small file system cannot be mounted'
fi
