"""The ways into the database: ``run`` is one function in one transaction, ``submit`` waits for the next batch.

One thread writes. It takes whatever waits, in order: a function is a transaction of its own, the submissions between
two functions are one batch and one transaction (bounded, no timer). Reads use other connections and threads. Answers
are given after COMMIT only. A batch that fails in a way nobody foresaw is rolled back and replayed one by one, so that
one bad submission cannot take its neighbours with it.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from miss_server import journal
from miss_server.checkpoints import WRITER_PAGES, Checkpoints
from miss_server.meters import Meters, Watch

T = TypeVar("T")

BATCH_SUBMISSIONS_MAX = 256
BUSY_SECONDS = 30
READERS = 4
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-16384",  # KiB a connection, taken as it is needed
    f"wal_autocheckpoint={WRITER_PAGES}",
)

Accept = Callable[[Connection, Sequence[Any]], list[Any]]
Committed = Callable[[Sequence[Any], list[Any]], None]
Failed = Callable[[Any, Exception], Any]


class Duty:
    """A duty that one process has at a time; that of a file is its only server's."""

    def held(self) -> bool:
        """Whether it is this process's, now that nobody else has it; asks the database."""
        return True

    def let_go(self) -> None:
        """Leaves it to another process."""


class Database:
    """A SQLite file: write-ahead log, every commit on disk before it is answered.

    Args:
        file: the database file; its folder exists.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._writing = _engine(file, "BEGIN IMMEDIATE")
        self._reading = _engine(file, "BEGIN")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._writer: _Writer | None = None
        self._checkpoints: Checkpoints | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One write transaction in the calling thread: for operators' verbs and for tests."""
        with self._writing.begin() as connection:
            yield connection

    def batch(self) -> AbstractContextManager[Connection]:
        """The transaction of a batch of submissions."""
        return self.transaction()

    def duty(self, _number: int) -> "Duty":
        """What only one of several processes on this database is to do."""
        return Duty()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One read transaction in the calling thread."""
        with self._reading.begin() as connection:
            yield connection

    def start(self, accept: Accept, committed: Committed, failed: Failed, meters: Meters | None = None) -> None:
        """Begin to take submissions; to be called on the event loop that answers them.

        Args:
            accept: judges and writes a batch inside its transaction; returns a verdict for each submission.
            committed: told of a batch and its verdicts after COMMIT, on the event loop.
            failed: the verdict for a submission that cannot be stored at all.
            meters: told how long each stage takes.
        """
        meters = meters or Meters(self.file.parent)
        self._writer = _Writer(self, asyncio.get_running_loop(), accept, committed, failed, meters)
        meters.waiting = self._writer.waiting
        self._begin_checkpoints()
        self._writer.start()

    def submit(self, submission: Any) -> None:
        """Puts a submission into the next batch; ``committed`` is told what became of it. From the event loop only."""
        self._running().add(submission)

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """One synchronous function of a connection as one write transaction.

        Raises:
            Exception: whatever the function raises; nothing of it is then kept.
        """
        done: Future[T] = Future()
        if self._writer is None:
            return await asyncio.to_thread(self._now, function, args)
        self._writer.put(_Job(function, args, done))
        return await asyncio.wrap_future(done)

    async def read(self, function: Callable[..., T], *args: Any) -> T:
        """One synchronous function of a connection as one read transaction, beside the writer."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._look, function, args)

    def close(self) -> None:
        """Write what waits, then close every connection."""
        if self._writer is not None:
            self._writer.stop()
            self._writer = None
        if self._checkpoints is not None:
            self._checkpoints.stop()
            self._checkpoints = None
        self._readers.shutdown(wait=True)
        self._reading.dispose()
        self._writing.dispose()

    def noted(self, writes: int) -> None:
        """So many were committed; from the writer's thread only."""
        if self._checkpoints is not None:
            self._checkpoints.noted(writes)

    def _begin_checkpoints(self) -> None:
        self._checkpoints = Checkpoints(self.file)
        self._checkpoints.start()

    def _running(self) -> "_Writer":
        if self._writer is None:
            raise RuntimeError("the database takes no submissions before start()")
        return self._writer

    def _now(self, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        with self.transaction() as connection:
            return function(connection, *args)

    def _look(self, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        with self.snapshot() as connection:
            return function(connection, *args)


class _Job:
    """A function that waits for its transaction."""

    __slots__ = ("args", "done", "function")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], done: Future[Any]) -> None:
        self.function = function
        self.args = args
        self.done = done


class _Writer(threading.Thread):
    """The one thread that writes."""

    def __init__(
        self,
        database: Database,
        loop: asyncio.AbstractEventLoop,
        accept: Accept,
        committed: Committed,
        failed: Failed,
        meters: Meters,
    ) -> None:
        super().__init__(name="write", daemon=True)
        self._database = database
        self._loop = loop
        self._accept = accept
        self._committed = committed
        self._failed = failed
        self._meters = meters
        self._since = 0.0  # when the oldest submission of the next batch came; 0.0 where none waits
        self._waiting: deque[Any] = deque()
        self._bell: SimpleQueue[bool] = SimpleQueue()  # True: go on
        self._ringing = False

    def waiting(self) -> int:
        """How many wait for their transaction."""
        return len(self._waiting)

    def put(self, one: Any) -> None:
        """Wakes the writer now."""
        self._waiting.append(one)
        self._bell.put(True)

    def add(self, one: Any) -> None:
        """Wakes the writer once for all that is said in this turn of the loop: waking costs more than a row."""
        self._waiting.append(one)
        if not self._ringing:
            self._ringing = True
            self._since = self._since or perf_counter()
            self._loop.call_soon(self._ring)

    def _ring(self) -> None:
        self._ringing = False
        self._bell.put(True)

    def stop(self) -> None:
        self._bell.put(False)
        self.join()

    def run(self) -> None:
        going = True
        while going:
            going = self._bell.get()
            while self._waiting:
                self._next()

    def _next(self) -> None:
        batch: list[Any] = []
        since, self._since = self._since, 0.0
        while self._waiting and len(batch) < BATCH_SUBMISSIONS_MAX and not isinstance(self._waiting[0], _Job):
            batch.append(self._waiting.popleft())
        if batch:
            watch = Watch(self._meters, since or perf_counter())
            self._meters.batch(len(batch))
            self._tell(batch, self._store(batch, watch), watch)
            self._database.noted(len(batch))
        elif self._waiting:
            self._do(self._waiting.popleft())

    def _do(self, job: _Job) -> None:
        if not job.done.set_running_or_notify_cancel():
            return
        try:
            with self._database.transaction() as connection:
                result = job.function(connection, *job.args)
        except Exception as error:  # the caller's to judge: it is raised where run() is awaited
            job.done.set_exception(error)
        else:
            job.done.set_result(result)
        self._database.noted(1)

    def _store(self, batch: list[Any], watch: Watch) -> list[Any]:
        try:
            with self._database.batch() as connection:
                verdicts = self._accept(connection, batch)
                watch.lap(self._meters.write)
            watch.lap(self._meters.commit)
            return verdicts
        except Exception as error:  # nothing is foreseen here, so nothing is told apart: each is tried alone
            journal.write("batch-replayed", submissions=len(batch), error=type(error).__name__)
            return [self._store_alone(one) for one in batch]

    def _store_alone(self, one: Any) -> Any:
        try:
            with self._database.batch() as connection:
                return self._accept(connection, [one])[0]
        except Exception as error:  # becomes a refusal, which claims nothing
            journal.write("submission-failed", error=type(error).__name__)
            return self._failed(one, error)

    def _tell(self, batch: list[Any], verdicts: list[Any], watch: Watch) -> None:
        try:
            self._loop.call_soon_threadsafe(self._answer, batch, verdicts, watch)
        except RuntimeError:  # the loop is closed: the rows are stored, their senders will ask again
            journal.write("answers-unsent", submissions=len(batch))

    def _answer(self, batch: list[Any], verdicts: list[Any], watch: Watch) -> None:
        self._committed(batch, verdicts)
        watch.lap(self._meters.tell)


def _engine(file: Path, begin: str) -> Engine:
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: BEGIN is ours, below
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
