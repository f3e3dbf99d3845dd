"""Many rows of one table at once, by the quickest way that each database has."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.dialects import postgresql, sqlite


def write(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Inserts rows whose values stand in the order of ``columns``."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows)
        return
    statement = insert(table).compile(dialect=connection.dialect, column_keys=list(columns))
    places = [columns.index(str(name)) for name in statement.positiontup or columns]
    connection.exec_driver_sql(str(statement), [tuple(row[place] for place in places) for row in rows])


def insert_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Inserts the rows whose key is not there yet."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), [dict(row) for row in rows])


def settle(connection: Connection, tables: Sequence[Table]) -> None:
    """Lets the database count what was written, where it plans its searches by such counts."""
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.exec_driver_sql(f"ANALYZE {connection.dialect.identifier_preparer.quote(table.name)}")


def _copy(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """PostgreSQL's own way for many rows, on the connection and in the transaction that are open."""
    quote = connection.dialect.identifier_preparer.quote
    statement = f"COPY {quote(table.name)} ({', '.join(map(quote, columns))}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
