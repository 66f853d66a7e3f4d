#!/usr/bin/env bash
# What a release says it needs (wrktalk.toml): checked, stored, shown, exported, and held to before anything is touched.
# shellcheck source=../support/lib.bash
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv TMPDIR=$WORK/tmp \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate
mkdir "$TMPDIR"
# A release with a file "broken" does not start.
# shellcheck disable=SC2016  # expanded when the program runs
printf '#!/bin/sh\n[ ! -e "$WRKTALK_RELEASE_DIR/broken" ]\n' >"$WORK/activate"
chmod +x "$WORK/activate"
"$WRKTALK" migrate up --set agent >/dev/null 2>&1

# tree VERSION: an archive of a tree; its manifest, if any, is read from stdin.
tree() {
    local folder=$WORK/tree-$1
    mkdir -p "$folder"
    echo "$1" >"$folder/VERSION"
    cat >"$folder/wrktalk.toml"
    [ -s "$folder/wrktalk.toml" ] || rm "$folder/wrktalk.toml"
    tar -czf "$WORK/$1.tar.gz" -C "$folder" .
}
# add VERSION [OPTION...]
add() { "$WRKTALK" release add "$WORK/$1.tar.gz" --version "$1" --type host "${@:2}"; }
running() { cat "$WORK/srv/current/VERSION"; }
statuses() { sql "select string_agg(release_version || '=' || status, ' ' order by release_version) from agent_task t join release_artifact a on a.id = t.release_artifact_id"; }

# ---------------------------------------------------------------- init and lint, without a database

without_database() { env -u WRKTALK_AGENT_DB_HOST -u PGHOST "$WRKTALK" "$@"; }
init_is_taken() {
    without_database release init --type "$1" >"$WORK/init.toml"
    expect_exit 0 without_database release lint "$WORK/init.toml" --type "$1"
    sed -i 's/^#\([^ ]\)/\1/' "$WORK/init.toml"
    expect_exit 0 without_database release lint "$WORK/init.toml" --type "$1"
}
for type in helm compose host; do check "init writes what lint takes, also with its comments off: $type" init_is_taken "$type"; done
check 'init writes a file' expect_exit 0 "$WRKTALK" release init "$WORK/new.toml"
check 'and does not replace it unasked' expect_exit 2 "$WRKTALK" release init "$WORK/new.toml"

printf '[release]\n\nmin-agnet = "1"\n' >"$WORK/bad.toml"
check 'lint refuses an unknown key: 7' expect_exit 7 "$WRKTALK" release lint "$WORK/bad.toml"
check 'with file, line, key and the nearest name' expect_output 'bad.toml:3: \[release\] "min-agnet" .*did you mean min-agent'
mkdir "$WORK/chart"
printf 'name: x\nversion: 1.0.0\n' >"$WORK/chart/Chart.yaml"
printf '[data]\nkeep = ["data"]\n' >"$WORK/chart/wrktalk.toml"
check 'a folder is linted for its type: 7' expect_exit 7 "$WRKTALK" release lint "$WORK/chart"
check 'which is named' expect_output 'wrktalk.toml:1: \[data\] is for compose bundles and host trees'
tree 0.1 </dev/null
check 'an archive without one: 7' expect_exit 7 "$WRKTALK" release lint "$WORK/0.1.tar.gz" --type host
check 'says so' expect_output 'there is no wrktalk.toml in it'

# ---------------------------------------------------------------- add

check 'a release without a manifest is stored as before' expect_exit 0 add 0.1
check 'and has none' expect_output '^manifest: -$' "$WRKTALK" release show 0.1
tree 0.2 <<'END'
[release]
min-agent = "0.0.1" # any
[settings]
required = ["DOMAIN"]
END
echo 'DOMAIN=example.org' >"$WORK/env"
check 'the manifest in an archive is found' expect_exit 0 add 0.2 --env-file "$WORK/env"
check 'shown' expect_output 'required = \["DOMAIN"\]' "$WRKTALK" release show 0.2
check 'and part of the JSON' expect_output '"min-agent": "0.0.1"' "$WRKTALK" release show 0.2 -o json
check 'the same again changes nothing' expect_output 'nothing changed' add 0.2 --env-file "$WORK/env"
check 'another one is refused' expect_exit 1 add 0.2 --env-file "$WORK/env" --manifest "$WORK/new.toml"
check 'by name' expect_output 'another manifest'
check 'export writes nothing beside what holds its manifest' expect_exit 0 "$WRKTALK" release export 0.2 "$WORK/out.tar.gz"
check 'nothing' refuse ls "$WORK/out.tar.gz.wrktalk.toml"

tree 0.3 <<'END'
[release]
chaos = 1
END
check 'a wrong one in the archive is refused: 7' expect_exit 7 add 0.3
check 'with archive, file and line' expect_output '0.3.tar.gz: ./?wrktalk.toml:2: \[release\] "chaos"|0.3.tar.gz: wrktalk.toml:2: \[release\] "chaos"'
check 'and nothing is stored' expect_equal 0 sql "select count(*) from release_artifact where release_version = '0.3'"
printf '[settings]\nrequired = ["B", "A"]\n' >"$WORK/apart.toml"
check 'one that is given beside the archive counts' expect_exit 0 add 0.3 --manifest "$WORK/apart.toml"
check 'also where it is exported' expect_exit 0 "$WRKTALK" release export 0.3 "$WORK/out3.tar.gz"
check 'beside it' diff "$WORK/out3.tar.gz.wrktalk.toml" "$WORK/apart.toml"
check 'and beside its tree' expect_exit 0 "$WRKTALK" release export 0.3 "$WORK/out3" --unpack
check 'too' diff "$WORK/out3.wrktalk.toml" "$WORK/apart.toml"

mkdir -p "$WORK/link"
ln -s VERSION "$WORK/link/wrktalk.toml"
echo 1 >"$WORK/link/VERSION"
tar -czf "$WORK/0.4.tar.gz" -C "$WORK/link" .
check 'a link in its place is refused: 7' expect_exit 7 add 0.4
check 'and not passed over' expect_output 'wrktalk.toml is no file'

unsupported() {
    printf '%s\n' "$@" >"$WORK/unsupported.toml"
    expect_exit 7 add 0.1 --manifest "$WORK/unsupported.toml"
    expect_output 'unsupported.toml:[0-9]+: .*is not supported by this version of wrktalk'
}
check 'what is not done is refused, not left out' unsupported '[migrations]' 'dir = "m"' 'database = "app"' 'on-rollback = "restore"'

# ---------------------------------------------------------------- min-agent

tree 0.5 <<<$'[release]\nmin-agent = "99.1"'
check 'a release for a newer agent is stored' expect_exit 0 add 0.5
check 'and refused by this one: 7' expect_exit 7 "$WRKTALK" deploy 0.5
check 'naming both' expect_output 'release 0.5 needs wrktalk 99.1 or newer, and this is '
check 'nothing was touched' refuse ls "$WORK/srv/current"
check '--check says so' expect_exit 1 "$WRKTALK" deploy 0.5 --check
check 'too' expect_output 'problem +release 0.5 needs wrktalk 99.1'
sql "update release_artifact set manifest = '{\"release\": {\"min-agent\": \"99\"}, \"tomorrow\": {}}' where release_version = '0.5'" >/dev/null
check 'also one whose manifest this agent cannot read: 7' expect_exit 7 "$WRKTALK" deploy 0.5
check 'names the agent that it needs' expect_output 'needs wrktalk 99 or newer'
sql "update release_artifact set manifest = '{\"tomorrow\": {}}' where release_version = '0.5'" >/dev/null
check 'what is in the row is read as strictly: 7' expect_exit 7 "$WRKTALK" deploy 0.5
check 'by name' expect_output 'the manifest of release 0.5: "tomorrow" is no key of it'

# ---------------------------------------------------------------- requires-schema

tree 0.6 <<<$'[release]\nrequires-schema = ["agent>=900"]'
check 'a schema that the manifest needs' expect_exit 0 add 0.6
check 'is held to: 7' expect_exit 7 "$WRKTALK" deploy 0.6
check 'by name' expect_output 'it needs agent>=900, and agent is at 0'
cp "$WORK/0.2.tar.gz" "$WORK/0.7.tar.gz"
printf '[release]\nrequires-schema = ["agent>=1"]\n' >"$WORK/schema.toml"
check 'with --requires-schema both count' expect_exit 0 add 0.7 --manifest "$WORK/schema.toml" --requires-schema 'agent<=2'
check 'the one too: 7' expect_exit 7 "$WRKTALK" deploy 0.7
check 'and the other' expect_output 'it needs agent<=2'

# ---------------------------------------------------------------- required settings

check 'what has its settings is deployed' expect_exit 0 "$WRKTALK" deploy 0.2
check '0.2 runs' expect_equal 0.2 running
check 'what lacks one is refused: 7' expect_exit 7 "$WRKTALK" deploy 0.3
check 'all are named' expect_output 'release 0.3 needs values for B, A, and nothing gives them'
check 'the task says that nothing was touched' expect_equal untouched sql "select result->>'state' from agent_task order by created_at desc limit 1"
check '--check finds it' expect_exit 1 "$WRKTALK" deploy 0.3 --check
check 'first' expect_output 'problem +release 0.3 needs values for B, A'
check '0.2 still runs' expect_equal 0.2 running
check 'what the site sets counts' expect_exit 0 "$WRKTALK" site set A=1 B=2
check 'so that nothing is missing' expect_output 'ok +every setting that it needs has a value: B, A' "$WRKTALK" deploy 0.3 --check
check 'until it is unset' expect_exit 0 "$WRKTALK" site unset A B
printf 'DOMAIN=\n' >"$WORK/empty"
cp "$WORK/0.2.tar.gz" "$WORK/0.8.tar.gz"
check 'an empty value' expect_exit 0 add 0.8 --env-file "$WORK/empty"
check 'is none: 7' expect_exit 7 "$WRKTALK" deploy 0.8

# ---------------------------------------------------------------- the way up

tree 1.2 </dev/null
tree 1.4.9 <<<$'[release]\nupgrade-from = ">=1.2"'
tree 1.3 </dev/null
tree 2.0 <<<$'[release]\nupgrade-from = ">=1.4"'
tree 3.0 <<<$'[release]\nupgrade-from = ">=2.5"'
for version in 1.2 1.3 2.0 3.0; do add "$version" >/dev/null 2>&1; done
check 'a release that nothing older fits is refused: 7' expect_exit 7 add 1.2 --manifest <(printf '[release]\nupgrade-from = ">=1.2"\n')
"$WRKTALK" deploy 1.2 >/dev/null 2>&1
check 'deploying over what is too old is refused: 7' expect_exit 7 "$WRKTALK" deploy 2.0
check 'and the gap is named' expect_output '2.0 takes >=1.4, and no stored release between 1.2 and 2.0 fits that'
check 'before anything was touched' expect_equal 'untouched 1.2' echo "$(sql "select result->>'state' from agent_task order by created_at desc limit 1") $(running)"
check 'through nothing there is no way: 7' expect_exit 7 "$WRKTALK" deploy 2.0 --through
check 'and nothing is queued' expect_equal 0 sql "select count(*) from agent_task where status = 'pending'"
add 1.4.9 >/dev/null 2>&1
check 'with what was missing the way is named: 7' expect_exit 7 "$WRKTALK" deploy 2.0
check 'whole' expect_output '1.2 -> 1.4.9 -> 2.0'
check '--check names it, too' expect_exit 1 "$WRKTALK" deploy 2.0 --check
check 'whole, too' expect_output '1.2 -> 1.4.9 -> 2.0'
check 'a dry run shows the chain' expect_output 'would deploy 1.2 -> 1.4.9 -> 2.0' "$WRKTALK" deploy 2.0 --through --dry-run
check '--check and --through do not go together: 2' expect_exit 2 "$WRKTALK" deploy 2.0 --through --check
check '--wait needs a queue: 2' expect_exit 2 "$WRKTALK" deploy 2.0 --wait

sql 'delete from task_event; delete from agent_task' >/dev/null
check '--through queues the way' expect_exit 0 "$WRKTALK" deploy 2.0 --through
check 'as one chain' expect_equal '1.4.9=pending 2.0=pending' statuses
check 'whose second task waits for the first' expect_output 'after [0-9a-f]{8}' "$WRKTALK" task list
check 'one poll runs one' expect_exit 0 "$WRKTALK" poll
check 'the first' expect_equal '1.4.9=completed 2.0=pending' statuses
check 'then the next is due' expect_exit 0 "$WRKTALK" poll
check 'and done' expect_equal '1.4.9=completed 2.0=completed' statuses
check '2.0 runs' expect_equal 2.0 running

check 'a rollback is no upgrade' expect_exit 0 "$WRKTALK" rollback --to-version 1.2
check 'nor is a deployment of something older' expect_exit 0 "$WRKTALK" deploy 1.2
check 'a redeployment of the same is allowed' expect_exit 0 "$WRKTALK" deploy 1.4.9
check 'as often as one likes' expect_exit 0 "$WRKTALK" deploy 1.4.9
check 'a first installation is allowed' expect_exit 0 env WRKTALK_AGENT_HOST_ROOT="$WORK/other" WRKTALK_AGENT_AGENT_ID=other "$WRKTALK" deploy 2.0

# ---------------------------------------------------------------- a chain that stops, is cancelled, is killed, is taken up again

touch "$WORK/tree-1.4.9/broken"
tree 1.5 <<<$'[release]\nupgrade-from = ">=1.2"'
touch "$WORK/tree-1.5/broken"
tar -czf "$WORK/1.5.tar.gz" -C "$WORK/tree-1.5" .
add 1.5 >/dev/null 2>&1
chain_stops() {
    "$WRKTALK" rollback --to-version 1.2 >/dev/null 2>&1
    sql 'delete from task_event; delete from agent_task' >/dev/null
    expect_exit 0 "$WRKTALK" deploy 2.0 --through
    refuse "$WRKTALK" poll --drain
    expect_equal '1.5=failed 2.0=cancelled' statuses
    expect_equal 1.2 running
    expect_output 'the task before it in its chain did not complete' "$WRKTALK" task show \
        "$(sql "select t.id from agent_task t join release_artifact a on a.id = t.release_artifact_id where release_version = '2.0'")"
}
check 'a chain stops at the first failure' chain_stops
sql "delete from task_event; delete from agent_task; delete from release_artifact where release_version = '1.5'" >/dev/null
chain_cancelled() {
    sql 'delete from task_event; delete from agent_task' >/dev/null
    "$WRKTALK" deploy 2.0 --through >/dev/null
    expect_exit 0 "$WRKTALK" task cancel "$(sql 'select id from agent_task where next_task is not null')"
    expect_equal '1.4.9=cancelled 2.0=cancelled' statuses
}
check 'who cancels its first task cancels the rest' chain_cancelled
chain_retried() {
    local first second
    first=$(sql 'select id from agent_task where next_task is not null')
    second=$(sql 'select id from agent_task where next_task is null')
    expect_exit 0 "$WRKTALK" task retry "$first"
    expect_exit 0 "$WRKTALK" task retry "$second"
    expect_equal infinity sql "select execute_after from agent_task where id = '$second'"
    expect_exit 0 "$WRKTALK" poll --drain
    expect_equal '1.4.9=completed 2.0=completed' statuses
    expect_equal 2.0 running
}
check 'a chain is taken up again in its order' chain_retried
chain_killed() {
    "$WRKTALK" rollback --to-version 1.2 >/dev/null 2>&1
    sql 'delete from task_event; delete from agent_task' >/dev/null
    export WRKTALK_AGENT_HEARTBEAT_INTERVAL=500ms
    "$WRKTALK" deploy 2.0 --through >/dev/null
    WRKTALK_CRASH_AT=$1 expect_exit 137 "$WRKTALK" poll
    sleep 2
    expect_exit 0 "$WRKTALK" poll --drain
    expect_equal '1.4.9=completed 2.0=completed' statuses
    expect_equal 2.0 running
}
for step in apply health record recorded; do check "a chain whose agent is killed at $step goes on" chain_killed "$step"; done
