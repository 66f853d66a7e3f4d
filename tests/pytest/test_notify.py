"""What is told by mail and webhook, to whom, and how often; the outbox, shared by agents and killed ones."""

import hashlib
import hmac
import json
import re
import sys
import time

import pytest

from program import SUPPORT, wait_for

ANNA, BOB = "anna@example.org", "bob@example.org"


@pytest.fixture
def admins(mail):
    mail.admins(ANNA, BOB)
    return mail


# ---------------------------------------------------------------- what is told

@pytest.fixture
def deployed(wrktalk, admins, database):
    """A deployment, with an admin whose name and a note that try to add headers and markup."""
    database.sql("update admin set name = E'Änne \"A\" <Müller>\\r\\nBcc: eve@example.org' where email = 'anna@example.org'")
    database.sql("insert into admin (email, is_active) values ('gone@example.org', false)")
    wrktalk("deploy", "1.0.0", "--note", "<script>alert(1)</script>\r\nBcc: eve@example.org")
    return admins


def test_deployment_is_told_to_every_active_admin_by_one_message_each(deployed, database):
    assert deployed.server.recipients() == [ANNA, BOB]
    assert deployed.server.subjects() == {"✅ Deployment Successful - 1.0.0"}
    assert database.sql("select count(*) from notification where status = 'sent' and sent_at is not null") == "2"


def test_headers_are_whole_and_hold_what_they_are_given_and_no_more(deployed):
    messages = deployed.server.messages()
    assert messages[-1].keys() == ["Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    assert len(deployed.server.message_ids()) == 2
    assert {message["Auto-Submitted"] for message in messages} == {"auto-generated"}
    for path in deployed.server.files():
        raw = path.read_bytes()
        assert not re.search(rb"^bcc", raw, re.IGNORECASE | re.MULTILINE)
        assert raw.isascii()
        assert max(len(line) for line in raw.splitlines()) < 500, "too long for some servers"


def test_text_and_html_say_what_was_done_by_whom_and_what_to_do_and_markup_is_shown(deployed, database):
    text = deployed.server.body("text/plain")
    assert re.search("Target: .*host:site", text)
    assert f"wrktalk task show {database.last_task()[:8]}" in text
    assert "Duration" in text
    assert re.search("Asked for by: .*@", text)
    html = deployed.server.body("text/html")
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_failure_says_why_without_secrets_and_that_the_former_release_runs_again(wrktalk, admins, folder):
    health = folder / "sick"
    health.write_text('#!/bin/sh\n[ "$WRKTALK_VERSION" = 2.0.0 ] || exit 0\necho "password=hunter2 is wrong" >&2\nexit 1\n')
    health.chmod(0o755)
    wrktalk("deploy", "1.0.0")
    admins.forget()
    wrktalk("deploy", "2.0.0", code=9, env={"WRKTALK_AGENT_HOST_HEALTH": health, "WRKTALK_AGENT_HOST_TIMEOUT": "1s"})
    assert admins.server.subjects() == {"❌ Deployment Failed - 2.0.0"}
    text = admins.server.body("text/plain")
    assert "What failed" in text
    assert "put back" in text
    assert "task retry" in text
    assert "hunter2" not in text


def test_rollback_has_a_subject_of_its_own(wrktalk, admins):
    wrktalk("deploy", "1.0.0")
    wrktalk("deploy", "2.0.0")
    admins.forget()
    wrktalk("rollback")
    assert admins.server.subjects() == {"🔄 Rollback Successful - 1.0.0"}


def test_daemon_sends_and_then_holds_one_connection_again(wrktalk, admins, database):
    agent = wrktalk.start("agent", "poll", "--loop")
    wrktalk("deploy", "2.0.0", "--queue", "--wait")
    wait_for(10, lambda: len(admins.server.files()), 2)
    wait_for(10, lambda: database.sql("select count(*) from pg_stat_activity where application_name = 'wrktalk/poll' and datname = current_database()"), "1")
    assert agent.end() == 0


def let_it_miss(wrktalk, database):
    database.sql("update agent_task set execute_after = now() - interval '1 hour' where status = 'pending'")
    wrktalk("poll")


def test_missed_schedule_is_told_each_time_that_it_is_missed(wrktalk, admins, database):
    wrktalk("deploy", "1.0.0", "--queue", "--at", "+0s", "--missed-after", "100ms")
    let_it_miss(wrktalk, database)
    assert admins.server.subjects() == {"⏰ Deployment Missed - 1.0.0"}
    admins.forget()
    wrktalk("task", "retry", database.last_task())
    let_it_miss(wrktalk, database)
    assert len(admins.server.files()) == 2
    assert admins.server.subjects() == {"⏰ Deployment Missed - 1.0.0"}


def test_who_is_no_admin_any_more_when_it_is_sent_gets_nothing(wrktalk, admins, database):
    admins.use(1)
    wrktalk("deploy", "1.0.0")
    assert database.sql("select count(*) from notification where status = 'pending'") == "2"
    database.sql("delete from admin where email = 'anna@example.org'")
    database.sql("update admin set is_active = false where email = 'bob@example.org'")
    admins.use_own()
    wrktalk("notify", "outbox", "flush", code=1)
    assert admins.server.files() == []
    assert database.sql("select count(*) from notification where status = 'failed' and last_error = 'the admin is no longer active'") == "2"


def test_admin_whose_address_has_several_spellings_gets_one_mail(wrktalk, mail):
    mail.admins(ANNA, "Anna@Example.org", "Anna <anna@example.org>", " anna@example.org.")
    wrktalk("deploy", "1.0.0")
    assert len(mail.server.files()) == 1


def test_agent_that_is_silent_for_ten_minutes_is_told_of_once(wrktalk, admins, database):
    database.sql("insert into agent_instance (id, agent_id, version, targets, last_seen) "
                 "values (gen_random_uuid(), 'far-away', '1', '{host:far-away}', now() - interval '11 minutes')")
    agent = wrktalk.start("agent", "poll", "--loop")
    wait_for(10, lambda: len(admins.server.files()), 2)
    assert agent.end() == 0
    wrktalk("notify", "outbox", "flush").says("0 sent")
    assert admins.server.subjects() == {"🔇 Agent Silent - far-away"}


def test_backup_that_failed_is_told_when_that_is_asked_for(wrktalk, admins, folder):
    wrktalk("backup", "create", "--dir", folder / "nowhere", "--notify", code=5)
    assert admins.server.subjects() == {"❌ Backup Failed - site"}


def test_send_tells_of_a_task_once_more(wrktalk, admins, database):
    wrktalk("deploy", "1.0.0")
    admins.forget()
    wrktalk("notify", "send", "deploy.completed", "--task", database.last_task()).says("2 sent")
    assert len(admins.server.files()) == 2
    wrktalk("notify", "send", "deploy.done", "--task", database.last_task(), code=2)


# ---------------------------------------------------------------- several agents, and kills

def test_four_agents_share_an_outbox_of_forty_and_nothing_is_sent_twice(wrktalk, mail, database):
    mail.add_messages(40)
    agents = [wrktalk.start(f"agent{n}", "poll", "--loop", env={"WRKTALK_AGENT_AGENT_ID": f"site-{n}", "WRKTALK_AGENT_HOST_ROOT": wrktalk.folder / f"srv-{n}"})
              for n in range(4)]
    wait_for(60, lambda: database.sql("select count(*) from notification where status = 'sent'"), "40")
    for agent in agents:
        agent.end()
    assert len(mail.server.files()) == 40
    assert len(mail.server.message_ids()) == 40
    assert sum(agent.said("notify.sent") for agent in agents) > 1


@pytest.mark.parametrize("at, already_there", [
    pytest.param("notify-taken", 0, id="before_the_server_has_it"),
    pytest.param("notify-accepted", 1, id="between_250_and_commit"),
])
def test_message_of_a_killed_agent_is_sent_with_the_same_id_when_the_lease_is_over(wrktalk, mail, at, already_there):
    mail.add_messages(1)
    wrktalk("poll", code=137, env={"WRKTALK_CRASH_AT": at})
    assert mail.outbox() == ["a1@example.org sending 1"]
    assert len(mail.server.files()) == already_there
    wrktalk("poll")
    assert mail.outbox() == ["a1@example.org sending 1"]
    mail.make_due()  # its lease of ten minutes is over
    wrktalk("poll")
    wrktalk("poll")
    assert mail.outbox() == ["a1@example.org sent 2"]
    assert len(mail.server.files()) == already_there + 1
    assert len(mail.server.message_ids()) == 1


def test_database_connection_that_is_cut_while_it_is_sent_changes_nothing(wrktalk, mail, database):
    mail.add_messages(1)
    mail.server.behave("hang")
    agent = wrktalk.start("agent", "poll", "--loop")
    wait_for(10, mail.outbox, ["a1@example.org sending 1"])
    database.sql("select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like 'wrktalk%' and datname = current_database()")
    mail.server.behave()
    wait_for(60, lambda: database.sql("select status from notification") != "sending")
    agent.end()
    wrktalk("notify", "outbox", "flush").says("sent")
    assert len(mail.server.files()) == 1


# ---------------------------------------------------------------- the outbox by hand

def test_outbox_is_listed_dropped_and_flushed_by_id(wrktalk, mail, database):
    def id_of(recipient):
        return database.sql(f"select id from notification where recipient = '{recipient}'")

    mail.add_messages(3)
    mail.use(1)
    wrktalk("notify", "outbox", "flush", code=1)
    wrktalk("notify", "outbox", "drop", "--yes", id_of("a2@example.org"))
    assert database.sql("select recipient from notification where status = 'failed'") == "a2@example.org"
    wrktalk("notify", "outbox", "drop", code=2)
    wrktalk("notify", "outbox", "drop", "--yes")
    assert database.sql("select count(*) from notification where status = 'failed' and last_error like 'dropped by %@%'") == "3"
    wrktalk("notify", "outbox", "drop", "--yes", "00000000-0000", code=1)
    mail.use_own()
    wrktalk("notify", "outbox", "flush", id_of("a2@example.org")).says("1 sent")
    assert mail.server.recipients() == ["a2@example.org"]
    wrktalk("notify", "outbox", "list", "--all", "-o", "json").says('"recipient": "a2@example.org"')


# ---------------------------------------------------------------- the webhook

@pytest.fixture
def hook(folder, wrktalk):
    """tests/support/webhook.py, and the program told of it."""
    return start_hook(folder, wrktalk, SUPPORT / "webhook.py")


def start_hook(folder, wrktalk, script, *words):
    kept = folder / "hook"
    kept.mkdir(exist_ok=True)
    (kept / "port").unlink(missing_ok=True)
    wrktalk.start_command("hook", sys.executable, script, kept, *words)
    port = wait_for(20, lambda: (kept / "port").exists() and (kept / "port").read_text())
    wrktalk.env["WRKTALK_AGENT_WEBHOOK_URL"] = f"http://127.0.0.1:{port}/token-abcdef"
    return kept


def test_webhook_gets_the_same_signed_and_what_fails_is_tried_again(wrktalk, mail, database, hook):
    wrktalk.env["WRKTALK_AGENT_WEBHOOK_SECRET"] = "k3y-of-the-hook"
    wrktalk("notify", "test", "--webhook")
    (hook / "answer").write_text("500")
    wrktalk("deploy", "2.0.0").hides("token-abcdef")
    assert mail.outbox() == ["webhook pending 1"]
    (hook / "answer").unlink()
    wrktalk("notify", "outbox", "flush").says("1 sent")
    at, body = (hook / "timestamp").read_text(), (hook / "body").read_bytes()
    signature = hmac.new(b"k3y-of-the-hook", at.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert (hook / "signature").read_text() == f"sha256={signature}"
    assert time.time() - int(at) < 60
    assert json.loads(body)["event"] == "deploy.completed"
    assert json.loads(body)["data"]["version"] == "2.0.0"


def test_webhook_that_answers_410_gets_the_message_no_more(wrktalk, mail, hook):
    (hook / "answer").write_text("410")
    wrktalk("deploy", "1.0.0")
    assert mail.outbox() == ["webhook failed 1"]


# Answers STATUS with 3 MB, or breaks off in the middle; counts the requests in the file hits.
LONG_HOOK = """
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
"""


def start_long_hook(folder, wrktalk, status, end):
    script = folder / "long_hook.py"
    script.write_text(LONG_HOOK)
    return start_hook(folder, wrktalk, script, status, end)


@pytest.mark.parametrize("end", ["whole", "broken"])
def test_webhook_that_answers_200_has_got_it_however_long_or_broken_its_answer(wrktalk, mail, folder, end):
    hook = start_long_hook(folder, wrktalk, 200, end)
    wrktalk("deploy", "1.0.0")
    wrktalk("notify", "outbox", "flush")
    assert (hook / "hits").read_text() == "x"
    assert mail.outbox() == ["webhook sent 1"]


def test_webhook_that_refuses_is_quoted(wrktalk, mail, folder):
    start_long_hook(folder, wrktalk, 403, "whole")
    wrktalk("deploy", "1.0.0")
    wrktalk("notify", "outbox", "list").says("the webhook answers 403: the token is not known here xxx")
    wrktalk("notify", "test", "--webhook", code=1).says("the webhook answers 403: the token")
