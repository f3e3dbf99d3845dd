"""Who has not been in front of a device that has their message, for half an hour (urgent: five minutes): one mail.

The server cannot see what was read. It knows which device has stored a row, and when somebody was last in front of that
device (*Attended*): what was stored in front of somebody counts as seen. A conversation is looked at again when it is
due only; what moved is noted every half minute, so that a message costs nothing here.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, text, update

from miss_protocol.frames import Class
from miss_server import reach_wishes, register
from miss_server.bulk import insert_missing
from miss_server.reach_settings import Unread
from miss_server.reach_tables import unread_mails, unread_streams
from miss_server.reach_wishes import ReachWishes
from miss_server.register_tables import people
from miss_server.tables import streams

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
STREAMS_AT_ONCE = 200
ROWS_LOOKED_AT = 1_000
NEVER_MS = 1 << 62


@dataclass(frozen=True)
class Letter:
    """A mail that is to be sent now; ``before_ms`` is when this person's last one was, in case it cannot be."""

    person_id: bytes
    address: str
    before_ms: int


@dataclass(frozen=True)
class _Row:
    number: int
    at_ms: int
    urgent: bool
    writer: bytes


@dataclass
class _Reader:
    """A member: since which row, how far they have seen, and when they were last in front of a device."""

    added: int
    seen: int = 0
    attended_ms: int = 0


def note(connection: Connection, moved: Iterable[int], now_ms: int, settings: Unread) -> None:
    """These conversations have got something new."""
    due = now_ms + min((one for one in (settings.urgent_ms, settings.normal_ms) if one), default=0)
    if settings.urgent_ms or settings.normal_ms:
        talks = select(streams.c.stream).where(streams.c.kind != "device")
        chosen, some = list(moved), []
        for at in range(0, len(chosen), 500):
            some += list(connection.scalars(talks.where(streams.c.stream.in_(chosen[at : at + 500]))))
        insert_missing(connection, unread_streams, [{"stream": one, "due_at_ms": due} for one in some])
        u = unread_streams.c
        for at in range(0, len(some), 500):
            sooner = update(unread_streams).where(u.stream.in_(some[at : at + 500]), u.due_at_ms > due)
            connection.execute(sooner.values(due_at_ms=due))


def letters(connection: Connection, now_ms: int, settings: Unread) -> list[Letter]:
    """Whom to mail now, each noted as mailed; a conversation that was due is looked at again when that may be so."""
    u = unread_streams.c
    due = select(u.stream).where(u.due_at_ms <= now_ms).order_by(u.due_at_ms).limit(STREAMS_AT_ONCE)
    found: dict[bytes, Letter] = {}
    for stream in connection.scalars(due).all():
        again_ms = NEVER_MS
        for person_id, reader, unseen in _unaware(connection, stream):
            when = _when(connection, person_id, reader, unseen, now_ms, settings)
            if when <= now_ms:
                letter = _letter(connection, person_id, now_ms) if person_id not in found else None
                if letter is not None:
                    found[person_id] = letter
            else:
                again_ms = min(again_ms, when)
        own = u.stream == stream
        if again_ms == NEVER_MS:
            connection.execute(delete(unread_streams).where(own))
        else:
            connection.execute(update(unread_streams).where(own).values(due_at_ms=again_ms))
    return list(found.values())


def not_mailed(connection: Connection, letter: Letter, streams_due_ms: int) -> None:
    """A letter could not be handed over: it is as if it had not been written, and this is looked at again then."""
    m = unread_mails.c
    mailed = update(unread_mails).where(m.person_id == letter.person_id)
    connection.execute(mailed.values(mailed_at_ms=letter.before_ms))
    mine = connection.scalars(_OF_PERSON, {"person_id": letter.person_id}).all()
    insert_missing(connection, unread_streams, [{"stream": one, "due_at_ms": streams_due_ms} for one in mine])


def mailed_at(connection: Connection, person_id: bytes) -> int:
    """When this person was last mailed; 0: never."""
    m = unread_mails.c
    return int(connection.scalar(select(m.mailed_at_ms).where(m.person_id == person_id)) or 0)


def listed_mailbox(connection: Connection, person_id: bytes) -> str:
    """The person's mailbox by the register, and by nothing else; "" where none is listed."""
    number = connection.scalar(select(people.c.rpps).where(people.c.person_id == person_id))
    entry = register.look_up(connection, number) if number else None
    return entry.mailboxes[0].address if entry is not None and entry.mailboxes else ""


_MEMBERS = text(
    "SELECT d.person_id, m.added, coalesce(c.number, 0) AS cursor, d.attended_at_ms FROM memberships m "
    "JOIN devices d ON d.device = m.device AND d.revoked_at_ms IS NULL "
    "LEFT JOIN cursors c ON c.device = m.device AND c.stream = m.stream "
    "WHERE m.stream = :stream AND m.removed IS NULL"
)
_ROWS = text(
    "SELECT r.number, r.at_ms, r.priority, w.person_id FROM streams s JOIN rows r ON r.stream = s.stream "
    "AND r.number > s.head - :looked_at AND r.kind = 1 AND r.priority > 0 "
    "JOIN devices w ON w.device = r.sender WHERE s.stream = :stream ORDER BY r.number"
)
_OF_PERSON = text(
    "SELECT DISTINCT m.stream FROM memberships m JOIN devices d ON d.device = m.device "
    "JOIN streams s ON s.stream = m.stream AND s.kind <> 'device' "
    "WHERE d.person_id = :person_id AND d.revoked_at_ms IS NULL AND m.removed IS NULL"
)


def _unaware(connection: Connection, stream: int) -> list[tuple[bytes, _Reader, list[_Row]]]:
    """Every member with what nobody has seen on any of their devices."""
    found = connection.execute(_ROWS, {"stream": stream, "looked_at": ROWS_LOOKED_AT}).all()
    rows = [_Row(n, at, priority >= Class.URGENT, bytes(writer)) for n, at, priority, writer in found]
    numbers, times = [one.number for one in rows], [one.at_ms for one in rows]
    readers: dict[bytes, _Reader] = {}
    for who, added, cursor, attended_ms in connection.execute(_MEMBERS, {"stream": stream}):
        reader = readers.setdefault(bytes(who), _Reader(added))
        reader.added = min(reader.added, added)
        reader.attended_ms = max(reader.attended_ms, attended_ms or 0)
        place = min(bisect_right(numbers, cursor), bisect_right(times, attended_ms or 0))
        reader.seen = max(reader.seen, numbers[place - 1] if place else 0)
    unaware = []
    for who, reader in readers.items():
        after = max(reader.seen, reader.added - 1)
        unseen = [one for one in rows[bisect_right(numbers, after) :] if one.writer != who]
        if unseen:
            unaware.append((who, reader, unseen))
    return unaware


def _when(
    connection: Connection, person_id: bytes, reader: _Reader, unseen: Sequence[_Row], now_ms: int, settings: Unread
) -> int:
    """When this person is to be mailed about these rows; NEVER_MS where they are not."""
    wished = reach_wishes.of_person(connection, person_id)
    last_ms = mailed_at(connection, person_id)
    fresh = [one for one in unseen if one.at_ms > last_ms]  # of the others the last mail told
    if not wished.mails or not fresh or not listed_mailbox(connection, person_id):
        return NEVER_MS
    urgent = next((one.at_ms for one in fresh if one.urgent), None)
    moments = [NEVER_MS]
    if settings.normal_ms:
        # Who did not come after the last mail is told once a day, unless it is urgent.
        pause = HOUR_MS if reader.attended_ms > last_ms else DAY_MS
        moments.append(_after_quiet(wished, max(fresh[0].at_ms + settings.normal_ms, last_ms + pause), now_ms))
    if settings.urgent_ms and urgent is not None:
        moments.append(max(urgent + settings.urgent_ms, last_ms + HOUR_MS))
    return min(moments)


def _after_quiet(wished: ReachWishes, when_ms: int, now_ms: int) -> int:
    """The same moment, or the end of the quiet hours it would be in."""
    return wished.quiet_until_ms(max(when_ms, now_ms)) or when_ms


def _letter(connection: Connection, person_id: bytes, now_ms: int) -> Letter | None:
    """Notes that the person is mailed now; None where another node was faster."""
    m = unread_mails.c
    before_ms = mailed_at(connection, person_id)
    insert_missing(connection, unread_mails, [{"person_id": person_id, "mailed_at_ms": 0}])
    mine = update(unread_mails).where(m.person_id == person_id, m.mailed_at_ms == before_ms)
    if connection.execute(mine.values(mailed_at_ms=now_ms)).rowcount != 1:
        return None
    return Letter(person_id, listed_mailbox(connection, person_id), before_ms)
