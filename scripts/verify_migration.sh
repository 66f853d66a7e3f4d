#!/usr/bin/env bash
# Checks the checkpoint tables, under the name that the migration guide gave it: `wrktalk verify` does the work.
#
# usage: verify_migration.sh [CONNINFO]      a conninfo string or postgresql:// URI; else the PG* variables say where
#
# Exits 0 when everything is as the migrations make it, 3 when not; each difference is named.
set -euo pipefail
[ $# -eq 0 ] || export WRKTALK_AGENT_CHECKPOINT_DSN=$1
exec "${WRKTALK:-wrktalk}" verify
