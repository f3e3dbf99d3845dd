"""The starter: after a crash the lock is there again, and nothing lives on without it."""

import os
import signal
import time
from pathlib import Path

from tests.demo.window import PHONE, Window

from workstation.memory import family

HANG_SECONDS = 60.0


def test_a_crash_is_followed_and_the_starters_end_ends_all(tmp_path: Path) -> None:
    window = Window("poste", tmp_path, PHONE)
    try:
        window.open()
        assert window.process is not None
        starter, seated = window.process.pid, family(window.process.pid)[1]
        os.kill(seated, signal.SIGKILL)
        window.follow()
        window.until_there("invitation-link", patience_s=HANG_SECONDS)
        later = family(starter)[1:]
        assert seated not in later
        os.kill(starter, signal.SIGKILL)
        window.process.wait(HANG_SECONDS)
        deadline = time.monotonic() + HANG_SECONDS
        while any(Path(f"/proc/{pid}/cmdline").exists() and _ours(pid) for pid in later):
            assert time.monotonic() < deadline, "a window lives on, which nobody could lock"
            time.sleep(0.05)
    finally:
        window.close()


def _ours(pid: int) -> bool:
    try:
        return b"miss_app" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
