"""PostgreSQL behind the same two ways into the database, for what one file is too small for."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from miss_server import turns
from miss_server.config import Settings
from miss_server.database import READERS, Database, Duty

T = TypeVar("T")

_CONNECT_SECONDS = 10
_SILENT_SERVER_MS = 15_000
# A node that stands still inside a transaction keeps the others from writing for so long, and no longer.
_IDLE_MS = 30_000
_DUTIES = 0x4D6953 << 32


class PostgresqlDatabase(Database):
    """A database of a PostgreSQL server: each commit is on its disk before it is answered.

    Args:
        url: ``postgresql://user@host/name``.
        password: read at each connection, so that it can be renewed without a restart; empty where the server account's
            ``.pgpass``, or nothing, says it.
    """

    def __init__(self, url: str, password: Callable[[], str] = str) -> None:
        self.file = Path(make_url(url).database or "")
        self._writing = _engine(url, "READ COMMITTED", password)
        self._reading = _engine(url, "REPEATABLE READ", password, readers=READERS)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._writer = None
        self._checkpoints = None

    def _begin_checkpoints(self) -> None:
        """PostgreSQL has a process of its own for that."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._writing.begin() as connection:
            turns.take(connection, alone=True)
            yield connection

    @contextmanager
    def batch(self) -> Iterator[Connection]:
        with self._writing.begin() as connection:
            yield connection  # ``accept`` takes the turn that its submissions need

    def duty(self, number: int) -> Duty:
        return _SharedDuty(self._reading, number)

    def _look(self, function: Callable[..., T], args: tuple[Any, ...]) -> T:
        try:
            return super()._look(function, args)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return super()._look(function, args)  # the server was restarted, or another one took over


class _SharedDuty(Duty):
    """Held by a lock of the database, which lets go of it when this process or its connection ends."""

    def __init__(self, engine: Engine, number: int) -> None:
        self._engine = engine
        self._key = _DUTIES + number
        self._connection: Connection | None = None
        self._asking = threading.Lock()

    def held(self) -> bool:
        with self._asking:
            try:
                if self._connection is None:
                    self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                    if not self._connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({self._key})").scalar():
                        self._end()
                else:
                    self._connection.exec_driver_sql("SELECT 1")
            except DBAPIError:
                self._end()
            return self._connection is not None

    def let_go(self) -> None:
        with self._asking:
            self._end()

    def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()  # its end is what unlocks
            connection.close()


def open_database(settings: Settings) -> Database:
    """The database that the settings name: a PostgreSQL server's, else the file in the data folder."""
    if not settings.database_url:
        return Database(settings.database)
    return PostgresqlDatabase(settings.database_url, settings.database_password)


def known(settings: Settings) -> bool:
    """Whether a server was started on these settings before, as far as can be told without its database."""
    return settings.keys.is_dir() and (bool(settings.database_url) or settings.database.is_file())


def _engine(url: str, isolation: Any, password: Callable[[], str], *, readers: int = 2) -> Engine:
    parsed: URL = make_url(url).set(drivername="postgresql+psycopg")
    connecting = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "miss-server",
        "tcp_user_timeout": _SILENT_SERVER_MS,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "options": f"-c idle_in_transaction_session_timeout={_IDLE_MS}",
    }
    engine = create_engine(
        parsed, isolation_level=isolation, connect_args=connecting, pool_size=readers, max_overflow=readers
    )
    event.listen(engine, "before_cursor_execute", _driver_marks, retval=True)

    @event.listens_for(engine, "do_connect")
    def _connecting(_dialect: Any, _entry: Any, _arguments: Any, options: dict[str, Any]) -> None:
        if found := password():
            options["password"] = found

    return engine


def _driver_marks(
    _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
) -> tuple[str, Any]:
    """Statements written by hand mark their parameters as SQLite does; this driver has ``%s``."""
    first = parameters[0] if many and parameters else parameters
    if isinstance(first, tuple) and first and "?" in statement:
        statement = statement.replace("?", "%s")
    return statement, parameters
