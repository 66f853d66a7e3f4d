#!/usr/bin/env bash
# While a release is applied on a real Docker engine something stalls: a host that is silent, a statement, the log, a connection that forwards
# nothing more.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker compose python3
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/kill_docker.bash
. "$SUPPORT/kill_docker.bash"
stall_in_apply
