"""Who writes when, where several nodes share one PostgreSQL server: alone, or beside others in different streams.

A function of ``Database.run`` writes alone, whichever process it is: it may read, decide and write without another in
between. Batches of messages write beside each other, for each takes the rows of its streams first, in one order; a
batch with a handshake in it decides about people as well, and writes alone. On SQLite the file itself lets one write.
"""

from sqlalchemy import Connection

from miss_server.clock import now_ms

_LOCK = 0x4D695353
# The time of rows is the database's own: nodes whose clocks differ still agree on what came when.
_CLOCK = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_ALONE = f"SELECT pg_advisory_xact_lock({_LOCK}), {_CLOCK}"
_BESIDE = f"SELECT pg_advisory_xact_lock_shared({_LOCK}), {_CLOCK}"
LOCK_ROWS = " ORDER BY stream_id FOR UPDATE"


def take(connection: Connection, *, alone: bool) -> int:
    """Waits until this transaction may write; the time, in milliseconds, that its rows bear."""
    if not shared(connection):
        return now_ms()
    return int(connection.exec_driver_sql(_ALONE if alone else _BESIDE).one()[1])


def shared(connection: Connection) -> bool:
    """Whether other processes may write at the same time."""
    return connection.dialect.name == "postgresql"


def clock(connection: Connection) -> int:
    """The time that rows are given, in milliseconds."""
    if not shared(connection):
        return now_ms()
    return int(connection.exec_driver_sql(f"SELECT {_CLOCK}").scalar_one())


def moment(connection: Connection) -> int:
    """The same clock in microseconds; 0 where there is nobody to compare with."""
    if not shared(connection):
        return 0
    return int(
        connection.exec_driver_sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").scalar_one()
    )
