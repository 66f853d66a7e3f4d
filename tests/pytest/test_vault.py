"""Credentials out of Vault: what is written, every way to log in, and each failure with its message and exit code.

Kubernetes auth is in tests/suites/vault_kubernetes.bash, the daemon in test_vault_daemon.py."""

import os
import pathlib
import subprocess

import pytest

from program import wait_for
from vault import PASSWORD, SECRET


@pytest.fixture
def pg_env(tool):
    """`wrktalk secrets pg-env`, which writes the file pg_env.file."""
    def write(*words, code=0, env=None):
        return tool("secrets", "pg-env", "--out", write.file, *words, code=code, env=env)

    write.file = tool.folder / "pg_env.sh"
    return write


# ---------------------------------------------------------------- what it writes

def test_guide_says_what_is_printed_and_the_login_is_revoked(pg_env, vault, database):
    assert pg_env().out.splitlines() == [
        "==> Authenticating to Vault using JWT auth...",
        "==> Successfully authenticated to Vault",
        "==> Fetching PostgreSQL credentials from Vault...",
        "==> PostgreSQL credentials fetched successfully",
        f'export PGHOST="{database.host}"',
        'export PGPORT="5432"',
        f'export PGDATABASE="{database.name}"',
        'export PGUSER="app"',
    ]
    assert vault.logins() == 0


def test_file_is_for_its_owner_alone(pg_env):
    pg_env()
    assert pg_env.file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_shell_connects_with_the_file(pg_env, shell):
    pg_env()
    asked = subprocess.run([shell, "-c", '. "$1" && psql -X -At -c "select current_user"', shell, pg_env.file], env={"PATH": os.environ["PATH"]},
                           capture_output=True, text=True)
    assert asked.stdout == "app\n", asked.stderr


def test_pg_env_option_connects_with_the_file_and_says_where_the_credentials_came_from(pg_env, tool):
    pg_env()
    tool("migrate", "up", "--pg-env", pg_env.file).says("^==> Loading PostgreSQL credentials from Vault")


def test_folder_on_a_disk_is_warned_of_and_one_in_memory_is_not(pg_env, tool):
    pg_env().says("secrets.not_in_memory .*medium: Memory")
    in_memory = pathlib.Path(f"/dev/shm/wrktalk-{os.getpid()}.sh")
    try:
        tool("secrets", "pg-env", "--out", in_memory).hides("secrets.not_in_memory")
    finally:
        in_memory.unlink(missing_ok=True)


@pytest.mark.parametrize("words", [pytest.param((), id="plain"), pytest.param(("-o", "json"), id="in_json"),
                                   pytest.param(("--log-level", "DEBUG"), id="when_all_is_logged")])
def test_neither_password_nor_token_is_printed(pg_env, words):
    pg_env(*words).hides("quoted").hides(r"s\.[A-Za-z0-9]{20}")


# ---------------------------------------------------------------- ways in

def test_vault_option_connects_with_no_file(tool, vault, cluster):
    vault.put_secret(database=cluster.create().name)
    tool("migrate", "up", "--set", "agent", "--vault")
    tool("status", "--vault")


def test_kv_engine_of_version_1(pg_env):
    pg_env(env={"WRKTALK_AGENT_VAULT_PATH": "kv1/bizmatters/agent-executor/postgres"})


def test_approle(tool, vault):
    tool("status", "--vault", env={"WRKTALK_AGENT_VAULT_AUTH": "approle", "WRKTALK_AGENT_VAULT_ROLE_ID": vault.role_id,
                                   "WRKTALK_AGENT_VAULT_SECRET_ID_FILE": vault.state / "secret-id"})
    assert vault.logins() == 0


def test_token_that_is_given_is_not_revoked(tool, vault):
    tool("status", "--vault", env={"WRKTALK_AGENT_VAULT_AUTH": None, "VAULT_TOKEN": "root"})
    assert vault.logins() == 0


def test_tls_with_vault_cacert(tool, vault):
    tool("status", "--vault", env={"VAULT_ADDR": vault.tls_address})


def test_tls_without_verification_when_it_is_said_twice(tool, vault):
    tool("status", "--vault", "--vault-insecure", env={"VAULT_ADDR": vault.tls_address, "VAULT_CACERT": "", "VAULT_SKIP_VERIFY": "true"})


def test_auth_method_role_engine_and_path_of_other_names(tool, vault):
    vault.request("POST", "sys/auth/corp/jwt", {"type": "jwt"})
    vault.request("POST", "auth/corp/jwt/config", {"jwt_validation_pubkeys": [(vault.state / "jwt.pub").read_text()]})
    vault.request("POST", "auth/corp/jwt/role/other", {"role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault",
                                                       "token_policies": "agent-executor"})
    vault.request("POST", "sys/mounts/team/db", {"type": "kv", "options": {"version": "2"}})
    wait_for(10, lambda: vault.works("GET", "team/db/config"))
    vault.request("POST", "team/db/data/a%20b/pg", {"data": vault.secret()})
    vault.set_policy(vault.policy() + 'path "team/db/data/*" { capabilities = ["read"] }')
    tool("status", "--vault", "--vault-auth-mount", "corp/jwt", "--vault-role", "other", "--vault-path", "team/db/a b/pg")


def test_namespace(tool, vault):
    vault.request("POST", "sys/namespaces/shop", {})
    vault.request("POST", "shop/sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    wait_for(10, lambda: vault.works("GET", "shop/kv/config"))
    vault.request("POST", f"shop/{SECRET}", {"data": vault.secret()})
    tool("status", "--vault", "--vault-namespace", "shop", env={"VAULT_TOKEN": "root", "WRKTALK_AGENT_VAULT_AUTH": ""})


@pytest.mark.parametrize("words", [
    pytest.param(("--vault-path", "/kv/bizmatters/agent-executor/postgres"), id="at_the_beginning"),
    pytest.param(("--vault-path", "kv/bizmatters/agent-executor/postgres/"), id="at_the_end"),
    pytest.param(("--vault-path", "kv//bizmatters/agent-executor//postgres"), id="doubled"),
    pytest.param(("--vault-path", " /kv/bizmatters/agent-executor/postgres/ "), id="with_spaces"),
    pytest.param(("--vault-auth-mount", "/auth/jwt/"), id="of_the_auth_mount"),
])
def test_slashes_are_as_in_vault_kv_get(tool, words):
    tool("status", "--vault", *words)


def test_secret_id_in_a_wrapping_token_is_unwrapped_once(tool, vault, folder):
    (folder / "wrapped").write_text(vault.wrapped("auth/approle/role/agent-executor/secret-id")[0] + "\n")
    env = {"WRKTALK_AGENT_VAULT_AUTH": "approle", "WRKTALK_AGENT_VAULT_ROLE_ID": vault.role_id,
           "WRKTALK_AGENT_VAULT_SECRET_ID_FILE": folder / "wrapped"}
    tool("status", "--vault", env=env)
    tool("status", "--vault", env=env, code=5).says("hint: .*looks like a wrapping token that was used before")


def test_token_in_a_wrapping_token_is_unwrapped_once(tool, vault):
    token, accessor = vault.wrapped("auth/token/create", {"policies": ["agent-executor"], "ttl": "1h"})
    env = {"WRKTALK_AGENT_VAULT_AUTH": "token", "VAULT_TOKEN": token}
    tool("status", "--vault", env=env)
    tool("status", "--vault", env=env, code=5)
    # A token that is given is not revoked; it would count as a login in other cases.
    vault.request("POST", "auth/token/revoke-accessor", {"accessor": accessor})


def test_secret_that_may_be_read_in_a_wrapping_alone(tool, vault):
    vault.set_policy('path "kv/data/*" { capabilities = ["read"] min_wrapping_ttl = "1s" max_wrapping_ttl = "90s" }')
    tool("status", "--vault")


def test_batch_token_is_used_without_a_warning(tool, vault):
    vault.request("POST", "auth/jwt/role/batch", {**vault.request("GET", "auth/jwt/role/agent-executor")["data"], "token_type": "batch"})
    output = tool("status", "--vault", "--vault-role", "batch")
    output.hides(r"WARN|vault\.")


def test_line_break_at_the_end_of_a_password_is_told(pg_env, vault):
    vault.put_secret(password=PASSWORD + "\n")
    pg_env().says("secrets.line_break .*password ends in a line break").hides("quoted")


def test_line_break_at_the_end_of_a_host_is_refused(pg_env, vault, database):
    vault.put_secret(host=database.host + "\n")
    pg_env(code=5).says("field host ends in a line break")
    vault.put_secret(host=database.host)
    pg_env()


# ---------------------------------------------------------------- failures

TOKEN = {"WRKTALK_AGENT_VAULT_AUTH": "token"}
TREE = "kv/bizmatters/agent-executor"
FAILURES = {
    "no_vault_addr": (5, "VAULT_ADDR is not set", {"VAULT_ADDR": ""}),
    "address_that_is_none": (5, "'vault:8200' is no http", {"VAULT_ADDR": "vault:8200"}),
    "foreign_ca": (5, "SSL certificate problem", {"VAULT_ADDR": "{tls}", "VAULT_CACERT": ""}),
    "ca_file_that_is_not_there": (5, "setting certificate file: /nowhere", {"VAULT_ADDR": "{tls}", "VAULT_CACERT": "/nowhere"}),
    "another_name_than_the_certificate_has": (5, "SSL: .*target host name", {"VAULT_ADDR": "{tls_by_ipv6}"}),
    "vault_skip_verify_alone": (5, "VAULT_SKIP_VERIFY would let", {"VAULT_SKIP_VERIFY": "true"}),
    "tls_where_there_is_none": (5, "wrong version number|packet length too long", {"VAULT_ADDR": "{https_at_http}"}),
    "nobody_there": (6, "connect to 127.0.0.1 port 9 ", {"VAULT_ADDR": "http://127.0.0.1:9"}),
    "name_that_nobody_knows": (6, "resolve host: nowhere.invalid", {"VAULT_ADDR": "https://nowhere.invalid"}),
    "no_token_file": (5, "cannot read /nowhere: No such file", {"WRKTALK_AGENT_VAULT_JWT_FILE": "/nowhere"}),
    "role_that_is_not_there": (5, 'as role nope .*agent-executor.*: 400, role "nope" could not be found', {"WRKTALK_AGENT_VAULT_ROLE": "nope"}),
    "token_that_is_none": (5, r"\(no JWT\): 400, ", {"WRKTALK_AGENT_VAULT_JWT_FILE": "{no_jwt}"}),
    "auth_method_that_is_not_there": (5, "auth/nope/login .*: 403, ", {"WRKTALK_AGENT_VAULT_AUTH_MOUNT": "nope"}),
    "namespace_that_is_not_there": (5, "namespace nope: .*404, namespace not found", {"VAULT_NAMESPACE": "nope"}),
    "wrong_secret_id": (5, "invalid role or secret ID", {"WRKTALK_AGENT_VAULT_AUTH": "approle", "WRKTALK_AGENT_VAULT_ROLE_ID": "{role_id}",
                                                         "WRKTALK_AGENT_VAULT_SECRET_ID": "wrong"}),
    "token_that_was_never_given": (5, "looking for kv/.*: 403, permission denied", {**TOKEN, "VAULT_TOKEN": "unknown"}),
    "path_that_the_policy_does_not_have": (5, "reading kv/other/db: 403, permission denied$", {"WRKTALK_AGENT_VAULT_PATH": "kv/other/db"}),
    "data_in_the_path": (5, 'hint: leave "data/" out', {"WRKTALK_AGENT_VAULT_PATH": "kv/data/bizmatters/agent-executor/postgres"}),
    "secret_that_is_not_there": (5, f"there is no secret at {TREE}/nope$", {"WRKTALK_AGENT_VAULT_PATH": f"{TREE}/nope"}),
    "path_without_a_secret": (5, "kv names no secret", {"WRKTALK_AGENT_VAULT_PATH": "kv"}),
    "another_kind_of_engine": (5, "engine of type cubbyhole", {**TOKEN, "WRKTALK_AGENT_VAULT_PATH": "cubbyhole/x", "VAULT_TOKEN": "root"}),
    "fields_that_are_missing": (5, "half lacks port, database, password$", {"WRKTALK_AGENT_VAULT_PATH": f"{TREE}/half"}),
    "deleted_secret": (5, "the newest version of .*/gone was deleted at 20", {"WRKTALK_AGENT_VAULT_PATH": f"{TREE}/gone"}),
}


@pytest.mark.parametrize("code, line, env", [pytest.param(*row, id=name) for name, row in FAILURES.items()])
def test_failure_is_named_with_a_hint_and_leaves_no_file_and_no_login(pg_env, vault, folder, code, line, env):
    (folder / "no-jwt").write_text("none\n")
    for name in ("half", "gone"):
        vault.request("POST", f"kv/data/bizmatters/agent-executor/{name}", {"data": {"host": "h", "username": "u"}})
    vault.request("DELETE", "kv/data/bizmatters/agent-executor/gone")
    known = {"tls": vault.tls_address, "tls_by_ipv6": vault.tls_address.replace("127.0.0.1", "[::ffff:127.0.0.1]"),
             "https_at_http": vault.address.replace("http", "https"), "no_jwt": folder / "no-jwt", "role_id": vault.role_id}
    pg_env(code=code, env={name: value.format_map(known) for name, value in env.items()}).says(line).says("^hint: ")
    assert not pg_env.file.exists()
    assert vault.logins() == 0


def test_folder_that_is_not_there_is_told_before_vault_is_asked(tool, folder):
    tool("secrets", "pg-env", "--out", folder / "no/pg_env.sh", code=5).hides("==>")


def test_vault_and_pg_env_together_are_refused(tool, folder):
    tool("status", "--vault", "--pg-env", folder / "pg_env.sh", code=2)


# ---------------------------------------------------------------- a Vault that answers later

def test_sealed_vault_is_named(pg_env, vault):
    vault.seal()
    pg_env(code=6, env={"WRKTALK_AGENT_VAULT_TIMEOUT": "600ms"}).says("Vault is sealed").says("^hint: ")
    assert not pg_env.file.exists()


def test_vault_that_is_unsealed_meanwhile_is_waited_for(pg_env, tool, vault):
    vault.seal()
    waits = tool.start("sealed", "secrets", "pg-env", "--out", pg_env.file, env={"WRKTALK_AGENT_VAULT_TIMEOUT": "20s"})
    waits.wait_said(5, "vault.waits.*Vault is sealed")
    vault.unseal()
    wait_for(10, pg_env.file.exists)
    assert waits.wait() == 0


def test_rate_limit_is_kept(pg_env, vault):
    vault.request("POST", "sys/quotas/rate-limit/tight", {"rate": 1, "interval": "3s"})
    try:
        pg_env(env={"WRKTALK_AGENT_VAULT_TIMEOUT": "30s"}).says("vault.waits .*429")
    finally:
        wait_for(10, lambda: vault.works("DELETE", "sys/quotas/rate-limit/tight"))


def test_sigterm_ends_the_waiting_at_once(pg_env, tool):
    asks = tool.start("asks", "secrets", "pg-env", "--out", pg_env.file,
                      env={"VAULT_ADDR": "http://127.0.0.1:9", "WRKTALK_AGENT_VAULT_TIMEOUT": "60s"})
    asks.wait_said(5, "vault.waits")
    assert asks.end(seconds=5) == 143
