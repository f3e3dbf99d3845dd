"""Many rows of one table at once, by the quickest way that each database has."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert


def write(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Inserts rows whose values stand in the order of ``columns``."""
    if not rows:
        return
    statement = insert(table).compile(dialect=connection.dialect, column_keys=list(columns))
    order = [str(name) for name in statement.positiontup or columns]
    if order != list(columns):
        places = [columns.index(name) for name in order]
        rows = [tuple(row[place] for place in places) for row in rows]
    connection.exec_driver_sql(str(statement), list(rows))
