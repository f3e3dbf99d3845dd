"""Databases of both engines for tests that must pass on each: a file, and a database of one PostgreSQL server."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import postgres
from miss_server import migrations
from miss_server.database import Database
from miss_server.postgresql import PostgresqlDatabase

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_TEMPLATE = "miss_template"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a server, with a database in it that was migrated once and is copied for each test."""
    with postgres.cluster(durable=False) as url:
        with psycopg.connect(url.format(name="postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{_TEMPLATE}"')
        template = PostgresqlDatabase(url.format(name=_TEMPLATE))
        migrations.apply(template)
        template.close()
        yield url


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of the newest shape."""
    if request.param == SQLITE:
        database = Database(tmp_path / "miss.db")
        migrations.apply(database)
    else:
        database = PostgresqlDatabase(copied(request.getfixturevalue("postgresql_server")))
    yield database
    database.close()


def copied(server: str) -> str:
    """The URL of a new database of the newest shape."""
    return postgres.new_database(server, template=_TEMPLATE)
