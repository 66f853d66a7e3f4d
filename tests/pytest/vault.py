"""A Vault (OpenBao) of the file's own, whose secret names the case's database."""

import http.client
import json
import pathlib
import urllib.parse

import pytest

from program import make_program, wait_for
from services import free_ports, need

SECRET = "kv/data/bizmatters/agent-executor/postgres"
POLICY = "sys/policies/acl/agent-executor"
PASSWORD = 'first, "quoted" $1'


class Vault:
    """tests/support/testbed/vault-up: logins by jwt, approle and the root token."""

    def __init__(self, exports, cluster):
        self.address, self.tls_address, self.ca = exports["VAULT_ADDR"], exports["VAULT_TLS_ADDR"], exports["VAULT_CACERT"]
        self.state = pathlib.Path(exports["VAULT_STATE"])
        self.role_id = (self.state / "role-id").read_text()
        self._cluster = cluster
        self._policy = self.policy()

    # ---------------------------------------------------------------- requests with the root token

    def ask(self, method, path, body=None, headers=None):
        """(status, answer) of one request."""
        parts = urllib.parse.urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
        connection.request(method, f"/v1/{path}", json.dumps(body) if body is not None else None, {"X-Vault-Token": "root", **(headers or {})})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, json.loads(text) if text else {}

    def request(self, method, path, body=None, headers=None):
        status, answer = self.ask(method, path, body, headers)
        assert status < 400, f"{method} {path}: {status} {answer}"
        return answer

    def works(self, method, path):
        return self.ask(method, path)[0] < 400

    def wrapped(self, path, body=None):
        """(wrapping token, accessor of the token in it if there is one) for what POST PATH answers."""
        about = self.request("POST", path, body, {"X-Vault-Wrap-TTL": "300"})["wrap_info"]
        return about["token"], about.get("wrapped_accessor")

    # ---------------------------------------------------------------- what is in it

    def policy(self):
        return self.request("GET", POLICY)["data"]["policy"]

    def set_policy(self, text):
        self.request("PUT", POLICY, {"policy": text})

    def secret(self):
        return self.request("GET", SECRET)["data"]["data"]

    def put_secret(self, **fields):
        """Changes fields of the secret."""
        self.request("POST", SECRET, {"data": {**self.secret(), **fields}})

    def logins(self):
        """How many tokens there are besides the root token."""
        return len(self.request("LIST", "auth/token/accessors")["data"]["keys"]) - 1

    def seal(self):
        self.request("PUT", "sys/seal")

    def unseal(self):
        self.request("PUT", "sys/unseal", {"key": (self.state / "unseal-key").read_text().strip()})
        wait_for(10, lambda: self.works("GET", SECRET))

    def prepare(self, database):
        """As it was started, with a secret that names this database; nobody is logged in."""
        if self.request("GET", "sys/seal-status")["sealed"]:
            self.unseal()
        self.set_policy(self._policy)
        for way in ("jwt", "approle"):
            self.request("PUT", f"sys/leases/revoke-prefix/auth/{way}")
        self.set_role_password(PASSWORD)
        self.request("POST", SECRET, {"data": {"host": database.host, "port": "5432", "database": database.name, "username": "app",
                                               "password": PASSWORD}})

    # ---------------------------------------------------------------- the role in PostgreSQL

    def set_role_password(self, password):
        self._cluster.sql(f"alter role app password '{password}'")

    def end_role_sessions(self):
        """When they rest: one that is just being opened would break for another reason than the password."""
        wait_for(10, lambda: self._cluster.sql("select bool_and(state = 'idle' and state_change < clock_timestamp() - interval '500 ms') "
                                               "from pg_stat_activity where usename = 'app'"), "t")
        self._cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'")


@pytest.fixture(scope="module")
def started_vault(testbed, cluster):
    need("vault", "jq", "openssl")
    cluster.sql("create role app login superuser")
    (cluster.folder / "data/pg_hba.conf").write_text("local all app scram-sha-256\nlocal all all trust\n")
    cluster.sql("select pg_reload_conf()")
    yield Vault(testbed.up("vault-up", env={"VAULT_PORT": str(free_ports(4))}), cluster)
    testbed.down("vault-down")


@pytest.fixture
def vault(started_vault, database):
    started_vault.prepare(database)
    return started_vault


@pytest.fixture
def tool(vault, database, folder):
    """The program with Vault alone: nothing else says where the database is. It logs in by a JWT."""
    program = make_program(folder, database)
    for name in database.env:
        del program.env[name]
    program.env.update({"VAULT_ADDR": vault.address, "VAULT_CACERT": vault.ca, "WRKTALK_AGENT_VAULT_TIMEOUT": "2s",
                        "WRKTALK_AGENT_VAULT_AUTH": "jwt", "WRKTALK_AGENT_VAULT_JWT_FILE": vault.state / "jwt"})
    yield program
    program.clean_up()
