"""A clock that a play sets: ``time.time`` says what a file says, in the play's process and in its server's.

``python moved_time.py FILE MODULE [ARGUMENT…]`` runs a module under it.
"""

import runpy
import sys
import time
from pathlib import Path


def follow(path: Path) -> None:
    """From now on the wall clock of this process is the number of milliseconds written in ``path``."""

    def now_ms() -> int:
        return int(path.read_bytes())

    time.time_ns = lambda: now_ms() * 1_000_000
    time.time = lambda: now_ms() / 1000


def put(path: Path, now_ms: int) -> None:
    """Set the clock of all who follow ``path``, at once."""
    fresh = path.with_suffix(".new")
    fresh.write_text(str(now_ms))
    fresh.replace(path)


if __name__ == "__main__":
    follow(Path(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
