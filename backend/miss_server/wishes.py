"""What people wish: not to be found in the directory, and to be written to by some only.

People *know* each other who are in a conversation together, or have had one of two. Who is in one by somebody else's
doing is known too: a care team does not ask twice. An ended membership counts only where its device was revoked: who
comes back after a loss is no stranger.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, and_, exists, or_, select

from miss_server import register, staff
from miss_server.extracts import PEOPLE
from miss_server.names import fold
from miss_server.personal_tables import wishes
from miss_server.register import Entry
from miss_server.register_load import insert_missing
from miss_server.register_tables import people
from miss_server.tables import devices, direct_pairs, memberships, streams

ALL, ESTABLISHMENT, KNOWN = "all", "establishment", "known"
CONTACTS = (ALL, ESTABLISHMENT, KNOWN)


@dataclass(frozen=True)
class Wishes:
    """One person's: whether the directory leaves them out, and who may write to them (one of ``CONTACTS``)."""

    unlisted: bool = False
    contact: str = ALL


def of_person(connection: Connection, person_id: bytes) -> Wishes:
    """What a person wishes."""
    w = wishes.c
    row = connection.execute(select(w.unlisted, w.contact).where(w.person_id == person_id)).first()
    return Wishes() if row is None else Wishes(bool(row.unlisted), row.contact)


def keep(connection: Connection, person_id: bytes, wanted: Wishes, now_ms: int) -> None:
    """From now on the person wishes this."""
    values = {"unlisted": wanted.unlisted, "contact": wanted.contact, "changed_at_ms": now_ms}
    insert_missing(connection, wishes, [{"person_id": person_id, **values}])
    connection.execute(wishes.update().where(wishes.c.person_id == person_id).values(values))


def may_write(connection: Connection, writer: bytes, reader: bytes) -> bool:
    """Whether one person may begin to write to another, or add them to a conversation."""
    contact = of_person(connection, reader).contact
    if writer == reader or contact == ALL or know_each_other(connection, writer, reader):
        return True
    return contact == ESTABLISHMENT and work_together(connection, writer, reader)


def hidden(connection: Connection, asker: bytes, person_ids: Iterable[bytes]) -> set[bytes]:
    """Who of these the directory does not show to the asker."""
    w = wishes.c
    unlisted = connection.scalars(select(w.person_id).where(w.person_id.in_(list(person_ids)), w.unlisted))
    return {bytes(one) for one in unlisted if one != asker and not know_each_other(connection, asker, bytes(one))}


def hidden_numbers(connection: Connection, asker: bytes, numbers: Iterable[str]) -> set[str]:
    """The same by RPPS number."""
    query = select(people.c.person_id, people.c.rpps).join(wishes, wishes.c.person_id == people.c.person_id)
    found = connection.execute(query.where(people.c.rpps.in_(list(numbers)), wishes.c.unlisted)).all()
    unseen = hidden(connection, asker, [bytes(row.person_id) for row in found]) if found else set()
    return {row.rpps for row in found if bytes(row.person_id) in unseen}


def know_each_other(connection: Connection, one: bytes, other: bytes) -> bool:
    """Whether these two are in a conversation together, or have had one of two."""
    low, high = sorted((one, other))
    pair = exists().where(direct_pairs.c.low_person == low, direct_pairs.c.high_person == high)
    if connection.scalar(select(pair)):
        return True
    mine, theirs = memberships.alias("mine"), memberships.alias("theirs")
    my_device, their_device = devices.alias("my_device"), devices.alias("their_device")
    shared = (
        select(mine.c.stream)
        .join(my_device, my_device.c.device == mine.c.device)
        .join(streams, and_(streams.c.stream == mine.c.stream, streams.c.kind != "device"))
        .join(theirs, theirs.c.stream == mine.c.stream)
        .join(their_device, their_device.c.device == theirs.c.device)
        .where(
            my_device.c.person_id == one,
            their_device.c.person_id == other,
            or_(mine.c.removed.is_(None), my_device.c.revoked_at_ms.is_not(None)),
            or_(theirs.c.removed.is_(None), their_device.c.revoked_at_ms.is_not(None)),
        )
        .limit(1)
    )
    return connection.execute(shared).first() is not None


def work_together(connection: Connection, one: bytes, other: bytes) -> bool:
    """Whether their establishments, the register, or what is known of them here, place these two together."""
    query = select(people.c.person_id, people.c.rpps, people.c.place).where(people.c.person_id.in_([one, other]))
    rows = connection.execute(query).all()
    if len(rows) != 2:
        return False
    numbers = [row.rpps for row in rows]
    own, their = ({sheet.finess for sheet in staff.establishments_of(connection, number)} for number in numbers)
    if own & their:
        return True
    entries = register.entries(connection, register.current(connection, PEOPLE), numbers, mailboxes=False)
    first, second = (_places(row.place, entries.get(row.rpps)) for row in rows)
    return bool(first & second)


def _places(known: str, entry: Entry | None) -> set[str]:
    """The establishments of a person, each with its town; an activity without a name is nobody's establishment."""
    activities = entry.activities if entry is not None else ()
    return {fold(place) for place in (known, *(a.place_text() for a in activities if a.place)) if place}
