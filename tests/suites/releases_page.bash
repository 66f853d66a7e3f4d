#!/usr/bin/env bash
# docs/releases.md, as a vendor walks it: each command is run, and compared with what the page shows.
# shellcheck source=../support/lib.bash
. "$(dirname "$0")/../support/lib.bash"
need_service postgres python3
pg_database wrktalk
# shellcheck source=../support/document.bash
. "$SUPPORT/document.bash"

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/session/srv TMPDIR=$WORK/tmp
mkdir "$TMPDIR" "$WORK/bin"
ln -s "$WRKTALK" "$WORK/bin/wrktalk"
PATH=$WORK/bin:$PATH
"$WRKTALK" migrate up --set agent >/dev/null 2>&1

document releases.md
walk
