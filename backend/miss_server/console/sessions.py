"""Sessions of the console: short, known by a random token that is stored hashed, ended by logging out or by removal."""

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from miss_server.console.operators import hashed
from miss_server.console.tables import operator_passkeys, operator_sessions, operators

IDLE_MINUTES = 15
SESSION_HOURS = 8
FRESH_MINUTES = 5
_TOUCH_SECONDS = 30
_TOKEN_BYTES = 32


@dataclass(frozen=True)
class Visitor:
    """Who asks, and since when they are logged in."""

    operator: int
    name: str
    role: str
    establishment: str  # a manager's, by its FINESS number
    passkeys: int
    opened_at_ms: int
    due: bool  # whether it is time to note that the session is in use


def open_session(connection: Connection, operator: int, now_ms: int) -> str:
    """A new session's token; what has ended meanwhile is swept away."""
    s = operator_sessions.c
    ended = (s.touched_at_ms <= now_ms - IDLE_MINUTES * 60_000) | (s.opened_at_ms <= now_ms - SESSION_HOURS * 3_600_000)
    connection.execute(delete(operator_sessions).where(ended))
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    values = {"token_hash": hashed(token), "operator": operator, "opened_at_ms": now_ms, "touched_at_ms": now_ms}
    connection.execute(insert(operator_sessions).values(**values))
    return token


def look(connection: Connection, token: str, now_ms: int) -> Visitor | None:
    """Whose session this is, where it still runs and its operator was not removed."""
    s, o = operator_sessions.c, operators.c
    passkeys = (
        select(func.count())
        .where(operator_passkeys.c.operator == o.operator)
        .correlate(operators)
        .scalar_subquery()
        .label("passkeys")
    )
    row = connection.execute(
        select(o.operator, o.name, o.role, o.establishment, passkeys, s.opened_at_ms, s.touched_at_ms)
        .join(operators, o.operator == s.operator)
        .where(
            s.token_hash == hashed(token),
            s.touched_at_ms > now_ms - IDLE_MINUTES * 60_000,
            s.opened_at_ms > now_ms - SESSION_HOURS * 3_600_000,
            o.removed_at_ms.is_(None),
        )
    ).first()
    if row is None:
        return None
    due = now_ms - row.touched_at_ms > _TOUCH_SECONDS * 1000
    return Visitor(row.operator, row.name, row.role, row.establishment, row.passkeys, row.opened_at_ms, due)


def touch(connection: Connection, token: str, now_ms: int) -> None:
    """Notes that a session is in use."""
    s = operator_sessions
    connection.execute(update(s).where(s.c.token_hash == hashed(token)).values(touched_at_ms=now_ms))


def close_session(connection: Connection, token: str) -> None:
    """Ends a session."""
    connection.execute(delete(operator_sessions).where(operator_sessions.c.token_hash == hashed(token)))
