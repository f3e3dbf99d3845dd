"""Leaving MiSS: a person's devices end, whoever shares a conversation with them is told, and the account is forgotten.

What stays is said before: the journal of identity acts, which is chained and loses nothing; what the person wrote, on
their correspondents' devices; sealed rows and photos until their time has come. Members are asked to commit the removal
of the leaves, as for every revoked device (``removals``). Who comes back later registers as somebody new.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, or_, select, update

from miss_protocol.notices import PersonGone
from miss_server import acts, devices, streams
from miss_server.personal_tables import availabilities, charter_acceptances, invites, wishes
from miss_server.reach_tables import reach_wishes, unread_mails
from miss_server.register_changes import contacts
from miss_server.register_tables import people, registrations
from miss_server.tables import devices as devices_table
from miss_server.tables import direct_pairs
from miss_server.tables import streams as streams_table

PERSON = "person"  # who ends the devices, in the acts


@dataclass(frozen=True)
class Left:
    """What the caller does once this is committed: closes these devices' sockets, rings for these streams."""

    devices: list[int]
    streams: list[int]


def leave(connection: Connection, person_id: bytes, now_ms: int) -> Left:
    """A person leaves, at once and for good."""
    told = contacts(connection, person_id)
    d = devices_table.c
    live = select(d.device, d.device_id).where(d.person_id == person_id, d.revoked_at_ms.is_(None)).order_by(d.device)
    ended = connection.execute(live).all()
    for row in ended:
        devices.revoke(connection, bytes(row.device_id), PERSON, now_ms)
    for device_id in told:
        streams.tell(connection, device_id, PersonGone(person_id), now_ms)
    number = connection.scalar(select(people.c.rpps).where(people.c.person_id == person_id))
    about = f"{person_id.hex()} RPPS {number}" if number else person_id.hex()
    acts.record(connection, who=PERSON, what="left", about=about, now_ms=now_ms)
    _forget(connection, person_id, number)
    s = streams_table.c
    rung = connection.scalars(select(s.stream).where(s.stream_id.in_(told), s.kind == streams.DEVICE_STREAM)).all()
    return Left([row.device for row in ended], list(rung))


def _forget(connection: Connection, person_id: bytes, number: str | None) -> None:
    """Everything about the person, but for the row numbers and keys by which an ended device is refused."""
    r = registrations.c
    theirs = or_(r.person_id == person_id, r.rpps == number) if number else r.person_id == person_id
    connection.execute(delete(registrations).where(theirs))
    for table in (charter_acceptances, wishes, availabilities, reach_wishes, unread_mails, people):
        connection.execute(delete(table).where(table.c.person_id == person_id))
    connection.execute(delete(invites).where(invites.c.inviter == person_id))
    stands_in = availabilities.c.delegate == person_id
    connection.execute(update(availabilities).where(stands_in).values(delegate=None))
    pairs = direct_pairs.c
    connection.execute(delete(direct_pairs).where(or_(pairs.low_person == person_id, pairs.high_person == person_id)))
    blank = update(devices_table).where(devices_table.c.person_id == person_id)
    connection.execute(blank.values(name="", certificate=b"", last_seen_ms=None, attended_at_ms=None))
