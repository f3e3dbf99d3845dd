"""One server process that can be killed, whose clock can be moved, and whose disk can be made slow, broken or full."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

START_SECONDS_MAX = 120
TESTS = Path(__file__).resolve().parents[1]


class Node:
    """``miss-server serve`` on a data folder, on the same port each time.

    Args:
        folder: the data folder.
        port: where it listens.
        options: of ``serve``.
        planted: the fault of ``planted`` to run it with, "" for none.
        clock: whether its clock may be moved while it runs.
        name: of one of several nodes on the same folder.
    """

    def __init__(
        self, folder: Path, port: int, *options: str, planted: str = "", clock: bool = False, name: str = ""
    ) -> None:
        self.folder = folder
        self._options = (*options, "--node", name) if name else options
        self._run = folder / "nodes" / name if name else folder
        self._log = folder.with_name(f"{folder.name}{name and '-'}{name}.log")
        self.port = port
        self.kills = 0
        self._planted = planted
        self._process: subprocess.Popen[bytes] | None = None
        self._tracer: subprocess.Popen[bytes] | None = None
        self._trace = self._log.with_suffix(".strace")
        self._clock = self._log.with_suffix(".clock") if clock else None
        if self._clock is not None:
            self._clock.write_text("+0\n")

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it, and waits until it listens."""
        self.begin()
        self.wait()

    def wait(self) -> None:
        """Waits until it listens."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.listens:
            assert self.runs, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    @property
    def listens(self) -> bool:
        return (self._run / "listening").exists()

    def begin(self) -> None:
        """Starts it, and waits for nothing."""
        (self._run / "listening").unlink(missing_ok=True)
        module = ["miss_server"] if not self._planted else ["chaos.planted", self._planted]
        command = [sys.executable, "-m", *module, "serve", "--data", str(self.folder)]
        environment = dict(os.environ, PYTHONPATH=str(TESTS))
        if self._clock is not None:
            library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
            assert library is not None, "faketime is missing: apt-get install faketime"
            environment |= {
                "LD_PRELOAD": str(library),
                "FAKETIME_TIMESTAMP_FILE": str(self._clock),
                "FAKETIME_CACHE_DURATION": "1",
                "DONT_FAKE_MONOTONIC": "1",
                "FAKETIME_DONT_RESET": "1",
            }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--listen", f"127.0.0.1:{self.port}", *self._options],
                stdout=log,
                stderr=log,
                env=environment,
            )

    def kill(self) -> None:
        """As ``kill -9`` does."""
        if self._process is not None:
            self.mend_disk()
            self._process.kill()
            self._process.wait(START_SECONDS_MAX)
            self._process = None
            self.kills += 1

    def stop(self) -> None:
        if self._process is not None:
            self.mend_disk()
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(START_SECONDS_MAX)
            self._process = None

    def freeze(self, frozen: bool) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def move_clock(self, seconds: int) -> None:
        """From now on its clock is so far from ours."""
        assert self._clock is not None
        beside = self._clock.with_suffix(".new")
        beside.write_text(f"{seconds:+d}\n")
        beside.replace(self._clock)

    def break_disk(self, rule: str) -> None:
        """Makes system calls fail or wait by a rule of ``strace -e inject=``, until ``mend_disk``."""
        assert self._process is not None
        assert shutil.which("strace"), "strace is missing: apt-get install strace"
        calls = rule.partition(":")[0]
        command = ["strace", "-f", "-qq", "-o", str(self._trace), "-e", f"trace={calls}", "-e", f"inject={rule}"]
        self._tracer = subprocess.Popen([*command, "-p", str(self._process.pid)], stderr=subprocess.DEVNULL)

    def mend_disk(self) -> int:
        """The disk is well again; returns how many calls were hit since it was broken."""
        if self._tracer is None:
            return 0
        self._tracer.send_signal(signal.SIGTERM)
        self._tracer.wait(START_SECONDS_MAX)
        self._tracer = None
        text = self._trace.read_text(errors="replace") if self._trace.exists() else ""
        self._trace.unlink(missing_ok=True)
        return len(re.findall(r"\((?:INJECTED|DELAYED)", text))

    def log(self) -> str:
        return self._log.read_text(errors="replace")[-4_000:]
