"""The database's succession of shapes: applied at every start, one after the other, each in its own transaction."""

from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from miss_server.database import Database


class DatabaseAwayError(Exception):
    """The database does not answer; the message is the kind of error."""


class NewerDatabaseError(Exception):
    """The database was written by a later version of this program; the message is its revision."""


def apply(database: Database) -> None:
    """Brings a database, empty or not, to the shape this program knows.

    Raises:
        NewerDatabaseError: it is ahead of this program, and nothing was changed.
        DatabaseAwayError: it does not answer.
    """
    try:
        _apply(database)
    except OperationalError as error:
        raise DatabaseAwayError(type(error.orig).__name__) from error


def _apply(database: Database) -> None:
    settings = configuration()
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    with database.transaction() as connection:
        found = revision(connection)
        if found is not None and found not in known:
            raise NewerDatabaseError(found)
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


def revision(connection: Connection) -> str | None:
    """The revision of a database; None for an empty one."""
    found = MigrationContext.configure(connection).get_current_revision()
    return None if found is None else str(found)


def head() -> str:
    """The revision this program knows."""
    return str(ScriptDirectory.from_config(configuration()).get_current_head())


def configuration() -> Config:
    """Alembic's settings, without a file of its own: the scripts come with the package."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(str(resources.files("miss_server.migrations")))))
    return settings
