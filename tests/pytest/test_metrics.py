"""Probes, metrics and `wrktalk health` of a daemon."""

import json
import pathlib
import signal
import socket
import sys

import pytest

from monitoring import MONITORING
from program import SUPPORT, clean_environment, run, wait_for
from services import free_ports, need


@pytest.fixture
def ready(agent, folder):
    """The agent, started and ready."""
    agent.start("--backup-dir", folder / "backups")
    wait_for(10, agent.is_ready)
    return agent


def wait_value(agent, series, wanted, seconds=10):
    wait_for(seconds, lambda: agent.value(series), float(wanted))


# ---------------------------------------------------------------- start

def test_health_without_an_agent_names_the_file_that_is_not_there(wrktalk):
    wrktalk("health", code=1).says("no agent runs here: .*wrktalk-agent-site.state")


def test_address_that_is_none_is_refused_with_what_one_looks_like(wrktalk):
    wrktalk("poll", "--loop", "--http", "localhost:9464", code=5).says("hint: .*127.0.0.1:9464")


def test_http_is_for_the_daemon(wrktalk):
    wrktalk("poll", "--http", "127.0.0.1:9464", code=2)


def test_ready_agent_is_alive_and_healthy(ready, wrktalk):
    assert ready.ask("livez") == (200, "ok\n")
    wrktalk("health", "--max-age", "30s").says("healthy: the loop's last tick was")
    assert json.loads(wrktalk("health", "-o", "json").out)["healthy"] is True


# Each of four addresses holds ten connections that send a byte now and then.
SLOW = """
import socket, sys, time
held = [socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=(f"127.0.0.{2 + i % 4}", 0)) for i in range(40)]
print("held", flush=True)
for n in range(1, 1000):
    for one in held:
        try:
            one.send(b"G")
        except OSError:
            pass
    print("round", n, flush=True)
    time.sleep(1)
"""


def test_slow_connections_from_several_addresses_starve_nobody(ready, wrktalk, folder):
    (folder / "slow.py").write_text(SLOW)
    slow = wrktalk.start_command("slow-clients", sys.executable, folder / "slow.py", ready.port)
    for number in range(1, 6):
        slow.wait_said(10, f"^round {number}$")
        assert ready.status("livez") == 200


def test_who_asks_slowly_keeps_nobody_waiting(ready):
    with socket.create_connection(("127.0.0.1", ready.port)) as slow:
        slow.send(b"GET /livez")
        assert ready.status("livez") == 200


def test_nothing_else_is_there_and_nothing_takes_a_post(ready):
    status, body = ready.ask("")
    assert status == 404
    assert "/livez, /readyz and /metrics" in body
    assert ready.ask("metrics", "POST")[0] == 405
    assert ready.ask("readyz", "HEAD")[0] == 200


def test_second_agent_on_the_same_port_says_what_is_in_the_way(ready, wrktalk):
    wrktalk("poll", "--loop", "--http", ready.address, code=5).says(f"cannot listen on {ready.address}: Address already in use")
    wrktalk("health")


def test_promtool_has_nothing_to_say_of_the_metrics(ready, folder):
    need("promtool")
    (folder / "metrics").write_text(ready.metrics())
    run(["sh", "-c", f"promtool check metrics <'{folder}/metrics'"], clean_environment())


def test_promtool_has_nothing_to_say_of_the_rules():
    need("promtool")
    run(["promtool", "check", "rules", MONITORING / "wrktalk.rules.yaml"], clean_environment())


def test_each_alert_comes_when_it_should():
    need("promtool")
    run(["promtool", "test", "rules", SUPPORT / "alerts.test.yaml"], clean_environment())


# ---------------------------------------------------------------- what is counted

def test_task_that_completes_is_counted_with_its_steps_and_bytes(ready, module_folder):
    assert '\nwrktalk_build_info{agent="site",version="' in "\n" + ready.metrics()
    ready.queue("1.0.0")
    wait_value(ready, 'wrktalk_tasks_total{type="deploy",result="completed"}', 1)
    for phase in ("fetch", "apply", "record"):
        assert ready.value(f'wrktalk_phase_duration_seconds_count{{phase="{phase}"}}') == 1
    assert ready.value("wrktalk_artifact_bytes_total") == (module_folder / "1.0.0.tar.gz").stat().st_size


def test_task_that_could_not_be_put_back_leaves_the_site_in_maintenance_until_one_completes(ready):
    ready.queue("1.0.0")
    wait_value(ready, 'wrktalk_tasks_total{type="deploy",result="completed"}', 1)
    ready.fail_activating()
    ready.queue("2.0.0")
    wait_value(ready, 'wrktalk_tasks_total{type="deploy",result="not_put_back"}', 1, 20)
    wait_value(ready, "wrktalk_maintenance_on", 1)
    ready.succeed_activating()
    ready.queue("1.0.0")
    wait_value(ready, "wrktalk_maintenance_on", 0, 20)


def test_task_that_runs_is_shown_and_the_agent_stays_healthy(ready, wrktalk):
    ready.hold_activating()
    ready.queue("2.0.0")
    wait_for(10, ready.is_activating)
    wait_value(ready, 'wrktalk_queue_tasks{state="running"}', 1)
    assert ready.value("wrktalk_maintenance_on") == 1
    ready.queue("1.0.0")
    wrktalk("deploy", "2.0.0", "--queue", "--at", "+1h")
    wrktalk("health", "--max-age", "10s")
    ready.let_go()
    wait_value(ready, 'wrktalk_queue_tasks{state="scheduled"}', 1, 20)
    wait_value(ready, 'wrktalk_queue_tasks{state="due"}', 0)


def test_task_that_no_agent_serves_is_due_and_waits(ready, database):
    database.sql("insert into agent_task (type, target, execute_after) values ('deploy', 'host:elsewhere', now() - interval '1 hour')")
    wait_for(10, lambda: (ready.value("wrktalk_queue_oldest_due_seconds") or 0) > 3599)
    assert ready.value('wrktalk_queue_tasks{state="due"}') == 1


def test_message_that_waits_is_shown(ready, database):
    database.sql("insert into notification (event, event_key, recipient, data, next_attempt_at) "
                 "values ('deploy.failed', 'x', 'a@example.com', '{}', now() + interval '1 hour')")
    wait_value(ready, 'wrktalk_outbox_messages{state="waiting"}', 1)


def test_no_backup_is_shown_as_long_as_there_is_none(ready):
    assert "wrktalk_database_up 1" in ready.metrics()
    assert ready.value("wrktalk_backup_last_success_size_bytes") is None


# ---------------------------------------------------------------- what is missing

def test_agent_whose_program_is_not_there_is_not_ready_but_alive(ready, folder):
    (folder / "activate").rename(folder / "activate.away")
    wait_for(10, lambda: ready.answers(503, "readyz", "host:site: the program .*/activate is not there"))
    assert ready.status("livez") == 200
    (folder / "activate.away").rename(folder / "activate")
    wait_for(10, ready.is_ready)


@pytest.fixture
def stopped_cluster(cluster):
    """Stops PostgreSQL when it is called; it runs again at the end."""
    yield cluster.stop
    cluster.start()


def test_agent_whose_database_is_stopped_is_not_ready_but_alive_and_healthy(ready, wrktalk, cluster, stopped_cluster):
    stopped_cluster()
    wait_for(10, lambda: ready.answers(503, "readyz", "^database: no answer for"))
    assert ready.ask("livez") == (200, "ok\n")
    wrktalk("health")
    assert ready.value("wrktalk_database_up") == 0
    cluster.start()
    wait_for(40, ready.is_ready)
    assert ready.value("wrktalk_database_reconnects_total") == 1


def test_heartbeats_that_do_not_arrive_are_counted_and_the_task_ends(ready, database, cluster, stopped_cluster):
    ready.hold_activating()
    ready.queue("1.0.0")
    wait_for(10, ready.is_activating)
    stopped_cluster()
    wait_for(15, lambda: ready.value("wrktalk_heartbeats_late_total") > 0)
    cluster.start()
    ready.let_go()
    wait_for(60, lambda: database.sql("select count(*) from agent_task where status in ('pending', 'inProgress')"), "0")
    wait_for(10, ready.is_ready)


# ---------------------------------------------------------------- end

def test_agent_that_is_asked_to_end_while_a_task_runs_is_not_ready_but_alive(ready, wrktalk):
    ready.hold_activating()
    ready.queue("2.0.0")
    wait_for(10, ready.is_activating)
    ready.process.send(signal.SIGTERM)
    wait_for(5, lambda: ready.answers(503, "readyz", "^ending"))
    assert ready.status("livez") == 200
    ready.let_go()
    assert ready.process.wait() == 0
    assert ready.status("livez") == 0
    wrktalk("health", code=1)


def test_health_says_that_a_killed_agent_is_gone(ready, wrktalk):
    ready.process.end(signal.SIGKILL)
    wrktalk("health", code=1).says("the agent is gone")


@pytest.mark.skipif(not pathlib.Path("/proc/net/if_inet6").exists() or " lo\n" not in pathlib.Path("/proc/net/if_inet6").read_text(),
                    reason="no IPv6 here")
def test_probes_answer_over_ipv6(wrktalk):
    port = free_ports()
    wrktalk.start("six", "poll", "--loop", "--http", f"[::1]:{port}")
    wait_for(10, lambda: run(["curl", "-sf", "-m", "5", f"http://[::1]:{port}/readyz"], clean_environment(), code=None).code, 0)


def test_frozen_agent_is_not_healthy_and_says_since_when(ready, wrktalk, health):
    ready.process.send(signal.SIGSTOP)
    try:
        wait_for(10, lambda: health(1, "--max-age", "3s"))
        wrktalk("health", "--max-age", "3s", code=1).says("the loop's last tick was .* ago, allowed are 3.0 s")
    finally:
        ready.process.send(signal.SIGCONT)
