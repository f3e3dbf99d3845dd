"""Whose database this is: the keys of one service and the database of another must never work together.

A node that made keys of its own, or a database restored beside the wrong keys, would certify devices that no other
node and no client believes.
"""

from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.exc import OperationalError

from miss_server.database import Database
from miss_server.migrations import DatabaseAwayError
from miss_server.tables import facts

_SERVER_ID = "server-id"


class ForeignDatabaseError(Exception):
    """The database belongs to a server with other keys; nothing was changed."""


def is_taken(database: Database) -> bool:
    """Whether the database is known to be some service's.

    Raises:
        DatabaseAwayError: it does not answer.
    """
    try:
        with database.snapshot() as connection:
            return inspect(connection).has_table(facts.name) and _known(connection) is not None
    except OperationalError as error:
        raise DatabaseAwayError(type(error.orig).__name__) from error


def check(connection: Connection, server_id: bytes) -> None:
    """Takes a new database for the service of this id; a known one must be its own.

    Raises:
        ForeignDatabaseError: it is another's.
    """
    known = _known(connection)
    if known is None:
        connection.execute(insert(facts).values(name=_SERVER_ID, value=server_id))
    elif known != server_id:
        raise ForeignDatabaseError


def _known(connection: Connection) -> bytes | None:
    found = connection.scalar(select(facts.c.value).where(facts.c.name == _SERVER_ID))
    return None if found is None else bytes(found)
