"""PostgreSQL behind the same two ways into the database, for what one file is too small for."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

from miss_server.config import Settings
from miss_server.database import READERS, Database

# Held by each write transaction until its end, as BEGIN IMMEDIATE is on SQLite: one writes, whichever process it is.
_WRITER_LOCK = 0x4D695353
_CONNECT_SECONDS = 10


class PostgresqlDatabase(Database):
    """A database of a PostgreSQL server: each commit is on its disk before it is answered.

    Args:
        url: ``postgresql://user@host/name``; the password is better kept in the server account's ``.pgpass``.
    """

    def __init__(self, url: str) -> None:
        self.file = Path(make_url(url).database or "")
        self._writing = _engine(url, "READ COMMITTED")
        self._reading = _engine(url, "REPEATABLE READ", readers=READERS)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        self._writer = None
        event.listen(self._writing, "begin", _take_the_lock)


def open_database(settings: Settings) -> Database:
    """The database that the settings name: a PostgreSQL server's, else the file in the data folder."""
    return PostgresqlDatabase(settings.database_url) if settings.database_url else Database(settings.database)


def known(settings: Settings) -> bool:
    """Whether a server was started on these settings before, as far as can be told without its database."""
    return settings.keys.is_dir() and (bool(settings.database_url) or settings.database.is_file())


def _engine(url: str, isolation: Any, *, readers: int = 2) -> Engine:
    parsed: URL = make_url(url).set(drivername="postgresql+psycopg")
    connecting = {"connect_timeout": _CONNECT_SECONDS, "application_name": "miss-server"}
    engine = create_engine(
        parsed, isolation_level=isolation, connect_args=connecting, pool_size=readers, max_overflow=readers
    )
    event.listen(engine, "before_cursor_execute", _driver_marks, retval=True)
    return engine


def _take_the_lock(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")


def _driver_marks(
    _connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
) -> tuple[str, Any]:
    """Statements written by hand mark their parameters as SQLite does; this driver has ``%s``."""
    first = parameters[0] if many and parameters else parameters
    if isinstance(first, tuple) and first and "?" in statement:
        statement = statement.replace("?", "%s")
    return statement, parameters
