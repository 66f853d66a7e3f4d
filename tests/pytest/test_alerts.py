"""The alerts and the dashboard of k8s/monitoring in a real Prometheus, and docs/metrics.md beside what the agent shows."""

import json
import re
import signal
import urllib.error
import urllib.parse
import urllib.request

import pytest

from monitoring import MONITORING, ROOT, old_backup
from program import wait_for
from services import free_ports, need

RULES = (MONITORING / "wrktalk.rules.yaml").read_text()
DASHBOARD = json.loads((MONITORING / "wrktalk-dashboard.json").read_text())
METRIC = re.compile("wrktalk_[a-z_]*")


class Prometheus:
    def __init__(self, port):
        self._address = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, path, **parameters):
        url = f"{self._address}/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return json.load(answer)["data"]

    def sees(self, expression):
        try:
            return bool(self.ask("query", query=expression)["result"])
        except urllib.error.HTTPError as error:
            assert error.code == 503, error  # it reads its files
            return False
        except OSError:
            return False  # it does not listen yet

    def fires(self, alert):
        return self.sees(f'ALERTS{{alertname="{alert}",alertstate="firing"}}')

    def rules(self):
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]


@pytest.fixture
def prometheus(agent, wrktalk, folder):
    """It scrapes the agent each second; an alert waits a second where the file says minutes."""
    need("prometheus")
    port = free_ports()
    (folder / "wrktalk.rules.yaml").write_text(re.sub("for: .*", "for: 1s", RULES))
    (folder / "prometheus.yaml").write_text(f"""global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{folder}/wrktalk.rules.yaml]
scrape_configs:
  - job_name: wrktalk-agent
    static_configs: [{{targets: ["{agent.address}"]}}]
""")
    wrktalk.start_command("prometheus", "prometheus", "--config.file", folder / "prometheus.yaml", "--storage.tsdb.path", folder / "tsdb",
                          "--web.listen-address", f"127.0.0.1:{port}", "--log.level", "warn")
    return Prometheus(port)


@pytest.fixture
def watched(agent, prometheus, folder):
    """The agent, ready and seen by Prometheus; there is a backup, of three days ago."""
    old_backup(folder / "backups")
    agent.start("--backup-dir", folder / "backups")
    wait_for(10, agent.is_ready)
    wait_for(30, lambda: prometheus.sees('wrktalk_build_info{agent="site"}'))
    return agent


def expressions(node):
    """The dashboard's."""
    if isinstance(node, dict):
        own = [node["expr"]] if "expr" in node else []
        return own + [each for value in node.values() for each in expressions(value)]
    return [each for value in node for each in expressions(value)] if isinstance(node, list) else []


def test_prometheus_has_all_the_rules_and_takes_each_expression_of_the_dashboard(watched, prometheus):
    assert len(prometheus.rules()) == RULES.count("alert:")
    wait_for(10, lambda: all(rule["health"] == "ok" for rule in prometheus.rules()))
    panels = expressions(DASHBOARD)
    assert panels
    for expression in panels:
        prometheus.ask("query", query=expression.replace("$job", ".*"))


def test_task_that_cannot_be_put_back_and_maintenance_that_stays_on_raise_alerts(watched, prometheus):
    watched.queue("1.0.0")
    wait_for(20, lambda: watched.value('wrktalk_tasks_total{type="deploy",result="completed"}'), 1.0)
    watched.fail_activating()
    watched.queue("2.0.0")
    wait_for(30, lambda: prometheus.fires("WrktalkTaskNotPutBack"))
    wait_for(30, lambda: prometheus.fires("WrktalkMaintenanceLong"))
    assert not prometheus.fires("WrktalkQueueStands")


def test_old_backup_raises_an_alert(watched, prometheus):
    wait_for(90, lambda: prometheus.fires("WrktalkBackupOld"))
    assert not prometheus.fires("WrktalkQueueStands")


def test_documented_and_used_metrics_are_those_that_the_agent_shows(watched):
    def shown():
        return set(re.findall(r"^# TYPE (\S+)", watched.metrics(), re.MULTILINE))

    watched.queue("1.0.0")
    wait_for(20, lambda: watched.value('wrktalk_tasks_total{type="deploy",result="completed"}'), 1.0)
    wait_for(90, lambda: "wrktalk_backup_last_success_size_bytes" in shown())
    page = (ROOT / "docs/metrics.md").read_text().partition("\n## The registry")[0]
    documented = set(re.findall("`(wrktalk_[a-z_]*)`", page))
    assert documented == shown()
    rules = "\n".join(line for line in RULES.splitlines() if not re.match(" *#", line) and 'wrktalk-agent"' not in line)
    used = {re.sub("_bucket$|(?<=_seconds)_sum$", "", name) for text in (rules, *expressions(DASHBOARD)) for name in METRIC.findall(text)}
    assert used
    assert used <= shown()


def test_loop_that_hangs_is_not_healthy_and_after_a_minute_not_alive_and_raises_an_alert(agent, prometheus, health, folder):
    agent.start(env={"WRKTALK_HOLD_AT": "fetch", "WRKTALK_HOLD_FILE": folder / "held"})
    wait_for(10, agent.is_ready)
    agent.queue("1.0.0")
    wait_for(20, (folder / "held").exists)
    wait_for(10, lambda: health(1, "--max-age", "3s"))
    wait_for(80, lambda: agent.answers(503, "livez", "^the loop's last tick was .* ago, allowed are 1 min 0 s"))
    wait_for(20, lambda: prometheus.fires("WrktalkAgentHangs"))
    (folder / "held").unlink()
    wait_for(10, lambda: agent.ask("livez"), (200, "ok\n"))


def test_agent_that_is_gone_raises_an_alert(watched, prometheus):
    watched.process.end(signal.SIGKILL)
    wait_for(30, lambda: prometheus.fires("WrktalkAgentDown"))
