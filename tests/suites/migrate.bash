#!/usr/bin/env bash
# migrate and verify on a real server: the guide's log lines, many runners, kills, refusals, drift.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
# shellcheck source=../support/v42.bash
. "$SUPPORT/v42.bash"
pg_database guide

guide_lines() {
    cat <<EOF
==> Verifying database connection...
    Host: $PGHOST
    Port: 5432
    Database: $PGDATABASE
    User: postgres
==> Database connection successful
==> Checking if migration has already been applied...
$1
==> Verifying checkpoint tables...
==> All 4 checkpoint tables verified successfully
EOF
}

first_run() {
    expect_equal "$(guide_lines "==> Applying migration 001: Create LangGraph checkpoint tables...
CREATE TABLE
CREATE TABLE
CREATE TABLE
CREATE TABLE
CREATE INDEX
CREATE INDEX
CREATE INDEX
INSERT 0 1
==> Migration 001 applied successfully")" "$WRKTALK" migrate up
}
check "the first run prints the guide's lines" first_run

second_run() {
    expect_equal "$(guide_lines 'Migration 001 (version 9) already applied. Skipping.')" "$WRKTALK" migrate up
    expect_output '^001 +create_checkpointer_tables +applied' "$WRKTALK" migrate status --exit-code
}
check 'the second run has nothing to do' second_run

credentials_from_vault() {
    printf 'export PGUSER="postgres"\nexport PGPASSWORD="unused"\n' >"$WORK/pg_env.sh"
    chmod 600 "$WORK/pg_env.sh"
    expect_output '^==> Loading PostgreSQL credentials from Vault' "$WRKTALK" migrate up --pg-env "$WORK/pg_env.sh"
}
check 'credentials out of pg_env.sh are announced' credentials_from_vault

tables_dropped_by_hand() {
    sql 'drop table checkpoint_writes, checkpoint_blobs, checkpoints, checkpoint_migrations'
    expect_output '^==> Migration 001 applied successfully' "$WRKTALK" migrate up
    expect_exit 0 "$WRKTALK" verify
}
check 'tables that were dropped by hand, as the guide tells, are made again' tables_dropped_by_hand

undone() {
    sql "insert into checkpoints (thread_id, checkpoint_id, checkpoint) values ('t', 'c', '{}')"
    expect_exit 2 "$WRKTALK" migrate down
    expect_output 'yes'
    expect_exit 0 "$WRKTALK" migrate down --yes
    expect_equal '' sql "select relname from pg_class where relname like 'checkpoint%'"
    expect_exit 3 "$WRKTALK" migrate status --exit-code
    expect_exit 0 "$WRKTALK" migrate up
}
check 'down asks, undoes, and up starts anew' undone

# drift SQL REGEX: verify ends with 3 and names the difference, and is clean again after the undoing.
drift() {
    dropdb --if-exists drift
    createdb -T guide drift
    PGDATABASE=drift
    sql "$1"
    expect_exit 3 "$WRKTALK" verify
    expect_output "$2"
    expect_exit 3 "$WRKTALK" verify -o json
    expect_output '"clean": false'
}
check 'a missing index is drift' drift 'drop index checkpoint_blobs_thread_id_idx' \
    'index checkpoint_blobs_thread_id_idx of checkpoint_blobs: expected btree \(thread_id\), found nothing'
check 'an INVALID index is drift' drift \
    "update pg_index set indisvalid = false where indexrelid = 'checkpoint_blobs_thread_id_idx'::regclass" \
    'index checkpoint_blobs_thread_id_idx of .* found btree \(thread_id\) INVALID'
check 'a missing column is drift' drift 'alter table checkpoint_writes drop column task_path' \
    'column task_path of checkpoint_writes: expected text not null .*, found nothing'
check 'a wrong type is drift' drift 'alter table checkpoints alter column type type varchar(20)' \
    'column type of checkpoints: expected text, found character varying\(20\)'
check 'a missing primary key is drift' drift 'alter table checkpoints drop constraint checkpoints_pkey' \
    'primary key of checkpoints: expected \(thread_id, checkpoint_ns, checkpoint_id\), found nothing'
check 'a missing table is drift' drift 'drop table checkpoint_blobs' \
    'table checkpoint_blobs: expected table, found nothing'
check 'a missing version row is drift' drift 'delete from checkpoint_migrations' \
    'schema version: expected 9, found none'

swallow='create function swallow() returns trigger language plpgsql as $$ begin return null; end $$;'
check 'a trigger that nobody expects is drift' drift \
    "$swallow create trigger swallow before insert on checkpoints for each row execute function swallow()" \
    'trigger swallow of checkpoints: not expected, found CREATE TRIGGER'
check 'so is a foreign key' drift \
    'alter table checkpoint_writes add foreign key (thread_id, checkpoint_ns, checkpoint_id) references checkpoints' \
    'constraint FOREIGN KEY .* REFERENCES checkpoints.* of checkpoint_writes: not expected'
check 'and one of another table, which holds up deletes' drift \
    'create table notes (v integer references checkpoint_migrations)' \
    'reference notes of checkpoint_migrations: not expected, found FOREIGN KEY'
check 'an UNLOGGED table is drift' drift 'alter table checkpoint_blobs set unlogged' \
    'storage of checkpoint_blobs: not expected, found UNLOGGED'
check 'row security is drift' drift 'alter table checkpoints enable row level security; create policy mine on checkpoints using (true)' \
    'row security of checkpoints: not expected, found enabled, policies mine'
check 'forced row security is drift' drift 'alter table checkpoints force row level security' \
    'row security of checkpoints: not expected, found forced'
check 'a rule is drift' drift 'create rule swallow as on insert to checkpoints do instead nothing' \
    'rule swallow of checkpoints: not expected, found CREATE RULE swallow'
check 'a table that inherits is drift' drift 'create table more () inherits (checkpoints)' \
    'child table more of checkpoints: not expected'
check 'a table that another schema hides is drift' drift \
    'create schema "My app"; create table "My app".checkpoints (like checkpoints including all);
     alter database drift set search_path = "My app", public' \
    'search path of checkpoints: not expected, found My app.checkpoints before public.checkpoints'
check 'so are all four of them' drift \
    'create schema app; alter database drift set search_path = app, public;
     create table app.checkpoints (like checkpoints including all); create table app.checkpoint_blobs (like checkpoint_blobs including all);
     create table app.checkpoint_writes (like checkpoint_writes including all);
     create table app.checkpoint_migrations (like checkpoint_migrations including all); insert into app.checkpoint_migrations values (9)' \
    'search path of checkpoint_migrations: not expected, found app.checkpoint_migrations before public.checkpoint_migrations'
hidden_is_not_completed() {
    expect_exit 3 "$WRKTALK" migrate up
    sql 'drop table app.checkpoint_writes'
    expect_exit 3 "$WRKTALK" migrate up
    expect_equal '' sql "select to_regclass('app.checkpoint_writes')"
}
PGDATABASE=drift check 'and up makes no tables that would hide more' hidden_is_not_completed
two_applications() {
    dropdb --if-exists drift
    createdb -T guide drift
    PGDATABASE=drift
    sql 'create schema app; alter database drift set search_path = app'
    expect_exit 0 "$WRKTALK" migrate up
    sql 'alter database drift set search_path = app, public'
    expect_exit 0 "$WRKTALK" verify
    expect_output '^warning: search path of checkpoints: .*app.checkpoints before public.checkpoints'
}
check 'two applications in one database are not drift, and named' two_applications
tables_in_two_schemas() {
    dropdb --if-exists drift
    createdb -T guide drift
    PGDATABASE=drift
    sql 'create schema app; alter table checkpoint_blobs set schema app; alter database drift set search_path = app, public'
    expect_exit 0 "$WRKTALK" verify
    expect_output '^checkpoint_blobs +0 +6 +2 '
    sql 'alter table app.checkpoint_blobs alter blob set not null'
    expect_exit 3 "$WRKTALK" verify
    expect_output 'column blob of checkpoint_blobs'
}
check 'each table is compared where LangGraph finds it' tables_in_two_schemas
extra_column() {
    dropdb --if-exists drift
    createdb -T guide drift
    PGDATABASE=drift
    sql 'alter table checkpoints add column note text'
    expect_exit 0 "$WRKTALK" verify
    expect_output '^warning: column note of checkpoints: not expected, found text'
}
check 'a column that may be null is named' extra_column

figures() {
    PGDATABASE=guide
    sql "insert into checkpoints (thread_id, checkpoint_id, checkpoint) select 't' || i % 3, i::text, '{}' from generate_series(1, 12) i"
    expect_output '^checkpoints +12 +7 +2 ' "$WRKTALK" verify
    expect_output '^checkpoint_writes +0 +9 +2 '
    expect_output '^checkpoint_migrations +1 +1 +1 '
    expect_output '^3 +12 ' "$WRKTALK" verify --usage
}
check "verify shows the guide's figures" figures

read_only_role() {
    PGDATABASE=guide
    sql 'create role reader login; grant pg_read_all_data to reader'
    PGUSER=reader expect_exit 0 "$WRKTALK" verify
    createdb closed
    PGDATABASE=closed
    sql 'revoke create on schema public from public'
    PGUSER=reader expect_exit 5 "$WRKTALK" migrate up
    expect_output 'permission denied'
    expect_output '^hint: grant this role'
}
check 'verify needs rights to read only; a role without CREATE is told so' read_only_role

unreachable() {
    PGHOST=$WORK/nowhere expect_exit 6 "$WRKTALK" migrate up
    expect_output '^hint: '
    echo 'local all locked scram-sha-256' >"$WORK/hba"
    cat "$WORK/pg/data/pg_hba.conf" >>"$WORK/hba"
    cat "$WORK/hba" >"$WORK/pg/data/pg_hba.conf"
    sql "create role locked login password 'right'; select pg_reload_conf()"
    wait_until 20 refuse env PGUSER=locked PGPASSWORD=wrong psql -Xc 'select 1'
    PGUSER=locked PGPASSWORD=wrong expect_exit 5 "$WRKTALK" migrate up
    expect_output 'password authentication failed'
    refuse grep -q wrong "$OUT" "$ERR"
}
check 'no server is 6, a wrong password 5' unreachable

# ---------------------------------------------------------------- files of one's own

# folder NAME: a new, empty folder of migrations and a new database for it.
folder() {
    D=$WORK/$1
    mkdir "$D"
    pg_database "$1"
}
# shellcheck disable=SC2120  # expect_exit passes its words on
up() { "$WRKTALK" migrate up --dir "$D" "$@"; }
# start_up: the same in the background; its pid is $pid, its output in $D.log.
start_up() {
    "$WRKTALK" migrate up --dir "$D" >"$D.log" 2>&1 &
    pid=$!
}
exists() { [ "$(sql "select to_regclass('$1') is not null")" = t ]; }

error_in_file() {
    folder wrong
    echo 'create table one (i int);' >"$D/001_one.up.sql"
    printf -- '-- the second\ncreate table two (\n\tid int,\n\tgrüße text, name text NULLL\n);\n' >"$D/002_two.up.sql"
    expect_exit 1 up
    expect_output "$D/002_two.up.sql:4:24: syntax error at or near \"NULLL\" \(SQLSTATE 42601\)"
    expect_output '^  4 \|  grüße text, name text NULLL$'
    expect_output '^    \|                        \^$'
    exists one
    refuse exists two
    sed -i 's/NULLL/NULL/' "$D/002_two.up.sql"
    expect_exit 0 up
    exists two
}
check 'an error names file, line and column, shows the line, and leaves nothing half' error_in_file

refusals() {
    folder refused
    for n in 1 2 3; do echo "create table t$n (i int);" >"$D/00${n}_t$n.up.sql"; done
    expect_exit 0 up
    printf 'create table t2 (i int);  \r\n\r\n' >"$D/002_t2.up.sql"
    expect_output 'Migration 003 already applied. Skipping.' up
    echo 'create table t2 (i bigint);' >"$D/002_t2.up.sql"
    expect_exit 1 up
    expect_output '002_t2.up.sql has changed since postgres@'
    rm "$D/002_t2.up.sql"
    expect_exit 1 up
    expect_output 'number 002 is missing between .*001_t1.up.sql and .*003_t3.up.sql'
    echo 'create table t2 (i int);' >"$D/002_t2.up.sql"
    rm "$D/003_t3.up.sql"
    expect_exit 5 up
    expect_output 'the database has migration 003 \(t3\) .* newer than all files'
    echo 'create table t3 (i int);' >"$D/003_t3.up.sql"
    cp "$D/003_t3.up.sql" "$D/3_again.up.sql"
    expect_exit 1 up
    expect_output '003_t3.up.sql and .*3_again.up.sql have the same number'
    rm "$D/3_again.up.sql"
    echo 'create table t0 (i int);' >"$D/000_t0.up.sql"
    expect_exit 1 up
    expect_output '000_t0.up.sql is older than migrations that are already applied'
    rm "$D/000_t0.up.sql"
    printf 'create table t4 (i int);\ncommit;\ndrop table t1;\n' >"$D/004_t4.up.sql"
    expect_exit 1 up
    expect_output '004_t4.up.sql:2: COMMIT would end the transaction'
    refuse exists t4
    exists t1
}
check 'changed, missing, doubled, late and unknown files are refused before anything runs' refusals

up_and_down_to() {
    folder steps
    for n in 1 2 3; do
        printf 'BEGIN;\ncreate table s%s (i int);\nCOMMIT;\n' "$n" >"$D/00000${n}_s$n.up.sql"
        echo "drop table s$n;" >"$D/00000${n}_s$n.down.sql"
    done
    expect_exit 0 up --to 2
    exists s2
    refuse exists s3
    expect_exit 0 up
    expect_exit 0 "$WRKTALK" migrate down --dir "$D" --to 1 --yes
    exists s1
    refuse exists s2
    expect_output '"number": 2' up -o json
}
check 'up --to and down --to; BEGIN and COMMIT around a file do no harm' up_and_down_to

eight_at_once() {
    pg_database eight
    local pids=() pid
    for n in 1 2 3 4 5 6 7 8; do
        "$WRKTALK" migrate up >"$WORK/runner.$n" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    expect_equal 1 sh -c "cat '$WORK'/runner.* | grep -c 'Migration 001 applied successfully'"
    expect_equal 7 sh -c "cat '$WORK'/runner.* | grep -c 'already applied. Skipping'"
    expect_exit 0 "$WRKTALK" verify
}
check 'eight runners at once: one applies, the others wait and find nothing to do' eight_at_once

concurrently() {
    folder concurrent
    echo "create table big as select i from generate_series(1, 50000) i;" >"$D/001_big.up.sql"
    printf -- '-- wrktalk: no-transaction\ncreate index concurrently big_idx on big (i);\n' >"$D/002_index.up.sql"
    echo 'create table after_it (i int);' >"$D/003_after.up.sql"
    local pid
    start_up
    expect_exit 0 up
    wait "$pid"
    expect_equal t sql "select indisvalid from pg_index where indexrelid = 'big_idx'::regclass"
    exists after_it
}
check 'two runners with a CONCURRENTLY file both end well' concurrently

# sleeping: one session runs pg_sleep. nobody: no session of ours is left.
sleeping() { expect_equal 1 sql "select count(*) from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()"; }
nobody() { expect_equal 0 sql "select count(*) from pg_stat_activity where application_name like 'wrktalk%'"; }

killed() {
    folder killed
    sql 'create table gate (seconds int); insert into gate values (60)'
    echo 'create table before_it (i int); select pg_sleep(seconds) from gate; create table after_it (i int);' >"$D/001_slow.up.sql"
    local pid
    start_up
    wait_until 20 sleeping
    kill -KILL "$pid"
    wait_until 20 nobody
    refuse exists before_it
    sql 'update gate set seconds = 0'
    expect_exit 0 up
    exists before_it
    exists after_it
}
check 'kill -9 in the middle of a file: its session ends soon, nothing half is left, the next run goes on' killed

killed_in_index() {
    folder killed_index
    sql 'create table busy as select 1 as i'
    printf -- '-- wrktalk: no-transaction\ncreate index concurrently if not exists busy_idx on busy (i);\n' >"$D/001_index.up.sql"
    PGAPPNAME=writer psql -Xqc 'begin; insert into busy values (2); select pg_sleep(100)' >/dev/null 2>&1 &
    wait_until 20 sleeping
    local pid
    start_up
    wait_until 20 exists busy_idx
    kill -KILL "$pid"
    wait_until 20 nobody
    expect_equal f sql "select indisvalid from pg_index where indexrelid = 'busy_idx'::regclass"
    sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'writer'" >/dev/null
    expect_exit 0 up
    expect_equal t sql "select indisvalid from pg_index where indexrelid = 'busy_idx'::regclass"
}
check 'kill -9 in the middle of an index build: the next run builds it anew' killed_in_index

busy() {
    folder held
    echo 'create table gone (i int);' >"$D/001_gone.up.sql"
    psql -Xqc 'select pg_advisory_lock(2003987316, 1), pg_sleep(5)' >/dev/null &
    local holder=$!
    wait_until 20 sleeping
    expect_exit 4 up --wait-lock 300ms
    expect_output 'another migration is running: psql, pid [0-9]+, since 20'
    expect_exit 0 up --wait-lock 20s
    wait "$holder"
}
check 'another runner is waited for, and named when that takes too long' busy

lock_lost() {
    folder lost
    echo 'create table never (i int); select pg_sleep(60);' >"$D/001_slow.up.sql"
    local pid status=0
    start_up
    wait_until 20 sleeping
    sql "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'" >/dev/null
    wait "$pid" || status=$?
    cat "$D.log"
    expect_equal 6 echo "$status"
    grep -q 'lost the connection that holds the migration lock' "$D.log"
    wait_until 20 nobody
    refuse exists never
}
check 'a runner that loses its lock stops and undoes' lock_lost

table_in_use() {
    folder in_use
    sql 'create table hot (i int)'
    echo 'alter table hot add column j int;' >"$D/001_hot.up.sql"
    psql -Xqc 'begin; select * from hot; select pg_sleep(5); commit' >/dev/null &
    local reader=$!
    wait_until 20 sleeping
    expect_exit 0 up --ddl-lock-timeout 200ms
    expect_output 'migrate.retrying'
    wait "$reader"
}
check 'a table in use is tried again, never queued up behind' table_in_use

interrupted() {
    folder interrupted
    echo 'create table never (i int); select pg_sleep(60);' >"$D/001_slow.up.sql"
    local pid status=0
    start_up
    wait_until 20 sleeping
    kill -TERM "$pid"
    wait "$pid" || status=$?
    expect_equal 143 echo "$status"
    wait_until 20 nobody
    refuse exists never
}
check 'SIGTERM ends the statement and undoes' interrupted

agent_adopted() {
    pg_database v42
    v42_tables
    sql "insert into agent_task (type) values ('deploy')"
    expect_exit 0 "$WRKTALK" migrate up --set agent
    expect_output '^==> All 18 agent tables verified successfully'
    expect_equal 'deploy|pending|0' sql 'select type, status, attempt from agent_task'
    expect_exit 0 "$WRKTALK" verify --set agent
}
check "a v4.2 database keeps its rows" agent_adopted

waits_for_the_server() {
    PGDATABASE=guide
    pg_stop "$WORK/pg"
    "$WRKTALK" migrate up --wait 30s >"$WORK/waited" 2>&1 &
    local pid=$!
    sleep 1
    pg_start "$WORK/pg"
    wait "$pid"
    grep -q 'already applied. Skipping' "$WORK/waited"
}
check '--wait waits until the server answers' waits_for_the_server

# on_version CONNINFO: both sets go up, stay, verify and go down on another version of the server.
on_version() {
    local dsn=$1
    psql -Xqc 'create database migrate_suite' "$dsn"
    dsn=${dsn/dbname=postgres/dbname=migrate_suite}
    for set in checkpoint agent; do
        expect_exit 0 "$WRKTALK" migrate up --set "$set" --dsn "$dsn"
        expect_output 'already applied. Skipping.' "$WRKTALK" migrate up --set "$set" --dsn "$dsn"
        expect_output "All $set checks passed" "$WRKTALK" verify --set "$set" --dsn "$dsn"
        expect_exit 0 "$WRKTALK" migrate down --set "$set" --to 0 --yes --dsn "$dsn"
    done
    expect_equal wrktalk_migration psql -XAtc "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'" "$dsn"
    psql -Xqc 'drop database migrate_suite' "$1"
}
for version in 13 14 16 17 18; do
    if have_service "postgres-$version"; then
        check "both sets on PostgreSQL $version" on_version "$(pg_extra "$version")"
    fi
done
