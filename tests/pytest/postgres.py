"""A private PostgreSQL cluster and the databases in it."""

import subprocess

from program import SUPPORT, clean_environment


class Cluster:
    """Made and started by tests/support/testbed/pg.bash: on a unix socket alone, superuser postgres, no password asked."""

    def __init__(self, folder):
        self.folder = folder
        self._made = 0
        self._runs = False

    def _bash(self, command, *words):
        subprocess.run(["bash", "-c", f'. "$0"; {command} "$@"', SUPPORT / "testbed/pg.bash", self.folder, *words], check=True,
                       stdin=subprocess.DEVNULL, env=clean_environment())

    def start(self):
        """Nothing when it runs."""
        if not self._runs:
            self._bash("pg_start")
        self._runs = True

    def stop(self, signal="INT"):
        """INT breaks its connections, QUIT crashes it."""
        self._runs = False
        self._bash("pg_stop", signal)

    def create(self, template=None):
        """A new database, a copy of the template when one is given."""
        self._made += 1
        database = Database(self.folder, f"case_{self._made}")
        copied = f' template "{template.name}"' if template else ""
        self.sql(f'create database "{database.name}"{copied}')
        return database

    def drop(self, database):
        self.sql(f'drop database "{database.name}" with (force)')

    def sql(self, statement):
        """In the database postgres: what is about roles and sessions."""
        return Database(self.folder, "postgres").sql(statement)


class Database:
    def __init__(self, host, name):
        self.host, self.name = str(host), name

    @property
    def env(self):
        """What points psql and the program at it."""
        return {"PGHOST": self.host, "PGUSER": "postgres", "PGDATABASE": self.name, "WRKTALK_AGENT_DB_HOST": self.host,
                "WRKTALK_AGENT_DB_USER": "postgres", "WRKTALK_AGENT_DB_NAME": self.name}

    def sql(self, statement, options=""):
        """Runs it; rows as psql's plain text, columns parted by "|"."""
        ended = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", statement], env={**clean_environment(), **self.env,
                               "PGOPTIONS": options}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert ended.returncode == 0, f"{statement}\n{ended.stderr}"
        return ended.stdout.rstrip("\n")

    # ---------------------------------------------------------------- what the agent's tables say

    def last_task(self):
        return self.sql("select id from agent_task order by created_at desc limit 1")

    def task_status(self):
        return self.sql("select status from agent_task order by created_at desc limit 1")

    def open_windows(self):
        """How many maintenance windows are open; deployment_config's own flag counts as one."""
        return int(self.sql("select (select count(*) from maintenance_window) + "
                            "(select count(*) from deployment_config where maintenance_mode_enabled)"))
