#!/usr/bin/env bash
# A release's migrations and the backup before them, on a host target: what runs, what the schema is and what data is there after each way it may end.
# shellcheck source=../support/lib.bash
. "$(dirname "$0")/../support/lib.bash"
need_service postgres pg_dump
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv TMPDIR=$WORK/tmp \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_HEARTBEAT_INTERVAL=500ms WRKTALK_AGENT_GRACE=0s \
    WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/maintenance.flag WRKTALK_AGENT_BACKUP_DIR=$WORK/backups
export WRKTALK_AGENT_APP_DSN="host=$PGHOST user=$PGUSER dbname=app password=s3cret-of-app"
mkdir "$TMPDIR"
# A release with a file "broken" does not start.
# shellcheck disable=SC2016  # expanded when the program runs
printf '#!/bin/sh\ncd "$WRKTALK_RELEASE_DIR" && [ ! -e broken ]\n' >"$WORK/activate"
chmod +x "$WORK/activate"
"$WRKTALK" migrate up --set agent >/dev/null 2>&1

app() { PGDATABASE=app sql "$1"; }

# fresh: a site where nothing was ever deployed, with an empty application's database.
fresh() {
    rm -rf "$WORK/srv" "$WORK/backups" "$WORK"/tree-*
    sql 'drop database if exists app' >/dev/null
    sql 'create database app' >/dev/null
    sql 'delete from task_event; delete from agent_task; delete from deployment_target; delete from release_artifact' >/dev/null
}

# sql_files VERSION: the migrations of that version; 2 needs what 1 made.
sql_files() {
    local folder=$WORK/tree-$1/db
    mkdir -p "$folder"
    echo 'CREATE TABLE orders (id int PRIMARY KEY, note text);' >"$folder/001_orders.up.sql"
    echo 'DROP TABLE orders;' >"$folder/001_orders.down.sql"
    [ "${1%%.*}" -ge 2 ] || return 0
    echo 'ALTER TABLE orders ADD COLUMN price int NOT NULL DEFAULT 7;' >"$folder/002_price.up.sql"
    echo 'ALTER TABLE orders DROP COLUMN price;' >"$folder/002_price.down.sql"
}

# add VERSION POLICY [EXTRA]: store a release. EXTRA: "broken", or a file in db to append a line to, "FILE=LINE".
add() {
    local top=$WORK/tree-$1
    sql_files "$1"
    echo "$1" >"$top/VERSION"
    printf '[migrations]\ndir = "db"\ndatabase = "app"\non-rollback = "%s"\n\n[backup]\nbefore = ["app"]\n' "$2" >"$top/wrktalk.toml"
    case ${3:-} in
        broken) touch "$top/broken" ;;
        *=*) echo "${3#*=}" >>"$top/db/${3%%=*}" ;;
    esac
    tar -czf "$WORK/$1.tar.gz" -C "$top" .
    expect_exit 0 "$WRKTALK" release add "$WORK/$1.tar.gz" --version "$1" --type host
}

runs() { expect_equal "$1" bash -c "cat '$WORK/srv/current/VERSION' 2>/dev/null || echo nothing"; }
# ledger_is NUMBERS: those of the set, with blanks.
ledger_is() {
    if [ -z "$1" ]; then
        expect_equal f app "select to_regclass('wrktalk_migration') is not null and exists (select from pg_tables where tablename = 'orders')"
    else
        expect_equal "$1" app "select string_agg(number::text, ' ' order by number) from wrktalk_migration where set = 'default'"
    fi
}
has_price() { expect_equal "$1" app "select count(*) from pg_attribute where attrelid = 'orders'::regclass and attname = 'price' and not attisdropped"; }
orders_are() { expect_equal "$1" app "select string_agg(note, ',' order by id) from orders"; }
backups_are() { expect_equal "$1" bash -c "ls '$WORK/backups' 2>/dev/null | grep -c '^before_app_.*dump\$' || true"; }
story_has() { expect_output "$1" "$WRKTALK" task show "$(last_task)"; }
nothing_half_done() {
    refuse bash -c "ls -A '$WORK/backups' 2>/dev/null | grep part"
    maintenance_is_off
    no_left_overs
}
upgraded_site() {
    fresh
    add 1.0 "$1"
    expect_exit 0 "$WRKTALK" deploy 1.0
    app "insert into orders values (1, 'one'), (2, 'two')" >/dev/null
}

# ---------------------------------------------------------------- it goes well

goes_up() {
    upgraded_site keep
    ledger_is 1
    backups_are 1
    add 2.0 keep
    expect_exit 0 "$WRKTALK" deploy 2.0
    runs 2.0
    ledger_is '1 2'
    has_price 1
    orders_are one,two
    backups_are 2
    story_has 'database app is backed up, read whole: .*/backups/before_app_'
    story_has 'migration 002 .price. applied'
    nothing_half_done
}
check 'a first installation and an upgrade: backed up, migrated, deployed' goes_up
check 'the backup has what was there before' expect_output 'COPY public.orders \(id, note\)' pg_restore --file=- "$(find "$WORK/backups" -name '*.dump' | sort | tail -n 1)"
told_in_check() {
    upgraded_site keep
    add 2.0 keep
    expect_output '1 migration is pending: 002 .price.' "$WRKTALK" deploy 2.0 --check
    expect_output 'it would lock: ALTER TABLE orders ADD COLUMN price' "$WRKTALK" deploy 2.0 --check
    expect_output 'a backup would be made of app' "$WRKTALK" deploy 2.0 --check
    ledger_is 1
}
check '--check lists what is pending and what it would lock' told_in_check
by_hand_before() {
    fresh
    sql_files 1.0
    WRKTALK_AGENT_CHECKPOINT_DSN=$WRKTALK_AGENT_APP_DSN expect_exit 0 "$WRKTALK" migrate up --dir "$WORK/tree-1.0/db"
    add 2.0 keep
    expect_exit 0 "$WRKTALK" deploy 2.0
    ledger_is '1 2'
}
check 'a site that was migrated by hand goes on where it stands' by_hand_before
retention() {
    upgraded_site keep
    for _ in 1 2 3 4; do WRKTALK_AGENT_BACKUP_KEEP=2 expect_exit 0 "$WRKTALK" deploy 1.0; done
    backups_are 2
}
check 'as many backups are kept as the setting says' retention

# ---------------------------------------------------------------- the matrix

MIGRATION_FAILS='002_price.up.sql=SELECT 1/0;'
first_fails() {
    fresh
    add 2.0 "$1" "$2"
    expect_exit "$3" "$WRKTALK" deploy 2.0
    runs nothing
    ledger_is "$4"
    nothing_half_done
}
check 'first install, the migration fails, down' first_fails down "$MIGRATION_FAILS" 8 ''
check 'first install, the migration fails, keep' first_fails keep "$MIGRATION_FAILS" 8 1
check 'first install, the release fails, down' first_fails down broken 9 ''
check 'first install, the release fails, keep' first_fails keep broken 9 '1 2'
upgrade_fails() {
    upgraded_site "$1"
    add 2.0 "$1" "$2"
    expect_exit "$3" "$WRKTALK" deploy 2.0
    runs 1.0
    ledger_is "$4"
    has_price "$5"
    orders_are one,two
    nothing_half_done
}
check 'upgrade, the migration fails, down' upgrade_fails down "$MIGRATION_FAILS" 8 1 0
check 'upgrade, the migration fails, keep' upgrade_fails keep "$MIGRATION_FAILS" 8 1 0
check 'and says where' expect_output 'db/002_price.up.sql.*division by zero'
check 'upgrade, the release fails, down' upgrade_fails down broken 9 1 0
check 'upgrade, the release fails, keep' upgrade_fails keep broken 9 '1 2' 1
check 'and the story says that they stay' story_has 'stay: on-rollback is keep'
no_backup() {
    upgraded_site keep
    add 2.0 keep
    rm -rf "$WORK/backups"
    "$@"
    runs 1.0
    ledger_is 1
    has_price 0
    orders_are one,two
    rm -rf "$WORK/backups"
    nothing_half_done
}
in_the_way() { touch "$WORK/backups" && refuse expect_exit 0 "$WRKTALK" deploy 2.0; }
without_pg_dump() {
    mkdir -p "$WORK/few"
    for one in env sh bash cat tar; do ln -sf "$(command -v "$one")" "$WORK/few/$one"; done
    PATH=$WORK/few expect_exit 5 "$WRKTALK" deploy 2.0
    expect_output 'pg_dump'
}
half_a_dump() {
    mkdir -p "$WORK/fake"
    # shellcheck disable=SC2016  # expanded when the program runs
    printf '#!/bin/sh\n[ "$1" != --version ] || exec %s --version\n%s "$@" | head -c 2000\n' "$(command -v pg_dump)" "$(command -v pg_dump)" >"$WORK/fake/pg_dump"
    chmod +x "$WORK/fake/pg_dump"
    PATH=$WORK/fake:$PATH refuse expect_exit 0 "$WRKTALK" deploy 2.0
    refuse bash -c "ls '$WORK/backups' | grep dump"
}
no_rows() {
    mkdir -p "$WORK/fake"
    # shellcheck disable=SC2016  # expanded when the program runs
    printf '#!/bin/sh\n[ "$1" != --version ] || exec %s --version\nexec %s "$@" --schema-only\n' "$(command -v pg_dump)" "$(command -v pg_dump)" >"$WORK/fake/pg_dump"
    PATH=$WORK/fake:$PATH expect_exit 3 "$WRKTALK" deploy 2.0
    expect_output 'the dump is not whole: table public.orders has 2 rows'
    refuse bash -c "ls '$WORK/backups' | grep dump"
}
check 'upgrade, the folder of backups cannot be made' no_backup in_the_way
check 'upgrade, pg_dump is not there' no_backup without_pg_dump
check 'upgrade, the dump is cut short' no_backup half_a_dump
check 'upgrade, the dump lacks rows' no_backup no_rows

# ---------------------------------------------------------------- the way back

newer_site() {
    upgraded_site "$1"
    add 2.0 "$1" "${2:-}"
    expect_exit 0 "$WRKTALK" deploy 2.0
}
back_keep() {
    newer_site keep
    expect_exit 0 "$WRKTALK" rollback
    runs 1.0
    ledger_is '1 2'
    has_price 1
    orders_are one,two
    story_has '002 .price. of 2.0, which 1.0 has not: they stay'
    expect_exit 0 "$WRKTALK" deploy 1.0
    expect_exit 0 "$WRKTALK" deploy 2.0
    ledger_is '1 2'
    nothing_half_done
}
check 'rollback, keep: they stay, and the way up is free again' back_keep
back_incompatible() {
    upgraded_site keep
    sql_files 2.0
    sed -i '1i -- wrktalk: incompatible' "$WORK/tree-2.0/db/002_price.up.sql"
    sql_files() { :; }
    add 2.0 keep
    expect_exit 0 "$WRKTALK" deploy 2.0
    expect_exit 7 "$WRKTALK" rollback
    expect_output '002_price.up.sql says that older releases do not run on it'
    runs 2.0
    expect_exit 7 "$WRKTALK" deploy 1.0
    runs 2.0
    ledger_is '1 2'
    nothing_half_done
}
check 'rollback, keep: not past one that is incompatible' back_incompatible
upgrade_incompatible() {
    upgraded_site keep
    sql_files 2.0
    sed -i '1i -- wrktalk: incompatible' "$WORK/tree-2.0/db/002_price.up.sql"
    sql_files() { :; }
    add 2.0 keep broken
    expect_exit 10 "$WRKTALK" deploy 2.0
    expect_output 'database app has 002 .price. of 2.0, and db/002_price.up.sql says that older releases do not run on it'
    ledger_is '1 2'
    orders_are one,two
    refuse maintenance_is_off
    cp -r "$WORK/tree-2.0" "$WORK/tree-2.1"
    rm "$WORK/tree-2.1/broken"
    add 2.1 keep
    expect_exit 0 "$WRKTALK" deploy 2.1
    runs 2.1
    nothing_half_done
}
check 'upgrade, keep: what ran before is not put back on a schema that it does not run on' upgrade_incompatible
back_down() {
    newer_site down
    expect_exit 7 "$WRKTALK" rollback
    expect_output 'rows in the tables that they made or changed: orders 2'
    runs 2.0
    has_price 1
    expect_exit 0 "$WRKTALK" rollback --yes
    runs 1.0
    ledger_is 1
    has_price 0
    orders_are one,two
    backups_are 3
    nothing_half_done
}
check 'rollback, down: only with --yes, and the schema is the old one' back_down
back_down_fails() {
    newer_site down '002_price.down.sql=SELECT 1/0;'
    expect_exit 8 "$WRKTALK" rollback --yes
    runs 2.0
    ledger_is '1 2'
    has_price 1
    orders_are one,two
    nothing_half_done
}
check 'rollback, the down file fails' back_down_fails
back_release_fails() {
    newer_site down
    # shellcheck disable=SC2016  # expanded when the program runs
    printf '#!/bin/sh\ncd "$WRKTALK_RELEASE_DIR" && [ "$(cat VERSION)" != 1.0 ]\n' >"$WORK/not-1.0"
    chmod +x "$WORK/not-1.0"
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/not-1.0 expect_exit 9 "$WRKTALK" rollback --yes
    runs 2.0
    ledger_is '1 2'
    has_price 1
    orders_are one,two
    nothing_half_done
}
check 'rollback, the older release fails: the schema of what ran is there again' back_release_fails
back_no_backup() {
    newer_site down
    mkdir -p "$WORK/few"
    for one in env sh bash cat tar; do ln -sf "$(command -v "$one")" "$WORK/few/$one"; done
    PATH=$WORK/few expect_exit 5 "$WRKTALK" rollback --yes
    runs 2.0
    ledger_is '1 2'
    nothing_half_done
}
check 'rollback, the backup fails' back_no_backup

# ---------------------------------------------------------------- killed at each step

killed() {
    upgraded_site "$2"
    add 2.0 "$2" "${3:-}"
    expect_exit 0 "$WRKTALK" deploy 2.0 --queue
    WRKTALK_CRASH_AT=$1 expect_exit 137 "$WRKTALK" poll
    sleep 2
    if [ -n "${3:-}" ]; then refuse "$WRKTALK" poll --drain; else expect_exit 0 "$WRKTALK" poll --drain; fi
    orders_are one,two
    nothing_half_done
}
killed_and_done() {
    killed "$1" keep
    runs 2.0
    ledger_is '1 2'
    has_price 1
}
killed_and_back() {
    killed "$1" down broken
    runs 1.0
    ledger_is 1
    has_price 0
}
for moment in backup backed-up migrate migrate-noted migrated apply health; do
    check "killed at $moment, it is done by the next" killed_and_done "$moment"
done
for moment in backed-up migrate-noted migrated apply; do
    check "killed at $moment, the next one takes back all of it" killed_and_back "$moment"
done

# ---------------------------------------------------------------- two at once, and an end that is asked for

lock_is_held() {
    upgraded_site keep
    add 2.0 keep '002_price.up.sql=SELECT pg_sleep(60);'
    expect_exit 0 "$WRKTALK" deploy 2.0 --queue
    background poll "$WRKTALK" poll
    wait_until 30 expect_equal 1 sql "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()"
    expect_exit 0 "$WRKTALK" task cancel "$(last_task)"
    wait_until 20 expect_equal 0 sql "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()"
    wait_until 20 task_is cancelled
    end_background poll || true
    runs 1.0
    ledger_is 1
    has_price 0
    nothing_half_done
}
check 'cancelled while a migration runs: its statement ends, nothing is left of it' lock_is_held

# ---------------------------------------------------------------- bad input

refused() {
    local top=$WORK/tree-9.0
    fresh
    sql_files 9.0
    echo 9.0 >"$top/VERSION"
    printf '%b' "$1" >"$top/wrktalk.toml"
    eval "${3:-}"
    tar -czf "$WORK/9.0.tar.gz" -C "$top" .
    expect_exit 7 "$WRKTALK" release lint "$WORK/9.0.tar.gz" --type host
    expect_output "$2"
    expect_exit 7 "$WRKTALK" release add "$WORK/9.0.tar.gz" --version 9.0 --type host
    expect_exit 7 "$WRKTALK" release lint "$top"
    expect_equal 0 sql 'select count(*) from release_artifact'
}
head='[migrations]\ndatabase = "app"\n'
check 'a folder that is not there' refused "${head}dir = \"sql\"\n" 'no migration in sql'
check 'a folder without migrations' refused "${head}dir = \"db\"\n" 'no migration in db' "rm \"\$top\"/db/*"
check 'a gap in the numbers' refused "${head}dir = \"db\"\n" 'number 003 is missing' "echo 'SELECT 1;' >\"\$top/db/004_x.up.sql\""
check 'what cannot be sent' refused "${head}dir = \"db\"\n" '001_orders.up.sql' "echo 'COMMIT; BEGIN;' >>\"\$top/db/001_orders.up.sql\""
check 'a down file that is missing' refused "${head}dir = \"db\"\non-rollback = \"down\"\n" '002_price.up.sql has no down file' "rm \"\$top/db/002_price.down.sql\""
check 'restore is not supported yet' refused "${head}dir = \"db\"\non-rollback = \"restore\"\n" 'on-rollback .*not supported'
check "the agent's own database" refused '[backup]\nbefore = ["db"]\n' "the agent's own database"
not_named() {
    upgraded_site keep
    mkdir -p "$WORK/tree-3.0"
    echo 3.0 >"$WORK/tree-3.0/VERSION"
    printf '[backup]\nbefore = ["shop"]\n' >"$WORK/tree-3.0/wrktalk.toml"
    tar -czf "$WORK/3.0.tar.gz" -C "$WORK/tree-3.0" .
    expect_exit 0 "$WRKTALK" release add "$WORK/3.0.tar.gz" --version 3.0 --type host
    expect_exit 1 "$WRKTALK" deploy 3.0 --check
    expect_output 'no setting names: shop .WRKTALK_AGENT_SHOP_DSN.'
    expect_exit 5 "$WRKTALK" deploy 3.0
    runs 1.0
    nothing_half_done
}
check 'a database that no setting names' not_named
masked() {
    expect_output 'databases.app +[*]{3}' "$WRKTALK" config show
    refuse grep -q s3cret-of-app "$OUT" "$ERR"
    WRKTALK_AGENT_CHECKPOIN_DSN=x expect_output 'WRKTALK_AGENT_CHECKPOIN_DSN is no setting: did you mean WRKTALK_AGENT_CHECKPOINT_DSN' "$WRKTALK" config show
}
check 'config show lists it, masked' masked
from_file() {
    upgraded_site keep
    printf '%s\n' "$WRKTALK_AGENT_APP_DSN" >"$WORK/dsn"
    chmod 600 "$WORK/dsn"
    unset WRKTALK_AGENT_APP_DSN
    WRKTALK_AGENT_APP_DSN_FILE=$WORK/dsn expect_exit 0 "$WRKTALK" deploy 1.0
    backups_are 2
}
check 'a file may hold the connection string' from_file
