"""The program under test, and processes that run beside a case."""

import os
import pathlib
import re
import signal
import subprocess
import tarfile
import time

SUPPORT = pathlib.Path(__file__).resolve().parent.parent / "support"


def wait_for(seconds, ask, wanted=None):
    """Polls `ask` until it returns `wanted`, or anything true when that is None; returns the answer. Fails when the time is over."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer == wanted if wanted is not None else answer:
            return answer
        in_time = time.monotonic() < end
        assert in_time, f"after {seconds} s it is still {answer!r}" + (f", not {wanted!r}" if wanted is not None else "")
        time.sleep(0.05)


def clean_environment():
    """Ours without what would set the program or PostgreSQL's clients."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("WRKTALK_AGENT_", "PG", "VAULT_", "BAO_"))}


class Output:
    """What a command printed."""

    def __init__(self, out, err, code):
        self.out, self.err, self.code = out, err, code

    @property
    def text(self):
        return self.out + self.err

    def says(self, pattern):
        """A line matches; returns itself."""
        found = re.search(pattern, self.text, re.MULTILINE)
        assert found, f"no line matches {pattern!r}:\n{self.text}"
        return self

    def hides(self, pattern):
        """No line matches; returns itself."""
        found = re.search(pattern, self.text, re.MULTILINE)
        assert not found, f"a line matches {pattern!r}:\n{self.text}"
        return self


def run(words, env, code=0, timeout=120):
    """Runs a command to its end and asserts its exit code (any when it is None)."""
    ended = subprocess.run([str(word) for word in words], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                           timeout=timeout)
    output = Output(ended.stdout, ended.stderr, ended.returncode if ended.returncode >= 0 else 128 - ended.returncode)
    assert code is None or output.code == code, f"exit code {output.code} instead of {code}: {words}\n{output.text}"
    return output


class Process:
    """A command that runs beside the case; its output goes to the file `log`."""

    def __init__(self, words, env, log):
        self.log = pathlib.Path(log)
        with open(self.log, "wb") as out:
            self._popen = subprocess.Popen([str(word) for word in words], env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.pid = self._popen.pid

    @property
    def text(self):
        return self.log.read_text(errors="replace")

    def said(self, pattern):
        return re.search(pattern, self.text, re.MULTILINE) is not None

    def wait_said(self, seconds, pattern):
        end = time.monotonic() + seconds
        while not self.said(pattern):
            in_time = time.monotonic() < end
            assert in_time, f"no line matches {pattern!r} after {seconds} s:\n{self.text}"
            time.sleep(0.05)

    def send(self, name):
        self._popen.send_signal(name)

    def wait(self, seconds=60):
        """Waits for its end; its exit code, 128 and the number for a signal."""
        code = self._popen.wait(seconds)
        return code if code >= 0 else 128 - code

    def end(self, name=signal.SIGTERM, seconds=60):
        """Ends it with that signal; its exit code."""
        self.send(name)
        return self.wait(seconds)

    def clean_up(self):
        if self._popen.poll() is not None:
            return
        self._popen.terminate()
        try:
            self._popen.wait(20)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


class Program:
    """$WRKTALK with the environment `env` of a case: `wrktalk("deploy", "1.0.0", code=9, env={...})`.

    In the env of one call None unsets a variable."""

    def __init__(self, path, folder, env):
        self.path, self.folder, self.env = path, folder, env
        self._processes = []

    def environment(self, changes=None):
        merged = {**self.env, **{name: value if value is None else str(value) for name, value in (changes or {}).items()}}
        return {name: str(value) for name, value in merged.items() if value is not None}

    def __call__(self, *words, code=0, env=None, timeout=120):
        return run([self.path, *words], self.environment(env), code, timeout)

    def start(self, name, *words, env=None):
        """Runs it beside the case, with its log in NAME.log."""
        return self.start_command(name, self.path, *words, env=env)

    def start_command(self, name, *words, env=None):
        process = Process(words, self.environment(env), self.folder / f"{name}.log")
        self._processes.append(process)
        return process

    def clean_up(self):
        for process in reversed(self._processes):
            process.clean_up()


def make_program(folder, database):
    """The program with an environment in which nothing is set but what a host target `site` needs."""
    path = os.environ["WRKTALK"]
    for name in ("tmp", "secrets"):
        (folder / name).mkdir(exist_ok=True)
    env = {**clean_environment(), **database.env, "WRKTALK": path, "TMPDIR": folder / "tmp", "WRKTALK_AGENT_SECRETS_DIR": folder / "secrets",
           "WRKTALK_AGENT_DEPLOYMENT_TYPE": "host", "WRKTALK_AGENT_AGENT_ID": "site", "WRKTALK_AGENT_HOST_ROOT": folder / "srv",
           "WRKTALK_AGENT_MAINTENANCE_FLAG": folder / "flag", "WRKTALK_AGENT_POLL_INTERVAL": "1s"}
    return Program(path, folder, env)


def add_release(wrktalk, version, files):
    """A release of a host target with these files; one whose text begins with #! may be executed."""
    tree = wrktalk.folder / f"tree-{version}"
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    archive = wrktalk.folder / f"{version}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tree, ".")
    wrktalk("release", "add", archive, "--version", version, "--type", "host")
    return archive
