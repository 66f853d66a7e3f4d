#!/usr/bin/env bash
# Data of a host target that its releases keep: upgrades, a rollback, a redeployment, a put-back and a kill at each step keep every byte.
# shellcheck source=../support/lib.bash
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv TMPDIR=$WORK/tmp \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_HEARTBEAT_INTERVAL=500ms WRKTALK_AGENT_GRACE=0s
mkdir "$TMPDIR"
# What runs writes a line each time it is started; a release with a file "broken" does so, too, and fails.
# shellcheck disable=SC2016  # expanded when the program runs
printf '#!/bin/sh\ncd "$WRKTALK_RELEASE_DIR" || exit 1\n[ -e app ] && cd app\necho "$WRKTALK_VERSION" >>data/log && [ ! -e broken ]\n' >"$WORK/activate"
chmod +x "$WORK/activate"
"$WRKTALK" migrate up --set agent >/dev/null 2>&1

# tree VERSION [FOLDER]: a release that brings a configuration of its own; all of it in FOLDER, if one is named.
tree() {
    local top=$WORK/tree-$1/${2:-}
    mkdir -p "$top/config"
    echo "$1" >"$top/VERSION"
    echo "default of $1" >"$top/config/local.yml"
    echo "code of $1" >"$top/config/code.yml"
    if [ "$1" = 1.0 ]; then
        mkdir "$top/data"
        echo seed >"$top/data/seed"
    else
        printf '[data]\nkeep = ["data", "uploads/", "config/local.yml"]\n' >"$top/wrktalk.toml"
    fi
    [ "${3:-}" != broken ] || touch "$top/broken"
    tar -czf "$WORK/$1.tar.gz" -C "$WORK/tree-$1" .
    "$WRKTALK" release add "$WORK/$1.tar.gz" --version "$1" --type host >/dev/null 2>&1
}
tree 1.0
for version in 2.0 3.0 4.0 5.0; do tree "$version"; done
tree 5.1 '' broken
tree 6.0 app
# whole VERSION: it runs, and the site's data is there, in what runs.
whole() {
    local top=$WORK/srv/current
    [ ! -e "$top/app" ] || top=$top/app
    expect_equal "$1" cat "$top/VERSION"
    expect_equal 'of the site' cat "$top/config/local.yml"
    expect_equal "code of $1" cat "$top/config/code.yml"
    expect_equal 'a picture' cat "$top/uploads/a.jpg"
    expect_equal seed cat "$top/data/seed"
    expect_equal "$(sha256sum <"$WORK/big")" sha256sum <"$top/data/big"
    # Each start of anything left a line, in one file.
    expect_equal "$(seq 1 "$(wc -l <"$top/data/log")" | wc -l)" bash -c "wc -l <'$WORK/srv/data/data/log'"
}

# ---------------------------------------------------------------- a site that has it in a release's tree

"$WRKTALK" deploy 1.0 >/dev/null 2>&1
head -c 3000000 /dev/urandom >"$WORK/big"
cp "$WORK/big" "$WORK/srv/current/data/big"
echo 'of the site' >"$WORK/srv/current/config/local.yml"
mkdir "$WORK/srv/current/uploads"
echo 'a picture' >"$WORK/srv/current/uploads/a.jpg"
check 'the first release that keeps it' expect_exit 0 "$WRKTALK" deploy 2.0
check 'has it' whole 2.0
check 'the story tells that it was moved' expect_output "moved out of the release's tree to .*/srv/data: data, uploads, config/local.yml" "$WRKTALK" task show "$(last_task)"
check 'it lies beside the releases' test -f "$WORK/srv/data/data/big"
check 'and what ran before still sees it' cmp "$WORK/big" "$WORK/srv/releases/1.0/data/big"
for version in 3.0 4.0 5.0; do
    check "upgrade to $version" expect_exit 0 "$WRKTALK" deploy "$version"
    check "keeps it: $version" whole "$version"
done
check 'what the release brings lies beside' expect_equal 'default of 5.0' cat "$WORK/srv/current/.wrktalk-release/config/local.yml"
check 'a rollback' expect_exit 0 "$WRKTALK" rollback
check 'keeps it' whole 4.0
check 'a redeployment' expect_exit 0 "$WRKTALK" deploy 4.0
check 'keeps it, too' whole 4.0
check 'a release that fails is put back' expect_exit 9 "$WRKTALK" deploy 5.1
check 'with what it wrote' whole 4.0
check 'back to the release that kept nothing' expect_exit 0 "$WRKTALK" rollback --to-version 1.0
check 'which gets it all the same' whole 1.0
check 'a release whose archive has one folder' expect_exit 0 "$WRKTALK" deploy 6.0
check 'has it in that folder' whole 6.0
check 'nothing is left over' no_left_overs
check 'the data folder holds what is kept alone' expect_equal 'config data uploads' bash -c "cd '$WORK/srv/data' && echo *"

# ---------------------------------------------------------------- killed at each step

again() {
    "$WRKTALK" rollback --to-version "$1" >/dev/null 2>&1
    sql 'delete from task_event; delete from agent_task' >/dev/null
}
killed() {
    again 4.0
    "$WRKTALK" deploy 5.0 --queue >/dev/null
    WRKTALK_CRASH_AT=$1 expect_exit 137 "$WRKTALK" poll
    sleep 2
    expect_exit 0 "$WRKTALK" poll --drain
    whole 5.0
}
for step in fetch check apply health record; do check "killed at $step, every byte is there" killed "$step"; done

# The move itself: a new site for each moment.
first_move_killed() {
    rm -rf "$WORK/srv"
    sql 'delete from task_event; delete from agent_task; delete from deployment_target; update release_artifact set is_current = false, is_previous = false' >/dev/null
    expect_exit 0 "$WRKTALK" deploy 1.0
    cp "$WORK/big" "$WORK/srv/current/data/big"
    echo 'of the site' >"$WORK/srv/current/config/local.yml"
    mkdir "$WORK/srv/current/uploads"
    echo 'a picture' >"$WORK/srv/current/uploads/a.jpg"
    "$WRKTALK" deploy "$2" --queue >/dev/null
    WRKTALK_CRASH_AT=$1 expect_exit 137 "$WRKTALK" poll
    sleep 2
    if [ "$2" = "$3" ]; then expect_exit 0 "$WRKTALK" poll --drain; else refuse "$WRKTALK" poll --drain; fi
    whole "$3"
}
for moment in data-noted data-moved data-linked apply; do
    check "killed at $moment of the first move, every byte is there" first_move_killed "$moment" 2.0 2.0
    check "and is put back when the release is bad: $moment" first_move_killed "$moment" 5.1 1.0
done

# ---------------------------------------------------------------- a new site, and odd archives

first_install() {
    rm -rf "$WORK/srv"
    sql 'delete from task_event; delete from agent_task; delete from deployment_target; update release_artifact set is_current = false, is_previous = false' >/dev/null
    expect_exit 0 "$WRKTALK" deploy 2.0
    expect_equal 'default of 2.0' cat "$WORK/srv/current/config/local.yml"
    test -d "$WORK/srv/data/uploads"
    expect_exit 0 "$WRKTALK" deploy 3.0
    expect_equal 'default of 2.0' cat "$WORK/srv/current/config/local.yml"
    expect_equal '2.0 3.0' echo "$(xargs <"$WORK/srv/data/data/log")"
}
check 'a new site begins with what the release brings, and keeps it' first_install

mkdir -p "$WORK/odd/real"
ln -s real "$WORK/odd/config"
printf '[data]\nkeep = ["config/local.yml"]\n' >"$WORK/odd/wrktalk.toml"
tar -czf "$WORK/odd.tar.gz" -C "$WORK/odd" .
"$WRKTALK" release add "$WORK/odd.tar.gz" --version 9.0 --type host >/dev/null 2>&1
check 'a path through a link of the archive is refused: 7' expect_exit 7 "$WRKTALK" deploy 9.0
check 'by name' expect_output 'keeps config/local.yml, and its config is no folder'
check 'and nothing happened' expect_equal 3.0 cat "$WORK/srv/current/VERSION"
