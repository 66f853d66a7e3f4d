#!/usr/bin/env bash
# Rows, archives and words on the command line that hold control sequences and hidden characters, through every printer on a terminal.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres python3
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
export WRKTALK_AGENT_DEPLOYMENT_TYPE=host WRKTALK_AGENT_AGENT_ID=site WRKTALK_AGENT_HOST_ROOT=$WORK/srv
"$WRKTALK" migrate up --set agent >/dev/null

# A colour, a window's title, C1's own, another direction, nothing of no width, a tag, a soft hyphen, a line that is not there.
HOSTILE=$(python3 -c 'print("evil\x1b[31m\x1b]0;title\x07\x9b2J\x85\u202egnp.exe\u2066\u200b\u200d\ufeff\U000e0041\u00ad\u2028\x7f\x08end", end="")')
export HOSTILE
# plant STATEMENT: :'h' in it is the hostile text.
plant() { psql -X -q -v ON_ERROR_STOP=1 -v h="$HOSTILE" <<<"$1"; }
plant "insert into release_artifact (release_version, chart_type, sha256, artifact_data) values (:'h', 'host', repeat('a', 64), 'x')"
plant "insert into deployment_target (name, kind, chart_type) values ('host:' || :'h', 'host', 'host')"
plant "insert into agent_task (id, type, status, target, payload, phase, claimed_by, error_message, result, reached, created_at)
       values ('11111111-2222-3333-4444-555555555555', :'h', 'failed', 'host:' || :'h',
               jsonb_build_object('target_version', :'h', 'note', :'h', 'requested_by', :'h'), :'h', :'h', :'h',
               jsonb_build_object('state', :'h', 'hint', :'h', 'evidence', 'first' || chr(10) || :'h', 'exit_code', 9), :'h', now())"
plant "insert into agent_task (type, status, target, payload, execute_after) values ('deploy', 'pending', 'host:' || :'h', jsonb_build_object('target_version', :'h'), now() + interval '1 day')"
plant "insert into task_event (task_id, attempt, phase, message) values ('11111111-2222-3333-4444-555555555555', 1, :'h', :'h')"
plant "insert into agent_instance (id, agent_id, host, version, targets) values (gen_random_uuid(), :'h', :'h', :'h', array[:'h'])"
plant "insert into maintenance_window (owner, agent_id, opened_by, reason, target) values ('operator', :'h', :'h', :'h', 'host:' || :'h')"
plant "insert into notification (event, event_key, recipient, data, status, last_error) values (:'h', :'h', :'h', jsonb_build_object('version', :'h'), 'failed', :'h')"
plant "insert into admin (email) values (:'h')"

# on_terminal TEXT COMMAND...: nothing hidden reaches the terminal, and a text is there, so that something was shown.
on_terminal() {
    local text=$1
    shift
    python3 "$SUPPORT/on_terminal.py" "$WORK/shown" "$@" || return 1
    grep -q -F -e "$text" "$WORK/shown" && return
    echo "not shown: $text"
    cat -v "$WORK/shown"
    return 1
}
# as_json COMMAND...: the same value as the rows hold comes out of the JSON, which is shown without anything hidden.
as_json() {
    on_terminal 'evil' "$@" -o json || return 1
    python3 - "$WORK/shown" <<'PY'
import json, os, sys
document = json.dumps(json.load(open(sys.argv[1], encoding="utf-8", newline="")), ensure_ascii=False)
hostile = json.dumps(os.environ["HOSTILE"], ensure_ascii=False)[1:-1]
sys.exit(0 if hostile in document else "the JSON does not hold what the row does")
PY
}

check 'task list' on_terminal 'u202e' "$WRKTALK" task list
check 'task show' on_terminal 'u202egnp.exe' "$WRKTALK" task show 11111111
check 'task watch' on_terminal 'u202egnp.exe' "$WRKTALK" task watch 11111111
check 'status' on_terminal 'u202egnp.exe' "$WRKTALK" status
check 'release list' on_terminal 'u202egnp.exe' "$WRKTALK" release list
check 'release show' on_terminal 'evil' "$WRKTALK" release show "$HOSTILE"
check 'release verify' on_terminal 'evil' "$WRKTALK" release verify --all
check 'maintenance status' on_terminal 'u202egnp.exe' "$WRKTALK" maintenance status
check 'notify outbox' on_terminal 'u202egnp.exe' "$WRKTALK" notify outbox list
check 'an error about a word on the command line' on_terminal 'error' "$WRKTALK" task show "$HOSTILE"
check 'an unknown command' on_terminal 'unknown command' "$WRKTALK" "$HOSTILE"
check 'an unknown option' on_terminal 'unknown option' "$WRKTALK" status "--$HOSTILE"
check 'a setting' on_terminal 'u202egnp.exe' env WRKTALK_AGENT_HOST_ROOT="$HOSTILE" "$WRKTALK" config show
check 'a plan' on_terminal 'evil' "$WRKTALK" deploy "$HOSTILE" --check
check 'the log of a task' on_terminal 'INFO' env WRKTALK_AGENT_LOG_LEVEL=DEBUG "$WRKTALK" deploy "$HOSTILE"
check 'the log in JSON' on_terminal '"event"' env WRKTALK_AGENT_LOG_LEVEL=DEBUG WRKTALK_AGENT_LOG_FORMAT=json "$WRKTALK" deploy "$HOSTILE"
# Line ends in a row's texts make no line that looks like one of ours.
fake=11111111-2222-3333-4444-666666666666
psql -X -q -v ON_ERROR_STOP=1 <<SQL
insert into agent_task (id, type, status, error_message, result) values ('$fake', 'deploy', 'failed',
       E'real\nStatus:         completed', jsonb_build_object('evidence', E'real\nEvents:'));
insert into task_event (task_id, attempt, phase, message) values ('$fake', 1, 'apply', E'real\n  2026-01-01 00:00:00.000  record            done');
SQL
no_faked_line() {
    "$WRKTALK" task show "$fake" >"$WORK/faked" || return 1
    [ "$(grep -c '^Status:' "$WORK/faked")" = 1 ] && [ "$(grep -c '^Events:' "$WORK/faked")" = 1 ] &&
        [ "$(sed '1,/^Events:/d' "$WORK/faked" | grep -c '^  [0-9]')" = 1 ] && grep -q 'record  *done' "$WORK/faked"
}
check 'a text of several lines fakes none of ours' no_faked_line
psql -X -q -c "delete from agent_task where id = '$fake'"
for command in 'task list' 'task show 11111111' 'status' 'release list' 'maintenance status' 'notify outbox list'; do
    # shellcheck disable=SC2086  # words
    check "$command -o json holds what the rows hold" as_json "$WRKTALK" $command
done

notices() {
    plant "create function shout() returns trigger language plpgsql as \$\$ begin raise warning '%', 'evil' || chr(27) || '[31m' || chr(8238); return new; end \$\$"
    plant 'create trigger shout before insert on agent_task for each row execute function shout()'
    on_terminal 'is queued' "$WRKTALK" deploy "$HOSTILE" --queue --queue-anyway --at +1d
}
check 'what the server raises' notices

archive() {
    python3 - "$WORK/hostile.tar.gz" <<'PY'
import io, os, sys, tarfile
with tarfile.open(sys.argv[1], "w:gz") as tar:
    tar.addfile(tarfile.TarInfo("a" + os.environ["HOSTILE"][4:].replace("\x1b", "")), io.BytesIO())
PY
    on_terminal 'not shown' "$WRKTALK" release add "$WORK/hostile.tar.gz" --version 9.9.9 --type host
    expect_exit 7 "$WRKTALK" release add "$WORK/hostile.tar.gz" --version 9.9.9 --type host
}
check 'an archive with such names is refused' archive

tool() {
    mkdir "$WORK/tree"
    echo 1 >"$WORK/tree/VERSION"
    tar -czf "$WORK/good.tar.gz" -C "$WORK/tree" .
    "$WRKTALK" release add "$WORK/good.tar.gz" --version 1.0.0 --type host >/dev/null 2>&1
    printf '#!/usr/bin/env python3\nimport os, sys\nos.write(2, os.environb[b"HOSTILE"] + b"\\n" if b"HOSTILE" in os.environb else %s)\nsys.exit(1)\n' \
        "$(python3 -c 'import os; print(os.environb[b"HOSTILE"] + b"\n")')" >"$WORK/tool"
    chmod +x "$WORK/tool"
    on_terminal 'u202egnp.exe' env WRKTALK_AGENT_HOST_ACTIVATE="$WORK/tool" WRKTALK_AGENT_LOG_LEVEL=DEBUG "$WRKTALK" deploy 1.0.0
    on_terminal 'u202egnp.exe' "$WRKTALK" task show "$(last_task | cut -c1-8)"
}
check 'what a tool prints' tool
