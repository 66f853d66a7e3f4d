# shellcheck shell=bash
# Sourced by suites that run the agent, after lib.bash: what the database says, in short words.

last_task() { sql 'select id from agent_task order by created_at desc limit 1'; }
task_is() { expect_equal "$1" sql 'select status from agent_task order by created_at desc limit 1'; }

# flags: the v4.2 flags, CURRENT|PREVIOUS.
flags() {
    sql "select coalesce(string_agg(release_version, ',') filter (where is_current), ''),
                coalesce(string_agg(release_version, ',') filter (where is_previous), '') from release_artifact"
}

maintenance_is_off() {
    [ ! -e "$WRKTALK_AGENT_MAINTENANCE_FLAG" ] || { echo 'the flag file is there'; return 1; }
    expect_equal 0 sql 'select (select count(*) from maintenance_window)
        + (select count(*) from deployment_config where maintenance_mode_enabled)'
}

# Secrets of tasks lie where no other suite's do.
export WRKTALK_AGENT_SECRETS_DIR=$WORK/secrets
mkdir "$WORK/secrets"

# no_left_overs: nothing of a task lies in the temporary folders or half unpacked in the target's.
no_left_overs() {
    local found
    found=$(find "$WORK/secrets" -mindepth 1 ! -name 'wrktalk-agent-*.state'
        find "$TMPDIR" -mindepth 2 -path '*/wrktalk-*' 2>/dev/null
        find "$WORK" \( -name '*.part-*' -o -name '*.old-*' \) -not -path '*/pg/*' 2>/dev/null)
    [ -z "$found" ] && return
    echo "left over: $found"
    return 1
}

# How long containers rest is a matter of few suites.
export WRKTALK_AGENT_COMPOSE_SETTLE=2s
