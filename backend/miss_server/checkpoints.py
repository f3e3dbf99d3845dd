"""Copies SQLite's write-ahead log into the database file beside the writer, so that no message waits for it.

By itself SQLite does this inside the commit that finds the log long: the messages of that batch wait until thousands of
pages are copied, and for two fsyncs more. A passive checkpoint of another connection holds up nobody.
Beside a writer that never rests it comes nearly to the end, but the log begins anew only where nothing is left to copy:
the writer then does the little that is left, once the log is ``WRITER_PAGES`` long.
"""

import sqlite3
import threading
from pathlib import Path

from miss_server import journal

WRITER_PAGES = 8_000  # of 4 KiB
AFTER_WRITES = 512
AFTER_SECONDS = 5.0
ROUNDS_MAX = 4  # what was written meanwhile is copied too
BUSY_SECONDS = 5


class Checkpoints(threading.Thread):
    """The thread that copies.

    Args:
        file: the database file.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(name="checkpoint", daemon=True)
        self._file = file
        self._written = 0
        self._wake = threading.Event()
        self._stopping = False

    def noted(self, writes: int) -> None:
        """Something was committed; from the writer's thread only."""
        self._written += writes
        if self._written >= AFTER_WRITES:
            self._wake.set()

    def stop(self) -> None:
        """Ends the thread; what is in the log stays there, and is as safe."""
        self._stopping = True
        self._wake.set()
        self.join()

    def run(self) -> None:
        connection = sqlite3.connect(self._file, isolation_level=None, timeout=BUSY_SECONDS)
        try:
            while not self._stopping:
                self._wake.wait(AFTER_SECONDS)
                self._wake.clear()
                if self._written and not self._stopping:
                    self._written = 0
                    self._copy(connection)
        finally:
            connection.close()

    def _copy(self, connection: sqlite3.Connection) -> None:
        try:
            for _ in range(ROUNDS_MAX):
                _, logged, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if copied >= logged:
                    return
        except sqlite3.Error as error:  # a full disk, say: the log holds everything, the next round tries again
            journal.failure("checkpoint-failed", error)
