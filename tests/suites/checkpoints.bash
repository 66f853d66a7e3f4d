#!/usr/bin/env bash
# Retention of LangGraph's checkpoints, judged by its own Python library.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres python3 node npm jq
exports=$("$SUPPORT/langgraph/install") || skip_suite 'the LangGraph libraries cannot be installed'
eval "$exports"
pg_cluster

history() { python3 "$SUPPORT/langgraph/history.py" "$@"; }
prune() { "$WRKTALK" checkpoints prune "$@"; }
count() { sql "select count(*) from $1"; }

# made NAME: a database with threads, all checkpoints 40 days old but those of thread-1.
made() {
    pg_database "$1"
    "$WRKTALK" migrate up >/dev/null
    history make 10
    sql "update checkpoints set checkpoint = checkpoint || jsonb_build_object('ts',
             to_char(now() at time zone 'UTC' - interval '40 days', 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00'))
         where thread_id <> 'thread-1'" >/dev/null
    history state >"$WORK/before"
}

same_state() {
    history state >"$WORK/after"
    cmp "$WORK/before" "$WORK/after"
}

# no_orphans: every write has its checkpoint, every blob something that refers to it, and every reference its blob.
no_orphans() {
    expect_equal 0 sql 'select count(*) from checkpoint_writes w where not exists (select from checkpoints c where
        (c.thread_id, c.checkpoint_ns, c.checkpoint_id) = (w.thread_id, w.checkpoint_ns, w.checkpoint_id))'
    expect_equal 0 sql "select count(*) from checkpoint_blobs b where not exists (select from checkpoints c where
        (c.thread_id, c.checkpoint_ns) = (b.thread_id, b.checkpoint_ns)
        and c.checkpoint -> 'channel_versions' ->> b.channel = b.version)"
    expect_equal 0 sql "select count(*) from checkpoints c, jsonb_each_text(c.checkpoint -> 'channel_versions') v
        where not exists (select from checkpoint_blobs b where (b.thread_id, b.checkpoint_ns, b.channel, b.version)
        = (c.thread_id, c.checkpoint_ns, v.key, v.value))"
    expect_equal 0 sql 'select count(*) from checkpoints c where parent_checkpoint_id is not null and not exists (
        select from checkpoints p where (p.thread_id, p.checkpoint_ns, p.checkpoint_id)
        = (c.thread_id, c.checkpoint_ns, c.parent_checkpoint_id))'
}

says_first() {
    local before
    made dry
    before="$(count checkpoints) $(count checkpoint_writes) $(count checkpoint_blobs)"
    expect_exit 0 prune --older-than 30d --dry-run -o json
    cp "$OUT" "$WORK/dry"
    expect_equal "$before" echo "$(count checkpoints) $(count checkpoint_writes) $(count checkpoint_blobs)"
    expect_exit 0 prune --older-than 30d --batch 5 --pause 0s -o json
    expect_equal "$(jq -c 'del(.dry_run)' "$WORK/dry")" jq -c 'del(.dry_run)' "$OUT"
}
check '--dry-run counts exactly what is deleted then, and deletes nothing' says_first

old_ones() {
    made old
    expect_exit 0 prune --older-than 30d
    expect_output '^deleted [1-9][0-9]* checkpoints, [1-9][0-9]* writes and [1-9][0-9]* blobs of 9 threads'
    expect_output '^left alone: 1 threads that use a DeltaChannel'
    same_state
    no_orphans
    expect_equal 12 sql "select count(*) from checkpoints where thread_id = 'thread-delta'"
    expect_equal 12 sql "select count(*) from checkpoints where thread_id = 'thread-1' and checkpoint_ns = ''"
    expect_equal 1 sql "select count(*) from checkpoints where thread_id = 'thread-2' and checkpoint_ns = ''"
    expect_exit 0 prune --older-than 30d
    expect_output '^deleted 0 checkpoints, 0 writes and 0 blobs of 0 threads'
}
check 'old checkpoints go, every thread resumes with the same state, and nothing is left that belongs to nothing' old_ones

latest() {
    made latest
    expect_exit 0 prune --keep-latest 3 --batch 2 --pause 0s
    same_state
    no_orphans
    expect_equal 3 sql "select max(n) from (select count(*) n from checkpoints where checkpoint_ns = '' and
        thread_id <> 'thread-delta' group by thread_id) x"
    # A fork of the third newest still has its subgraph's calls.
    expect_equal 3 sql "select count(distinct checkpoint_ns) from checkpoints where thread_id = 'thread-1'
        and checkpoint_ns like 'child:%'"
}
check '--keep-latest keeps so many of each thread, with the calls of subgraphs that belong to them' latest

one_thread() {
    made one
    expect_exit 0 prune --older-than 30d --thread thread-2
    expect_output 'of 1 threads'
    expect_equal 1 sql "select count(*) from checkpoints where thread_id = 'thread-2' and checkpoint_ns = ''"
    expect_equal 12 sql "select count(*) from checkpoints where thread_id = 'thread-4' and checkpoint_ns = ''"
    expect_exit 0 prune --older-than 30d --namespace memory
    expect_equal 0 sql "select count(*) from (select from checkpoints where checkpoint_ns = 'memory'
        and thread_id <> 'thread-1' group by thread_id having count(*) > 1) x"
    expect_equal 12 sql "select count(*) from checkpoints where thread_id = 'thread-4' and checkpoint_ns = ''"
    same_state
    no_orphans
}
check '--thread and --namespace touch nothing else' one_thread

beside_writers() {
    made busy
    background writer python3 "$SUPPORT/langgraph/history.py" append 6
    for _ in 1 2 3 4 5 6; do
        expect_exit 0 prune --keep-latest 2 --batch 3 --pause 5ms
    done
    wait "$(<"$WORK/writer.pid")" || { cat "$WORK/writer.log"; return 1; }
    expect_exit 0 prune --keep-latest 1
    no_orphans
}
check 'applications that write meanwhile lose nothing' beside_writers

killed() {
    made killed
    local before
    before=$(count checkpoints)
    background prune "$WRKTALK" checkpoints prune --older-than 30d --batch 1 --pause 20ms
    wait_until 10 expect_equal t sql "select count(*) < $before from checkpoints"
    end_background prune KILL || true
    same_state
    no_orphans
    expect_exit 0 prune --older-than 30d
    same_state
    no_orphans
}
check 'one that is killed half-way leaves everything right, and the next goes on' killed

refused() {
    made refused
    expect_exit 2 prune
    expect_output 'what may go is not said'
    expect_exit 2 prune --keep-latest 0
    expect_output 'would end threads for good'
    expect_exit 2 prune --older-than soon
    pg_database empty
    expect_exit 5 prune --older-than 30d
    expect_output 'database empty has no table checkpoints'
}
check 'words that would end threads, and a database without the tables, are refused' refused
