"""Who may use the console, and the one-time links by which they enrol their first passkey, or all anew."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from miss_server import acts
from miss_server.console.tables import operator_links, operator_passkeys, operator_sessions, operators
from miss_server.names import fold

OPERATOR, MANAGER, AUDITOR = "operator", "manager", "auditor"
ROLES = (OPERATOR, MANAGER, AUDITOR)
LINK_HOURS = 24
NAME_CHARACTERS_MAX = 80
_TOKEN_BYTES = 32


class OperatorError(Exception):
    """What cannot be done with an operator: a reason that ``texts`` words, and what fills the sentence."""

    def __init__(self, reason: str, **fields: object) -> None:
        super().__init__(f"{reason} {fields}")
        self.reason = reason
        self.fields = fields


@dataclass(frozen=True)
class Operator:
    """One of them; ``establishment`` is a manager's, by its FINESS number."""

    operator: int
    name: str
    role: str
    establishment: str
    handle: bytes
    passkeys: int


def add(connection: Connection, name: str, role: str, establishment: str, *, who: str, now_ms: int) -> str:
    """Adds an operator; ``who`` does it, for the acts.

    Returns:
        the token of a one-time link, which is stored hashed only.

    Raises:
        OperatorError: ``operator-name``, ``operator-known``, ``operator-establishment``.
    """
    name = " ".join(name.split())
    folded = fold(name)
    if not folded or not name.isprintable() or len(name) > NAME_CHARACTERS_MAX or folded == "server":
        raise OperatorError("operator-name")
    if (role == MANAGER) != bool(establishment) or role not in ROLES:
        raise OperatorError("operator-establishment")
    if connection.scalar(select(operators.c.operator).where(operators.c.folded == folded)) is not None:
        raise OperatorError("operator-known", name=name)
    values = {"name": name, "folded": folded, "role": role, "establishment": establishment}
    written = connection.execute(
        insert(operators).values(handle=secrets.token_bytes(32), added_at_ms=now_ms, **values)
    ).inserted_primary_key
    about = f"{name} {role} {establishment}".strip()
    acts.record(connection, who=who, what="operator-added", about=about, now_ms=now_ms)
    return _link(connection, written[0] if written else 0, recovers=False, now_ms=now_ms)


def recover(connection: Connection, name: str, *, who: str, now_ms: int) -> str:
    """A one-time link for an operator who lost their passkeys; earlier links of theirs are no longer good.

    Raises:
        OperatorError: ``operator-unknown``.
    """
    found = named(connection, name)
    acts.record(connection, who=who, what="operator-recovery", about=found.name, now_ms=now_ms)
    return _link(connection, found.operator, recovers=True, now_ms=now_ms)


def remove(connection: Connection, name: str, *, who: str, now_ms: int) -> None:
    """Ends an operator: passkeys, links and sessions go at once; the name stays taken, for the acts name it.

    Raises:
        OperatorError: ``operator-unknown``.
    """
    found = named(connection, name)
    forget_passkeys(connection, found.operator)
    connection.execute(delete(operator_links).where(operator_links.c.operator == found.operator))
    connection.execute(update(operators).where(operators.c.operator == found.operator).values(removed_at_ms=now_ms))
    acts.record(connection, who=who, what="operator-removed", about=found.name, now_ms=now_ms)


def listed(connection: Connection) -> list[Operator]:
    """All of them, by name."""
    return [_operator(row) for row in connection.execute(_FOUND.order_by(operators.c.folded))]


def named(connection: Connection, name: str) -> Operator:
    """The operator of that name.

    Raises:
        OperatorError: ``operator-unknown``.
    """
    row = connection.execute(_FOUND.where(operators.c.folded == fold(name))).first()
    if row is None:
        raise OperatorError("operator-unknown", name=name)
    return _operator(row)


def find(connection: Connection, operator: int) -> Operator | None:
    """The operator of that number, where they were not removed."""
    row = connection.execute(_FOUND.where(operators.c.operator == operator)).first()
    return None if row is None else _operator(row)


def by_link(connection: Connection, token: str, now_ms: int) -> Operator:
    """Whose unused link this is.

    Raises:
        OperatorError: ``link-refused``, whether it is unknown, used or expired.
    """
    links = operator_links.c
    found = connection.scalar(
        select(links.operator).where(
            links.token_hash == hashed(token), links.used_at_ms.is_(None), links.expires_at_ms > now_ms
        )
    )
    operator = None if found is None else find(connection, found)
    if operator is None:
        raise OperatorError("link-refused")
    return operator


def use_link(connection: Connection, token: str, now_ms: int) -> Operator:
    """Takes a link, once: a recovery's takes the passkeys and sessions before it away.

    Raises:
        OperatorError: ``link-refused``.
    """
    links = operator_links.c
    taken = connection.execute(
        update(operator_links)
        .where(links.token_hash == hashed(token), links.used_at_ms.is_(None), links.expires_at_ms > now_ms)
        .values(used_at_ms=now_ms)
        .returning(links.operator, links.recovers)
    ).first()
    operator = None if taken is None else find(connection, taken.operator)
    if taken is None or operator is None:
        raise OperatorError("link-refused")
    if taken.recovers:
        forget_passkeys(connection, operator.operator)
    return operator


def forget_passkeys(connection: Connection, operator: int) -> None:
    """Takes all passkeys and sessions of an operator away."""
    connection.execute(delete(operator_passkeys).where(operator_passkeys.c.operator == operator))
    connection.execute(delete(operator_sessions).where(operator_sessions.c.operator == operator))


def hashed(token: str) -> bytes:
    """What is stored in a token's place."""
    return hashlib.sha256(token.encode()).digest()


def _link(connection: Connection, operator: int, *, recovers: bool, now_ms: int) -> str:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    connection.execute(delete(operator_links).where(operator_links.c.operator == operator))
    expires = now_ms + LINK_HOURS * 3_600_000
    values = {"token_hash": hashed(token), "operator": operator, "recovers": recovers, "expires_at_ms": expires}
    connection.execute(insert(operator_links).values(**values))
    return token


_PASSKEYS = (
    select(func.count())
    .where(operator_passkeys.c.operator == operators.c.operator)
    .correlate(operators)
    .scalar_subquery()
)
_FOUND = select(operators, _PASSKEYS.label("passkeys")).where(operators.c.removed_at_ms.is_(None))


def _operator(row: Row[Any]) -> Operator:
    return Operator(row.operator, row.name, row.role, row.establishment, bytes(row.handle), row.passkeys)
