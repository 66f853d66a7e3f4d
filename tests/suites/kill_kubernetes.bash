#!/usr/bin/env bash
# The kill matrix on a real API server.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres kubernetes helm
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/kill_kubernetes.bash
. "$SUPPORT/kill_kubernetes.bash"
kill_matrix
kill_in_the_middle
