"""Mail servers: their answers, faults and certificates, logins and names in EHLO, and what becomes of the message."""

import os
import subprocess
import sys

import pytest

from program import SUPPORT, Process, clean_environment, wait_for
from services import CACHE, find_program, free_ports, is_required, listening

ANNA = "anna@example.org"


# ---------------------------------------------------------------- the server's answers

def test_answers_250_451_and_550_are_told_apart_for_each_recipient(wrktalk, mail, database):
    wrktalk("deploy", "1.0.0")
    mail.admins(ANNA, "reject@example.org", "defer@example.org", "no address")
    wrktalk("notify", "send", "deploy.completed", "--task", database.last_task(), code=None)
    assert mail.outbox() == ["anna@example.org sent 1", "defer@example.org pending 1", "no address failed 1", "reject@example.org failed 1"]
    assert mail.server.recipients() == [ANNA]
    assert mail.next_attempt_in("55 seconds", "61 seconds")
    wrktalk("notify", "outbox", "list").says("reject@.*550 5.1.1")


def test_message_is_tried_again_after_1_2_4_8_minutes_up_to_6_hours_and_given_up_after_3_days(wrktalk, mail, database):
    mail.admins("defer@example.org")
    database.sql("insert into notification (event, event_key, recipient, data) values ('deploy.failed', 'x', 'defer@example.org', '{}')")
    for attempt, (shortest, longest) in enumerate([("55 seconds", "61 seconds"), ("1 minute 50 seconds", "2 minutes 1 second"),
                                                   ("3 minutes 40 seconds", "4 minutes 1 second"), ("7 minutes", "8 minutes 1 second")], 1):
        mail.make_due()
        wrktalk("poll")
        assert mail.outbox() == [f"defer@example.org pending {attempt}"]
        assert mail.next_attempt_in(shortest, longest)
    database.sql("update notification set attempts = 40, next_attempt_at = now() where status = 'pending'")
    wrktalk("poll")
    assert mail.next_attempt_in("359 minutes", "6 hours")
    database.sql("update notification set created_at = now() - interval '73 hours', next_attempt_at = now() where status = 'pending'")
    wrktalk("poll")
    assert database.sql("select recipient || ' ' || status from notification") == "defer@example.org failed"
    assert mail.server.files() == []


@pytest.mark.parametrize("fault", ["busy", "hang", "reject-auth", "hang-data", "drop-data"])
def test_faulty_server_gets_the_message_later_once(wrktalk, mail, fault):
    mail.add_messages(1)
    mail.server.behave(fault)
    wrktalk("notify", "outbox", "flush", "--timeout", "2s", code=1)
    assert mail.server.files() == []
    assert mail.outbox() == ["a1@example.org pending 1"]
    mail.server.behave()
    wrktalk("notify", "outbox", "flush")
    assert len(mail.server.files()) == 1
    assert mail.outbox() == ["a1@example.org sent 2"]


def test_message_that_the_server_refuses_as_such_is_given_up(wrktalk, mail):
    mail.add_messages(1)
    mail.server.behave("reject-data")
    wrktalk("notify", "outbox", "flush", code=1)
    assert mail.outbox() == ["a1@example.org failed 1"]


def test_connection_that_is_lost_at_quit_harms_nothing(wrktalk, mail):
    mail.add_messages(3)
    mail.server.behave("drop-quit")
    wrktalk("notify", "outbox", "flush")
    assert len(mail.server.files()) == 3


def test_server_that_is_down_is_asked_once_for_all_and_the_rest_goes_when_it_is_back(wrktalk, mail, database):
    mail.add_messages(5)
    mail.use(1)
    wrktalk("notify", "outbox", "flush", code=1)
    assert database.sql("select sum(attempts) from notification") == "1"
    mail.use_own()
    wrktalk("notify", "outbox", "flush").says("5 sent")
    assert len(mail.server.files()) == 5


def test_without_a_mail_server_messages_wait_until_there_is_one(wrktalk, mail, database):
    mail.add_messages(1)
    database.sql("delete from deployment_config")
    wrktalk("notify", "outbox", "flush", code=1)
    wrktalk("notify", "outbox", "list").says("no mail server is set")
    wrktalk("notify", "test", code=5)
    mail.use_own()
    wrktalk("notify", "outbox", "flush").says("1 sent")


def test_server_that_hangs_holds_up_neither_a_claim_nor_a_task(wrktalk, mail, database):
    mail.server.behave("hang")
    mail.add_messages(1)
    agent = wrktalk.start("agent", "poll", "--loop")
    wait_for(10, mail.outbox, ["a1@example.org sending 1"])
    wrktalk("deploy", "1.0.0", "--queue")
    wait_for(10, database.task_status, "completed")
    assert database.sql("select picked_up_at - created_at < '1 second' from agent_task") == "t"
    agent.end()
    # What the server cannot have is let go of at the end.
    assert "a1@example.org pending 1" in mail.outbox()


# ---------------------------------------------------------------- trust

@pytest.fixture
def notify_test(wrktalk):
    """`wrktalk notify test`: its exit code, and a line that it prints."""

    def ask(code, line, *words, **env):
        return wrktalk("notify", "test", *(words or ("--to", ANNA)), code=code, env=env).says(line)

    return ask


def test_test_shows_the_steps_to_the_end(notify_test, mail):
    notify_test(0, "^accepted +250")


def test_wrong_password_is_named_so_and_not_repeated(notify_test, mail):
    mail.use(mail.server.port, "agent", "wr0ngw0rd")
    output = notify_test(5, "535")
    output.says("^tls +certificate trusted")
    output.hides("wr0ngw0rd")


def test_without_starttls_nothing_goes_out_unless_plain_text_is_asked_for_and_there_is_no_login(notify_test, mail):
    mail.use(mail.server.plain_port, user=None)
    notify_test(5, "STARTTLS not supported")
    mail.use(mail.server.plain_port)
    notify_test(5, "a login needs TLS", WRKTALK_AGENT_SMTP_TLS="none")
    mail.use(mail.server.plain_port, user=None)
    notify_test(0, "^accepted", WRKTALK_AGENT_SMTP_TLS="none")


def test_tls_from_the_start(notify_test, mail):
    mail.use(mail.server.smtps_port, host="localhost")
    notify_test(0, "^accepted", WRKTALK_AGENT_SMTP_TLS="smtps")


def test_certificate_of_an_unknown_ca_is_refused(notify_test, mail):
    notify_test(5, "WRKTALK_AGENT_SMTP_CA_FILE", WRKTALK_AGENT_SMTP_CA_FILE="")


# ---------------------------------------------------------------- servers that refuse

@pytest.fixture
def strict(folder, mail, wrktalk):
    """Starts tests/support/strict_smtp.py in that mode and returns its port."""

    def start(mode):
        kept = folder / mode
        kept.mkdir()
        wrktalk.start_command(f"strict-{mode}", sys.executable, SUPPORT / "strict_smtp.py", mode, mail.server.ca.parent, kept)
        return int(wait_for(10, lambda: (kept / "port").exists() and (kept / "port").read_text()))

    return start


def test_server_that_wants_a_full_name_in_ehlo_gets_one_and_another_can_be_set(notify_test, mail, strict):
    mail.use(strict("ehlo"))
    # However bare this machine's name is: the sender's domain takes its place.
    notify_test(0, "^accepted")
    notify_test(1, "refuses the name 'web1' that this machine gives in EHLO: 504 5.5.2 .*need fully-qualified",
                WRKTALK_AGENT_SMTP_HELO="web1").says("^hint: .*WRKTALK_AGENT_SMTP_HELO")
    notify_test(0, "^accepted", WRKTALK_AGENT_SMTP_HELO="[192.0.2.1]")
    notify_test(5, "is no name for EHLO", WRKTALK_AGENT_SMTP_HELO="a b")


def test_name_that_is_refused_at_the_recipient_gives_no_message_up(wrktalk, mail, strict):
    mail.use(strict("rcpt-ehlo"))
    mail.add_messages(1)
    wrktalk("notify", "outbox", "flush", code=1, env={"WRKTALK_AGENT_SMTP_HELO": "web1"})
    assert mail.outbox() == ["a1@example.org pending 1"]
    wrktalk("notify", "outbox", "list").says("refuses the name")
    wrktalk("notify", "outbox", "flush").says("1 sent")


def test_server_that_offers_other_logins_denied_nothing_and_they_are_named(notify_test, mail, strict):
    mail.use(strict("oauth"))
    output = notify_test(5, r"offers no login that wrktalk speaks \(PLAIN, LOGIN\): it offers XOAUTH2, CRAM-MD5")
    output.hides("(?i)denied")


def test_login_that_is_demanded_is_told_apart_from_one_that_is_not_offered(notify_test, mail, strict):
    port = strict("530")
    mail.use(port, user=None)
    notify_test(1, "demands a login: 530 5.7.0 Authentication required").says("^hint: .*smtp_user")
    mail.use(port)
    notify_test(5, "offers no login$")


def test_relay_that_is_refused_wants_a_login_or_does_not_serve_the_recipient(notify_test, mail, strict):
    port = strict("relay")
    mail.use(port, user=None)
    notify_test(1, "demands a login: 554 .*Relay access denied")
    mail.use(port)
    notify_test(1, "does not pass mail on to that recipient: 554")


def test_sender_that_is_refused_is_named(notify_test, mail, strict):
    mail.use(strict("sender"))
    notify_test(1, "refuses the sender: 553").says("^hint: .*smtp_from")


def test_mail_goes_from_the_address_that_is_set(notify_test, mail, strict):
    mail.use(strict("peer"))
    notify_test(0, "^accepted +250 from 127.0.0.2", WRKTALK_AGENT_SMTP_SOURCE="127.0.0.2")
    notify_test(1, "WRKTALK_AGENT_SMTP_SOURCE", WRKTALK_AGENT_SMTP_SOURCE="192.0.2.77")
    notify_test(5, "is no IP address", WRKTALK_AGENT_SMTP_SOURCE="eth0")


# ---------------------------------------------------------------- certificates

@pytest.fixture
def bad_server(folder, mail_server):
    """Starts a mail server with a certificate that ended or ends in so many days, for that name; its STARTTLS port."""
    processes = []

    def start(days, name):
        tls, state, base = folder / "tls", folder / "state", free_ports(3)
        tls.mkdir()
        state.mkdir()
        (tls / "names").write_text(f"subjectAltName={name}\n")
        ca = mail_server.ca
        subprocess.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bad", "-keyout", tls / "server.key", "-out", tls / "server.csr"],
                       check=True, capture_output=True)
        subprocess.run(["openssl", "x509", "-req", "-in", tls / "server.csr", "-days", str(days), "-CA", ca, "-CAkey", ca.with_suffix(".key"),
                        "-set_serial", "7", "-out", tls / "server.crt", "-extfile", tls / "names"], check=True, capture_output=True)
        env = {**clean_environment(), "PYTHONPATH": str(CACHE / "aiosmtpd")}
        processes.append(Process(["python3", SUPPORT / "testbed/smtp-server.py", state, tls, base], env, folder / "bad.log"))
        wait_for(20, lambda: listening(base + 2))
        return base + 1

    yield start
    for process in processes:
        process.clean_up()


@pytest.mark.parametrize("days, name, line", [
    pytest.param(-1, "IP:127.0.0.1", "expired", id="expired"),
    pytest.param(30, "DNS:mail.example.net", "does not match|no alternative", id="of_another_name"),
])
def test_bad_certificate_is_refused_and_the_message_waits(wrktalk, notify_test, mail, bad_server, days, name, line):
    mail.use(bad_server(days, name))
    notify_test(5, line)
    mail.add_messages(1)
    wrktalk("notify", "outbox", "flush", code=1)
    assert mail.outbox() == ["a1@example.org pending 1"]


# ---------------------------------------------------------------- a second make

@pytest.fixture
def exim_port(mail):
    for lack in (not find_program("exim4") and "exim4 is not on PATH", os.geteuid() != 0 and "starting Exim needs root"):
        if lack and is_required("exim4"):
            pytest.fail(lack)
        if lack:
            pytest.skip(lack)
    mail.server.start_exim()
    return mail.server.exim_port


def test_exim_accepts_three_refuses_one_defers_one_and_names_a_wrong_password(wrktalk, notify_test, mail, database, exim_port):
    mail.use(exim_port)
    notify_test(0, "^accepted +250 OK")
    mail.admins("reject@example.org", "defer@example.org")
    mail.add_messages(3)
    database.sql("insert into notification (event, event_key, recipient, data) values ('deploy.failed', 'x', 'reject@example.org', '{}'), "
                 "('deploy.failed', 'y', 'defer@example.org', '{}')")
    wrktalk("notify", "outbox", "flush", code=1)
    assert mail.outbox() == ["a1@example.org sent 1", "a2@example.org sent 1", "a3@example.org sent 1", "defer@example.org pending 1",
                             "reject@example.org failed 1"]
    # It passes them on to the first server, after the test mail.
    wait_for(20, mail.server.recipients, ["a1@example.org", "a2@example.org", "a3@example.org", ANNA])
    mail.use(exim_port, "agent", "wrong")
    notify_test(5, "535")
