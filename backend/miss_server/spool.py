"""More lines than memory should hold, sorted: runs on disk that are merged as they are read."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

_RUN_BYTES_MAX = 24 * 1024 * 1024
_OBJECT_BYTES = 60  # what a line costs in memory beside its content


class Spool:
    """Takes lines in any order and gives them back in the order of their bytes.

    Args:
        folder: where the runs lie; the system's own place for such files where none is given. They have no name and
            are gone with the process.

    Lines hold no ``\\n``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._files = ExitStack()
        self._runs: list[IO[bytes]] = []
        self._lines: list[bytes] = []
        self._held_bytes = 0

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._files.close()

    def add(self, line: str) -> None:
        """Takes a line."""
        data = line.encode()
        self._lines.append(data)
        self._held_bytes += len(data) + _OBJECT_BYTES
        if self._held_bytes > _RUN_BYTES_MAX:
            self._flush()

    def add_run(self, lines: Iterable[str]) -> None:
        """Takes lines that are in order already."""
        self._run().writelines(line.encode() + b"\n" for line in lines)

    def sorted(self) -> Iterator[str]:
        """Every line once, in order; to be called once, when all were taken."""
        if self._lines:
            self._flush()
        for run in self._runs:
            run.seek(0)
        for line in heapq.merge(*self._runs):
            yield line[:-1].decode()

    def _flush(self) -> None:
        self._lines.sort()
        self._run().writelines(line + b"\n" for line in self._lines)
        self._lines, self._held_bytes = [], 0

    def _run(self) -> IO[bytes]:
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed with the spool
        self._files.enter_context(file)
        self._runs.append(file)
        return file
