# shellcheck shell=bash
# Sourced by the suites that kill and stall an agent of the host target, after agent.bash: the target, two releases, and what kill.bash asks for.

export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv \
    WRKTALK_AGENT_HOST_ACTIVATE=$WORK/activate WRKTALK_AGENT_MAINTENANCE_FLAG=$WORK/flag TMPDIR=$WORK/tmp
mkdir "$TMPDIR"
printf '#!/bin/sh\nwhile [ -e %q ]; do sleep 0.05; done\n' "$WORK/slow" >"$WORK/activate"
chmod +x "$WORK/activate"
"$WRKTALK" migrate up --set agent >/dev/null
sql "insert into admin (email) values ('a@example.org')" >/dev/null
for version in 1.0.0 2.0.0; do
    mkdir -p "$WORK/tree-$version"
    echo "$version" >"$WORK/tree-$version/VERSION"
    tar -czf "$WORK/$version.tar.gz" -C "$WORK/tree-$version" .
    "$WRKTALK" release add "$WORK/$version.tar.gz" --version "$version" --type host >/dev/null 2>&1
done
"$WRKTALK" deploy 1.0.0 >/dev/null 2>&1

running() { cat "$WORK/srv/current/VERSION"; }
tool_at_work() { tool_running; }
tool_running() { pgrep -f "^/bin/sh $WORK/activate" >/dev/null; }
make_slow() { touch "$WORK/slow"; }
make_fast() { rm -f "$WORK/slow"; }
kill_tool() { pkill -KILL -f "^/bin/sh $WORK/activate"; }

# shellcheck source=kill.bash
. "$SUPPORT/kill.bash"
