"""What every case has: a private PostgreSQL cluster for each file, a fresh database and a folder for each case, and the program under test.

    WRKTALK=$PWD/build/dev/wrktalk pytest-3 tests/pytest -k NAME

  WRKTALK               the program under test
  WRKTALK_TEST_CASES    a regular expression: only the cases whose name ("pytest/test_notify.py::test_...") it is found in
  WRKTALK_TEST_RESULTS  a folder for a JUnit file of each test file
  WRKTALK_TEST_SHUFFLE  a number: the cases of each file in another order, each number its own
"""

import os
import pathlib
import random
import re
import shutil
import signal
import tempfile

import pytest

pytest.register_assert_rewrite("program", "postgres", "services", "mail", "monitoring", "proxies", "vault")

# With the fixtures of one service each. `site` and `template` of proxies.py are for the files that import them.
from mail import mail, mail_server
from monitoring import agent, health
from postgres import Cluster
from program import add_release, make_program
from proxies import proxies, started_proxies
from services import Testbed, need
from vault import started_vault, tool, vault


# ---------------------------------------------------------------- which cases run, and what is told of them

def is_named(item, pattern):
    """Whether the pattern is found in the case's name, as it is or in words, or in that of its file."""
    name = f"pytest/{item.nodeid}"
    return any(re.search(pattern, each) for each in (name, name.replace("_", " "), name.partition(".py::")[0]))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    if not os.environ.get("WRKTALK") and not config.option.collectonly:
        raise pytest.UsageError("WRKTALK names the program under test")
    results = os.environ.get("WRKTALK_TEST_RESULTS")
    if results and len(config.args) == 1:
        config.option.xmlpath = f"{results}/{pathlib.Path(config.args[0]).stem}.xml"
    # So that what a case started is ended then, too.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("ended by SIGTERM", returncode=143))


def pytest_collection_modifyitems(config, items):
    pattern = os.environ.get("WRKTALK_TEST_CASES")
    if pattern:
        chosen = [item for item in items if is_named(item, pattern)]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen
    seed = os.environ.get("WRKTALK_TEST_SHUFFLE")
    if seed:
        random.Random(seed).shuffle(items)
        items.sort(key=lambda item: item.path)


def pytest_sessionfinish(session, exitstatus):
    """77 when nothing could run: ctest calls that skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and reporter and reporter.stats.get("skipped") and not reporter.stats.get("passed"):
        session.exitstatus = 77


# ---------------------------------------------------------------- folders

def make_folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt.", dir=os.environ.get("TMPDIR", "/tmp")))
    folder.chmod(0o711)  # where another user runs a server, it must reach its folder
    return folder


@pytest.fixture(scope="module")
def module_folder():
    """A folder with a short path, for what the cases of a file share."""
    folder = make_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder():
    """A case's own folder."""
    folder = make_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------- services

@pytest.fixture(scope="module")
def testbed(module_folder):
    return Testbed(module_folder)


@pytest.fixture(scope="module")
def cluster(module_folder):
    need("postgres")
    cluster = Cluster(module_folder / "pg")
    cluster.start()
    yield cluster
    cluster.stop("QUIT")


@pytest.fixture(scope="module")
def template(cluster, module_folder):
    """The database that each case gets a copy of: the agent's tables, and releases 1.0.0 and 2.0.0 of host targets."""
    database = cluster.create()
    wrktalk = make_program(module_folder, database)
    wrktalk("migrate", "up", "--set", "agent")
    for version in ("1.0.0", "2.0.0"):
        add_release(wrktalk, version, {"VERSION": version})
    return database


@pytest.fixture
def database(cluster, template):
    """A fresh copy of the template, which is dropped at once: its files need not come to the disk."""
    database = cluster.create(template)
    yield database
    cluster.drop(database)


# ---------------------------------------------------------------- the program

@pytest.fixture
def wrktalk(folder, database):
    program = make_program(folder, database)
    yield program
    program.clean_up()
