# shellcheck shell=bash
# Sourced by suites that have a v4.2 agent's database, after lib.bash.

# v42_tables: the tables as its backend made them, in the current database.
v42_tables() {
    local ids=uuid_generate_v4
    sql 'create extension "uuid-ossp"' >/dev/null 2>&1 || { ids=gen_random_uuid && echo "uuid-ossp is not installed: ids from $ids()"; }
    sed "s/gen_random_uuid/$ids/; s/IF NOT EXISTS //" "$SUPPORT/../../migrations/agent/001_agent_tables.up.sql" |
        psql -qX -v ON_ERROR_STOP=1
}

# v42_release VERSION CHART-TYPE FILE [ENV]: an artifact as its backend stores it.
v42_release() {
    sql "insert into release_artifact (release_version, chart_type, artifact_data, env_data, sha256)
         select '$1', '$2', data, '${4:-}', encode(sha256(data), 'hex') from pg_read_binary_file('$3') data" >/dev/null
}

# v42_claim: its agent's way to a task; prints the id, or nothing when it gets none.
v42_claim() {
    psql -XqAt -v ON_ERROR_STOP=1 -c "update agent_task set status = 'inProgress', picked_up_at = now() where id =
         (select id from agent_task where status = 'pending' and execute_after <= now() order by execute_after
          for update skip locked limit 1) returning id"
}
