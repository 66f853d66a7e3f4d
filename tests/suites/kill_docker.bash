#!/usr/bin/env bash
# The kill matrix on a real Docker engine.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres docker compose
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/kill_docker.bash
. "$SUPPORT/kill_docker.bash"
kill_matrix
kill_in_the_middle
