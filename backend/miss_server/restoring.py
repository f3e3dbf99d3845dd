"""A database that was restored to a moment: what was numbered since is lost here, but devices remember it.

A device steps over a row whose number it has had. After a restore the next numbers would be ones that were given
before, to rows that the database no longer knows: they are left out, in every stream, and devices are told of a gap.
"""

from sqlalchemy import Connection, func, select, update

from miss_server import acts
from miss_server.tables import streams

LEFT_OUT = 1_000_000


def leave_room(connection: Connection, now_ms: int) -> int:
    """Leaves out numbers that may have been given already; in how many streams. To be done while no node runs."""
    s = streams.c
    connection.execute(update(streams).values(head=s.head + LEFT_OUT))
    acts.record(connection, who="operator", what="database-restored", about=f"{LEFT_OUT} numbers", now_ms=now_ms)
    return int(connection.scalar(select(func.count()).select_from(streams)) or 0)
