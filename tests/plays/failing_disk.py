"""A disk that fails, or a process that dies, at chosen calls of a device's local store."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from miss_app.engine.store import Store

KINDS = ("write", "read", "before", "after")  # which call fails; or on which side of a save point the process dies


class Killed(BaseException):
    """The process is no more: like a kill, nothing that catches errors catches it."""


@dataclass
class Faults:
    """Which calls of a store go wrong.

    Args:
        kind: ``write`` or ``read`` calls fail once; ``before`` or ``after`` a save point the process dies.
        first: the number of the first such call, from 0.
        every: how many calls later the next one follows; 0 means never.
    """

    kind: str = ""
    first: int = 0
    every: int = 0
    die: Callable[[], None] = lambda: None
    seen: Counter[str] = field(default_factory=Counter)
    struck: int = 0
    looking: bool = False

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """What the test itself reads does not count."""
        self.looking = True
        try:
            yield
        finally:
            self.looking = False

    def strikes(self, kind: str) -> bool:
        """Whether this call is the one."""
        if self.looking:
            return False
        number = self.seen[kind]
        self.seen[kind] += 1
        if kind != self.kind or number < self.first:
            return False
        hit = (number - self.first) % self.every == 0 if self.every else number == self.first
        self.struck += hit
        return hit


class Disk:
    """What a store has in place of its SQLite connection: the same, but for the faults."""

    def __init__(self, real: sqlite3.Connection, faults: Faults) -> None:
        self.real = real
        self.faults = faults
        self.dead = False

    @property
    def in_transaction(self) -> bool:
        return not self.dead and self.real.in_transaction

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        if self.dead:
            raise Killed
        word = statement.split(None, 1)[0]
        if word == "COMMIT" and self.faults.strikes("before"):
            self.die()
        if word in ("BEGIN", "COMMIT", "INSERT", "DELETE") and self.faults.strikes("write"):
            raise sqlite3.OperationalError("disk I/O error")
        if word == "SELECT" and self.faults.strikes("read"):
            raise sqlite3.OperationalError("disk I/O error")
        cursor = self.real.execute(statement, values)
        if word == "COMMIT" and self.faults.strikes("after"):
            self.die()
        return cursor

    def die(self) -> None:
        """What is on the disk now is what the next process finds."""
        self.dead = True
        self.faults.die()
        raise Killed

    def close(self) -> None:
        self.real.close()


def put_under(monkeypatch: pytest.MonkeyPatch, faults: Callable[[Path], Faults | None]) -> None:
    """From now on the stores for which ``faults`` has some stand on such a disk."""
    begin = Store.__init__

    def open_store(self: Store, path: Path, *rest: Any, **more: Any) -> None:
        begin(self, path, *rest, **more)
        found = faults(path)
        if found is not None:
            self._database = Disk(self._database, found)

    monkeypatch.setattr(Store, "__init__", open_store)
