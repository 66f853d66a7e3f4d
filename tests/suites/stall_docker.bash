#!/usr/bin/env bash
# While a release is applied on a real Docker engine something stalls: a host that is silent, a statement, the log, a connection that forwards
# nothing more. WRKTALK_TEST_STEPS names other steps; "all" takes each.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker compose python3
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/kill_docker.bash
. "$SUPPORT/kill_docker.bash"

steps=(apply record)
case ${WRKTALK_TEST_STEPS:-} in
    all) steps=("${STEPS[@]}") ;;
    ?*) read -ra steps <<<"$WRKTALK_TEST_STEPS" ;;
esac
start_proxy
for fault in silent_host stalled_statement sessions_end_in_transactions full_log_pipe; do stall_matrix "$fault" "${steps[@]}"; done
stall_matrix black_hole apply
