#!/usr/bin/env bash
# Backups of the checkpoint tables: made by the real pg_dump, read, restored, pruned, and what goes wrong.
# shellcheck disable=SC2016  # scripts of stand-ins are written here
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
# shellcheck source=../support/backup.bash
. "$SUPPORT/backup.bash"

create() {
    expect_exit 0 backup create
    expect_output "created $first"
    expect_equal 600 stat -c %a "$first"
    (cd "$DIR" && sha256sum --quiet -c "checkpoint_$today.sql.gz.sha256")
    zcat "$first" >"$WORK/dump"
    expect_equal 4 grep -c '^COPY public.checkpoint' "$WORK/dump"
    nothing_half
}
check 'create makes checkpoint_YYYYMMDD.sql.gz that gzip and sha256sum read' create

second() {
    local before
    before=$(sha256sum "$first")
    expect_exit 0 backup create -o json
    jq -e '.size_bytes > 1000 and .rows.checkpoints == 1000 and (.file | test("_[0-9]{6}.sql.gz$"))' "$OUT"
    expect_equal "$before" sha256sum "$first"
}
check 'a second one the same day gets a time, and nothing is overwritten' second

formats() {
    local format
    for format in plain.zst custom; do
        expect_exit 0 backup create --format "$format" -o json
        expect_exit 0 backup verify "$(jq -r .file "$OUT")"
        expect_output '^good .*checkpoints 1000'
    done
    zstd -q -d -c "$DIR"/*.sql.zst | grep 'PostgreSQL database dump complete' >/dev/null
    pg_restore -l "$DIR"/*.dump | grep 'TABLE DATA public checkpoints' >/dev/null
}
check 'plain.zst and custom are what zstd and pg_restore read' formats

restores() {
    local wanted file
    wanted=$(content)
    for file in "$DIR"/*.sql.gz "$DIR"/*.zst "$DIR"/*.dump; do
        createdb into
        expect_exit 0 backup restore "$file" --into into
        PGDATABASE=into
        expect_equal "$wanted" content
        expect_exit 0 "$WRKTALK" verify --checkpoint-dsn 'dbname=into'
        PGDATABASE=wrktalk
        dropdb into
    done
}
check 'a backup of each format restores into an empty database, every row as it was, and verify is clean' restores

by_hand() {
    createdb by_hand
    zcat "$first" | psql -Xq -v ON_ERROR_STOP=1 -d by_hand >/dev/null
    PGDATABASE=by_hand expect_equal "$(content)" content
    dropdb by_hand
}
check 'zcat | psql restores it too' by_hand

in_place() {
    local wanted
    wanted=$(content)
    expect_exit 1 backup restore "$first"
    expect_output 'error: database wrktalk has rows: checkpoint_blobs 1000, checkpoint_writes 1000, checkpoints 1000'
    expect_output 'hint: give --replace'
    expect_exit 2 backup restore "$first" --replace
    expect_output 'there is no terminal to ask on: lose the rows of database wrktalk'
    sql "delete from checkpoint_blobs where thread_id < 't5'; update checkpoints set type = 'changed';
         grant select on checkpoints to public"
    expect_exit 0 backup restore "$first" --replace --yes -o json
    jq -e '.rows.checkpoints == 1000 and .database == "wrktalk"' "$OUT"
    expect_equal "$wanted" content
    expect_equal t sql "select has_table_privilege('public', 'checkpoints', 'select')"
    expect_exit 0 "$WRKTALK" verify --checkpoint-dsn "dbname=$PGDATABASE"
}
check 'restore refuses rows that are there; with --replace it replaces them and keeps the rights' in_place

half() {
    local wanted
    wanted=$(content)
    zcat "$first" >"$WORK/dump"
    head -c 100000 "$WORK/dump" | gzip >"$DIR/checkpoint_20200101.sql.gz"
    expect_exit 3 backup restore checkpoint_20200101.sql.gz --replace --yes
    expect_output 'the dump is cut short'
    expect_equal "$wanted" content
    sql 'begin; lock checkpoints in row exclusive mode; select pg_sleep(3)' >/dev/null &
    wait_until 5 expect_equal 1 sql "select count(*) from pg_locks where relation = 'checkpoints'::regclass and mode = 'RowExclusiveLock'"
    expect_exit 4 backup restore "$first" --replace --yes --ddl-lock-timeout 200ms
    expect_output 'table checkpoints is in use: no lock in 200 ms'
    wait
    rm "$DIR/checkpoint_20200101.sql.gz"
}
check 'a restore that cannot be finished changes nothing' half

old_hand_made() {
    pg_dump -t checkpoints -t checkpoint_blobs -t checkpoint_writes | gzip >"$DIR/checkpoint_20200102.sql.gz"
    createdb old
    expect_exit 0 backup verify checkpoint_20200102.sql.gz
    expect_exit 0 backup restore checkpoint_20200102.sql.gz --into old
    PGDATABASE=old expect_equal 1000 sql 'select count(*) from checkpoints'
    dropdb old
    rm "$DIR/checkpoint_20200102.sql.gz"
}
check "a backup that the guide's CronJob made is restored, roles or no roles" old_hand_made

# damaged WORD COMMAND...: a copy of the first backup, changed by the command, is told by verify.
damaged() {
    local file=$DIR/checkpoint_20200103.sql.gz
    cp "$first" "$file"
    [ "$1" = alone ] || sed "s/checkpoint_$today/checkpoint_20200103/" "$first.sha256" >"$file.sha256"
    "${@:3}" "$file"
    expect_exit 3 backup verify checkpoint_20200103.sql.gz
    expect_output "^DAMAGED  checkpoint_20200103.sql.gz: .*$2"
    expect_exit 3 backup restore checkpoint_20200103.sql.gz --replace --yes
    rm -f "$file" "$file.sha256"
}
flip() { printf '\377' | dd of="$1" bs=1 seek=5000 conv=notrunc status=none; }
check 'a flipped byte is found by the digest' damaged beside 'its sha256 is' flip
check 'a flipped byte is found without a digest, too' damaged alone 'damaged|cut short|gzip' flip
check 'a truncated backup is found' damaged alone 'cut short' truncate -s 9000
check 'an empty one is found' damaged alone 'the file is empty' truncate -s 0

with_hash() {
    local file
    expect_exit 0 backup verify --all --restore
    for file in "$DIR"/*.sql.gz "$DIR"/*.zst "$DIR"/*.dump; do
        grep -q "^good  *$(basename "$file"): .*checkpoints 1000.*restored and compared" "$OUT"
    done
    expect_equal 0 sql "select count(*) from pg_database where datname like 'wrktalk_verify%'"
    expect_output ', restored$' backup list
    sql 'create database wrktalk_verify_left_behind' >/dev/null
    expect_exit 0 backup verify --restore "$first"
    expect_equal 0 sql "select count(*) from pg_database where datname like 'wrktalk_verify%'"
}
check 'verify --restore restores into a throw-away database, compares, and leaves none, not even an earlier one' with_hash

encrypted() {
    local tool=$1 file
    shift
    expect_exit 0 backup create "$@" -o json
    file=$(jq -r .path "$OUT")
    [[ $file == *.sql.gz.$tool ]]
    refuse zcat "$file"
    (cd "$DIR" && sha256sum --quiet -c "$(basename "$file").sha256")
    expect_exit 0 backup verify "$file" --age-identity "$WORK/age.key"
    createdb secret
    expect_exit 0 backup restore "$file" --into secret --age-identity "$WORK/age.key"
    PGDATABASE=secret expect_equal "$(content)" content
    dropdb secret
    rm -f "$file"*
}
if have_service age; then
    age-keygen -o "$WORK/age.key" 2>/dev/null
    recipient=$(age-keygen -y "$WORK/age.key")
    check 'what age encrypted comes back with the key' encrypted age --age-recipient "$recipient"
    without_key() {
        expect_exit 5 backup verify "$1"
        expect_output 'the backup is encrypted with age'
        expect_output 'hint: name the file with the secret key with --age-identity'
    }
    plain_too() {
        expect_exit 0 backup create --age-recipient "$recipient" -o json
        local file
        file=$(jq -r .path "$OUT")
        without_key "$file"
        expect_exit 5 backup restore "$file" --replace --yes
        age-keygen -o "$WORK/other.key" 2>/dev/null
        expect_exit 5 backup verify "$file" --age-identity "$WORK/other.key"
        expect_output '^unknown .*encrypted for another key: age exited with status 1: .*no identity matched'
        rm -f "$file"*
    }
    check 'without the key, or with a wrong one, it says so' plain_too
    custom_too() {
        expect_exit 0 backup create --format custom --age-recipient "$recipient" -o json
        local file
        file=$(jq -r .path "$OUT")
        expect_exit 0 backup verify "$file" --age-identity "$WORK/age.key"
        without_key "$file"
        rm -f "$file"*
        expect_exit 8 backup create --age-recipient nobody
        expect_output 'error: age exited with status 1: .*nobody'
        nothing_half
    }
    check 'custom backups are encrypted too; without key, or with a wrong one, it says so' custom_too
fi
if have_service gpg; then
    export GNUPGHOME=$WORK/gnupg
    mkdir -m 700 "$GNUPGHOME"
    at_exit gpgconf --kill all
    gpg --batch --quiet --passphrase '' --quick-generate-key operator@example.org default default never 2>/dev/null
    check 'what gpg encrypted comes back' encrypted gpg --gpg-recipient operator@example.org
fi

# restores_that SCRIPT: a pg_restore that misbehaves.
restores_that() {
    mkdir -p "$WORK/old"
    printf '#!/bin/sh\n%s\n' "$1" >"$WORK/old/pg_restore"
    chmod +x "$WORK/old/pg_restore"
}
examiner() {
    local file
    expect_exit 0 backup create --format custom -o json
    file=$(jq -r .file "$OUT")
    restores_that 'echo "pg_restore: error: unsupported version (1.16) in file header" >&2; exit 1'
    expect_exit 5 backup verify "$file" --programs "$WORK/old"
    expect_output "^unknown +$file: it could not be examined: .*pg_restore is older than the pg_dump"
    expect_output 'postgresql-client'
    restores_that 'echo "pg_restore: error: out of memory" >&2; exit 1'
    expect_exit 8 backup verify "$file" --programs "$WORK/old"
    expect_exit 8 backup verify "$file" --programs "$WORK/old" -o json
    jq -e '.[0].verdict == "unknown" and (.[0].good | not)' "$OUT"
    restores_that 'kill -KILL $$'
    expect_exit 8 backup verify "$file" --programs "$WORK/old"
    expect_exit 8 backup verify --all --programs "$WORK/old"
    expect_output "^good +checkpoint_$today.sql.gz"
    rm "$DIR/$file.json" "$DIR/$file.sha256"
    restores_that 'echo "pg_restore: error: could not read from input file: end of file" >&2; exit 1'
    expect_exit 3 backup verify "$file" --programs "$WORK/old"
    expect_output "^DAMAGED +$file"
    rm "$DIR/$file"
    # Nothing was noted of a backup that could not be examined.
    mkdir -p "$WORK/bad"
    printf '#!/bin/sh\necho "pg_dump (PostgreSQL) 12.1"\n' >"$WORK/bad/pg_dump"
    chmod +x "$WORK/bad/pg_dump"
    expect_exit 5 backup verify "$first" --restore --programs "$WORK/bad"
    expect_output '^unknown .*an older pg_dump cannot read a newer server'
    expect_exit 6 backup verify "$first" --restore --checkpoint-dsn "host=$WORK/nowhere"
    expect_equal '' sql "select datname from pg_database where datname like 'wrktalk_verify_%'"
}
check 'an examination that fails says nothing bad of the backup' examiner

unreadable() {
    local folder=$WORK/unreadable day
    mkdir "$folder"
    for day in 20200101 20200102; do
        cp "$first" "$folder/checkpoint_$day.sql.gz"
        sed "s/checkpoint_$today/checkpoint_$day/" "$first.sha256" >"$folder/checkpoint_$day.sql.gz.sha256"
    done
    rm "$folder/checkpoint_20200102.sql.gz"
    mkdir "$folder/checkpoint_20200102.sql.gz" # no user may read it as a file
    expect_exit 5 "$WRKTALK" backup prune --dir "$folder" --keep-daily 1 --keep-weekly 0
    expect_output 'cannot read .*checkpoint_20200102'
    [ -e "$folder/checkpoint_20200101.sql.gz" ]
}
check 'a backup that cannot be read is not taken for a bad one: nothing is pruned' unreadable

dead_proof() {
    sql "create database wrktalk_verify_1_1" >/dev/null
    expect_exit 0 backup verify "$first" --restore
    expect_output 'backup.swept'
    expect_equal '' sql "select datname from pg_database where datname like 'wrktalk_verify_%'"
    # One that is at work, from another database of the same server, is left alone.
    sql "create database wrktalk_verify_1_2" >/dev/null
    (echo "select pg_advisory_lock(hashtext('wrktalk backup verify'), hashtext('wrktalk_verify_1_2'));" && sleep 20) | psql -Xq -d postgres >/dev/null &
    wait_until 5 expect_equal 1 sql "select count(*) from pg_locks where locktype = 'advisory' and granted"
    expect_exit 0 backup verify "$first" --restore
    expect_equal wrktalk_verify_1_2 sql "select datname from pg_database where datname like 'wrktalk_verify_%'"
    sql "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'" >/dev/null
    wait
    expect_exit 0 backup verify "$first" --restore
    expect_equal '' sql "select datname from pg_database where datname like 'wrktalk_verify_%'"
}
check 'the database of a proof that died is dropped by the next one, and no other' dead_proof

# dumps_that SCRIPT: a pg_dump that misbehaves.
dumps_that() {
    mkdir -p "$WORK/bad"
    printf '#!/bin/sh\ncase $1 in --version) exec pg_dump --version;; esac\n%s\n' "$1" >"$WORK/bad/pg_dump"
    chmod +x "$WORK/bad/pg_dump"
}
distrusted() {
    local before
    before=$("$WRKTALK" backup list --dir "$DIR")
    dumps_that 'exit 0'
    expect_exit 3 backup create --programs "$WORK/bad"
    expect_output 'it is not what pg_dump writes'
    dumps_that 'pg_dump "$@" | head -c 50000'
    expect_exit 3 backup create --programs "$WORK/bad"
    expect_output 'the dump is cut short'
    dumps_that 'pg_dump "$@"; echo "pg_dump: error: no" >&2; exit 1'
    expect_exit 8 backup create --programs "$WORK/bad" --metrics "$WORK/bad.prom"
    expect_output 'error: pg_dump exited with status 1: pg_dump: error: no'
    grep -qx 'wrktalk_backup_last_run_success 0' "$WORK/bad.prom"
    dumps_that 'pg_dump "$@" | sed /^t77./d'
    expect_exit 3 backup create --programs "$WORK/bad"
    expect_output 'the dump is not whole: .*; the server has'
    expect_exit 5 backup create --programs /nowhere
    expect_output 'hint: install postgresql-client, or name its folder with --programs'
    expect_equal "$before" "$WRKTALK" backup list --dir "$DIR"
    nothing_half
}
check 'an empty, a truncated, a failed and an incomplete dump are never a backup' distrusted

metrics() {
    expect_exit 0 backup create --metrics "$WORK/good.prom" -o json
    local file size
    file=$(jq -r .path "$OUT") size=$(jq .size_bytes "$OUT")
    grep -qx 'wrktalk_backup_last_run_success 1' "$WORK/good.prom"
    grep -qx "wrktalk_backup_last_success_size_bytes $size" "$WORK/good.prom"
    expect_exit 5 backup create --programs /nowhere --metrics "$WORK/good.prom"
    grep -qx 'wrktalk_backup_last_run_success 0' "$WORK/good.prom"
    grep -qx "wrktalk_backup_last_success_size_bytes $size" "$WORK/good.prom"
    rm -f "$file"*
}
check 'the metric file tells time, size and result, and after a failure still the last success' metrics

refusals() {
    expect_exit 5 "$WRKTALK" backup create --dir /nowhere
    expect_output 'cannot write in the folder /nowhere: No such file or directory'
    expect_exit 5 "$WRKTALK" backup list --dir /nowhere
    expect_exit 5 backup create --checkpoint-dsn 'dbname=postgres'
    expect_output 'database postgres has no table checkpoint_migrations, checkpoints, checkpoint_blobs, checkpoint_writes'
    expect_exit 6 backup create --checkpoint-dsn 'host=127.0.0.1 port=1'
    expect_exit 5 backup restore "$DIR/checkpoint_20190101.sql.gz"
    expect_exit 2 backup restore /etc/passwd
    expect_exit 2 backup prune --keep-daily 0 --keep-weekly 0
    sql "create role reader login; grant select on checkpoints to reader" >/dev/null
    expect_exit 5 backup create --checkpoint-dsn 'user=reader'
    expect_output 'permission denied for table checkpoint'
    nothing_half
}
check 'what cannot be is told with its reason' refusals

prunes_nothing() {
    local folder=$WORK/damaged day
    mkdir "$folder"
    for day in 20240101 20240102; do
        cp "$first" "$folder/checkpoint_$day.sql.gz"
        sed "s/checkpoint_$today/checkpoint_$day/" "$first.sha256" >"$folder/checkpoint_$day.sql.gz.sha256"
        flip "$folder/checkpoint_$day.sql.gz"
    done
    expect_exit 3 "$WRKTALK" backup prune --dir "$folder" --keep-daily 1 --keep-weekly 0
    expect_output 'none of the backups that would stay is known to be good: nothing was removed'
    expect_equal 4 bash -c "ls '$folder' | wc -l"
}
check 'when none that would stay is good, prune removes nothing' prunes_nothing

prunes() {
    local day
    for day in 20240101 20240102 20240103; do
        cp "$first" "$DIR/checkpoint_$day.sql.gz"
        sed "s/checkpoint_$today/checkpoint_$day/" "$first.sha256" >"$DIR/checkpoint_$day.sql.gz.sha256"
    done
    expect_exit 0 backup create -o json # the newest, and not verified
    expect_exit 0 backup prune --keep-daily 1 --keep-weekly 0 --dry-run
    expect_output '^would remove  checkpoint_20240101.sql.gz'
    [ -e "$DIR/checkpoint_20240101.sql.gz" ]
    expect_exit 0 backup prune --keep-daily 1 --keep-weekly 0
    expect_output '^removed       checkpoint_20240101.sql.gz'
    expect_output '^keeps         checkpoint_.* \(last verified, last restored\)'
    expect_output '^2 kept, [0-9]+ removed'
    expect_equal 2 jq length <("$WRKTALK" backup list --dir "$DIR" -o json)
}
check 'prune keeps what its flags say, and the last one that was restored' prunes

# new_database VERSION: the connection string of a new one on another server that the test run started.
new_database() {
    psql -Xq "$(pg_extra "$1")" -c 'drop database if exists backup_suite' -c 'create database backup_suite'
    echo "$(pg_extra "$1") dbname=backup_suite"
}
newer_server() {
    local conninfo
    conninfo=$(new_database "$1")
    "$WRKTALK" migrate up --checkpoint-dsn "$conninfo" >/dev/null
    expect_exit 5 backup create --checkpoint-dsn "$conninfo"
    expect_output "pg_dump is [0-9.]+, the server is PostgreSQL $1\\.[0-9.]+: an older pg_dump cannot read a newer server"
    expect_output "hint: install postgresql-client-$1"
}
same_or_older_server() {
    local conninfo file
    conninfo=$(new_database "$1")
    "$WRKTALK" migrate up --checkpoint-dsn "$conninfo" >/dev/null
    expect_exit 0 backup restore "$(echo "$DIR"/*.dump)" --checkpoint-dsn "$conninfo"
    expect_exit 0 backup create --checkpoint-dsn "$conninfo" -o json
    jq -e --arg version "$1." '.rows.checkpoints == 1000 and (.server_version | startswith($version))' "$OUT"
    file=$(jq -r .path "$OUT")
    expect_exit 0 backup verify "$file" --restore --checkpoint-dsn "$conninfo"
    rm -f "$file"*
}
client=$(pg_dump --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
for version in 13 14 16 17 18; do
    have_service "postgres-$version" || continue
    if [ "$version" -gt "$client" ]; then
        check "PostgreSQL $version: a pg_dump $client is refused with both versions" newer_server "$version"
    else
        check "PostgreSQL $version is backed up, and takes the backup of another one" same_or_older_server "$version"
    fi
done

password() {
    sql "create role app login createdb password 'pa ss''\\w\"ord'; grant all on all tables in schema public to app" >/dev/null
    mkdir -p "$WORK/seen"
    printf '#!/bin/sh\ntr "\\0" "\\n" </proc/$$/cmdline >>%s/argv\nexec pg_dump "$@"\n' "$WORK/seen" >"$WORK/seen/pg_dump"
    chmod +x "$WORK/seen/pg_dump"
    local port
    port=$(sed -n 4p "$WORK/pg/data/postmaster.pid")
    export WRKTALK_AGENT_CHECKPOINT_PASSWORD="pa ss'\\w\"ord"
    expect_exit 0 backup create --programs "$WORK/seen" --checkpoint-dsn "user=app port=$port" --log-level DEBUG
    [ -s "$WORK/seen/argv" ]
    refuse grep -e 'pa ss' "$WORK/seen/argv" "$OUT" "$ERR"
}
check 'a password reaches pg_dump, and neither argv nor output' password

# ---------------------------------------------------------------- LangGraph's store

# store_tables: as PostgresStore.setup() makes them; its vectors are arrays here, so that pgvector need not be there.
store_tables() {
    sql "create table store (prefix text not null, key text not null, value jsonb not null, created_at timestamptz default current_timestamp,
             updated_at timestamptz default current_timestamp, expires_at timestamptz, ttl_minutes int, primary key (prefix, key));
         create index store_prefix_idx on store using btree (prefix text_pattern_ops);
         create table store_migrations (v integer primary key);
         create table store_vectors (prefix text not null, key text not null, field_name text not null, embedding float4[],
             primary key (prefix, key, field_name), foreign key (prefix, key) references store (prefix, key) on delete cascade);
         create table vector_migrations (v integer primary key);
         insert into store_migrations select generate_series(0, 3); insert into vector_migrations select generate_series(0, 2);
         insert into store (prefix, key, value) select 'users.' || n % 7, 'k' || n, jsonb_build_object('text', E'tab\t\"ü', 'n', n) from generate_series(1, 50) n;
         insert into store_vectors select prefix, key, 'text', array[1.5, 2.5] from store" >/dev/null
}
memories() {
    sql "select md5(string_agg(t, E'\n' order by t)) from (select 's' || s::text t from store s union all select 'v' || v::text from store_vectors v
         union all select 'm' || m::text from store_migrations m) x"
}
left_out() {
    store_tables
    expect_exit 0 backup create -o json
    expect_output 'backup.store_left_out .*store, store_migrations|backup.store_left_out .*store_migrations'
    jq -e '.rows | has("store") | not' "$OUT"
    expect_exit 0 backup create --tables checkpoint
    refuse grep -q store_left_out "$ERR"
    expect_exit 2 backup create --tables checkpoint,memory
    expect_output "'memory' is no part"
}
check "LangGraph's store is told of when it is left out" left_out
with_store() {
    local file wanted checkpoints format
    wanted=$(memories)
    checkpoints=$(content)
    for format in plain.gz custom; do
        expect_exit 0 backup create --tables checkpoint,store --format "$format" -o json
        jq -e '.rows.store == 50 and .rows.store_vectors == 50 and .rows.checkpoints == 1000' "$OUT"
        file=$(jq -r .path "$OUT")
        expect_exit 0 backup verify "$file"
        expect_output 'store 50'
        expect_exit 0 backup verify "$file" --restore
        createdb into
        expect_exit 0 backup restore "$file" --into into
        PGDATABASE=into expect_equal "$wanted" memories
        PGDATABASE=into expect_equal "$checkpoints" content
        dropdb into
        sql "update store set value = '{}'; delete from store where key = 'k1'; delete from checkpoints" >/dev/null
        expect_exit 1 backup restore "$file"
        expect_exit 0 backup restore "$file" --replace --yes
        expect_equal "$wanted" memories
        expect_equal "$checkpoints" content
    done
}
check 'with --tables checkpoint,store it is backed up, proven, restored and replaced' with_store
store_alone() {
    local wanted file
    wanted=$(memories)
    expect_exit 0 backup create --tables store -o json
    file=$(jq -r .path "$OUT")
    expect_exit 0 backup verify "$file" --restore
    sql "delete from store; delete from checkpoint_writes where thread_id = 't1'" >/dev/null
    expect_exit 0 backup restore "$file" --replace --yes
    expect_equal "$wanted" memories
    expect_equal 999 sql 'select count(*) from checkpoint_writes'
}
check 'alone, too, and nothing else is touched' store_alone
checkpoints_beside_store() {
    local wanted file
    wanted=$(memories)
    expect_exit 0 backup create --tables checkpoint -o json
    file=$(jq -r .path "$OUT")
    expect_exit 0 backup restore "$file" --replace --yes
    expect_equal "$wanted" memories
    createdb beside
    PGDATABASE=beside store_tables
    expect_exit 0 backup restore "$file" --into beside
    PGDATABASE=beside expect_equal 1000 sql 'select count(*) from checkpoints'
    dropdb beside
}
check 'a backup of the checkpoints alone leaves it as it is' checkpoints_beside_store
named() {
    expect_exit 0 "$WRKTALK" verify --checkpoint-dsn "dbname=$PGDATABASE"
    expect_output "warning: LangGraph's store is here, too \\(store, store_migrations, store_vectors, vector_migrations\\)"
    local wanted
    wanted=$(memories)
    expect_exit 0 "$WRKTALK" checkpoints prune --checkpoint-dsn "dbname=$PGDATABASE" --keep-latest 1
    expect_equal "$wanted" memories
}
check 'verify names it, and retention leaves it alone' named
sql 'drop table store_vectors, vector_migrations, store, store_migrations' >/dev/null

# ---------------------------------------------------------------- file systems that do less

# does_less CALL...: a library that lets these calls fail as CIFS, Azure Files or a squashed NFS do: fchmod, flock, fsync (of folders).
does_less() {
    cat >"$WORK/less.c" <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
static int lacks(const char *call) { const char *all = getenv("LACKS"); return all && strstr(all, call); }
int fchmod(int file, mode_t mode) {
    if (lacks("fchmod")) { errno = EPERM; return -1; }
    return ((int (*)(int, mode_t))dlsym(RTLD_NEXT, "fchmod"))(file, mode);
}
int flock(int file, int how) {
    if (lacks("flock")) { errno = ENOTSUP; return -1; }
    return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(file, how);
}
int fsync(int file) {
    struct stat info;
    if (lacks("fsync") && fstat(file, &info) == 0 && S_ISDIR(info.st_mode)) { errno = EINVAL; return -1; }
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}
C
    cc -shared -fPIC -o "$WORK/less.so" "$WORK/less.c" -ldl
}
less() { LACKS=$1 LD_PRELOAD=$WORK/less.so expect_exit 0 backup "${@:2}"; }
poor_file_system() {
    local before after
    before=$(find "$DIR" -name '*.sql.gz' | wc -l)
    less fchmod create --metrics "$WORK/metrics.prom"
    less fsync create
    expect_output backup.not_synced
    # What another run may be writing is left alone.
    touch "$DIR/.checkpoint_20200101.sql.gz.part"
    less flock create
    expect_output 'backup.no_lock .*locks no files'
    test -e "$DIR/.checkpoint_20200101.sql.gz.part"
    rm "$DIR/.checkpoint_20200101.sql.gz.part"
    less fchmod,flock,fsync prune --keep-daily 30
    after=$(find "$DIR" -name '*.sql.gz' | wc -l)
    test "$before" -gt 0
    test "$after" -gt 0
    expect_exit 0 backup verify --all
}
if command -v cc >/dev/null; then
    does_less
    check 'what a file system does not do is told and done without' poor_file_system
fi
no_digest() {
    rm -rf "${DIR:?}"/*
    mkdir "$DIR/checkpoint_$(date -u +%Y%m%d).sql.gz.sha256"
    expect_exit 0 backup create
    expect_output backup.no_digest
    expect_exit 0 backup verify --all
    nothing_half
}
check 'a .sha256 that cannot be written throws no good backup away' no_digest
