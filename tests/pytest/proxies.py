"""nginx and haproxy in front of a small backend, with the configurations of docs/maintenance, and a host target behind them."""

import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import urllib.parse

import pytest

from program import add_release, make_program, wait_for
from services import free_ports, need


def ask(url, method="GET"):
    """(status, headers, body) of an answer."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.request(method, parts.path or "/", body=b"x" if method == "POST" else None)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()
    finally:
        connection.close()


def status_of(url, method="GET"):
    return ask(url, method)[0]


def children(pid):
    return set(subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split())


class Proxies:
    MAP_TEXT = "# kept\nmaintenance off\n"

    def __init__(self, exports):
        self.nginx_url, self.haproxy_url, self.backend_url = (exports[name] for name in ("NGINX_URL", "HAPROXY_URL", "BACKEND_URL"))
        self.nginx_flag, self.nginx_conf = pathlib.Path(exports["NGINX_FLAG"]), pathlib.Path(exports["NGINX_CONF"])
        self.map = pathlib.Path(exports["HAPROXY_MAP"])
        self.socket, self.watch_socket, self.tcp = (exports[name] for name in ("HAPROXY_SOCKET", "HAPROXY_WATCH_SOCKET", "HAPROXY_TCP"))
        self.haproxy_pid = int(exports["HAPROXY_PID"])

    def handler(self, name):
        """(what the program is told of a handler, the URL that it switches)."""
        haproxy = {"WRKTALK_AGENT_MAINTENANCE_MODE_HANDLER": "haproxy", "WRKTALK_AGENT_HAPROXY_SOCKET": self.socket}
        return {
            "nginx": ({}, self.nginx_url),
            "haproxy_map": ({**haproxy, "WRKTALK_AGENT_HAPROXY_MAP": self.map}, self.haproxy_url),
            "haproxy_servers": ({**haproxy, "WRKTALK_AGENT_HAPROXY_SOCKET": self.tcp, "WRKTALK_AGENT_HAPROXY_SERVERS": "app/one"}, self.haproxy_url),
        }[name]

    def haproxy_says(self, command):
        answer = subprocess.run(["socat", "stdio", f"unix-connect:{self.socket}"], input=command + "\n", capture_output=True, text=True)
        return answer.stdout

    def reload_haproxy(self):
        """Returns when the new worker answers."""
        workers = children(self.haproxy_pid)
        os.kill(self.haproxy_pid, signal.SIGUSR2)
        wait_for(10, lambda: children(self.haproxy_pid) != workers and "Uptime" in self.haproxy_says("show info"))

    def reload_nginx(self):
        """Returns when the new worker has taken the old one's place."""
        pid = int((self.nginx_conf.parent / "nginx/nginx.pid").read_text())
        workers = children(pid)
        os.kill(pid, signal.SIGHUP)
        wait_for(10, lambda: children(pid) != workers and len(children(pid)) == 1)

    def open(self):
        """As they were started: no maintenance, by none of the ways."""
        if self.nginx_flag.is_dir():
            shutil.rmtree(self.nginx_flag)
        self.nginx_flag.unlink(missing_ok=True)
        self.map.write_text(self.MAP_TEXT)
        self.haproxy_says(f"set map {self.map} maintenance off")
        self.haproxy_says("set server app/one state ready")
        assert (status_of(self.nginx_url), status_of(self.haproxy_url)) == (200, 200)


@pytest.fixture(scope="module")
def started_proxies(testbed):
    need("nginx", "haproxy", "socat")
    yield Proxies(testbed.up("proxy-up", env={"PROXY_BASE": str(free_ports(4))}))
    testbed.down("proxy-down")


@pytest.fixture
def proxies(started_proxies):
    """Both pass on to the backend."""
    started_proxies.open()
    return started_proxies


@pytest.fixture(scope="module")
def template(cluster, module_folder):
    """Releases 1.0.0 and 2.0.0, and one named broken, whose health check fails."""
    database = cluster.create()
    wrktalk = make_program(module_folder, database)
    wrktalk("migrate", "up", "--set", "agent")
    database.sql("insert into deployment_config (deployment_type) values ('host')")
    for version in ("1.0.0", "2.0.0", "broken"):
        add_release(wrktalk, version, {"check": f"#!/bin/sh\n[ {version} != broken ]"})
    return database


@pytest.fixture
def site(wrktalk, proxies, folder):
    """A host target behind nginx. Activating takes half a second, and as long as the file `slow` is there."""
    activate, health = folder / "activate", folder / "health"
    activate.write_text(f"#!/bin/sh\nsleep 0.5\nwhile [ -e '{folder}/slow' ]; do sleep 0.05; done\n")
    health.write_text(f"#!/bin/sh\nexec '{folder}/srv/current/check'\n")
    for script in (activate, health):
        script.chmod(0o755)
    wrktalk.env.update({"WRKTALK_AGENT_HOST_ACTIVATE": activate, "WRKTALK_AGENT_HOST_HEALTH": health, "WRKTALK_AGENT_HOST_TIMEOUT": "2s",
                        "WRKTALK_AGENT_MAINTENANCE_FLAG": proxies.nginx_flag, "WRKTALK_AGENT_HEARTBEAT_INTERVAL": "500ms"})
    return wrktalk
