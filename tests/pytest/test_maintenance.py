"""Maintenance at real proxies: on and off by hand, what cannot be switched, what survives a reload, and windows that close by themselves."""

import os
import re
import shutil

import pytest

from program import wait_for
from proxies import ask, site, status_of, template

pytestmark = pytest.mark.usefixtures("site")
HANDLERS = ["nginx", "haproxy_map", "haproxy_servers"]


# ---------------------------------------------------------------- on and off by hand

@pytest.mark.parametrize("handler", HANDLERS)
def test_our_page_with_503_is_shown_while_maintenance_is_on(site, proxies, database, handler):
    env, url = proxies.handler(handler)
    assert status_of(url) == 200
    site("maintenance", "on", env=env)
    status, headers, body = ask(url)
    assert status == 503
    assert headers["Retry-After"] == "120"
    assert headers["Cache-Control"] == "no-store"
    assert "<h1>Maintenance" in body
    assert status_of(url + "/form", "POST") == 503
    site("maintenance", "status", "--exit-code", env=env)
    site("maintenance", "off", env=env)
    assert status_of(url) == 200
    assert database.open_windows() == 0


@pytest.mark.parametrize("handler", ["nginx", "haproxy_map"])
def test_health_path_stays_open(site, proxies, handler):
    env, url = proxies.handler(handler)
    site("maintenance", "on", env=env)
    assert status_of(url + "/healthz") == 200
    assert status_of(url) == 503
    site("maintenance", "off", env=env)


def test_reload_of_haproxy_keeps_the_map_and_the_rest_of_its_file_is_as_it_was(site, proxies):
    env, url = proxies.handler("haproxy_map")
    site("maintenance", "on", env=env)
    proxies.reload_haproxy()
    assert status_of(url) == 503
    site("maintenance", "off", env=env)
    assert proxies.map.read_text() == proxies.MAP_TEXT


@pytest.fixture
def open_file_cache(proxies):
    """nginx keeps what it knows of files for a minute."""
    kept = proxies.nginx_conf.read_text()
    proxies.nginx_conf.write_text(re.sub("^http {", "http { open_file_cache max=100; open_file_cache_valid 60s; open_file_cache_errors on;", kept,
                                         flags=re.MULTILINE))
    proxies.reload_nginx()
    yield
    proxies.nginx_conf.write_text(kept)
    proxies.reload_nginx()


def test_nginx_with_open_file_cache_sees_the_flag_at_once_on_and_off(site, proxies, open_file_cache):
    for _ in range(2):
        assert status_of(proxies.nginx_url) == 200
        site("maintenance", "on")
        assert status_of(proxies.nginx_url) == 503
        site("maintenance", "off")
    assert status_of(proxies.nginx_url) == 200


def test_on_and_off_ask_the_site_what_it_really_answers(site, proxies):
    site.env["WRKTALK_AGENT_MAINTENANCE_PROBE"] = proxies.nginx_url
    site("maintenance", "on").says(f"the site answers 503 at {proxies.nginx_url}")
    site("maintenance", "off")
    # The backend itself knows nothing of maintenance.
    site.env["WRKTALK_AGENT_MAINTENANCE_PROBE"] = proxies.backend_url
    site("maintenance", "on", code=3).says(
        f"DISAGREEMENT: the site answers 200 at {proxies.backend_url}, not 503, although a window is open")
    assert status_of(proxies.nginx_url) == 503
    site("maintenance", "status", "--exit-code", code=3)
    site("maintenance", "off")
    site.env["WRKTALK_AGENT_MAINTENANCE_PROBE"] = "http://127.0.0.1:9/"
    site("maintenance", "off", code=3).says("the site cannot be asked: .*127.0.0.1")
    del site.env["WRKTALK_AGENT_MAINTENANCE_PROBE"]
    site("maintenance", "status", "--exit-code")


def test_what_a_reload_of_haproxy_forgot_is_shown_again_by_the_daemon(site, proxies):
    env, url = proxies.handler("haproxy_map")
    daemon = site.start("daemon", "poll", "--loop", env=env)
    daemon.wait_said(20, "agent.started")
    site("maintenance", "on", env=env)
    # As where the agent cannot write the map's file.
    proxies.map.write_text(proxies.MAP_TEXT)
    proxies.reload_haproxy()
    wait_for(10, lambda: status_of(url), 503)
    daemon.wait_said(10, "maintenance.shown_again")
    site("maintenance", "off", env=env)
    assert status_of(url) == 200


def test_key_that_the_map_of_haproxy_lacks_is_added(site, proxies):
    env = {**proxies.handler("haproxy_map")[0], "WRKTALK_AGENT_HAPROXY_KEY": "second"}
    for state in ("on", "off"):
        site("maintenance", state, env=env)
        shown = proxies.haproxy_says(f"show map {proxies.map}")
        assert re.search(f" second {state}$", shown, re.MULTILINE), shown


# ---------------------------------------------------------------- what cannot be switched

@pytest.mark.parametrize("code, text, changes", [
    pytest.param(5, "cannot make the maintenance flag /nowhere/flag", {"MAINTENANCE_FLAG": "/nowhere/flag"}, id="flag_folder_that_is_not_there"),
    pytest.param(5, "cannot reach haproxy at /nowhere/sock.*No such file", {"HAPROXY_SOCKET": "/nowhere/sock"}, id="socket_that_is_not_there"),
    pytest.param(5, "level admin", {"HAPROXY_SOCKET": "watch_socket", "HAPROXY_SERVERS": "app/one"}, id="socket_without_the_level"),
    pytest.param(5, "Unknown map identifier", {"HAPROXY_MAP": "/etc/other.map"}, id="map_that_haproxy_does_not_know"),
    pytest.param(5, "No such server", {"HAPROXY_SERVERS": "app/two"}, id="server_that_haproxy_does_not_know"),
    pytest.param(5, "No such backend", {"HAPROXY_SERVERS": "other/one"}, id="backend_that_haproxy_does_not_know"),
    pytest.param(8, "/bin/false exited with status 1",
                 {"MAINTENANCE_MODE_HANDLER": "command", "MAINTENANCE_ON": "/bin/false", "MAINTENANCE_OFF": "/bin/true"}, id="program_that_fails"),
])
def test_proxy_that_cannot_be_switched_is_named_and_no_window_stays_open(site, proxies, database, code, text, changes):
    known = {"watch_socket": proxies.watch_socket}
    haproxy = proxies.handler("haproxy_map")[0] if any(name.startswith("HAPROXY") for name in changes) else {}
    env = {**haproxy, **{f"WRKTALK_AGENT_{name}": known.get(value, value) for name, value in changes.items()}}
    site("maintenance", "on", code=code, env=env).says(text)
    assert database.sql("select count(*) from maintenance_window where expires_at is null or expires_at > now()") == "0"
    site("maintenance", "off", env=proxies.handler("haproxy_map")[0])
    assert database.open_windows() == 0


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="acting as another user needs root and setpriv")
def test_flag_folder_that_may_not_be_written_to_is_named(site, proxies, database):
    for folder in (proxies.nginx_flag.parent, proxies.nginx_flag.parent.parent):
        folder.chmod(0o755)
    reader = site.start_command("reader", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", site.path, "maintenance", "on",
                                env={"HOME": "/"})
    assert reader.wait() == 5, reader.text
    assert reader.said("cannot make the maintenance flag .*Permission denied"), reader.text
    assert database.open_windows() == 0


def test_status_names_what_does_not_agree(site, proxies, database):
    site("maintenance", "on")
    proxies.nginx_flag.unlink()
    database.sql("update deployment_config set maintenance_mode_enabled = false")
    shown = site("maintenance", "status", "--exit-code", code=3)
    shown.says("DISAGREEMENT: deployment_config says that maintenance is off")
    shown.says(f"DISAGREEMENT: flag file {proxies.nginx_flag} does not show")
    site("maintenance", "status")
    site("status").says("MAINTENANCE: flag file")
    site("maintenance", "off")
    assert database.open_windows() == 0


# ---------------------------------------------------------------- windows that close by themselves

def test_window_with_a_time_closes_by_itself(site, proxies, database):
    daemon = site.start("daemon", "poll", "--loop")
    daemon.wait_said(10, "agent.started")
    site("maintenance", "on", "--for", "2s")
    assert status_of(proxies.nginx_url) == 503
    wait_for(10, database.open_windows, 0)
    assert status_of(proxies.nginx_url) == 200
    assert daemon.end() == 0


def test_proxy_that_refuses_is_told_in_the_log_and_asked_again(site, proxies, database):
    daemon = site.start("daemon", "poll", "--loop")
    site("maintenance", "on", "--for", "1s")
    proxies.nginx_flag.unlink()
    proxies.nginx_flag.mkdir()
    daemon.wait_said(10, "maintenance.stuck .*cannot remove the maintenance flag")
    assert database.open_windows() > 0
    proxies.nginx_flag.rmdir()
    wait_for(10, database.open_windows, 0)
    assert daemon.end() == 0


# ---------------------------------------------------------------- kills, and a database that is away

def drained(program, database):
    """Whether the task is completed after the agent looked once more."""
    program("poll", "--drain", code=None)
    return database.task_status() == "completed"


@pytest.mark.parametrize("at", [
    pytest.param("maintenance-window", id="between_window_and_flag"),
    pytest.param("maintenance-hidden", id="between_flag_and_commit"),
])
def test_agent_that_is_killed_leaves_no_window_open_in_the_end(site, proxies, database, at):
    site("deploy", "1.0.0", "--queue")
    site("poll", code=137, env={"WRKTALK_CRASH_AT": at})
    wait_for(20, lambda: drained(site, database))
    assert database.open_windows() == 0
    assert status_of(proxies.nginx_url) == 200


def test_agent_that_finishes_the_task_of_a_dead_one_takes_down_the_flag_that_they_share(site, proxies, database, folder):
    def pod(number, *words, code=0, **env):
        return site(*words, code=code, env={"WRKTALK_AGENT_AGENT_ID": f"pod-{number}", "WRKTALK_AGENT_TARGETS": "host:shared",
                                            "WRKTALK_AGENT_HOST_ROOT": folder / f"pod-{number}", **env})

    # Each in a container of its own, with the flag on a volume that both have.
    site.env["WRKTALK_AGENT_HOST_HEALTH"] = None
    pod(1, "deploy", "1.0.0", "--queue", "--target", "host:shared")
    pod(1, "poll", code=137, WRKTALK_CRASH_AT="apply")
    assert status_of(proxies.nginx_url) == 503

    def taken_over():
        pod(2, "poll", "--drain", code=None)
        return database.task_status() == "completed"

    wait_for(60, taken_over)
    assert not proxies.nginx_flag.exists()
    assert database.open_windows() == 0
    pod(2, "maintenance", "status", "--exit-code")


def end_sessions(database, read_only):
    """Ends all sessions of the agents; whether new ones may write."""
    database.sql(f'alter database "{database.name}" set default_transaction_read_only = {read_only}', "-c default_transaction_read_only=off")
    database.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'wrktalk/%' and datname = current_database()")


def test_site_leaves_maintenance_when_the_server_is_read_only_no_more(site, proxies, database, folder):
    deploy = site.start("deploy", "deploy", "2.0.0", env={"WRKTALK_HOLD_AT": "maintenance-off", "WRKTALK_HOLD_FILE": folder / "held",
                                                          "WRKTALK_AGENT_HEARTBEAT_INTERVAL": "5s"})
    wait_for(20, (folder / "held").exists)
    end_sessions(database, "on")
    (folder / "held").unlink()
    deploy.wait_said(10, "read-only transaction")
    assert status_of(proxies.nginx_url) == 503
    end_sessions(database, "off")
    assert deploy.wait() == 0, deploy.text
    assert database.task_status() == "completed"
    assert status_of(proxies.nginx_url) == 200
    assert database.open_windows() == 0


def test_sessions_that_are_ended_while_a_program_runs_for_4_s_harm_nothing(site, database, folder):
    off = folder / "off"
    off.write_text(f"#!/bin/sh\ntouch '{folder}/off-began'\nsleep 4\n")
    off.chmod(0o755)
    deploy = site.start("deploy", "deploy", "1.0.0", env={"WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER": "command",
                                                          "WRKTALK_AGENT_MAINTENANCE_ON": "/bin/true", "WRKTALK_AGENT_MAINTENANCE_OFF": off})
    wait_for(20, (folder / "off-began").exists)
    # No lock is held, and no transaction is open, while it runs.
    assert database.sql("select count(*) from pg_stat_activity where application_name like 'wrktalk/%' and state like 'idle in transaction%'") == "0"
    assert database.sql("select count(*) from pg_locks where locktype = 'advisory'") == "0"
    end_sessions(database, "off")
    assert deploy.wait() == 0, deploy.text
    assert database.task_status() == "completed"
    assert database.open_windows() == 0


def test_maintenance_that_was_switched_on_before_any_agent_ran_stays_on(site, proxies, database):
    database.sql("delete from deployment_config; delete from maintenance_window")
    site("maintenance", "on")
    site("poll")
    assert database.sql("select maintenance_mode_enabled from deployment_config") == "t"
    assert status_of(proxies.nginx_url) == 503
    site("maintenance", "status", "--exit-code")
    site("maintenance", "off")
    assert database.open_windows() == 0


def test_flag_that_was_put_there_by_hand_stays_after_a_deployment(site, proxies, database):
    proxies.nginx_flag.touch()
    site("deploy", "2.0.0")
    assert proxies.nginx_flag.exists()
    assert database.open_windows() == 0
    site("maintenance", "status").says("shows maintenance, but no window is open")
    site("maintenance", "off")
    assert not proxies.nginx_flag.exists()


def test_what_could_not_be_put_back_stays_in_maintenance_until_a_task_completes_there(site, proxies, database, folder):
    site("deploy", "2.0.0")
    (folder / "srv/releases/2.0.0").rename(folder / "aside")
    database.sql("delete from release_artifact_chunk where artifact_id = (select id from release_artifact where release_version = '2.0.0'); "
                 "update release_artifact set artifact_data = '' where release_version = '2.0.0'")
    site("deploy", "broken", code=10)
    assert status_of(proxies.nginx_url) == 503
    site("maintenance", "off")
    assert status_of(proxies.nginx_url) == 503
    site("deploy", "1.0.0")
    assert status_of(proxies.nginx_url) == 200
    assert database.open_windows() == 0
