"""The servers that are measured: MiSS and the bare relay, each a process of its own on the server's processor."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from postgres import cluster, new_database

from . import population
from .meter import GENERATOR_CPU, SERVER_CPU, on_cpu
from .population import Town

START_SECONDS_MAX = 30.0
ROOT = Path(__file__).resolve().parents[2]
CODE = ("shared", "backend")


class Peer:
    """A server process.

    Args:
        folder: an empty folder of its own.
    """

    name = ""
    logs_in = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self._process: psutil.Popen | None = None

    def populate(self, size: int) -> Town:
        """The users, before the server starts."""
        raise AssertionError("each server has its own")

    def command(self) -> list[str]:
        """What starts it; it writes host:port into the file ``listening`` of its folder."""
        raise AssertionError("each server has its own")

    def paths(self) -> list[Path]:
        """Where its modules are."""
        return [ROOT, *(ROOT / one for one in CODE)]

    def start(self, town: Town) -> None:
        """Starts it, and waits until it takes connections."""
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(one) for one in self.paths())}
        with on_cpu(SERVER_CPU), (self.folder.parent / f"{self.folder.name}.log").open("wb") as log:
            self._process = psutil.Popen(self.command(), stdout=log, stderr=log, env=environment)
        deadline, listening = time.monotonic() + START_SECONDS_MAX, self.folder / "listening"
        while not listening.exists():
            assert self._process.poll() is None, Path(log.name).read_text()
            assert time.monotonic() < deadline, f"{self.name} does not listen"
            time.sleep(0.02)
        self.port = int(listening.read_text().strip().rpartition(":")[2])

    def stop(self) -> None:
        """Ends it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
                self._process.kill()
                self._process.wait(20)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return int(self._process.pid)

    def cpu_seconds(self) -> float:
        """What it has used so far."""
        assert self._process is not None
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def memory_kib(self) -> int:
        """Its resident memory."""
        assert self._process is not None
        return int(self._process.memory_info().rss // 1024)


class Miss(Peer):
    """The server of this project, as an operator starts it."""

    name = "miss"
    logs_in = True

    def populate(self, size: int) -> Town:
        return population.build(self.folder, size)

    def start(self, town: Town) -> None:
        population.settle(self.folder, town)
        super().start(town)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "miss_server", "serve", "--data", str(self.folder), "--listen", "127.0.0.1:0"]


class Beside(Miss):
    """The server of another checkout, whose folder is named in the environment, to compare two states in one pass."""

    name = "beside"

    def populate(self, size: int) -> Town:
        known = (Path(os.environ["MISS_BESIDE"]) / "backend/miss_server/quotas.py").exists()
        return population.build(self.folder, size, unlimited=known)

    def paths(self) -> list[Path]:
        return [Path(os.environ["MISS_BESIDE"]) / one for one in CODE]


class OnPostgresql(Miss):
    """The same server on PostgreSQL, which has the generator's processor: the server is alone on its own."""

    name = "postgresql"

    def populate(self, size: int) -> Town:
        self._ends = ExitStack()
        with on_cpu(GENERATOR_CPU):
            url = self._ends.enter_context(cluster())
        self._url = new_database(url)
        return population.build(self.folder, size, self._url)

    def start(self, town: Town) -> None:
        population.settle(self.folder, town, self._url)
        Peer.start(self, town)

    def command(self) -> list[str]:
        return [*super().command(), "--database", self._url]

    def stop(self) -> None:
        super().stop()
        self._ends.close()


class Relay(Peer):
    """The bare relay, which checks nothing and knows nobody: the ceiling."""

    name = "relay"

    def populate(self, size: int) -> Town:
        self.folder.mkdir(parents=True, exist_ok=True)
        return Town(
            bytes(32), [population.User(number, os.urandom(16), None) for number in range(size)]
        )  # nobody logs in

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.bench.relay", str(self.folder)]


PEERS: dict[str, type[Peer]] = {one.name: one for one in (Miss, Beside, OnPostgresql, Relay)}
