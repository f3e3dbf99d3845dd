"""A clock that a play sets: ``time.time`` says what a file says, in the play's process and in its server's.

``python moved_time.py FILE MODULE [ARGUMENT…]`` runs a module under it.
"""

import runpy
import sys
import time
from pathlib import Path


def follow(path: Path) -> None:
    """From now on the wall clock of this process is the number of milliseconds in ``path``, or so far ahead: +1000."""

    truth = time.time_ns

    def now_ms() -> int:
        written = path.read_bytes()
        return int(written) + (truth() // 1_000_000 if written.startswith(b"+") else 0)

    time.time_ns = lambda: now_ms() * 1_000_000
    time.time = lambda: now_ms() / 1000


def put(path: Path, now_ms: int) -> None:
    """Set the clock of all who follow ``path``, at once."""
    _write(path, str(now_ms))


def ahead(path: Path, by_ms: int) -> None:
    """Let the clock of all who follow ``path`` go on, so far ahead of the machine's."""
    _write(path, f"+{by_ms}")


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


if __name__ == "__main__":
    follow(Path(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
