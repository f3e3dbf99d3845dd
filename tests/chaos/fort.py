"""What is besieged: one server on SQLite, or two nodes with their own PostgreSQL and NATS, each of which can be killed."""

import os
import pwd
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

import postgres
from cast import free_port
from nats_server import Nats

from .node import Node

START_SECONDS_MAX = 120


class Fort:
    """One server with its file.

    Args:
        folder: the data folder.
        planted: the fault of ``planted`` that it has, "" for none.
        clock: whether its clock may be moved.
    """

    def __init__(self, folder: Path, *, planted: str = "", clock: bool = True) -> None:
        self.folder = folder
        self.database_url = ""
        self.nodes = [Node(folder, free_port(), planted=planted, clock=clock)]

    def raise_up(self) -> None:
        """Everything runs, and listens."""
        for node in self.nodes:
            node.begin()
        for node in self.nodes:
            node.wait()

    def address(self, turn: int) -> tuple[str, int]:
        """Where the ``turn``-th connection goes: to each node in turn."""
        return self.nodes[turn % len(self.nodes)].address

    def blows(self) -> tuple[str, ...]:
        """What can be killed."""
        return ("node-kill",)

    def strike(self, blow: str, pause: float, which: int) -> None:
        """Kills one thing and, after ``pause`` seconds, starts it again."""
        assert blow == "node-kill", blow
        node = self.nodes[which % len(self.nodes)]
        node.kill()
        time.sleep(pause)
        node.start()

    def fall(self) -> None:
        """Everything ends."""
        for node in self.nodes:
            node.kill()

    def log(self) -> str:
        return "\n".join(node.log() for node in self.nodes)


class Castle(Fort):
    """Two nodes on one PostgreSQL database, with NATS between them."""

    def __init__(self, folder: Path, *, clock: bool = True) -> None:
        self.folder = folder
        self._nats = Nats()
        self._cluster = _Cluster()
        self._nats.start()
        self._cluster.make()
        self.database_url = postgres.new_database(self._cluster.url)
        options = ("--database", self.database_url, "--hints", self._nats.url)
        names = ("one", "two")
        self.nodes = [Node(folder, free_port(), *options, clock=clock, name=name) for name in names]

    def blows(self) -> tuple[str, ...]:
        return ("node-kill", "postgresql-kill", "nats-kill")

    def strike(self, blow: str, pause: float, which: int) -> None:
        if blow == "postgresql-kill":
            self._cluster.kill()
            time.sleep(pause)
            self._cluster.start()
        elif blow == "nats-kill":
            self._nats.kill()
            time.sleep(pause)
            self._nats.start()
        else:
            super().strike(blow, pause, which)

    def fall(self) -> None:
        super().fall()
        self._nats.kill()
        self._cluster.end()


class _Cluster:
    """A PostgreSQL server whose every process can be killed, and which recovers from its log."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="miss-chaos-pg"))
        self._process: subprocess.Popen[bytes] | None = None
        self._account: list[str] = []
        self.url = f"postgresql://postgres@/{{name}}?host={self._folder}"
        if os.geteuid() == 0:  # initdb refuses root
            user = pwd.getpwnam("postgres")
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._account = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def make(self) -> None:
        command = [*self._account, postgres.programs() / "initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "-D", self._folder / "data"]
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder)
        self.start()

    def start(self) -> None:
        command = [*self._account, postgres.programs() / "postgres", "-D", self._folder / "data", "-k", self._folder]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-c", "listen_addresses="], stdout=log, stderr=log, cwd=self._folder, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                psycopg.connect(host=str(self._folder), user="postgres", dbname="postgres").close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()[-2_000:]
                if self._process.poll() is not None:  # a process of before still holds its memory: once more
                    time.sleep(0.2)
                    self.start()
                    return
                time.sleep(0.05)

    def kill(self) -> None:
        """The postmaster and all its children, at once: nothing is flushed."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(START_SECONDS_MAX)
            self._process = None

    def end(self) -> None:
        self.kill()
        subprocess.run(["rm", "-rf", str(self._folder)], check=True)
