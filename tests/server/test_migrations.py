"""The succession of the database's shapes, on a file and on PostgreSQL: from nothing, and from each version with data."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, LargeBinary, MetaData, Numeric, Table, insert, select
from sqlalchemy.types import Boolean, Integer

import postgres
from engines import POSTGRESQL, SQLITE
from miss_server import certificate_log, migrations
from miss_server.database import Database
from miss_server.metadata import metadata
from miss_server.postgresql import PostgresqlDatabase

Rows = dict[str, dict[str, Any]]
FIRST_KEPT = "0003"  # it made the register's own tables anew, to be loaded again; from there on nothing is taken away


@pytest.fixture(params=[SQLITE, POSTGRESQL])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == SQLITE:
        database = Database(tmp_path / "miss.db")
    else:
        database = PostgresqlDatabase(postgres.new_database(request.getfixturevalue("postgresql_server")))
    yield database
    database.close()


def revisions() -> list[str]:
    """All of them, the oldest first."""
    found = ScriptDirectory.from_config(migrations.configuration()).walk_revisions()
    return [script.revision for script in reversed(list(found))]


def upgrade(database: Database, revision: str) -> None:
    settings = migrations.configuration()
    with database.transaction() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)


def something(table: Table) -> dict[str, Any]:
    """A row with a value in every column; the same in the columns of one type, so that references lead somewhere."""
    row: dict[str, Any] = {}
    for column in table.columns:
        kind = column.type
        length = getattr(kind, "length", None)
        if isinstance(kind, Boolean):
            row[column.name] = True
        elif isinstance(kind, Integer | Numeric):
            row[column.name] = 1
        elif isinstance(kind, LargeBinary):
            row[column.name] = b"x" * (length or 16)
        else:
            row[column.name] = "x"
    return row


def fill(connection: Connection, kept: Rows) -> None:
    """A row in every table that has none yet, as it is shaped now."""
    shape = MetaData()
    shape.reflect(connection)
    for table in shape.sorted_tables:
        if table.name not in kept and table.name != "alembic_version":
            kept[table.name] = something(table)
            connection.execute(insert(table).values(kept[table.name]))


def test_every_version_with_data_in_it_comes_to_the_newest_and_loses_nothing(empty: Database) -> None:
    kept: Rows = {}
    for revision in revisions():
        upgrade(empty, revision)
        with empty.transaction() as connection:
            assert migrations.revision(connection) == revision
            if revision >= FIRST_KEPT:
                fill(connection, kept)
    migrations.apply(empty)  # there is nothing left to do
    with empty.snapshot() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        for name, row in kept.items():
            table = metadata.tables[name]
            # A chain over the acts was computed when there was to be one.
            columns = [table.c[column] for column in row if (name, column) != ("registrar_acts", "chain")]
            ((*found,),) = connection.execute(select(*columns)).all()
            values = [bytes(one) if isinstance(one, memoryview) else one for one in found]
            assert dict(zip((column.name for column in columns), values, strict=True)).items() <= row.items(), name
    assert set(kept) == set(metadata.tables)


def test_the_newest_version_comes_from_nothing(empty: Database) -> None:
    for _ in range(2):
        migrations.apply(empty)
    with empty.transaction() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert migrations.revision(connection) == migrations.head()
        assert certificate_log.begin(connection, 1) == 0


def test_migrations_only_add() -> None:
    """What an older program knew stays where it was, so that a version can be taken back."""
    folder = Path(str(migrations.__file__)).parent / "versions"
    later = [file for file in folder.glob("[0-9]*.py") if file.name[:4] > FIRST_KEPT]
    assert len(later) > 5
    for file in later:
        taken = re.search(r"op\.(drop|rename|alter)_\w+|\b(DROP|DELETE FROM|TRUNCATE TABLE|RENAME)\b", file.read_text())
        assert taken is None, f"{file.name}: {taken and taken.group()}"


def test_what_is_added_lets_an_older_program_write_on() -> None:
    """A node of before does not name a new column when it writes a row: it is empty then, or has a value by itself."""
    folder = Path(str(migrations.__file__)).parent / "versions"
    added = 0
    for file in sorted(folder.glob("[0-9]*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "op.add_column"):
                continue
            column = next(one for one in node.args if isinstance(one, ast.Call))
            given = {one.arg: ast.unparse(one.value) for one in column.keywords}
            assert given.get("nullable", "True") == "True" or "server_default" in given, (
                f"{file.name}: {ast.unparse(column)}"
            )
            added += 1
    assert added > 5
