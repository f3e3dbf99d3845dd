"""Who is busy or away until when, and who answers instead: told before anybody writes.

Only what holds is told: a time that has passed is as if nothing had been said. The directory's own rule decides who is
told of whom: of somebody unlisted only those who know them are, be it as the absent one or as the delegate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from miss_server import wishes
from miss_server.personal_tables import availabilities
from miss_server.register_load import insert_missing
from miss_server.register_tables import people
from miss_server.tables import devices

AVAILABLE, BUSY, AWAY = "available", "busy", "away"
STATES = (AVAILABLE, BUSY, AWAY)
DAYS_MAX = 366
PERSONS_MAX = 100  # asked about at once
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Availability:
    """One person's: ``until_ms`` is when they are available again; ``delegate`` a person id, or empty."""

    state: str = AVAILABLE
    until_ms: int = 0
    delegate: bytes = b""


class AvailabilityError(Exception):
    """What is wished cannot be: ``until-wrong`` or ``delegate-not-reachable``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def of_person(connection: Connection, person_id: bytes, now_ms: int) -> Availability:
    """What a person said, as far as it still holds."""
    a = availabilities.c
    row = connection.execute(select(availabilities).where(a.person_id == person_id, a.until_ms > now_ms)).first()
    return Availability() if row is None else Availability(row.state, row.until_ms, bytes(row.delegate or b""))


def keep(connection: Connection, person_id: bytes, wanted: Availability, now_ms: int) -> None:
    """From now on the person is this; AvailabilityError where it cannot be."""
    a = availabilities.c
    if wanted.state == AVAILABLE:
        connection.execute(availabilities.delete().where(a.person_id == person_id))
        return
    if not now_ms < wanted.until_ms <= now_ms + DAYS_MAX * _DAY_MS:
        raise AvailabilityError("until-wrong")
    if wanted.delegate and not _may_stand_in(connection, person_id, wanted.delegate):
        raise AvailabilityError("delegate-not-reachable")
    values = {
        "state": wanted.state,
        "until_ms": wanted.until_ms,
        "delegate": wanted.delegate or None,
        "changed_at_ms": now_ms,
    }
    insert_missing(connection, availabilities, [{"person_id": person_id, **values}])
    connection.execute(availabilities.update().where(a.person_id == person_id).values(values))


def _may_stand_in(connection: Connection, person_id: bytes, delegate: bytes) -> bool:
    """Whether a person may name another as who answers instead: somebody here, whom they may write to themselves."""
    if delegate == person_id or not _here(connection, [delegate]) or wishes.hidden(connection, person_id, [delegate]):
        return False
    return wishes.may_write(connection, person_id, delegate)


def told(connection: Connection, asker: bytes, persons: Sequence[bytes], now_ms: int) -> list[dict[str, object]]:
    """Of these, who is not available, as the asker may know it."""
    a = availabilities.c
    query = select(availabilities).where(a.person_id.in_(persons), a.until_ms > now_ms)
    rows = {bytes(row.person_id): row for row in connection.execute(query)}
    named = {bytes(row.delegate) for row in rows.values() if row.delegate}
    known = _here(connection, {*rows, *named})
    unseen = wishes.hidden(connection, asker, known) if known else set()
    away = set(connection.scalars(select(a.person_id).where(a.person_id.in_(named), a.until_ms > now_ms)))
    found: list[dict[str, object]] = []
    for person in persons:
        row = rows.get(person)
        if row is None or person not in known or person in unseen:
            continue
        delegate = known.get(bytes(row.delegate or b""))
        if delegate is not None and bytes(row.delegate) in unseen:
            delegate = None
        if delegate is not None:
            delegate = {**delegate, "available": row.delegate not in away}
        found.append({"person": person.hex(), "state": row.state, "until_ms": row.until_ms, "delegate": delegate})
    return found


def _here(connection: Connection, persons: Sequence[bytes] | set[bytes]) -> dict[bytes, dict[str, object]]:
    """Those of these who can be written to, as entries of the directory."""
    live = exists().where(devices.c.person_id == people.c.person_id, devices.c.revoked_at_ms.is_(None))
    p = people.c
    rows = connection.execute(select(people).where(p.person_id.in_(list(persons)), p.suspended_at_ms.is_(None), live))
    return {
        bytes(row.person_id): {
            "person": bytes(row.person_id).hex(),
            "display_name": row.display_name,
            "profession": row.profession,
            "place": row.place,
            "reachable": True,
            "checked_how": row.checked_how,
            "checked_at_ms": row.checked_at_ms,
        }
        for row in rows
    }
