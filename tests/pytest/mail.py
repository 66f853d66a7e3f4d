"""A mail server of the file's own, and what a case says to the database about mails."""

import email
import email.policy
import pathlib

import pytest

from services import Testbed, free_ports, is_required, need


class MailServer:
    """tests/support/testbed/smtp-up: aiosmtpd on three ports, login agent / s3cret; see smtp-server.py for the modes."""

    def __init__(self, testbed: Testbed):
        self._testbed = testbed
        self._base = {"SMTP_BASE": str(free_ports(4))}
        exports = testbed.up("smtp-up", env=self._base)
        self.plain_port, self.port, self.smtps_port = (int(exports[name]) for name in ("SMTP_PLAIN_PORT", "SMTP_PORT", "SMTPS_PORT"))
        self.exim_port = int(exports["EXIM_PORT"])
        self.ca = pathlib.Path(exports["SMTP_CA"])
        self.state = pathlib.Path(exports["SMTP_STATE"])
        for folder in (testbed.state, *testbed.state.iterdir()):
            folder.chmod(0o711 if folder.is_dir() else folder.stat().st_mode)

    def start_exim(self):
        """A second make, in front of the first; needs root."""
        self._testbed.up("smtp-up", "exim", env=self._base)

    def stop(self):
        self._testbed.down("smtp-down", "--purge")

    def behave(self, mode=""):
        (self.state / "mode").write_text(mode + "\n")

    def files(self):
        return sorted((self.state / "mail").glob("*.eml"))

    def messages(self):
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in self.files()]

    def recipients(self):
        return sorted(message["To"].addresses[0].addr_spec for message in self.messages())

    def subjects(self):
        return {str(message["Subject"]) for message in self.messages()}

    def message_ids(self):
        return {str(message["Message-ID"]) for message in self.messages()}

    def body(self, kind):
        """The part "text/plain" or "text/html" of the last message."""
        return next(part for part in self.messages()[-1].walk() if part.get_content_type() == kind).get_content()

    def forget(self):
        for path in self.files():
            path.unlink()


class Mail:
    """The mail server and the tables that tell the program what to send to whom by it."""

    def __init__(self, server, database):
        self.server, self._sql = server, database.sql

    def use(self, port, user="agent", password="s3cret", host="127.0.0.1"):
        """What deployment_config says. A user of None needs no login."""
        self._sql("delete from deployment_config")
        login = f"'{user}', '{password}'" if user else "null, null"
        self._sql("insert into deployment_config (deployment_type, smtp_host, smtp_port, smtp_user, smtp_password, smtp_from) "
                  f"values ('host', '{host}', {port}, {login}, 'WrkTalk <noreply@example.org>')")

    def use_own(self):
        self.use(self.server.port)

    def admins(self, *addresses):
        """These and no others."""
        self._sql("delete from admin")
        for address in addresses:
            self._sql(f"insert into admin (email) values ('{address}')")

    def forget(self):
        """Nothing was ever sent, and nothing waits."""
        self.server.forget()
        self._sql("delete from notification")

    def add_messages(self, count):
        """So many rows that are due, for an admin a1@example.org, a2@... each."""
        self._sql(f"insert into admin (email) select 'a' || n || '@example.org' from generate_series(1, {count}) n on conflict do nothing; "
                  "insert into notification (event, event_key, recipient, data) select 'deploy.completed', 'k' || n, 'a' || n || '@example.org', "
                  f"'{{\"version\": \"1.0.0\"}}' from generate_series(1, {count}) n")

    def outbox(self):
        """RECIPIENT STATUS ATTEMPTS of each row."""
        rows = self._sql("select recipient || ' ' || status || ' ' || attempts from notification order by recipient, event")
        return rows.split("\n") if rows else []

    def make_due(self):
        self._sql("update notification set next_attempt_at = now() where status in ('pending', 'sending')")

    def next_attempt_in(self, shortest, longest):
        """Whether the message that waits is tried again in such a time."""
        return self._sql(f"select next_attempt_at - now() between '{shortest}' and '{longest}' from notification where status = 'pending'") == "t"


@pytest.fixture(scope="module")
def mail_server(testbed):
    need("python3", "openssl")
    try:
        server = MailServer(testbed)
    except RuntimeError as error:
        if is_required("smtp"):
            raise
        pytest.skip(f"no mail server: {str(error).splitlines()[-1]}")
    yield server
    server.stop()


@pytest.fixture
def mail(mail_server, database, wrktalk):
    """The server behaves and has got nothing yet; the database names it, and no admin."""
    mail_server.behave()
    mail_server.forget()
    mail = Mail(mail_server, database)
    mail.use_own()
    wrktalk.env["WRKTALK_AGENT_SMTP_CA_FILE"] = mail_server.ca
    yield mail
    mail_server.behave()
