#!/usr/bin/env bash
# Every form in which a failing program prints a secret, through every place where an agent tells of it: log, story, result, mail, webhook.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres python3
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/mail.bash
. "$SUPPORT/mail.bash"
mail_server aiosmtpd
host_target
mail_host "$SMTP_PORT" agent s3cret
admins anna@example.org
background hook python3 "$SUPPORT/webhook.py" "$WORK/hook"
wait_until 20 test -s "$WORK/hook/port"
WRKTALK_AGENT_WEBHOOK_URL=http://127.0.0.1:$(<"$WORK/hook/port")/hook
export WRKTALK_AGENT_WEBHOOK_URL

# What a registered value looks like, and what each form hides: the same letters are looked for in every sink.
cat >"$WORK/prod.env" <<'ENV'
MAIL_HOST_NAME=Zx9-Qw7_Rt5-of-env
GREETING="Zx9-Qw7_Rt5 'quoted' of env"
ENV
"$WRKTALK" release add "$WORK/2.0.0.tar.gz" --version 3.0.0 --type host --env-file "$WORK/prod.env" >/dev/null 2>&1

# Prints the texts of FOLDER/say, each in two writes that part its secret, and fails.
cat >"$WORK/failing" <<'PY'
#!/usr/bin/env python3
import os, pathlib, sys, time
for text in (pathlib.Path(__file__).parent / "say").read_bytes().split(b"\0"):
    half = text.find(b"Qw7") + 1
    for part in (text[:half], text[half:] + b"\n"):
        os.write(2, part)
        time.sleep(0.01)
sys.exit(1)
PY
chmod +x "$WORK/failing"
# forms FIRST LAST: these of the table, and how often the secret is in them.
forms() {
    python3 - "$SUPPORT/secret_forms.txt" "$1" "$2" >"$WORK/say" <<'PY'
import sys
rows = [line.rstrip("\n").split("|", 1)[1] for line in open(sys.argv[1]) if line.strip() and line[0] != "#"]
texts = []
for row in rows[int(sys.argv[2]):int(sys.argv[3])]:
    text = row.replace("\\\\", "\1").replace("\\n", "\n").replace("\\x1b", "\x1b").replace("\1", "\\")
    texts.append(text.replace("@", "Zx9-Qw7_Rt5", 1))
sys.stdout.write("\0".join(texts))
PY
}
export WRKTALK_AGENT_HOST_ACTIVATE=$WORK/failing

# failed VERSION: deploy it, and gather what every sink got.
failed() {
    fresh
    rm -f "$WORK/hook/body" "$WORK"/sink.*
    WRKTALK_AGENT_LOG_LEVEL=DEBUG expect_exit 9 "$WRKTALK" deploy "$1"
    cp "$ERR" "$WORK/sink.log"
    sql "select message from task_event where task_id = '$(last_task)'" >"$WORK/sink.task_event"
    sql "select result || error_message from agent_task where id = '$(last_task)'" >"$WORK/sink.result"
    sql 'select data from notification' >"$WORK/sink.outbox"
    { mails text; mails html; } >"$WORK/sink.mail"
    cp "$WORK/hook/body" "$WORK/sink.webhook"
}
# masked: each sink has something of the program's output, and nothing of a secret.
masked() {
    local sink
    for sink in log task_event result outbox mail webhook; do
        grep -q -F '***' "$WORK/sink.$sink" || { echo "$sink has nothing that is masked"; return 1; }
        if grep -n -E 'Zx9|Qw7|Rt5' "$WORK/sink.$sink"; then
            echo "$sink has a secret"
            return 1
        fi
    done
}

some_forms() {
    forms "$1" "$2"
    failed 2.0.0
    masked
}
count=$(grep -c '^[^#]' "$SUPPORT/secret_forms.txt")
for ((at = 0; at < count; at += 6)); do
    check "forms $at to $((at + 5)) are masked in log, story, result, outbox, mail and webhook" some_forms "$at" "$((at + 6))"
done

values() {
    python3 - >"$WORK/say" <<'PY'
import base64, json, sys, urllib.parse
one, two = "Zx9-Qw7_Rt5-of-env", "Zx9-Qw7_Rt5 'quoted' of env"
texts = ["bare " + one, two, json.dumps({"a": {"b": two}}), urllib.parse.quote(two), "x" * 70000 + one,
         "data: " + base64.b64encode(b"A=1\nB=" + two.encode() + b"\n").decode(), "Error: fail: it says " + one + "."]
sys.stdout.write("\0".join(texts))
PY
    failed 3.0.0
    masked
    refuse grep -q "$(printf %s 'x9-Qw7_Rt5' | base64 | cut -c1-12)" "$WORK/sink.result"
}
check 'values of the env file that goes with the release are masked, bare and encoded' values

words() {
    printf 'Secret: illegal base64 data at input byte 4\nError: cannot patch "web" with kind Secret' >"$WORK/say"
    failed 2.0.0
    local sink
    for sink in log task_event result outbox mail webhook; do
        grep -q 'Secret: illegal base64 data' "$WORK/sink.$sink" || { echo "not in $sink"; return 1; }
    done
}
check 'sentences that speak of a secret stay readable' words
