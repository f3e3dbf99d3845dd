"""The local store: every record sealed, every change all or nothing, one process at a time.

What a thief with the file can see is how many records there are and in what order: a record's name and shelf are keyed
hashes, its body is AES-GCM over a padded text, bound to its table, name, shelf and place, so that records cannot be
swapped. The only module that speaks SQL.
"""

# ruff: noqa: S608 (table names are this module's constants; every value is bound)

import hashlib
import hmac
import logging
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from miss_app.engine.events import Event
from miss_app.engine.problems import Problem
from miss_protocol.mls.codec import Reader, Writer

logger = logging.getLogger(__name__)
FORMAT = 1
_LAST = (1 << 63) - 1
_HASH_BYTES = 16
_NONCE_BYTES = 12
_LOG_PAGES = 2_000  # of 4 kB: pages that change often are folded into the file less often
_SMALL_BYTES, _BUCKET_BYTES, _LARGE_BUCKET_BYTES = 4096, 256, 4096

TABLES = (
    "profile",  # this device's own secrets and certificate
    "conversations",
    "groups",  # MLS state in parts; shelf = conversation
    "staged",  # own commits waiting for their row
    "key_packages",  # private halves of what others may use to add this device
    "messages",  # shelf = conversation, place = order in the chat
    "open",  # messages that wait for somebody's answer or charge; shelf = conversation
    "marked",  # messages one comes back to: pinned, naming this person, in whose charge; shelf = which, conversation
    "orphans",  # acts whose message is not here yet; shelf = conversation + message id, place = number
    "parked",  # rows behind one that cannot be followed; shelf = conversation, place = number
    "lost",  # conversations whose thread is lost, and what was tried
    "epochs",  # where this device stands in each group, as it reports it
    "outbox",  # shelf = conversation, place = order of sending
    "people",
    "pins",  # device keys seen; shelf = person
    "blobs",  # sealed photos, as they travel
    "uploads",
    "tasks",  # what goes on in the background: linking
    "handovers",  # what this device hands over: promises, gifts, who joined where
    "parcels",  # sealed parcels that wait to be uploaded
    "arrivals",  # what is handed over to this device: its keys, parcels and photos to fetch, counts
    "states",  # what this person's devices share
)


class StoreFailure(Problem):
    """The disk did not take or give a record: ``disk-full``, ``store-failed`` or ``store-damaged``; nothing changed."""


@dataclass(frozen=True)
class Row:
    """One record: its name in clear again, its place, its body."""

    name: bytes
    place: int
    body: bytes


class Step:
    """One all-or-nothing change; what waits in ``after`` happens only once it is on disk."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self.endings: dict[bytes, Callable[[], None]] = {}
        self.afterwards: list[Callable[[], None]] = []
        self.undoings: list[Callable[[], None]] = []
        self.events: list[Event] = []

    def put(self, table: str, name: bytes, body: bytes, *, shelf: bytes = b"", place: int = 0) -> None:
        """Write a record, in place of the one of the same name."""
        self._store.write(table, name, body, shelf, place)

    def delete(self, table: str, name: bytes) -> None:
        self._store.erase(table, name)

    def at_end(self, key: bytes, act: Callable[[], None]) -> None:
        """Write this last of all: in a step of many rows what each of them changes is written once, as it is then."""
        self.endings[key] = act

    def after(self, act: Callable[[], None]) -> None:
        """Do this once the step is on disk."""
        self.afterwards.append(act)

    def undo(self, act: Callable[[], None]) -> None:
        """Do this if the step fails: what was changed in memory goes back to what the disk says."""
        self.undoings.append(act)

    def tell(self, event: Event) -> None:
        """Tell the screen once the step is on disk."""
        self.events.append(event)


class Store:
    """An open store.

    Args:
        path: the database file; made where it is missing.
        key: 32 bytes, from the vault.
        tell: what is called with each event of a step, after it is on disk.

    Raises:
        Problem: ``profile-in-use``, ``store-damaged`` or ``store-too-new``.
    """

    def __init__(self, path: Path, key: bytes, tell: Callable[[Event], None] = lambda _: None) -> None:
        self.lock = threading.RLock()  # held during a step: who reads from another thread sees before or after it
        self._hash_key = _derive(key, b"hash")
        self._ciphers = {table: AESGCM(_derive(key, b"table " + table.encode())) for table in TABLES}
        self._tell = tell
        self._in_step = False
        self.closed = False
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
            self._check_key()
        except sqlite3.OperationalError as error:
            self._database.close()
            raise Problem("profile-in-use" if "locked" in str(error) else "store-damaged") from error
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise Problem("store-damaged") from error
        except Problem:
            self._database.close()
            raise

    def _prepare(self) -> None:
        run = self._database.execute
        run("PRAGMA locking_mode = EXCLUSIVE")  # before WAL is touched: no shared memory file, no second process
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        run("PRAGMA secure_delete = ON")
        run("PRAGMA temp_store = MEMORY")
        run(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        run("BEGIN IMMEDIATE")
        version = run("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise Problem("store-too-new")
        for table in TABLES:
            # AUTOINCREMENT: SQLite would give a deleted row's id again.
            run(
                f"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE,"
                " shelf BLOB NOT NULL, place INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT"
            )
            run(f"CREATE INDEX IF NOT EXISTS {table}_order ON {table} (shelf, place)")
        run(f"PRAGMA user_version = {FORMAT}")
        run("COMMIT")

    def _check_key(self) -> None:
        if self.get("profile", b"seal") is None:
            with self.step() as step:
                step.put("profile", b"seal", b"MiSS store")

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        with self.lock:
            self.closed = True
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._database.close()

    @contextmanager
    def step(self) -> Iterator[Step]:
        """All of what is written inside, or nothing of it; on disk when the block is left."""
        with self.lock:
            if self._in_step:
                raise RuntimeError("a step inside a step")
            step = Step(self)
            try:
                self._database.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise _failure(error) from error
            self._in_step = True
            try:
                yield step
                for write in step.endings.values():
                    write()
                self._database.execute("COMMIT")
            except BaseException as error:
                if self._database.in_transaction:  # SQLite rolls back by itself where the disk is full
                    self._database.execute("ROLLBACK")
                for act in reversed(step.undoings):
                    act()
                if isinstance(error, sqlite3.Error):
                    raise _failure(error) from error
                raise
            finally:
                self._in_step = False
            for act in step.afterwards:
                _despite(act)
        for event in step.events:
            _despite(partial(self._tell, event))

    def get(self, table: str, name: bytes) -> bytes | None:
        """A record's body, or None."""
        row = self.find(table, name)
        return None if row is None else row.body

    def find(self, table: str, name: bytes) -> Row | None:
        """A record with its place, or None."""
        hashed = self._hash(table, b"name", name)
        found = self._select(f"SELECT name, shelf, place, sealed FROM {table} WHERE name = ?", hashed)
        return self._open(table, *found[0]) if found else None

    def has(self, table: str, name: bytes) -> bool:
        """Whether there is such a record; it is not opened."""
        return bool(self._select(f"SELECT 1 FROM {table} WHERE name = ?", self._hash(table, b"name", name)))

    def rows(
        self, table: str, shelf: bytes = b"", *, above: int = -1, below: int = _LAST, limit: int = -1
    ) -> list[Row]:
        """The records of a shelf whose place lies between two numbers, in order; the first ``limit`` where given."""
        found = self._select(
            f"SELECT name, shelf, place, sealed FROM {table} WHERE shelf = ? AND place > ? AND place < ?"
            " ORDER BY place, id LIMIT ?",
            self._hash(table, b"shelf", shelf),
            above,
            below,
            limit,
        )
        return [self._open(table, *one) for one in found]

    def last_rows(self, table: str, shelf: bytes, *, below: int | None, limit: int) -> list[Row]:
        """The last ``limit`` records of a shelf whose place is below a number, in order."""
        found = self._select(
            f"SELECT name, shelf, place, sealed FROM {table} WHERE shelf = ? AND place < ?"
            " ORDER BY place DESC, id DESC LIMIT ?",
            self._hash(table, b"shelf", shelf),
            _LAST if below is None else below,
            limit,
        )
        return [self._open(table, *one) for one in reversed(found)]

    def all_rows(self, table: str) -> list[Row]:
        """Every record of a table, by place."""
        found = self._select(f"SELECT name, shelf, place, sealed FROM {table} ORDER BY place, id")
        return [self._open(table, *one) for one in found]

    def last_place(self, table: str, shelf: bytes) -> int:
        """The highest place on a shelf, 0 where it is empty."""
        found = self._select(f"SELECT max(place) FROM {table} WHERE shelf = ?", self._hash(table, b"shelf", shelf))
        return int(found[0][0] or 0)

    def _select(self, statement: str, *values: bytes | int) -> list[Any]:
        with self.lock:
            try:
                return self._database.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise _failure(error) from error

    def write(self, table: str, name: bytes, body: bytes, shelf: bytes, place: int) -> None:
        """For Step: seal and write one record."""
        self._must_be_in_step()
        hashed, shelf_hash = self._hash(table, b"name", name), self._hash(table, b"shelf", shelf)
        plain = _pad(Writer().opaque(name).opaque(body).bytes())
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._ciphers[table].encrypt(nonce, plain, _bound(table, hashed, shelf_hash, place))
        self._database.execute(
            f"INSERT INTO {table} (name, shelf, place, sealed) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET shelf = excluded.shelf, place = excluded.place, sealed = excluded.sealed",
            (hashed, shelf_hash, place, sealed),
        )

    def erase(self, table: str, name: bytes) -> None:
        """For Step: delete one record."""
        self._must_be_in_step()
        self._database.execute(f"DELETE FROM {table} WHERE name = ?", (self._hash(table, b"name", name),))

    def _must_be_in_step(self) -> None:
        if not self._in_step:
            raise RuntimeError("a change outside of a step")

    def _hash(self, table: str, column: bytes, value: bytes) -> bytes:
        text = Writer().text(table).opaque(column).opaque(value).bytes()
        return hmac.new(self._hash_key, text, hashlib.sha256).digest()[:_HASH_BYTES]

    def _open(self, table: str, hashed: bytes, shelf_hash: bytes, place: int, sealed: bytes) -> Row:
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            plain = self._ciphers[table].decrypt(nonce, body, _bound(table, hashed, shelf_hash, place))
        except (InvalidTag, ValueError) as error:
            raise StoreFailure("store-damaged") from error
        reader = Reader(plain)
        return Row(reader.opaque(), place, reader.opaque())


class Hold:
    """The profile is this process's, although its store is locked: no key is needed to hold the file.

    Raises:
        Problem: ``profile-in-use``.
    """

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("BEGIN EXCLUSIVE")
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self._database.close()
            raise Problem("profile-in-use" if "locked" in str(error) else "store-damaged") from error

    def release(self) -> None:
        self._database.close()


def _despite(act: Callable[[], None]) -> None:
    """What follows a change that is on disk: whoever made it must not believe that it failed."""
    try:
        act()
    except StoreFailure as failure:
        logger.warning("A change was saved and not told: %s.", failure.reason)


def _failure(error: sqlite3.Error) -> StoreFailure:
    return StoreFailure("disk-full" if "full" in str(error) else "store-failed")


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), 32, b"MiSS store 1 " + purpose).derive(key)


def _bound(table: str, hashed: bytes, shelf_hash: bytes, place: int) -> bytes:
    return Writer().text(table).fixed(hashed).text("sealed").fixed(shelf_hash).u64(place).bytes()


def _pad(plain: bytes) -> bytes:
    bucket = _BUCKET_BYTES if len(plain) <= _SMALL_BYTES else _LARGE_BUCKET_BYTES
    return plain + bytes(-len(plain) % bucket)
