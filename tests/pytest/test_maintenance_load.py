"""200 requests a second over deployments, failed ones and kills: each answer is 200 or our 503, as docs/maintenance.md says."""

import json
import signal
import sys

import pytest

from program import SUPPORT, wait_for
from proxies import site, status_of, template

HANDLERS = ["nginx", "haproxy_map", "haproxy_servers"]
RATE = 200


class Load:
    """tests/support/load.py: asks until it is ended."""

    def __init__(self, program, url):
        self._process = program.start_command("load", sys.executable, SUPPORT / "load.py", url, RATE)
        self.wait_for_more()

    def _answers(self):
        return self._process.text.count("\n")

    def wait_for_more(self):
        """Until about 60 more have come."""
        now = self._answers()
        wait_for(20, lambda: self._answers() >= now + 3)

    def end(self):
        self.wait_for_more()
        assert self._process.end() == 0, self._process.text
        return json.loads(self._process.text.splitlines()[-1])


@pytest.fixture(params=HANDLERS)
def handler(request, site, proxies):
    """Release 1.0.0 runs behind this proxy. The URL that it serves."""
    env, url = proxies.handler(request.param)
    site.env.update(env)
    site("deploy", "1.0.0", env={"WRKTALK_AGENT_HOST_ACTIVATE": "/bin/true"})
    return url


@pytest.fixture
def good_answers(site, handler, database, request):
    """Begins to ask; called, it ends that and looks at the answers."""
    load = Load(site, handler)

    def look():
        got = load.end()
        print(f"{request.node.name}: {got['kinds']} in {got['seconds']:.1f} s")
        assert set(got["kinds"]) == {"200", "503"}, got
        assert sum(got["kinds"].values()) >= 0.75 * RATE * got["seconds"], got
        # The first 503 came after the window was to be opened; the last was asked for before the outcome was recorded.
        within = database.sql(f"""select min(extract(epoch from at)) filter (where phase = 'maintenance-on') <= {got['first']}
            and max(extract(epoch from at)) filter (where phase = 'record') >= {got['last']}
            from task_event where task_id = '{database.last_task()}'""")
        assert within == "t", got

    return look


def test_deployment(site, good_answers):
    site("deploy", "2.0.0")
    good_answers()


def test_failed_deployment(site, good_answers):
    site("deploy", "broken", code=9)
    good_answers()


def test_deployment_whose_agent_is_killed_and_taken_over(site, handler, good_answers, database, folder):
    (folder / "slow").touch()
    site("deploy", "2.0.0", "--queue")
    first = site.start("first", "poll", "--loop")
    wait_for(20, lambda: status_of(handler), 503)
    first.send(signal.SIGKILL)
    assert first.wait() == 137
    (folder / "slow").unlink()
    second = site.start("second", "poll", "--loop")
    wait_for(30, database.task_status, "completed")
    wait_for(10, database.open_windows, 0)
    good_answers()
    assert database.sql(f"select attempt from agent_task where id = '{database.last_task()}'") == "2"
    assert second.end() == 0
