#!/usr/bin/env bash
# At each step of the host target something stalls: a host that is silent, a statement, the log, a connection that forwards nothing more.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"

# shellcheck source=../support/kill_host.bash
. "$SUPPORT/kill_host.bash"
start_proxy
for fault in silent_host stalled_statement sessions_end_in_transactions full_log_pipe; do stall_matrix "$fault" "${STEPS[@]}"; done
# A statement over a connection that has fallen silent is given up after 15 s.
stall_matrix black_hole apply health record

