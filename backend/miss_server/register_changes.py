"""What a newer register changes for the people on MiSS: departures suspend, returns restore, moves and names follow.

A suspended person's devices are closed and log in no more, and nobody can add them; nothing is deleted, for who was
left out of an extract by mistake is back the day after. Whoever shares a conversation with them is told.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, select, true, update

from miss_protocol.notices import CertificateDue, ContactStanding
from miss_server import acts, register, streams
from miss_server.extracts import PEOPLE
from miss_server.register import Activity, Entry
from miss_server.register_tables import people, register_people
from miss_server.rpps import OWN_NUMBERS
from miss_server.tables import devices, memberships

_PEOPLE_AT_ONCE = 200


@dataclass
class Changes:
    """How many people it concerned."""

    suspended: int = 0
    restored: int = 0
    moved: int = 0  # another place or profession
    renamed: int = 0


def follow(transaction: Callable[[], AbstractContextManager[Connection]], now_ms: int) -> Changes:
    """Brings the people on MiSS to what the register in use says of them, in short transactions."""
    changes, after = Changes(), b""
    while True:
        with transaction() as connection:
            load_id = register.current(connection, PEOPLE)
            chosen = select(people).where(people.c.person_id > after, _of_register()).order_by(people.c.person_id)
            rows = connection.execute(chosen.limit(_PEOPLE_AT_ONCE)).all()
            entries = register.entries(connection, load_id, [row.rpps for row in rows], mailboxes=False)
            for row in rows:
                _follow(connection, row, entries.get(row.rpps), changes, now_ms)
        if load_id is None or len(rows) < _PEOPLE_AT_ONCE:
            return changes
        after = bytes(rows[-1].person_id)


def to_suspend(connection: Connection, load_id: int) -> tuple[int, int]:
    """How many people on MiSS a load would suspend, and how many are not suspended now."""
    p = register_people.c
    practises = exists().where(p.load_id == load_id, p.rpps == people.c.rpps, p.gone_since_ms.is_(None))
    active = people.c.suspended_at_ms.is_(None) & _of_register()
    gone = connection.scalar(select(func.count()).select_from(people).where(active, ~practises))
    all_active = connection.scalar(select(func.count()).select_from(people).where(active))
    return gone or 0, all_active or 0


def _of_register() -> ColumnElement[bool]:
    """The people whom the register can know; the others, an establishment vouches for."""
    return people.c.rpps < OWN_NUMBERS


def _follow(connection: Connection, row: Row[Any], entry: Entry | None, changes: Changes, now_ms: int) -> None:
    practises = entry is not None and entry.gone_since_ms is None and bool(entry.activities)
    if not practises:
        if row.suspended_at_ms is None:
            stand(connection, row, "suspended", now_ms, suspended_at_ms=now_ms)
            changes.suspended += 1
        return
    assert entry is not None
    if row.suspended_at_ms is not None:
        stand(connection, row, "restored", now_ms, suspended_at_ms=None)
        changes.restored += 1
    activity = _kept(entry, row)
    said = {
        "profession_code": activity.profession_code,
        "profession": activity.profession_text(),
        "place": activity.place_text(),
    }
    if entry.display_name() != row.display_name:
        changes.renamed += 1
        _renew(connection, row, "renamed", now_ms, display_name=entry.display_name())
    if any(value != getattr(row, name) for name, value in said.items()):
        changes.moved += 1
        _renew(connection, row, "moved", now_ms, **said)


def _kept(entry: Entry, row: Row[Any]) -> Activity:
    """The activity that the person is known by, where it still is one; else the first of that profession, or of all."""
    same = (a for a in entry.activities if (a.profession_text(), a.place_text()) == (row.profession, row.place))
    return next(same, entry.activity_as(row.profession_code) or entry.activities[0])


def stand(connection: Connection, row: Row[Any], what: str, now_ms: int, *, suspended_at_ms: int | None) -> None:
    """Suspends a person of the table, or ends that, and tells whoever shares a conversation with them."""
    values = {"suspended_at_ms": suspended_at_ms}
    connection.execute(update(people).where(people.c.person_id == row.person_id).values(values))
    notice = ContactStanding(bytes(row.person_id), suspended_at_ms is None)
    for device_id in contacts(connection, row.person_id):
        streams.tell(connection, device_id, notice, now_ms)
    acts.record(connection, who="server", what=what, about=f"{row.person_id.hex()} RPPS {row.rpps}", now_ms=now_ms)


def _renew(connection: Connection, row: Row[Any], what: str, now_ms: int, **said: str) -> None:
    connection.execute(update(people).where(people.c.person_id == row.person_id).values(said))
    _ask_to_renew(connection, bytes(row.person_id), now_ms)
    about = f"{row.person_id.hex()} RPPS {row.rpps} {', '.join(said.values())}"
    acts.record(connection, who="server", what=what, about=about, now_ms=now_ms)


def _ask_to_renew(connection: Connection, person_id: bytes, now_ms: int) -> None:
    """The register says something else of a person now: their devices are told that a new certificate is due."""
    d = devices.c
    live = select(d.device_id).where(d.person_id == person_id, d.revoked_at_ms.is_(None)).order_by(d.device)
    for device_id in connection.scalars(live).all():
        streams.tell(connection, bytes(device_id), CertificateDue(), now_ms)


def contacts(connection: Connection, person_id: bytes, *, past: bool = False) -> list[bytes]:
    """The live devices of the people who share a conversation with this person, or where ``past`` ever did."""
    theirs, shared = memberships.alias("theirs"), memberships.alias("shared")
    own = devices.alias("own")
    query = (
        select(devices.c.device_id)
        .distinct()
        .join(shared, and_(shared.c.device == devices.c.device, shared.c.removed.is_(None)))
        .join(theirs, and_(theirs.c.stream == shared.c.stream, true() if past else theirs.c.removed.is_(None)))
        .join(own, own.c.device == theirs.c.device)
        .where(own.c.person_id == person_id, devices.c.person_id != person_id, devices.c.revoked_at_ms.is_(None))
        .order_by(devices.c.device_id)
    )
    return [bytes(one) for one in connection.scalars(query)]
