"""A daemon with its credentials out of Vault outlives its login, changed passwords, a sealed Vault and a token file that went bad."""

import shutil

import pytest

from program import wait_for


@pytest.fixture
def site(tool, vault, folder):
    """A host target; its logins last 3 s and can be renewed up to 8 s. Activating waits as long as the file `slow` is there."""
    vault.request("POST", "auth/jwt/role/short", {"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault",
                                                  "token_policies": "agent-executor", "token_ttl": "3s", "token_max_ttl": "8s"})
    shutil.copy(vault.state / "jwt", folder / "jwt")
    activate = folder / "activate"
    activate.write_text(f"#!/bin/sh\ntouch '{folder}/activating'\nwhile [ -e '{folder}/slow' ]; do sleep 0.1; done\n")
    activate.chmod(0o755)
    tool.env.update({"WRKTALK_AGENT_VAULT": "true", "WRKTALK_AGENT_VAULT_ROLE": "short", "WRKTALK_AGENT_VAULT_JWT_FILE": folder / "jwt",
                     "WRKTALK_AGENT_HOST_ACTIVATE": activate, "WRKTALK_AGENT_HEARTBEAT_INTERVAL": "3s", "WRKTALK_AGENT_POLL_INTERVAL": "60s"})
    return tool


class Daemon:
    def __init__(self, site, vault, database, process):
        self._site, self._vault, self._database, self._process = site, vault, database, process
        self.wait_said = process.wait_said

    def queue(self):
        """As superuser by the socket: what Vault has may be wrong just now."""
        self._site("deploy", "1.0.0", "--queue", env={**self._database.env, "WRKTALK_AGENT_VAULT": "false"})

    def expect_task_completes(self, seconds=10):
        wait_for(seconds, self._database.task_status, "completed")

    def expect_runs_tasks(self):
        self.queue()
        self.expect_task_completes()

    def change_password(self, password, in_vault=True, end_sessions=True):
        self._vault.set_role_password(password)
        if in_vault:
            self._vault.put_secret(password=password)
        if end_sessions:
            self._vault.end_role_sessions()

    def expect_ends_well(self):
        """With 0, no login left, and no password in its log."""
        assert self._process.end() == 0
        wait_for(5, self._vault.logins, 0)
        assert not self._process.said("quoted|second"), self._process.text


@pytest.fixture
def daemon(site, vault, database):
    process = site.start("agent", "poll", "--loop", "--log-level", "DEBUG")
    process.wait_said(10, "agent.started")
    return Daemon(site, vault, database, process)


def test_login_is_renewed_at_two_thirds_of_its_lease_and_made_anew_in_the_end(daemon, vault):
    daemon.wait_said(5, "vault.renewed")
    daemon.wait_said(15, "vault.login")
    wait_for(5, vault.logins, 1)
    daemon.expect_runs_tasks()
    daemon.expect_ends_well()


def test_changed_password_is_noticed_and_tasks_are_run_with_it(daemon):
    daemon.expect_runs_tasks()
    daemon.change_password("second")
    daemon.wait_said(10, "credentials.changed")
    daemon.expect_runs_tasks()
    daemon.expect_ends_well()


def test_password_that_vault_does_not_have_yet_is_waited_for(daemon, vault):
    daemon.expect_runs_tasks()
    daemon.change_password("second", in_vault=False)
    daemon.wait_said(10, "database.away.*password authentication")
    vault.put_secret(password="second")
    daemon.wait_said(40, "database.back")
    daemon.expect_runs_tasks()
    daemon.expect_ends_well()


def test_password_that_is_changed_while_a_task_runs_does_not_disturb_it(daemon, database, folder):
    (folder / "slow").touch()
    daemon.queue()
    wait_for(10, (folder / "activating").exists)
    daemon.change_password("second")
    changed = database.sql("select now()")
    daemon.wait_said(15, "credentials.changed")
    # Longer than what was left of a heartbeat's patience.
    wait_for(15, lambda: database.sql(f"select last_heartbeat > timestamptz '{changed}' + interval '4 seconds' from agent_task"), "t")
    (folder / "slow").unlink()
    daemon.expect_task_completes(15)
    assert database.sql("select attempt from agent_task") == "1"
    daemon.expect_ends_well()


def test_changed_password_is_no_matter_for_sessions_that_go_on(daemon):
    daemon.change_password("second", end_sessions=False)
    daemon.expect_runs_tasks()
    daemon.expect_ends_well()


def test_token_file_that_went_bad_is_told_and_read_anew_when_it_is_good_again(daemon, vault, folder):
    (folder / "jwt").write_text("none\n")
    daemon.wait_said(20, "vault.not_renewed.*no JWT")
    shutil.copy(vault.state / "jwt", folder / "jwt")
    wait_for(30, vault.logins, 1)
    daemon.expect_ends_well()


def test_sealed_vault_is_told_and_no_matter_as_long_as_the_password_is_good(daemon, vault):
    vault.seal()
    daemon.wait_said(15, "vault.not_renewed")
    daemon.expect_runs_tasks()
    vault.unseal()
    wait_for(30, vault.logins, 1)
    daemon.expect_ends_well()
