"""A daemon with probes and metrics, and what asks them."""

import http.client
import os
import re
import time

import pytest

from program import SUPPORT
from services import free_ports

ROOT = SUPPORT.parent.parent
MONITORING = ROOT / "k8s/monitoring"


class Agent:
    """`wrktalk poll --loop --http`, and what it answers."""

    def __init__(self, wrktalk, folder):
        self._wrktalk, self._folder = wrktalk, folder
        self.port = free_ports()
        self.address = f"127.0.0.1:{self.port}"
        self.process = None

    def start(self, *words, env=None):
        self.process = self._wrktalk.start("agent", "poll", "--loop", "--http", self.address, *words, env=env)

    def ask(self, path, method="GET"):
        """(status, body); (0, why) when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, f"/{path}", body=b"x" if method == "POST" else None)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()

    def status(self, path):
        return self.ask(path)[0]

    def is_ready(self):
        return self.status("readyz") == 200

    def answers(self, status, path, line):
        """Whether a probe has this status, and such a line in what it says."""
        code, body = self.ask(path)
        return code == status and re.search(line, body, re.MULTILINE) is not None

    def metrics(self):
        return self.ask("metrics")[1]

    def value(self, series):
        """The number of a series now; None when it is not there."""
        found = re.search(f"^{re.escape(series)} (\\S+)$", self.metrics(), re.MULTILINE)
        return float(found.group(1)) if found else None

    # ---------------------------------------------------------------- what activating a release does

    def hold_activating(self):
        (self._folder / "slow").touch()

    def let_go(self):
        (self._folder / "slow").unlink()

    def is_activating(self):
        return (self._folder / "activating").exists()

    def fail_activating(self):
        (self._folder / "broken").touch()

    def succeed_activating(self):
        (self._folder / "broken").unlink()

    def queue(self, version):
        self._wrktalk("deploy", version, "--queue", "--queue-anyway")


@pytest.fixture
def agent(wrktalk, folder):
    """Not started yet. Its host target's activation waits as long as the file `slow` is there, and fails when `broken` is."""
    activate = folder / "activate"
    activate.write_text(f"#!/bin/sh\ntouch '{folder}/activating'\nwhile [ -e '{folder}/slow' ]; do sleep 0.1; done\n"
                        f"rm -f '{folder}/activating'\n[ ! -e '{folder}/broken' ]\n")
    activate.chmod(0o755)
    (folder / "backups").mkdir()
    wrktalk.env.update({"WRKTALK_AGENT_HOST_ACTIVATE": activate, "WRKTALK_AGENT_HEARTBEAT_INTERVAL": "3s", "WRKTALK_AGENT_POLL_INTERVAL": "2s"})
    agent = Agent(wrktalk, folder)
    yield agent
    (folder / "slow").unlink(missing_ok=True)


@pytest.fixture
def health(wrktalk):
    """`wrktalk health`: whether it ends with this code."""
    def ask(code, *words):
        return wrktalk("health", *words, code=None).code == code

    return ask


def old_backup(folder):
    """A backup of three days ago."""
    backup = folder / "checkpoint_20260131.sql.gz"
    backup.touch()
    os.utime(backup, (time.time() - 3 * 86400,) * 2)
