# shellcheck shell=bash
# Sourced by the suites of backups: a database with rows of awkward content, and an empty folder DIR for backups.
pg_cluster
mkdir "$WORK/backups"
DIR=$WORK/backups
today=$(date -u +%Y%m%d)
# shellcheck disable=SC2034  # the suites use it
first=$DIR/checkpoint_$today.sql.gz

# fill THREADS: rows of awkward content in the three tables.
fill() {
    sql "insert into checkpoints (thread_id, checkpoint_id, checkpoint, metadata)
             select 't' || n, 'c' || n, jsonb_build_object('v', 4, 'n', n, 'text', E'tab\t\"quote\\\\.\n\\\\.\nü'), '{}'
             from generate_series(1, $1) n;
         insert into checkpoint_blobs (thread_id, channel, version, type, blob)
             select 't' || n, E'a\\\\b', 'v', 'msgpack', case when n % 3 > 0 then sha256(n::text::bytea) end
             from generate_series(1, $1) n;
         insert into checkpoint_writes (thread_id, checkpoint_id, task_id, idx, channel, blob)
             select 't' || n, 'c' || n, E'\\\\.', n, E'\\\\.', '\\x5c2e0a' from generate_series(1, $1) n"
}

# content: everything in the tables, as one digest.
content() {
    sql "select md5(string_agg(t, E'\n' order by t)) from (
             select 'c' || c::text t from checkpoints c union all select 'b' || b::text from checkpoint_blobs b
             union all select 'w' || w::text from checkpoint_writes w
             union all select 'm' || m::text from checkpoint_migrations m) x"
}

backup() { "$WRKTALK" backup "$1" --dir "$DIR" "${@:2}"; }

# nothing_half: no temporary file, and each file that looks like a backup is whole.
nothing_half() { expect_equal '' find "$DIR" -name '.*.part'; }

pg_database wrktalk
"$WRKTALK" migrate up >/dev/null
fill 1000 >/dev/null
