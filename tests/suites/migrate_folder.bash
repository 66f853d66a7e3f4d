#!/usr/bin/env bash
# Migrations of one's own: plan, goto, baseline, repair, create, what verify knows of them, a pooler in between.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres

# folder NAME: a new, empty folder of migrations and a new database for it.
folder() {
    D=$WORK/$1
    mkdir "$D"
    pg_database "$1"
}
# three NAME: a folder with three migrations and their down files.
three() {
    folder "$1"
    local n
    for n in 1 2 3; do
        echo "create table t$n (i int primary key, note text default '$n');" >"$D/00${n}_t$n.up.sql"
        echo "drop table t$n;" >"$D/00${n}_t$n.down.sql"
    done
}
m() { "$WRKTALK" migrate "$1" --dir "$D" "${@:2}"; }
v() { "$WRKTALK" verify --dir "$D" "$@"; }
exists() { [ "$(sql "select to_regclass('$1') is not null")" = t ]; }
valid() { [ "$(sql "select indisvalid from pg_index where indexrelid = '$1'::regclass")" = t ]; }
invalidate() { sql "update pg_index set indisvalid = false where indexrelid = '$1'::regclass"; }
pg_cluster max_locks_per_transaction=256

planned() {
    three planned
    m plan >"$WORK/plan.sql"
    expect_equal 3 grep -c '^BEGIN;$' "$WORK/plan.sql"
    refuse exists t1
    psql -Xq -v ON_ERROR_STOP=1 -f "$WORK/plan.sql"
    exists t3
    expect_output '^==> Migration 002 recorded$' m baseline
    expect_output '^Nothing to record' m baseline
    expect_output 'Migration 003 already applied. Skipping.' m up
    expect_output '^003 +t3 +recorded' m status --exit-code
    expect_output '^-- nothing to do$' m plan
    expect_output '^-- down: .*/003_t3.down.sql$' m plan --to 1
    expect_output '"direction": "down"' m plan --to 1 -o json
    expect_output 'warning: migration 001 \(t1\) was recorded and not run' v
    expect_exit 2 m plan --to 9
    expect_output 'there is no migration 009'
}
check 'what plan prints can be run by psql, and baseline records it' planned

gone_to() {
    three gone_to
    expect_exit 0 m goto 2
    refuse exists t3
    sql 'insert into t2 select generate_series(1, 7)'
    expect_exit 2 m goto 1
    expect_output '\-\-yes'
    expect_output 'Rows in the tables that these made or changed: t2 7' m goto 1 --yes
    refuse exists t2
    exists t1
    expect_exit 0 m goto 3
    exists t3
    expect_exit 0 v
    expect_exit 0 m goto 0 --yes
    refuse exists t1
    expect_exit 2 m goto 4
    expect_output '^hint: see .wrktalk migrate status'
}
check 'goto goes both ways and tells how many rows are lost' gone_to

late() {
    three late
    mv "$D/002_t2.up.sql" "$WORK/kept"
    rm "$D/002_t2.down.sql"
    mv "$D/003_t3.up.sql" "$D/20260103_t3.up.sql"
    rm "$D/003_t3.down.sql"
    expect_exit 0 m up
    mv "$WORK/kept" "$D/20260102_t2.up.sql"
    expect_exit 1 m up
    expect_output '20260102_t2.up.sql is older than migrations that are already applied'
    expect_output '^hint: .*--allow-out-of-order'
    expect_exit 3 m status --exit-code
    expect_output 'out of order'
    expect_exit 0 m up --allow-out-of-order
    exists t2
    expect_exit 0 m status --exit-code
    expect_exit 0 v
    expect_output '^ok +migrations: 3 of 3 applied'
}
check 'an older file that comes late is refused, and applied when asked; timestamps are numbers' late

# drift SQL REGEX: verify names what the migrations did not make.
drift() {
    dropdb --if-exists drift
    createdb -T original drift
    PGDATABASE=drift
    sql "$1"
    expect_exit 3 v
    expect_output "$2"
}
original() {
    folder original
    cat >"$D/001_shop.up.sql" <<SQL
create schema stock;
create table customer (id bigint generated always as identity primary key, email text not null unique);
create table stock."Part.No" (id int primary key, size int check (size > 0));
create table shopping (id uuid primary key default gen_random_uuid(), customer bigint not null references customer);
create index shopping_customer_idx on shopping (customer);
SQL
    cat >"$D/002_touch.up.sql" <<SQL
create function touch() returns trigger language plpgsql as 'begin return new; end';
create trigger touch before update on shopping for each row execute function touch();
insert into customer (email) values ('a@example.com');
SQL
    expect_exit 1 v
    expect_output 'set default has no ledger in this database'
    expect_output '^hint: run .wrktalk migrate up'
    expect_exit 0 m up
    expect_exit 0 v
    expect_output '^ok +tables: 3 of 3'
    expect_output '^customer +1 +2 +2 '
    expect_output '"clean": true' v -o json
    # Tables of others are nobody's drift.
    sql 'create table mine (i int)'
    expect_exit 0 v
}
check 'verify knows the structure that a folder has made, from the ledger' original
D=$WORK/original
check 'a dropped foreign key is drift' drift 'alter table shopping drop constraint shopping_customer_fkey' \
    'constraint FOREIGN KEY \(customer\) REFERENCES customer\(id\) of shopping: expected present, found nothing'
check 'a dropped unique constraint is drift' drift 'alter table customer drop constraint customer_email_key' \
    'constraint UNIQUE \(email\) of customer: expected present, found nothing'
check 'a type in another schema is drift' drift 'alter table stock."Part.No" alter size type bigint' \
    'column size of stock."Part.No": expected integer, found bigint'
check 'a nullable column is drift' drift 'alter table customer alter email drop not null' \
    'column email of customer: expected text not null, found text'
check 'a lost default is drift' drift 'alter table shopping alter id drop default' \
    'column id of shopping: expected uuid not null default gen_random_uuid\(\), found uuid not null'
check 'a trigger with another body is drift' drift \
    "create or replace function touch() returns trigger language plpgsql as 'begin return null; end'" \
    'trigger touch of shopping: expected CREATE TRIGGER touch .*, found CREATE TRIGGER touch'
check 'an INVALID index is drift' drift \
    "update pg_index set indisvalid = false where indexrelid = 'shopping_customer_idx'::regclass" \
    'index shopping_customer_idx of shopping: expected btree \(customer\), found btree \(customer\) INVALID'

other_path() {
    PGDATABASE=original
    sql 'create schema app'
    PGOPTIONS='-c search_path=app,public' expect_exit 0 v
    sql 'create role looker login; grant pg_read_all_data to looker; grant usage on schema stock to looker'
    PGUSER=looker expect_exit 0 v
    PGUSER=looker expect_exit 0 m status --exit-code
    mv "$D/002_touch.up.sql" "$D/003_touch.up.sql"
    echo 'select 1;' >"$D/002_between.up.sql"
    expect_exit 3 v
    expect_output '002_between.up.sql has changed since'
    expect_output '003_touch.up.sql is not applied'
}
check 'verify reads with another search_path and for a role that may only read' other_path

settings_left() {
    folder settings
    cat >"$D/001_dump.up.sql" <<SQL
SET statement_timeout = 1;
RESET statement_timeout;
SELECT pg_catalog.set_config('search_path', '', false);
SET default_transaction_read_only = on;
CREATE TABLE public.a (i int);
SQL
    echo 'create table b (i int);' >"$D/002_b.up.sql"
    expect_exit 0 m up
    exists public.b
    expect_exit 0 v
}
check "settings that a file leaves behind, as pg_dump's do, do not meet the next one" settings_left

dumped() {
    folder dumped
    sql 'create table shop (id int primary key, note text); create view seen as select * from shop'
    pg_dump -s >"$D/001_init.up.sql"
    grep -q '^.restrict' "$D/001_init.up.sql"
    sed -i '0,/^SET /s//SET transaction_timeout = 0;\nSET /' "$D/001_init.up.sql"
    sql 'drop table shop cascade' >/dev/null
    echo 'create table after (i int);' >"$D/002_after.up.sql"
    expect_exit 0 m up
    exists public.after
    exists public.seen
    expect_exit 0 v
    printf 'select 1;\n\\i other.sql\n' >"$D/003_other.up.sql"
    expect_exit 1 m up
    expect_output '003_other.up.sql:2: .i is a command of psql'
    expect_output '^hint: put what that file says in here'
}
check 'what pg_dump -s writes is taken, with a setting of a newer server; other commands of psql are named' dumped

left_behind() {
    folder left_behind
    cat >"$D/001_leaves.up.sql" <<SQL
create temporary table kept (i int);
prepare told as select 1;
select pg_advisory_lock(815);
declare open_cursor cursor with hold for select 1;
listen something;
SQL
    cat >"$D/002_looks.up.sql" <<SQL
do \$\$ begin
  if to_regclass('pg_temp.kept') is not null then raise exception 'a temporary table is left'; end if;
  if exists (select from pg_prepared_statements) then raise exception 'a prepared statement is left'; end if;
  if exists (select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) then raise exception 'a lock is left'; end if;
  if exists (select from pg_cursors where name = 'open_cursor') then raise exception 'a cursor is left'; end if;
  if exists (select from pg_listening_channels()) then raise exception 'it listens'; end if;
end \$\$;
SQL
    printf -- '-- wrktalk: no-transaction\nselect pg_advisory_lock(816);\n' >"$D/003_lock.up.sql"
    sed 's/exception .a lock/exception '"'"'one more lock/' "$D/002_looks.up.sql" >"$D/004_looks.up.sql"
    expect_exit 0 m up
}
check 'temporary tables, prepared statements, locks, cursors and channels of a file do not reach the next one' left_behind

collided() {
    folder collided
    echo 'create sequence tries;' >"$D/001_tries.up.sql"
    cat >"$D/002_collides.up.sql" <<SQL
prepare once as select 1;
do \$\$ begin
  if nextval('tries') < 3 then raise exception 'they collided' using errcode = 'serialization_failure'; end if;
end \$\$;
create table made (i int);
SQL
    expect_exit 0 m up
    exists made
    expect_equal 3 sql 'select last_value from tries'
}
check 'a file that collides with another transaction is run again' collided

never_read() {
    folder never_read
    cat >"$D/001_all.up.sql" <<SQL
create table t (i int);
insert into t select generate_series(1, 12);
create view failing as select 1 / (i - i) as x from t;
create materialized view empty as select * from t with no data;
create extension postgres_fdw;
create server away foreign data wrapper postgres_fdw options (host '127.0.0.1', port '1');
create user mapping for current_user server away;
create foreign table far (i int) server away;
create table parts (i int) partition by range (i);
create table part_here partition of parts for values from (0) to (10);
create foreign table part_far partition of parts for values from (10) to (20) server away;
SQL
    expect_exit 0 m up
    expect_exit 0 v --count
    expect_output '^t +12 '
    expect_output '^failing +- '
    expect_output '^empty +- '
    expect_output '^far +- '
    expect_exit 0 v -o json
    jq -e '.tables | map({(.name): .rows}) | add | .t == 12 and .failing == null and .part_here == 0' "$OUT"
    sql 'drop foreign table far; create table far (i int)'
    expect_exit 3 v
    expect_output 'table far: expected foreign table, found table'
}
if [ "$(sql "select count(*) from pg_available_extensions where name = 'postgres_fdw'" 2>/dev/null)" = 1 ]; then
    check 'views, materialized views and foreign tables are compared and never read' never_read
fi

many() {
    folder many
    local began
    seq -f 'create table t%g (id int primary key, note text);' 2000 >"$D/001_many.up.sql"
    expect_exit 0 m up
    expect_exit 0 v
    began=$(date +%s%N)
    expect_exit 0 v
    echo "$((($(date +%s%N) - began) / 1000000)) ms"
    [ $((($(date +%s%N) - began) / 1000000)) -lt 8000 ]
}
check '2,000 tables are verified in seconds' many

large() {
    folder large
    echo 'create table t (i int, pad text);' >"$D/001_t.up.sql"
    expect_exit 0 m up
    sql "alter table t set (autovacuum_enabled = off); alter table t alter pad set storage plain; insert into t select i, repeat('x', 7000) from generate_series(1, 40000) i" >/dev/null
    expect_output '^t +- ' v
    sql 'analyze t'
    expect_output '^t +~[0-9]+ ' v
    expect_output '^t +40000 ' v --count
    dropdb large
}
check 'a large table is counted when asked, else as the statistics say' large

repaired() {
    folder repaired
    echo 'create table big as select i from generate_series(1, 100) i; create index a_idx on big (i);' >"$D/001_big.up.sql"
    echo 'create index concurrently "B idx" on big ((i + 1));' >"$D/002_b.up.sql"
    expect_exit 0 m up
    expect_output '0 index repairs' m repair
    invalidate a_idx
    invalidate '"B idx"'
    sql 'create unique index big_ccnew on big (i)'
    invalidate big_ccnew
    expect_output '^INVALID index a_idx of table big: no query uses it' m status
    expect_exit 3 m status --exit-code
    expect_output '"name": "a_idx"' m status -o json
    expect_exit 3 v
    expect_output '3 index repairs' m repair
    valid a_idx
    valid '"B idx"'
    refuse exists big_ccnew
    expect_exit 0 v
    sql 'drop index a_idx'
    expect_output '1 index repair,' m repair
    valid a_idx
    expect_exit 0 m status --exit-code
}
check 'repair builds anew what is INVALID or gone, and drops what a REINDEX left' repaired

accepted() {
    three accepted
    expect_exit 0 m up
    echo "create table t2 (i int primary key, note text default '2'); -- now with a comment" >"$D/002_t2.up.sql"
    expect_exit 1 m up
    expect_output '^hint: restore the file .* repair --accept-changed'
    expect_output '0 files accepted' m repair
    expect_output '1 file accepted' m repair --accept-changed
    expect_output 'already applied' m up
}
check 'a file that was only rewritten can be accepted' accepted

limits() {
    folder limits
    sql 'create table hot (i int)'
    printf -- '-- wrktalk: statement-timeout=200ms\nselect pg_sleep(20);\n' >"$D/001_slow.up.sql"
    expect_exit 1 m up
    expect_output '001_slow.up.sql: canceling statement due to statement timeout \(SQLSTATE 57014\)'
    echo 'select pg_sleep(20);' >"$D/001_slow.up.sql"
    expect_exit 1 m up --statement-timeout 200ms
    expect_output 'statement timeout'
    printf -- '-- Hot\n-- wrktalk: lock-timeout=50ms\nalter table hot add j int;\n' >"$D/001_slow.up.sql"
    psql -Xqc 'begin; select * from hot; select pg_sleep(2); commit' >/dev/null &
    local reader=$!
    wait_until 10 expect_equal 1 sql "select count(*) from pg_stat_activity where query like '%pg_sleep(2)%' and state = 'active' and pid <> pg_backend_pid()"
    expect_exit 0 m up --ddl-lock-timeout 60s
    expect_output 'migrate.retrying'
    wait "$reader"
    printf -- '-- wrktalk: fast\nselect 1;\n' >"$D/002_word.up.sql"
    expect_exit 1 m up
    expect_output "002_word.up.sql:1: unknown word 'fast'"
}
check "a file's header sets its own limits" limits

created() {
    folder created
    expect_output '/001_customers.up.sql$' m create customers
    echo 'create table customers (i int);' >>"$D/001_customers.up.sql"
    expect_output '^==> Applying migration 001: Customers' m up
    expect_output '/002_orders.down.sql$' m create orders
    expect_output '^==> Migration 002 applied' m up
    expect_exit 2 m create '../evil'
    chmod 500 "$D"
    [ "$(id -u)" -eq 0 ] || expect_exit 1 m create nothing
    chmod 700 "$D"
}
check 'create makes files that run' created

# As `migrate create -seq` and `migrate up` of golang-migrate have them: a folder with transactions of its own, an index
# built concurrently without a mark, and other files beside.
golang_migrate() {
    folder golang
    printf 'BEGIN;\n\nCREATE TABLE users (id serial PRIMARY KEY, email text);\n\nCOMMIT;\n' >"$D/000001_users.up.sql"
    printf 'DROP TABLE IF EXISTS users;\n' >"$D/000001_users.down.sql"
    printf 'CREATE INDEX CONCURRENTLY users_email ON users (email);\n' >"$D/000002_users_email.up.sql"
    printf 'DROP INDEX CONCURRENTLY IF EXISTS users_email;\n' >"$D/000002_users_email.down.sql"
    printf 'ALTER TABLE users ADD name text;\r\nUPDATE users SET name = email;\r\n' >"$D/000003_names.up.sql"
    printf 'ALTER TABLE users DROP name;\n' >"$D/000003_names.down.sql"
    touch "$D/README.md" "$D/embed.go"
    expect_exit 0 m up
    expect_exit 0 v
    expect_exit 0 m down --steps 2 --yes
    expect_output '000002'
    refuse exists users_email
    expect_exit 0 m goto 0 --yes
    refuse exists users
    expect_exit 0 m up
    exists users_email
}
check "golang-migrate's folder works unchanged" golang_migrate

json_records() {
    three json
    echo 'create table t3 (i int primary keyy);' >"$D/003_t3.up.sql"
    expect_exit 1 m up -o json
    expect_equal '[1, 2] 2 True' python3 -c '
import json, sys
document = json.load(open(sys.argv[1]))
done = document["migrations"]
print([item["number"] for item in done], document["error"].count("\n"), all(item["duration_ms"] >= 0 for item in done))' "$OUT"
    expect_exit 3 v
    expect_output '003_t3.up.sql is not applied'
}
check '-o json has one record a migration, also of a run that failed' json_records

cut_short() {
    three cut_short
    expect_exit 0 m up --to 2
    sql 'update wrktalk_migration set fingerprint = null'
    expect_exit 1 v
    expect_output 'the last run on set default was cut short'
    expect_exit 0 m up --to 2
    expect_output 'already applied'
    expect_exit 3 v
    expect_output '003_t3.up.sql is not applied'
    expect_output '^ok +tables: 2 of 2'
}
check 'a run that was killed before it wrote down what it made is completed by the next' cut_short

noticed() {
    folder noticed
    printf "do \$\$ begin raise notice 'so many rows: 7'; raise warning 'look out'; end \$\$;\n" >"$D/001_n.up.sql"
    expect_exit 0 m up
    expect_output 'so many rows: 7.*severity=NOTICE'
    expect_output 'look out.*severity=WARNING'
}
check 'notices of the server are shown' noticed

hasty() {
    folder hasty
    echo 'create table t as select 1 as i from pg_sleep(0.6);' >"$D/001_t.up.sql"
    sql 'create role hasty login; grant create on schema public to hasty'
    sql "alter role hasty set statement_timeout = '300ms'"
    PGUSER=hasty expect_exit 0 m up
}
check "a role's own statement_timeout does not end a migration" hasty

pooled() {
    mkdir "$WORK/pooler"
    cat >"$WORK/pooler/pgbouncer.ini" <<INI
[databases]
* = host=$PGHOST user=postgres
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = $WORK/pooler
auth_type = any
pool_mode = transaction
default_pool_size = 5
INI
    unprivileged "$WORK/pooler"
    # shellcheck disable=SC2154  # unprivileged has set it
    "${as_server[@]}" "$(command -v pgbouncer)" "$WORK/pooler/pgbouncer.ini" >"$WORK/pooler/log" 2>&1 &
    local pooler=$! pids=() pid n
    wait_until 10 psql -Xh "$WORK/pooler" -p 6432 -d pgbouncer -c 'show version'
    three pooled
    echo 'create index concurrently t1_note on t1 (note);' >"$D/004_index.up.sql"
    sql 'alter database pooled set lock_timeout = 12345'
    through() { PGHOST=$WORK/pooler PGPORT=6432 "$@"; }
    for n in 1 2 3 4; do
        through m up >"$WORK/pooled.$n" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || { cat "$WORK"/pooled.*; kill "$pooler"; return 1; }; done
    cat "$WORK"/pooled.*
    expect_equal 4 sh -c "cat '$WORK'/pooled.* | grep -c 'applied successfully'"
    expect_exit 0 through v
    valid t1_note
    expect_exit 1 through m goto 2 --yes
    expect_output '004_index.up.sql has no down file'
    expect_equal 12345ms through sql 'show lock_timeout'
    expect_equal 0 sql "select count(*) from pg_locks where locktype = 'advisory'"
    kill "$pooler"
}
if have_service pgbouncer; then
    check 'four runners through PgBouncer in transaction mode: all end well, nothing is left in its sessions' pooled
fi

# A runner that is killed right after the server has done what it asked for outside a transaction.
cut_short() { WRKTALK_CRASH_AT=migration-run expect_exit 137 m up; }
index_on_big() { sql "select indisvalid from pg_index where indexrelid = to_regclass('big_idx')"; }
folder begun
begun() {
    echo 'create table big as select generate_series(1, 100) i;' >"$D/001_big.up.sql"
    echo 'create index concurrently big_idx on big (i);' >"$D/002_index.up.sql"
    echo 'drop index concurrently big_idx;' >"$D/002_index.down.sql"
    expect_exit 0 m up --to 1
    cut_short
    expect_exit 3 m status --exit-code
    expect_output '^002 +index +begun '
    expect_equal t index_on_big
}
finished() {
    expect_exit 0 m status --exit-code
    expect_output '^002 +index +applied '
    expect_equal t index_on_big
    expect_exit 0 v
}
check 'what ran outside a transaction and was not written down is begun' begun
check 'up takes a whole index for done' expect_exit 0 m up
check 'and it is applied' finished
undone_twice() {
    WRKTALK_CRASH_AT=migration-run expect_exit 137 m down --yes
    expect_equal '' index_on_big
    expect_exit 3 m status --exit-code
    expect_output '^002 +index +begun '
    expect_exit 0 m down --yes
    expect_exit 3 m status --exit-code
    expect_output '^002 +index +pending$'
}
check 'the same of one that is undone' undone_twice
repaired() {
    cut_short
    expect_output '1 migration finished' m repair
    finished
}
check 'repair takes it for done, too' repaired
half_built() {
    expect_exit 0 m down --yes
    cut_short
    sql "update pg_index set indisvalid = false where indexrelid = 'big_idx'::regclass"
    expect_exit 0 m up
    finished
}
check 'an INVALID index is built anew' half_built
gone() {
    expect_exit 0 m down --yes
    cut_short
    sql 'drop index big_idx'
    expect_exit 0 m up
    finished
}
check 'one that is not there is built' gone
not_ours() {
    expect_exit 0 m down --yes
    sql 'create index big_idx on big ((i + 1))'
    expect_exit 1 m up
    expect_output 'relation "big_idx" already exists'
    expect_exit 1 m up
    expect_exit 3 m status --exit-code
    expect_output '^002 +index +pending$'
}
check 'an index of that name that was there before is not ours' not_ours

misnamed() {
    local name
    for name in abc_x.up.sql 2_.up.sql 003-x.down.sql 003_x.sql 003_x.UP.SQL; do
        folder "m$RANDOM"
        echo 'select 1;' >"$D/001_one.up.sql"
        echo 'a seed, not a migration' >"$D/seed.sql"
        expect_exit 0 m up
        echo 'select 1;' >"$D/$name"
        expect_exit 1 m up
        expect_output "/$name looks like a migration"
    done
}
check 'a file that looks like a migration and cannot be one is named' misnamed
labels() {
    folder labels
    echo 'select 1;' >"$D/001_one.up.sql"
    echo 'select 2;' >"$D/002_two.up.sql"
    expect_exit 0 m up
    expect_exit 2 m goto 7
    expect_output 'there is no migration 007'
    rm "$D/002_two.up.sql"
    expect_output '^002 +two +unknown' m status
    expect_output '"label": "002"' m status -o json
    echo 'select 4;' >"$D/004_four.up.sql"
    expect_exit 1 m up
    expect_output 'number 002 is missing between'
}
check 'a version is written as its file writes it' labels
