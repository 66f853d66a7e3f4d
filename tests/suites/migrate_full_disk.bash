#!/usr/bin/env bash
# Migrations on a server whose disk is full: the tables lie on a file system of 16 MB that another file fills.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_cluster autovacuum=off
mkdir -m 777 "$WORK/small"
mount -t tmpfs -o size=16m,mode=777 tmpfs "$WORK/small" 2>/dev/null || skip_suite 'no file system can be mounted here'
at_exit umount -l "$WORK/small"
sql "create tablespace small location '$WORK/small'" >/dev/null
# leave_free KILOBYTES: fill the file system but for so many.
leave_free() {
    local free
    free=$(df --output=avail "$WORK/small" | tail -n 1)
    dd if=/dev/zero of="$WORK/small/filler" bs=1K count=$((free - $1)) status=none
}
make_room() { rm "$WORK/small/filler"; }
# database NAME: a new one, whose tables lie there.
database() {
    pg_database "$1"
    sql "alter database $1 set default_tablespace = small" >/dev/null
}
tables() {
    sql "select string_agg(relname, ' ' order by relname) from pg_class
         where relnamespace = 'public'::regnamespace and relkind = 'r'"
}
applied() { sql "select string_agg(number::text, ' ' order by number) from wrktalk_migration"; }

folder=$WORK/folder
mkdir "$folder"
echo 'create table customer (id int, name text);' >"$folder/001_customer.up.sql"
cat >"$folder/002_history.up.sql" <<'SQL'
create table history (id int, said text);
insert into history
    select i, (select string_agg(md5(i::text || j), '') from generate_series(1, 30) j) from generate_series(1, 4000) i;
SQL
echo 'create table after_it (id int);' >"$folder/003_after_it.up.sql"
printf -- '-- wrktalk: no-transaction\ncreate index concurrently history_said_idx on history (id, said);\n' \
    >"$folder/004_index.up.sql"
# shellcheck disable=SC2120  # expect_exit passes its words on
up() { "$WRKTALK" migrate up --dir "$folder" "$@"; }
# out_of_space FILE: what up says of it.
out_of_space() {
    expect_exit 1 up
    expect_output "error: $folder/$1: could not extend file .*: No space left on device \(SQLSTATE 53100\)"
    expect_output '^hint: free disk space on the database server'
}

database folder
leave_free 2000
in_transaction() {
    out_of_space 002_history.up.sql
    expect_equal 'customer wrktalk_migration' tables
    expect_equal 1 applied
    expect_exit 3 "$WRKTALK" migrate status --exit-code --dir "$folder"
    expect_output '^002 +history +pending'
}
check 'a file that runs out of space is named, and nothing of it is left' in_transaction
make_room
goes_on() {
    expect_exit 0 up --to 3
    expect_equal 'after_it customer history wrktalk_migration' tables
    expect_equal '1 2 3' applied
    expect_equal 4000 sql 'select count(*) from history'
}
check 'the next run, when there is room, goes on with it' goes_on

leave_free 1000
index_build() {
    out_of_space 004_index.up.sql
    expect_equal '1 2 3' applied
    expect_equal f sql "select indisvalid from pg_index where indexrelid = 'history_said_idx'::regclass"
    expect_exit 3 "$WRKTALK" migrate status --exit-code --dir "$folder"
    expect_output 'INVALID index history_said_idx'
}
check 'an index build that runs out of space is named, and status tells what is INVALID' index_build
make_room
index_again() {
    expect_exit 0 up
    expect_equal '1 2 3 4' applied
    expect_equal t sql "select indisvalid from pg_index where indexrelid = 'history_said_idx'::regclass"
    expect_exit 0 "$WRKTALK" verify --dir "$folder"
}
check 'the next run builds it anew' index_again
dropdb --maintenance-db=postgres folder

# Each of the built-in sets, with less and less room: whatever cannot be written, even the ledger's row.
built_in() {
    local room
    database "$1"
    for room in 0 8 16 40 64; do
        leave_free "$room"
        expect_exit 1 "$WRKTALK" migrate up --set "$1"
        expect_output "error: .*$2.*: could not .*No space left on device"
        make_room
        expect_equal '' tables
    done
    expect_exit 0 "$WRKTALK" migrate up --set "$1"
    expect_exit 0 "$WRKTALK" verify --set "$1"
}
check 'the checkpoint tables are made whole or not at all' built_in checkpoint 001_create_checkpointer_tables
check "the agent's tables, too" built_in agent 001_agent_tables
