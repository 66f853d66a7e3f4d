#!/usr/bin/env bash
# The checkpoint tables with their other owner: the real LangGraph savers of Python and JavaScript.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres python3 node npm
exports=$("$SUPPORT/langgraph/install") || skip_suite 'the LangGraph libraries cannot be installed'
eval "$exports"
pg_cluster

python_saver() { python3 "$SUPPORT/langgraph/saver.py" "$@"; }
javascript_saver() { node "$SUPPORT/langgraph/saver.mjs" "$@"; }

rows() { sql "select string_agg(v::text, ' ' order by v) from checkpoint_migrations"; }
outcome() { sql "select outcome from wrktalk_migration where set = 'checkpoint' and number = 1"; }
verified() {
    expect_exit 0 "$WRKTALK" verify
    expect_output 'All checkpoint checks passed'
}

# both_savers: setup() changes nothing any more, and the savers work.
both_savers() {
    python_saver setup
    javascript_saver setup
    verified
    python_saver use
    javascript_saver use
}

made_by_us() {
    pg_database ours
    expect_exit 0 "$WRKTALK" migrate up
    both_savers
    expect_equal 9 rows
    expect_equal applied outcome
}
check 'both savers work on the tables that migrate up made, and setup() leaves them alone' made_by_us

made_by_python() {
    pg_database python
    python_saver setup
    python_saver use
    expect_exit 0 "$WRKTALK" migrate up
    expect_output 'Adopting migration 001: the tables exist already and are complete'
    expect_equal adopted outcome
    both_savers
    expect_output 'Migration 001 \(version 9\) already applied. Skipping.' "$WRKTALK" migrate up
}
check "a database that Python's setup() made is adopted" made_by_python

made_by_javascript() {
    pg_database javascript
    javascript_saver setup
    javascript_saver use
    expect_equal '0 1 2 3 4' rows
    expect_exit 3 "$WRKTALK" verify
    expect_output 'column task_path of checkpoint_writes: expected text not null .*, found nothing'
    expect_exit 0 "$WRKTALK" migrate up
    expect_equal '0 1 2 3 4 5 6 7 8 9' rows
    expect_equal 2 sql "select count(*) from checkpoints where thread_id = 'thread-of-saver.mjs'"
    verified
    sql 'delete from checkpoints; delete from checkpoint_blobs; delete from checkpoint_writes'
    both_savers
}
check "a database that JavaScript's setup() made is completed, nothing lost" made_by_javascript

# stopped_at N: setup() was cut short after its migration N.
stopped_at() {
    pg_database "stopped_$1"
    python_saver setup "$1"
    expect_exit 0 "$WRKTALK" migrate up
    expect_equal '0 1 2 3 4 5 6 7 8 9' rows
    both_savers
}
for version in 0 1 2 3 5 7 8; do
    check "a setup() that ended after its migration $version is completed" stopped_at "$version"
done

by_hand() {
    pg_database by_hand
    psql -Xq -v ON_ERROR_STOP=1 -f "$SUPPORT/../../migrations/checkpoint/001_create_checkpointer_tables.up.sql"
    expect_exit 0 "$WRKTALK" migrate up
    expect_equal adopted outcome
    expect_equal 9 rows
    both_savers
}
check 'a hand-made 001 with row 9 alone is adopted' by_hand

row_without_tables() {
    pg_database row_only
    sql 'create table checkpoint_migrations (v integer primary key); insert into checkpoint_migrations values (9)'
    python_saver setup
    expect_exit 3 "$WRKTALK" verify
    expect_output 'table checkpoints: expected table, found nothing'
    expect_exit 0 "$WRKTALK" migrate up
    both_savers
}
check 'a version row without tables is not believed' row_without_tables

invalid_index() {
    pg_database invalid
    python_saver setup 5
    sql 'create index checkpoints_thread_id_idx on checkpoints (thread_id)'
    sql "update pg_index set indisvalid = false where indexrelid = 'checkpoints_thread_id_idx'::regclass"
    python_saver setup
    expect_exit 3 "$WRKTALK" verify
    expect_output 'index checkpoints_thread_id_idx of checkpoints: expected btree \(thread_id\), found .* INVALID'
    expect_exit 0 "$WRKTALK" migrate up
    verified
}
check 'an index that setup() left INVALID is built anew' invalid_index

newer() {
    pg_database newer
    expect_exit 0 "$WRKTALK" migrate up
    sql 'insert into checkpoint_migrations values (10)'
    expect_exit 0 "$WRKTALK" verify
    expect_output 'warning: schema version 10 is newer than 9'
}
check 'a newer version row is a warning' newer

# at_once DELAY: two setup() begin together on an empty database, two migrate up DELAY seconds later.
at_once() {
    pg_database "at_once_${1/./_}"
    local pids=() pid
    for _ in 1 2; do GATE=$WORK/gate-$1 python_saver setup & done
    wait_until 20 expect_equal 2 sql "select count(*) from pg_stat_activity where datname = '$PGDATABASE' and pid <> pg_backend_pid()"
    touch "$WORK/gate-$1"
    sleep "$1"
    for _ in 1 2; do
        "$WRKTALK" migrate up &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    wait
    "$WRKTALK" migrate up
    both_savers
}
for delay in 0 0.01 0.02 0.04 0.08 0.16; do
    check "beside two setup() at once migrate up ends well, $delay s after them" at_once "$delay"
done

# old_library AGE: both libraries of that age, on the tables of both makes.
old_library() {
    eval "$("$SUPPORT/langgraph/install" "$1")"
    pg_database "ours_$1"
    expect_exit 0 "$WRKTALK" migrate up
    both_savers
    resumed
    pg_database "python_$1"
    python_saver setup
    expect_exit 0 "$WRKTALK" migrate up
    both_savers
    pg_database "javascript_$1"
    javascript_saver setup
    expect_exit 0 "$WRKTALK" migrate up
    both_savers
    resumed
}
# resumed: a graph that is killed in its second step goes on there, not at its start.
resumed() {
    expect_exit 137 python3 "$SUPPORT/langgraph/graph.py" crash
    python3 "$SUPPORT/langgraph/graph.py" resume
    expect_exit 137 node "$SUPPORT/langgraph/graph.mjs" crash
    node "$SUPPORT/langgraph/graph.mjs" resume
}
check 'the older libraries work on them as well, and adopted are theirs' old_library older
check 'so do the oldest' old_library oldest
check 'a graph that was killed goes on where it was' old_library newest

old_name() {
    PGDATABASE=ours expect_output 'All checkpoint checks passed' "$SUPPORT/../../scripts/verify_migration.sh"
    expect_output 'All checkpoint checks passed' env -u PGHOST -u PGDATABASE -u PGUSER \
        "$SUPPORT/../../scripts/verify_migration.sh" "host=$PGHOST dbname=ours user=postgres"
}
check "the guide's verify_migration.sh does what its name says" old_name

other_schema() {
    pg_database schema
    sql 'create schema app'
    PGOPTIONS='-c search_path=app,public'
    export PGOPTIONS
    expect_exit 0 "$WRKTALK" migrate up
    expect_equal app sql "select schemaname from pg_tables where tablename = 'checkpoints'"
    verified
    python_saver use
    PGOPTIONS='-c search_path=public,app'
    expect_output 'already applied. Skipping.' "$WRKTALK" migrate up
}
check 'another schema of the search path is respected' other_schema
