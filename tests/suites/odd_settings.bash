#!/usr/bin/env bash
# Settings that a role or a database may have for other reasons, 200 drawn from all that a user may set: each command is right all
# the same, or names the setting. SEED=N draws others; POSTGRES is a file that exports PG* of another server.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres pg_dump
SEED=${SEED:-1}
RANDOM=$SEED
AT_ONCE=5
DRAWN=200
echo "SEED=$SEED"

if [ -n "${POSTGRES:-}" ]; then
    # shellcheck disable=SC1090  # of testbed/pg-up
    . "$POSTGRES"
    unset PGSOCKET PGBIN
    psql -Xqd postgres -c 'drop database if exists odd with (force)' -c 'drop role if exists odd' 2>/dev/null
else
    pg_cluster
fi
admin() { psql -X -At -v ON_ERROR_STOP=1 -d "${2:-postgres}" -c "$1"; }
admin "create role odd login createdb password 'odd'" >/dev/null
admin 'create database odd owner odd' >/dev/null
at_exit dropdb --if-exists --force --maintenance-db=postgres odd
export WRKTALK_AGENT_CHECKPOINT_DSN="host=$PGHOST port=${PGPORT:-5432} user=odd password=odd dbname=odd" \
    WRKTALK_AGENT_DB_HOST=$PGHOST WRKTALK_AGENT_DB_USER=odd WRKTALK_AGENT_DB_NAME=odd WRKTALK_AGENT_DB_PASSWORD=odd \
    WRKTALK_AGENT_DB_PORT=${PGPORT:-5432} WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag WRKTALK_AGENT_AGENT_ID=odd TMPDIR=$WORK/tmp
mkdir "$TMPDIR" "$WORK/kept" "$WORK/tree"

"$WRKTALK" migrate up >/dev/null
"$WRKTALK" migrate up --set agent >/dev/null
admin "insert into checkpoints (thread_id, checkpoint_id, checkpoint, metadata) select 't' || i % 5, lpad(i::text, 8, '0'),
    jsonb_build_object('v', 1, 'ts', now() - i * interval '1 day', 'id', lpad(i::text, 8, '0'), 'channel_versions', '{}'::jsonb), '{}' from generate_series(1, 50) i;
    insert into checkpoint_blobs (thread_id, channel, version, type, blob) select 't' || i % 5, 'c', i, 'bytes', decode(md5(i::text), 'hex') from generate_series(1, 50) i" odd >/dev/null
echo 1 >"$WORK/tree/VERSION"
tar -czf "$WORK/1.tgz" -C "$WORK/tree" .
"$WRKTALK" release add "$WORK/1.tgz" --version 1.0.0 --type host >/dev/null 2>&1
# An older pg_dump does not read a newer server, and says so whatever the settings are.
dumps=no
[ "$(pg_dump --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')" -lt "$(admin 'show server_version' | grep -Eo '^[0-9]+')" ] || dumps=yes
content() { admin "select md5(string_agg(t::text, ';' order by thread_id, checkpoint_id)) from checkpoints t; select md5(string_agg(b::text, ';' order by thread_id, version)) from checkpoint_blobs b" odd; }
wanted=$(content)

forget_settings() { admin 'alter role odd reset all; alter database odd reset all; alter role odd in database odd reset all' >/dev/null; }

# settings: name, type, current value, limits and words of each that a user may set.
settings() {
    admin "select name, vartype, setting, coalesce(min_val, ''), coalesce(max_val, ''), coalesce(array_to_string(enumvals, ','), '')
        from pg_settings where context = 'user' and name <> 'local_preload_libraries' order by name"
}
pick() { printf '%s\n' "${@:RANDOM % $# + 1:1}"; }
# value_of NAME TYPE CURRENT MIN MAX WORDS: an odd one.
# shellcheck disable=SC2016  # the server's "$user"
value_of() {
    case $1 in
        search_path) pick '' nosuch '"$user"' pg_catalog '"odd schema", public' 'pg_temp, public' ;;
        DateStyle) pick German 'SQL, DMY' 'Postgres, MDY' 'ISO, YDM' ;;
        TimeZone | log_timezone) pick Asia/Kathmandu America/St_Johns UTC ;;
        client_encoding) pick LATIN1 SQL_ASCII WIN1252 ;;
        default_table_access_method) echo heap ;;
        default_text_search_config) echo pg_catalog.german ;;
        default_tablespace | temp_tablespaces) echo pg_default ;;
        timezone_abbreviations) pick Australia India ;;
        lc_monetary | lc_numeric | lc_time) pick C POSIX ;;
        application_name) echo "it's odd" ;;
        restrict_nonsystem_relation_kind) pick view foreign-table 'view, foreign-table' ;;
        createrole_self_grant) pick set inherit ;;
        *)
            case $2 in
                bool) [ "$3" = on ] && echo off || echo on ;;
                enum) pick "${WORDS[@]}" ;;
                integer) pick "$4" "$5" 1 "$3" ;;
                real) pick "$4" 1 1e6 "$3" ;; # the largest numbers leave the planner without a plan
                *) echo "$3" ;;
            esac
            ;;
    esac
}

mapfile -t ALL < <(settings | shuf --random-source=<(yes "$SEED"))
[ "${#ALL[@]}" -gt 80 ] || { echo "only ${#ALL[@]} settings are to be had"; exit 1; }
next=0
# draw: sets $AT_ONCE settings for the role or the database; $names are theirs, $shown what was set.
draw() {
    local name type now min max words value where
    names=() shown=
    forget_settings
    while [ "${#names[@]}" -lt "$AT_ONCE" ]; do
        IFS='|' read -r name type now min max words <<<"${ALL[next++ % ${#ALL[@]}]}"
        IFS=, read -ra WORDS <<<"$words"
        [ "${#WORDS[@]}" -gt 0 ] || WORDS=("$now")
        value=$(value_of "$name" "$type" "$now" "$min" "$max")
        where=$(pick 'role odd' 'database odd' 'role odd in database odd')
        # A list is set as one: quotes around it would make one name of it.
        [[ $name == search_path && -n $value ]] || value="'${value//\'/\'\'}'"
        admin "alter $where set $name = $value" >/dev/null 2>&1 || continue
        names+=("$name")
        shown+="  $where: $name = $value"$'\n'
    done
}

# good COMMAND...: it is right, or refuses and names a setting that was drawn.
good() {
    local status=0 name
    timeout 60 "$WRKTALK" "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
    [ "$status" -ne 0 ] || return 0
    for name in "${names[@]}"; do
        ! grep -qi "${name//_/[ _-]}" "$OUT" "$ERR" || return 0
    done
    echo "$status: wrktalk $*"
    tail -n 5 "$OUT" "$ERR"
    return 1
}
all_good() {
    local file
    rm -rf "$WORK"/kept/*
    good migrate up
    good migrate up --set agent
    good verify
    good verify --set agent
    good verify --usage
    good checkpoints prune --older-than 3650d
    good deploy 1.0.0
    good status
    good task list
    [ "$dumps" = yes ] || return 0
    good backup create --dir "$WORK/kept"
    file=$(find "$WORK/kept" -name '*.sql.gz')
    [ -n "$file" ] || return 0
    good backup verify "$file" --restore
    good backup restore "$file" --replace --yes
    forget_settings
    expect_equal "$wanted" content
    expect_equal 0 admin "select count(*) from pg_database where datname like 'wrktalk_verify_%'"
}

round=0
while [ $((round * AT_ONCE)) -lt "$DRAWN" ]; do
    round=$((round + 1))
    draw
    before=$_failed
    check "round $round: ${names[*]}" all_good
    [ "$_failed" -eq "$before" ] || printf '%s' "$shown"
done

# An agent at work while the database's default is serializable: conflicts are no outage, and there are none.
serializable() {
    local i
    forget_settings
    admin 'alter database odd set default_transaction_isolation = serializable' >/dev/null
    for i in 1 2 3 4 5 6; do "$WRKTALK" deploy 1.0.0 --queue --queue-anyway >/dev/null; done
    for i in 1 2 3; do WRKTALK_AGENT_AGENT_ID=odd$i "$WRKTALK" poll --drain >"$WORK/drain$i.log" 2>&1 & done
    wait
    # One that finds the target taken at this moment ends.
    expect_exit 0 "$WRKTALK" poll --drain
    expect_equal 0 admin "select count(*) from agent_task where status <> 'completed'" odd
    refuse grep -l 'database\.\|record.waits\|heartbeat' "$WORK"/drain?.log
}
check 'agents of a database that is serializable by default' serializable
