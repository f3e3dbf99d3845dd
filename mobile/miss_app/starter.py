"""The process that starts the others: it never holds a key, and gives each lock a fresh process.

Memory cannot be wiped from Python, but it goes when its process ends: locking ends the process that held the keys, and
the next one has never had any. A process that replaced itself (``exec``) would not come back after a crash, and inside
a bundle it would lose the files that the bundle unpacked; so this small parent stays. It keeps one process in waiting,
which has loaded everything and knows nobody, so that the lock screen is there within a second.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

SEAT_OPTION = "--seat"
WAITING_OPTION = "--waiting"  # its turn comes later: it may load what the first frame does not need
LOCKED = 75  # how a process says that it ended in order to lock
CHOOSE = 76  # the same, and somebody else wishes to sit down
CRASHES_MAX, CRASH_SECONDS = 3, 60.0
NEXT_AFTER_SECONDS = 10.0  # the process in waiting is loaded once the first one has had the machine for itself
END_SECONDS_MAX = 5.0


@dataclass(frozen=True)
class Turn:
    """What a process that sits down is told."""

    locked: bool = False  # somebody was here and locked
    choose: bool = False  # ask who it is

    def line(self) -> bytes:
        return json.dumps({"locked": self.locked, "choose": self.choose}).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Turn":
        """Raises ValueError."""
        found = json.loads(line)
        return cls(bool(found["locked"]), bool(found["choose"]))


def command(arguments: Sequence[str]) -> list[str]:
    """How a process of this program is started: from a bundle the bundle itself, else this interpreter."""
    own = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "miss_app"]
    return [*own, SEAT_OPTION, *arguments]


class Starter:
    """Starts processes one after the other, until the window is closed.

    Args:
        arguments: of the command line, for each of them.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._command = command(arguments)
        self._waiting: subprocess.Popen[bytes] | None = None
        self._seated: subprocess.Popen[bytes] | None = None
        self._ending = False
        self._lock = threading.Lock()

    def run(self) -> int:
        """Stay until the window is closed; returns the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end())
        turn, crashes = Turn(), list[float]()
        while True:
            status = self._sit(turn)
            if self._ending or status == 0:
                break
            if status not in (LOCKED, CHOOSE):
                crashes = [one for one in crashes if time.monotonic() - one < CRASH_SECONDS] + [time.monotonic()]
                if len(crashes) > CRASHES_MAX:
                    print(f"miss: the window ended {len(crashes)} times ({status}).", file=sys.stderr)
                    break
            # After a crash too: whoever was at work finds the lock, not the conversations.
            turn = Turn(locked=True, choose=status == CHOOSE)
        self._dismiss()
        return 0 if self._ending else status

    def _sit(self, turn: Turn) -> int:
        """Let one process sit down; its exit status."""
        with self._lock:
            seated, self._waiting = self._waiting or self._start(), None
            self._seated = seated
        if self._ending:
            seated.terminate()
        try:
            assert seated.stdin is not None
            seated.stdin.write(turn.line())
            seated.stdin.flush()
        except OSError:
            pass  # it ended while it waited: its status says so
        timer = threading.Timer(NEXT_AFTER_SECONDS, self._prepare)
        timer.daemon = True
        timer.start()
        status = seated.wait()
        timer.cancel()
        return status

    def _prepare(self) -> None:
        with self._lock:
            if self._waiting is None and not self._ending:
                self._waiting = self._start(WAITING_OPTION)

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        """A process that loads everything, then waits for its turn on its standard input; at its end it ends too."""
        return subprocess.Popen([*self._command, *options], stdin=subprocess.PIPE)  # noqa: S603  # this program

    def _end(self) -> None:
        self._ending = True
        if self._seated is not None:
            self._seated.terminate()

    def _dismiss(self) -> None:
        with self._lock:
            waiting, self._waiting, self._ending = self._waiting, None, True
        if waiting is None:
            return
        assert waiting.stdin is not None
        waiting.stdin.close()
        try:
            waiting.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            waiting.kill()


class Seat:
    """A started process's place: it waits for its turn, and ends with its starter."""

    def __init__(self) -> None:
        self.status = 0

    @staticmethod
    def wait() -> Turn | None:
        """This process's turn; None where none will come."""
        line = sys.stdin.buffer.readline()
        try:
            return Turn.read(line)
        except (ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def watch() -> None:
        """End when the starter has ended, however that came: nobody could lock any more."""

        def end() -> None:
            sys.stdin.buffer.read()
            os._exit(1)  # what is on disk is all there is

        threading.Thread(target=end, name="miss-starter", daemon=True).start()
