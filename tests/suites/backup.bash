#!/usr/bin/env bash
# Backups of the checkpoint tables: made by the real pg_dump, read, restored, pruned, and what goes wrong.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_cluster
mkdir "$WORK/backups"
DIR=$WORK/backups
today=$(date -u +%Y%m%d)
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
    zstd -q -d -c "$DIR"/*.sql.zst | grep -q 'PostgreSQL database dump complete'
    pg_restore -l "$DIR"/*.dump | grep -q 'TABLE DATA public checkpoints'
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
