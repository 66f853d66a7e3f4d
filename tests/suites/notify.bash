#!/usr/bin/env bash
# Mails and the webhook against real servers: what is said, to whom, how often, and what happens when the server does not do its part.
. "$(dirname "$0")/../support/lib.bash"
need_service postgres python3 openssl
pg_database wrktalk
# shellcheck source=../support/agent.bash
. "$SUPPORT/agent.bash"
# shellcheck source=../support/mail.bash
. "$SUPPORT/mail.bash"
mail_server aiosmtpd
host_target
export WRKTALK_AGENT_POLL_INTERVAL=1s

# ---------------------------------------------------------------- the whole way

mail_host "$SMTP_PORT" agent s3cret
admins anna@example.org bob@example.org
sql "update admin set name = E'Änne \"A\" <Müller>\r\nBcc: eve@example.org' where email = 'anna@example.org'" >/dev/null
sql "insert into admin (email, is_active) values ('gone@example.org', false)" >/dev/null

deployed() {
    expect_exit 0 "$WRKTALK" deploy 1.0.0 --note $'<script>alert(1)</script>\r\nBcc: eve@example.org'
    expect_equal 2 mail_count
    mails | cut -d'|' -f1,2 >"$WORK/got"
    expect_equal "$(printf '%s\n' 'anna@example.org|✅ Deployment Successful - 1.0.0' 'bob@example.org|✅ Deployment Successful - 1.0.0')" \
        sort "$WORK/got"
    expect_equal 2 sql "select count(*) from notification where status = 'sent' and sent_at is not null"
}
check 'a deployment is told to every active admin, by one message each' deployed

headers() {
    expect_equal 'Date From To Subject Message-ID Auto-Submitted MIME-Version Content-Type' mails names
    expect_equal 2 grep -c . <(mails header Message-ID | sort -u)
    expect_equal auto-generated bash -c "python3 '$SUPPORT/mails.py' '$MAIL' header Auto-Submitted | sort -u"
    refuse grep -rqi '^bcc' "$MAIL" --include='*.eml'
    # Only ASCII, and no line too long for any server.
    refuse grep -rqP '[^\x00-\x7f]' "$MAIL" --include='*.eml'
    refuse grep -rqE '.{500}' "$MAIL" --include='*.eml'
}
check 'headers are whole, and hold what they are given and no more' headers

bodies() {
    mails text >"$WORK/text"
    grep -q 'Target: .*host:site' "$WORK/text"
    grep -q "wrktalk task show $(last_task | cut -c1-8)" "$WORK/text"
    grep -q 'Duration' "$WORK/text"
    grep -q 'Asked for by: .*@' "$WORK/text"
    mails html >"$WORK/html"
    grep -q '&lt;script&gt;' "$WORK/html"
    refuse grep -q '<script>' "$WORK/html"
}
check 'text and HTML say what was done, by whom, and what to do; markup in it is shown, not obeyed' bodies

failed_one() {
    fresh
    cat >"$WORK/sick" <<'SH'
#!/bin/sh
[ "$WRKTALK_VERSION" = 2.0.0 ] || exit 0
echo "password=hunter2 is wrong" >&2
exit 1
SH
    chmod +x "$WORK/sick"
    WRKTALK_AGENT_HOST_HEALTH=$WORK/sick WRKTALK_AGENT_HOST_TIMEOUT=1s expect_exit 9 "$WRKTALK" deploy 2.0.0
    expect_equal '❌ Deployment Failed - 2.0.0' bash -c "python3 '$SUPPORT/mails.py' '$MAIL' header Subject | sort -u"
    mails text >"$WORK/text"
    grep -q 'What failed' "$WORK/text"
    grep -q 'put back' "$WORK/text"
    grep -q 'task retry' "$WORK/text"
    refuse grep -q hunter2 "$WORK/text"
}
check 'a failure says why, without secrets, and that what ran before runs again' failed_one

rolled_back() {
    fresh
    expect_exit 0 "$WRKTALK" deploy 2.0.0
    fresh
    expect_exit 0 "$WRKTALK" rollback
    expect_equal '🔄 Rollback Successful - 1.0.0' bash -c "python3 '$SUPPORT/mails.py' '$MAIL' header Subject | sort -u"
}
check 'a rollback has its own subject' rolled_back

by_the_daemon() {
    fresh
    background agent "$WRKTALK" poll --loop
    expect_exit 0 "$WRKTALK" deploy 2.0.0 --queue --wait
    wait_until 10 expect_equal 2 mail_count
    # Its own connection is closed when nothing is left to send.
    wait_until 10 expect_equal 1 sql "select count(*) from pg_stat_activity where application_name = 'wrktalk/poll'"
    end_background agent
}
check 'the daemon sends, and then holds one connection again' by_the_daemon

missed() {
    fresh
    "$WRKTALK" deploy 1.0.0 --queue --at +0s --missed-after 100ms >/dev/null
    sql "update agent_task set execute_after = now() - interval '1 hour' where status = 'pending'" >/dev/null
    expect_exit 0 "$WRKTALK" poll
    expect_equal '⏰ Deployment Missed - 1.0.0' bash -c "python3 '$SUPPORT/mails.py' '$MAIL' header Subject | sort -u"
}
check 'a missed schedule is told' missed

missed_again() {
    fresh
    expect_exit 0 "$WRKTALK" task retry "$(last_task)"
    sql "update agent_task set execute_after = now() - interval '1 hour' where status = 'pending'" >/dev/null
    expect_exit 0 "$WRKTALK" poll
    expect_equal 2 mail_count
    expect_equal '⏰ Deployment Missed - 1.0.0' bash -c "python3 '$SUPPORT/mails.py' '$MAIL' header Subject | sort -u"
}
check 'a task that misses its schedule once more is told once more' missed_again

no_admin_any_more() {
    fresh
    mail_host 1 agent s3cret
    expect_exit 0 "$WRKTALK" deploy 1.0.0
    expect_equal 2 sql "select count(*) from notification where status = 'pending'"
    sql "delete from admin where email = 'anna@example.org'" >/dev/null
    sql "update admin set is_active = false where email = 'bob@example.org'" >/dev/null
    mail_host "$SMTP_PORT" agent s3cret
    expect_exit 1 "$WRKTALK" notify outbox flush
    expect_equal 0 mail_count
    expect_equal 2 sql "select count(*) from notification where status = 'failed' and last_error = 'the admin is no longer active'"
}
check 'who is no admin any more when it is sent gets nothing' no_admin_any_more

two_spellings() {
    fresh
    admins anna@example.org Anna@Example.org 'Anna <anna@example.org>' ' anna@example.org.'
    expect_exit 0 "$WRKTALK" deploy 1.0.0
    expect_equal 1 mail_count
}
check 'an admin whose address stands there in two spellings gets one mail' two_spellings
admins anna@example.org bob@example.org

silent_agent() {
    fresh
    sql "insert into agent_instance (id, agent_id, version, targets, last_seen)
         values (gen_random_uuid(), 'far-away', '1', '{host:far-away}', now() - interval '11 minutes')" >/dev/null
    background agent "$WRKTALK" poll --loop
    wait_until 10 expect_equal 2 mail_count
    end_background agent
    expect_output '0 sent' "$WRKTALK" notify outbox flush
    expect_equal '🔇 Agent Silent - far-away' bash -c "python3 '$SUPPORT/mails.py' '$MAIL' header Subject | sort -u"
}
check 'an agent that is silent for ten minutes is told of once' silent_agent

backup_failed() {
    fresh
    expect_exit 5 "$WRKTALK" backup create --dir "$WORK/nowhere" --notify
    expect_equal '❌ Backup Failed - site' bash -c "python3 '$SUPPORT/mails.py' '$MAIL' header Subject | sort -u"
}
check 'a backup that failed is told when that is asked for' backup_failed

again_by_hand() {
    fresh
    expect_output '2 sent' "$WRKTALK" notify send deploy.completed --task "$(last_task)"
    expect_exit 2 "$WRKTALK" notify send deploy.done --task "$(last_task)"
}
check 'send tells of a task once more' again_by_hand

# ---------------------------------------------------------------- the server's answers

answers() {
    fresh
    admins anna@example.org reject@example.org defer@example.org
    sql "insert into admin (email) values ('no address')" >/dev/null
    "$WRKTALK" notify send deploy.completed --task "$(last_task)" >/dev/null 2>&1 || true
    expect_equal "$(printf '%s\n' 'anna@example.org sent 1' 'defer@example.org pending 1' 'no address failed 1' 'reject@example.org failed 1')" outbox
    expect_equal 1 mail_count
    expect_equal t sql "select next_attempt_at - now() between '55 seconds' and '61 seconds' from notification where status = 'pending'"
    expect_output 'reject@.*550 5.1.1' "$WRKTALK" notify outbox list
}
check '250, 451 and 550 are told apart for each recipient' answers

backoff() {
    local n
    for n in 2 3 4; do
        due_now
        expect_exit 0 "$WRKTALK" poll
    done
    expect_equal 'defer@example.org pending 4' bash -c "psql -XAtc \"select recipient || ' ' || status || ' ' || attempts from notification where status = 'pending'\""
    expect_equal t sql "select next_attempt_at - now() between '7 minutes' and '8 minutes 1 second' from notification where status = 'pending'"
    sql "update notification set attempts = 40, next_attempt_at = now() where status = 'pending'" >/dev/null
    expect_exit 0 "$WRKTALK" poll
    expect_equal t sql "select next_attempt_at - now() between '359 minutes' and '6 hours' from notification where status = 'pending'"
    sql "update notification set created_at = now() - interval '73 hours', next_attempt_at = now() where status = 'pending'" >/dev/null
    expect_exit 0 "$WRKTALK" poll
    expect_equal 0 sql "select count(*) from notification where status = 'pending'"
    expect_equal 1 mail_count
}
check 'it is tried again after 1, 2, 4, 8 minutes up to 6 hours, and given up after 3 days' backoff

# passes MODE: in that mode the message waits, and later it arrives.
passes() {
    fresh
    news 1
    mode "$1"
    expect_exit 1 "$WRKTALK" notify outbox flush --timeout 2s
    expect_equal 0 mail_count
    expect_equal 'a1@example.org pending 1' outbox
    mode
    expect_exit 0 "$WRKTALK" notify outbox flush
    expect_equal 1 mail_count
    expect_equal 'a1@example.org sent 2' outbox
}
for fault in busy hang reject-auth hang-data drop-data; do
    check "a server in mode $fault gets the message later, once" passes "$fault"
done

refused_message() {
    fresh
    news 1
    mode reject-data
    expect_exit 1 "$WRKTALK" notify outbox flush
    mode
    expect_equal 'a1@example.org failed 1' outbox
}
check 'a message that the server refuses as such (554) is given up' refused_message

dropped_quit() {
    fresh
    news 3
    mode drop-quit
    expect_exit 0 "$WRKTALK" notify outbox flush
    mode
    expect_equal 3 mail_count
}
check 'a connection that is lost at QUIT harms nothing' dropped_quit

server_down() {
    fresh
    news 5
    mail_host 1 agent s3cret
    expect_exit 1 "$WRKTALK" notify outbox flush
    # The others are spared: the server is asked once.
    expect_equal '1' sql 'select sum(attempts) from notification'
    mail_host "$SMTP_PORT" agent s3cret
    expect_output '5 sent' "$WRKTALK" notify outbox flush
}
check 'a server that is down is asked once for all, and the rest goes when it is back' server_down

not_set() {
    fresh
    news 1
    sql 'delete from deployment_config' >/dev/null
    expect_exit 1 "$WRKTALK" notify outbox flush
    expect_output 'no mail server is set' "$WRKTALK" notify outbox list
    expect_exit 5 "$WRKTALK" notify test
    mail_host "$SMTP_PORT" agent s3cret
    expect_output '1 sent' "$WRKTALK" notify outbox flush
}
check 'without a mail server messages wait until there is one' not_set

not_held_up() {
    fresh
    mode hang
    news 1
    background agent "$WRKTALK" poll --loop
    wait_until 10 expect_equal 'a1@example.org sending 1' outbox
    "$WRKTALK" deploy 1.0.0 --queue >/dev/null
    wait_until 10 task_is completed
    expect_equal t sql "select picked_up_at - created_at < '1 second' from agent_task order by created_at desc limit 1"
    end_background agent
    # What the server cannot have is let go of at the end.
    expect_equal 'a1@example.org pending 1' bash -c "psql -XAtc \"select recipient || ' ' || status || ' ' || attempts from notification where event_key = 'k1'\""
    mode
}
check 'a server that hangs holds up neither a claim nor a task' not_held_up

# ---------------------------------------------------------------- trust

steps() { expect_exit "$1" "$WRKTALK" notify test "${@:3}" && expect_output "$2"; }
check 'test shows the steps to the end' steps 0 '^accepted +250' --to anna@example.org
wrong_password() {
    mail_host "$SMTP_PORT" agent wr0ngw0rd
    steps 5 '535' --to anna@example.org
    expect_output '^tls +certificate trusted' || return 1
    refuse grep -q wr0ngw0rd "$OUT" "$ERR"
}
check 'a wrong password is named so, and not repeated' wrong_password
no_starttls() {
    mail_host "$SMTP_PLAIN_PORT"
    steps 5 'STARTTLS not supported'
    mail_host "$SMTP_PLAIN_PORT" agent s3cret
    WRKTALK_AGENT_SMTP_TLS=none steps 5 'a login needs TLS'
    mail_host "$SMTP_PLAIN_PORT"
    WRKTALK_AGENT_SMTP_TLS=none steps 0 '^accepted' --to anna@example.org
}
check 'without STARTTLS nothing goes out, unless plain text is asked for and there is no login' no_starttls
from_the_start() {
    mail_host "$SMTPS_PORT" agent s3cret localhost
    WRKTALK_AGENT_SMTP_TLS=smtps steps 0 '^accepted' --to anna@example.org
}
check 'TLS from the start' from_the_start
unknown_ca() {
    mail_host "$SMTP_PORT" agent s3cret
    WRKTALK_AGENT_SMTP_CA_FILE='' steps 5 'WRKTALK_AGENT_SMTP_CA_FILE'
}
check 'a certificate of an unknown CA is refused' unknown_ca

# strict MODE: a server that refuses what strict_smtp.py says, in STRICT_PORT.
strict() {
    end_background strict >/dev/null 2>&1 || true
    mkdir -p "$WORK/strict"
    rm -f "$WORK/strict/port"
    background strict python3 "$SUPPORT/strict_smtp.py" "$1" "$TESTBED_STATE/tls" "$WORK/strict"
    wait_until 10 test -s "$WORK/strict/port"
    STRICT_PORT=$(<"$WORK/strict/port")
}
bare_name() {
    strict ehlo
    mail_host "$STRICT_PORT" agent s3cret
    # However bare this machine's name is: the sender's domain takes its place.
    steps 0 '^accepted' --to anna@example.org
    WRKTALK_AGENT_SMTP_HELO=web1 steps 1 "refuses the name 'web1' that this machine gives in EHLO: 504 5.5.2 .*need fully-qualified" --to anna@example.org
    expect_output '^hint: .*WRKTALK_AGENT_SMTP_HELO'
    WRKTALK_AGENT_SMTP_HELO='[192.0.2.1]' steps 0 '^accepted' --to anna@example.org
    WRKTALK_AGENT_SMTP_HELO='a b' steps 5 'is no name for EHLO' --to anna@example.org
}
check 'a server that wants a full name in EHLO gets one, and another can be set' bare_name
put_off() {
    strict rcpt-ehlo
    mail_host "$STRICT_PORT" agent s3cret
    fresh
    news 1
    WRKTALK_AGENT_SMTP_HELO=web1 expect_exit 1 "$WRKTALK" notify outbox flush
    expect_equal 'a1@example.org pending 1' outbox
    expect_output 'refuses the name' "$WRKTALK" notify outbox list
    expect_output '1 sent' "$WRKTALK" notify outbox flush
}
check 'a name that is refused at the recipient gives no message up' put_off
no_common_login() {
    strict oauth
    mail_host "$STRICT_PORT" agent s3cret
    steps 5 'offers no login that wrktalk speaks \(PLAIN, LOGIN\): it offers XOAUTH2, CRAM-MD5' --to anna@example.org
    refuse grep -qi denied "$ERR"
}
check 'a server that offers other logins denied nothing: they are named' no_common_login
demands_login() {
    strict 530
    mail_host "$STRICT_PORT"
    steps 1 'demands a login: 530 5.7.0 Authentication required' --to anna@example.org
    expect_output '^hint: .*smtp_user'
    mail_host "$STRICT_PORT" agent s3cret
    steps 5 'offers no login$' --to anna@example.org
    strict relay
    mail_host "$STRICT_PORT"
    steps 1 'demands a login: 554 .*Relay access denied' --to anna@example.org
    mail_host "$STRICT_PORT" agent s3cret
    steps 1 'does not pass mail on to that recipient: 554' --to anna@example.org
    strict sender
    mail_host "$STRICT_PORT" agent s3cret
    steps 1 'refuses the sender: 553' --to anna@example.org
    expect_output '^hint: .*smtp_from'
}
check 'a login that is demanded, a relay and a sender that are refused are told apart' demands_login
source_address() {
    strict peer
    mail_host "$STRICT_PORT" agent s3cret
    WRKTALK_AGENT_SMTP_SOURCE=127.0.0.2 steps 0 '^accepted +250 from 127.0.0.2' --to anna@example.org
    WRKTALK_AGENT_SMTP_SOURCE=192.0.2.77 steps 1 'WRKTALK_AGENT_SMTP_SOURCE' --to anna@example.org
    WRKTALK_AGENT_SMTP_SOURCE=eth0 steps 5 'is no IP address' --to anna@example.org
    end_background strict || true
}
check 'mail goes from the address that is set' source_address

# bad_certificate DAYS NAME: a server with such a certificate; its STARTTLS port is in BAD_PORT.
bad_certificate() {
    local tls=$WORK/bad/tls base
    base=$(free_port)
    mkdir -p "$tls" "$WORK/bad/state"
    openssl req -newkey rsa:2048 -nodes -subj /CN=bad -keyout "$tls/server.key" -out "$tls/server.csr" 2>/dev/null
    openssl x509 -req -in "$tls/server.csr" -days "$1" -CA "$SMTP_CA" -CAkey "${SMTP_CA%.crt}.key" -set_serial 7 \
        -out "$tls/server.crt" -extfile <(echo "subjectAltName=$2") 2>/dev/null
    background bad env PYTHONPATH="$TESTBED_CACHE/aiosmtpd" python3 "$SUPPORT/testbed/smtp-server.py" "$WORK/bad/state" "$tls" "$base"
    wait_until 20 listening "$((base + 2))"
    BAD_PORT=$((base + 1))
}
refuses_certificate() {
    bad_certificate "$1" "$2"
    mail_host "$BAD_PORT" agent s3cret
    steps 5 "$3" --to anna@example.org
    fresh
    news 1
    expect_exit 1 "$WRKTALK" notify outbox flush
    expect_equal 'a1@example.org pending 1' outbox
    end_background bad || true
}
check 'an expired certificate is refused' refuses_certificate -1 IP:127.0.0.1 'expired'
check 'a certificate of another name is refused' refuses_certificate 30 DNS:mail.example.net 'does not match|no alternative'

# ---------------------------------------------------------------- several agents, and kills

shared() {
    mail_host "$SMTP_PORT" agent s3cret
    fresh
    news 40
    local n
    for n in 1 2 3 4; do
        WRKTALK_AGENT_AGENT_ID=site-$n WRKTALK_AGENT_HOST_ROOT=$WORK/srv-$n background "agent$n" "$WRKTALK" poll --loop
    done
    wait_until 60 expect_equal 40 sql "select count(*) from notification where status = 'sent'"
    for n in 1 2 3 4; do end_background "agent$n"; done
    expect_equal 40 mail_count
    expect_equal 40 grep -c . <(mails header Message-ID | sort -u)
    [ "$(grep -l 'notify.sent' "$WORK"/agent?.log | wc -l)" -gt 1 ]
}
check 'four agents share an outbox of forty, and nothing is sent twice' shared

# The lease of ten minutes is over.
killed() {
    fresh
    news 1
    WRKTALK_CRASH_AT=$1 expect_exit 137 "$WRKTALK" poll
    expect_equal 'a1@example.org sending 1' outbox
    expect_equal "$2" mail_count
    expect_exit 0 "$WRKTALK" poll
    expect_equal 'a1@example.org sending 1' outbox
    due_now
    expect_exit 0 "$WRKTALK" poll
    expect_exit 0 "$WRKTALK" poll
    expect_equal 'a1@example.org sent 2' outbox
    expect_equal "$(($2 + 1))" mail_count
    expect_equal 1 grep -c . <(mails header Message-ID | sort -u)
}
check 'killed before the server has it, it is sent once, when the lease is over' killed notify-taken 0
check "killed between the server's 250 and the commit, it is sent again with the same Message-ID" killed notify-accepted 1

database_gone() {
    fresh
    news 1
    mode hang
    background agent "$WRKTALK" poll --loop
    wait_until 10 expect_equal 'a1@example.org sending 1' outbox
    sql "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like 'wrktalk%'" >/dev/null
    mode
    wait_until 60 bash -c "[ \"\$(psql -XAtc \"select status from notification\")\" != sending ]"
    end_background agent
    expect_output 'sent' "$WRKTALK" notify outbox flush
    expect_equal 1 mail_count
}
check 'a database connection that is cut meanwhile changes nothing' database_gone

# ---------------------------------------------------------------- the outbox by hand

by_hand() {
    fresh
    news 3
    mail_host 1 agent s3cret
    expect_exit 1 "$WRKTALK" notify outbox flush
    expect_exit 0 "$WRKTALK" notify outbox drop --yes "$(sql "select id from notification where recipient = 'a2@example.org'")"
    expect_exit 2 "$WRKTALK" notify outbox drop
    expect_exit 0 "$WRKTALK" notify outbox drop --yes
    expect_equal 3 sql "select count(*) from notification where status = 'failed' and last_error like 'dropped by %@%'"
    expect_exit 1 "$WRKTALK" notify outbox drop --yes 00000000-0000
    mail_host "$SMTP_PORT" agent s3cret
    expect_output '1 sent' "$WRKTALK" notify outbox flush "$(sql "select id from notification where recipient = 'a2@example.org'")"
    expect_equal 1 mail_count
    expect_output '"recipient": "a2@example.org"' "$WRKTALK" notify outbox list --all -o json
}
check 'list, drop and flush by id' by_hand

# ---------------------------------------------------------------- the webhook

webhook() {
    fresh
    admins
    background hook python3 "$SUPPORT/webhook.py" "$WORK/hook"
    wait_until 20 test -s "$WORK/hook/port"
    WRKTALK_AGENT_WEBHOOK_URL=http://127.0.0.1:$(<"$WORK/hook/port")/token-abcdef
    WRKTALK_AGENT_WEBHOOK_SECRET=k3y-of-the-hook
    export WRKTALK_AGENT_WEBHOOK_URL WRKTALK_AGENT_WEBHOOK_SECRET
    expect_exit 0 "$WRKTALK" notify test --webhook
    echo 500 >"$WORK/hook/answer"
    expect_exit 0 "$WRKTALK" deploy 2.0.0
    refuse grep -q token-abcdef "$OUT" "$ERR"
    expect_equal 'webhook pending 1' outbox
    rm "$WORK/hook/answer"
    expect_output '1 sent' "$WRKTALK" notify outbox flush
    expect_equal "sha256=$({ printf %s. "$(<"$WORK/hook/timestamp")" && cat "$WORK/hook/body"; } |
        openssl dgst -sha256 -hmac "$WRKTALK_AGENT_WEBHOOK_SECRET" -r | cut -d' ' -f1)" cat "$WORK/hook/signature"
    [ "$(($(date +%s) - $(<"$WORK/hook/timestamp")))" -lt 60 ]
    expect_equal 'deploy.completed 2.0.0 completed' python3 -c "import json; b = json.load(open('$WORK/hook/body')); print(b['event'], b['data']['version'], 'completed')"
    echo 410 >"$WORK/hook/answer"
    expect_exit 0 "$WRKTALK" deploy 1.0.0
    expect_equal 1 sql "select count(*) from notification where status = 'failed'"
    end_background hook || true
}
check 'the webhook gets the same, signed; what fails is tried again' webhook

# long_hook STATUS END: answers with 3 MB, to the end or broken off in the middle (END is whole or broken); counts in hits.
long_hook() {
    end_background hook >/dev/null 2>&1 || true
    rm -f "$WORK/hook/hits" "$WORK/hook/port"
    cat >"$WORK/long_hook.py" <<'PY'
import http.server, pathlib, sys
folder, status, end = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with open(folder / "hits", "a") as hits: hits.write("x")
        body = b"the token is not known here " + b"x" * (3_000_000 if end == "whole" else 5)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if end == "whole" else 1000))
        self.end_headers()
        try: self.wfile.write(body)
        except OSError: pass
server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
(folder / "port").write_text(str(server.server_port))
server.serve_forever()
PY
    background hook python3 "$WORK/long_hook.py" "$WORK/hook" "$1" "$2"
    wait_until 10 test -s "$WORK/hook/port"
    WRKTALK_AGENT_WEBHOOK_URL=http://127.0.0.1:$(<"$WORK/hook/port")/
    export WRKTALK_AGENT_WEBHOOK_URL
}
by_status() {
    admins
    local end
    for end in whole broken; do
        fresh
        long_hook 200 "$end"
        expect_exit 0 "$WRKTALK" deploy 1.0.0
        expect_exit 0 "$WRKTALK" notify outbox flush
        expect_equal x cat "$WORK/hook/hits"
        expect_equal 0 sql "select count(*) from notification where status <> 'sent'"
    done
    fresh
    long_hook 403 whole
    expect_exit 0 "$WRKTALK" deploy 1.0.0
    expect_output 'the webhook answers 403: the token is not known here xxx' "$WRKTALK" notify outbox list
    expect_exit 1 "$WRKTALK" notify test --webhook
    expect_output 'the webhook answers 403: the token'
    unset WRKTALK_AGENT_WEBHOOK_URL
    end_background hook || true
}
check 'a webhook is judged by its status, however long or broken its answer is, and quoted when it refuses' by_status

# ---------------------------------------------------------------- a second make

if command -v exim4 >/dev/null && [ "$(id -u)" -eq 0 ]; then
    fresh
    admins
    "$SUPPORT/testbed/smtp-up" exim >"$WORK/smtp.env" 2>"$WORK/smtp.log" || cat "$WORK/smtp.log"
    passed_on() { mails | grep '^a' | cut -d'|' -f1 | grep -v anna | sort; }
    with_exim() {
        mail_host "$EXIM_PORT" agent s3cret
        steps 0 '^accepted +250 OK' --to anna@example.org
        fresh
        admins reject@example.org defer@example.org
        news 3
        sql "insert into notification (event, event_key, recipient, data) values ('deploy.failed', 'x', 'reject@example.org', '{}'), ('deploy.failed', 'y', 'defer@example.org', '{}')" >/dev/null
        expect_exit 1 "$WRKTALK" notify outbox flush
        expect_equal "$(printf '%s\n' 'a1@example.org sent 1' 'a2@example.org sent 1' 'a3@example.org sent 1' 'defer@example.org pending 1' 'reject@example.org failed 1')" outbox
        # It passes them on to the first server.
        wait_until 20 expect_equal "$(printf '%s\n' a1@example.org a2@example.org a3@example.org)" passed_on
        mail_host "$EXIM_PORT" agent wrong
        steps 5 '535'
    }
    check 'Exim: three accepted, one refused, one deferred, a wrong password' with_exim
else
    have_service exim4 || true
fi
