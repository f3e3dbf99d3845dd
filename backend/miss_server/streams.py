"""Streams: ordered logs, the intervals in which devices read them, and how far each device has come.

Rows that are missing inside an interval were forgotten on time; the reader is told so by a Gap in their place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, insert, or_, select, text, update

from miss_protocol import notices
from miss_protocol.frames import ID_BYTES, Class, Deliver, Gap, Kind, encode
from miss_server.tables import cursors, memberships, rows, streams, welcomes

DEVICE_STREAM = "device"


@dataclass(frozen=True, slots=True)
class Head:
    """A stream as one device may read it: up to ``last``; ``cursor`` is what the device has stored."""

    stream: int
    stream_id: bytes
    last: int
    cursor: int
    member: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A Deliver or a Gap as bytes, and the number a reader has reached with it."""

    number: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """What follows in one stream; ``done`` when that is all there is, ``member`` while more may come."""

    stream: int
    frames: list[Written]
    done: bool
    member: bool


def heads(connection: Connection, device: int) -> list[Head]:
    """Every stream of which this device may read something it has not stored, or in which it is a member."""
    s, m, c = streams.c, memberships.c, cursors.c
    found = connection.execute(
        select(s.stream, s.stream_id, s.head, func.max(m.added), m.removed, func.coalesce(c.number, 0))
        .select_from(
            memberships.join(streams, s.stream == m.stream).outerjoin(
                cursors, and_(c.stream == m.stream, c.device == m.device)
            )
        )
        .where(m.device == device, or_(m.removed.is_(None), m.removed > func.coalesce(c.number, 0)))
        .group_by(s.stream, s.stream_id, s.head, m.removed, c.number)
        .order_by(s.stream)
    )
    newest: dict[int, Head] = {}
    for stream, stream_id, head, _added, removed, cursor in found:
        one = Head(stream, bytes(stream_id), head if removed is None else removed, cursor, removed is None)
        known = newest.get(stream)
        if known is None or one.last > known.last or one.member:
            newest[stream] = one
    return list(newest.values())


def read(
    connection: Connection, device: int, wanted: Sequence[tuple[int, int]], rows_max: int, bytes_max: int
) -> list[Page]:
    """The next rows of some streams, as one device reads them.

    Args:
        device: row number of the reader.
        wanted: pairs (stream, last number already sent).
        rows_max, bytes_max: where to stop; the last page then says that it is not done.
    """
    pages: list[Page] = []
    for stream, after in wanted:
        page = _read_one(connection, device, stream, after, rows_max, bytes_max)
        pages.append(page)
        rows_max -= len(page.frames)
        bytes_max -= sum(len(one.frame) for one in page.frames)
        if rows_max <= 0 or bytes_max <= 0 or not page.done:
            break
    return pages


def _read_one(connection: Connection, device: int, stream: int, after: int, rows_max: int, bytes_max: int) -> Page:
    found = connection.execute(select(streams.c.stream_id, streams.c.head).where(streams.c.stream == stream)).one()
    stream_id, head = bytes(found.stream_id), found.head
    ranges, member = _ranges(connection, device, stream, after, head)
    frames: list[Written] = []
    for first, last, added in ranges:
        room = rows_max - len(frames)
        if room <= 0 or bytes_max <= 0:
            return Page(stream, frames, False, member)
        expected = first
        for row in connection.execute(_ROWS, {"stream": stream, "first": first, "last": last, "most": room}):
            if row.number > expected:
                frames.append(_gap(stream_id, expected, row.number - 1))
            expected = row.number + 1
            frames.append(_delivery(connection, device, stream, stream_id, row, added))
            bytes_max -= len(frames[-1].frame)
            if bytes_max <= 0 or len(frames) >= rows_max:
                break
        else:
            if expected <= last:
                frames.append(_gap(stream_id, expected, last))
                expected = last + 1
        if expected <= last:
            return Page(stream, frames, False, member)
    return Page(stream, frames, True, member)


_ROWS = (
    select(
        rows.c.number,
        rows.c.kind,
        rows.c.priority,
        rows.c.at_ms,
        rows.c.epoch,
        rows.c.sender,
        rows.c.message_id,
        rows.c.body,
    )
    .where(rows.c.stream == bindparam("stream"), rows.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(rows.c.number)
    .limit(bindparam("most"))
)


def _ranges(
    connection: Connection, device: int, stream: int, after: int, head: int
) -> tuple[list[tuple[int, int, int]], bool]:
    """What is left to read: (first, last, number of the row that added the device), and whether more may come."""
    m = memberships.c
    intervals = connection.execute(
        select(m.added, m.removed).where(m.stream == stream, m.device == device).order_by(m.added)
    ).all()
    found: list[tuple[int, int, int]] = []
    for at, (added, removed) in enumerate(intervals):
        last = head if removed is None else removed
        if at + 1 < len(intervals) and intervals[at + 1].added == last:
            last -= 1  # removed and added by the same commit: it is read as the Welcome it is to the new leaf
        first = max(added, after + 1)
        if first <= last:
            found.append((first, last, added))
    return found, bool(intervals) and intervals[-1].removed is None


def _delivery(
    connection: Connection, device: int, stream: int, stream_id: bytes, row: Row[*tuple[Any, ...]], added: int
) -> Written:
    number, kind, priority, at_ms, epoch, sender, message_id, body = tuple(row)
    if sender == device:
        kind, body = Kind.OWN, message_id
    elif number == added and kind in (Kind.COMMIT, Kind.RESET):
        kind = Kind.WELCOME
        body = connection.execute(
            select(welcomes.c.body).where(welcomes.c.stream == stream, welcomes.c.number == number)
        ).scalar_one()
    frame = Deliver(stream_id, number, Kind(kind), Class(priority), at_ms, epoch, bytes(body))
    return Written(number, encode(frame))


def _gap(stream_id: bytes, first: int, last: int) -> Written:
    return Written(last, encode(Gap(stream_id, first, last)))


def move_cursors(connection: Connection, reached: Iterable[tuple[int, int, int]]) -> None:
    """Moves cursors forward, never back: (device, stream, number)."""
    values = [{"device": device, "stream": stream, "number": number} for device, stream, number in reached]
    if values:
        connection.execute(_FORWARD, values)


_FORWARD = text(
    "INSERT INTO cursors (device, stream, number) VALUES (:device, :stream, :number) "
    "ON CONFLICT (device, stream) DO UPDATE SET number = excluded.number WHERE excluded.number > cursors.number"
)


def progress(connection: Connection, device: int) -> dict[bytes, list[tuple[bytes, int]]]:
    """How far the other devices have come in each stream of this one, by stream id: (device id, number)."""
    found: dict[bytes, list[tuple[bytes, int]]] = {}
    for stream_id, other, number in connection.execute(_PROGRESS, {"device": device}):
        found.setdefault(bytes(stream_id), []).append((bytes(other), number))
    return found


_PROGRESS = text(
    "SELECT s.stream_id, d.device_id, c.number FROM memberships mine "
    "JOIN streams s ON s.stream = mine.stream AND s.kind <> 'device' "
    "JOIN memberships other ON other.stream = mine.stream AND other.removed IS NULL AND other.device <> mine.device "
    "JOIN cursors c ON c.stream = mine.stream AND c.device = other.device "
    "JOIN devices d ON d.device = other.device "
    "WHERE mine.device = :device AND mine.removed IS NULL AND c.number > 0 ORDER BY s.stream"
)


def open_device_stream(connection: Connection, device: int, device_id: bytes, now_ms: int) -> None:
    """A new device's own stream, which holds the server's notices only."""
    created = connection.execute(
        insert(streams).values(stream_id=device_id, kind=DEVICE_STREAM, head=0, created_at_ms=now_ms)
    )
    key = created.inserted_primary_key
    connection.execute(insert(memberships).values(stream=key[0] if key else 0, device=device, added=1, removed=None))


def tell(connection: Connection, device_id: bytes, notice: notices.Notice, now_ms: int) -> int:
    """Appends a notice to a device's own stream; returns the stream, for the caller to ring once this is committed."""
    row = connection.execute(
        update(streams)
        .where(streams.c.stream_id == device_id, streams.c.kind == DEVICE_STREAM)
        .values(head=streams.c.head + 1)
        .returning(streams.c.stream, streams.c.head)
    ).one()
    connection.execute(
        insert(rows).values(
            stream=row.stream,
            number=row.head,
            kind=int(Kind.NOTICE),
            priority=int(Class.NORMAL if isinstance(notice, _WAKING) else Class.SILENT),
            at_ms=now_ms,
            epoch=0,
            sender=0,
            message_id=bytes(ID_BYTES),
            body=notices.encode(notice),
        )
    )
    return int(row.stream)


# What is worth waking a device for; the other notices are read when it comes.
_WAKING = (notices.RegistrationWaits, notices.NotDelivered, notices.UnlockAsked)


def noticed_since(connection: Connection, since_ms: int) -> dict[int, int]:
    """The device streams that got a notice since then, from whichever process wrote it, and its number."""
    r, newest = rows.c, dict[int, int]()
    for stream, number in connection.execute(select(r.stream, r.number).where(text("kind = 7"), r.at_ms > since_ms)):
        newest[stream] = max(number, newest.get(stream, 0))
    return newest


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A device that row ``added`` let into a stream."""

    stream: int
    stream_id: bytes
    device: int
    added: int


_NEWCOMERS = select(streams.c.stream, streams.c.stream_id, memberships.c.device, memberships.c.added).join(
    memberships, and_(memberships.c.stream == streams.c.stream, memberships.c.removed.is_(None))
)
_ROSTER_KINDS = (int(Kind.CREATE), int(Kind.COMMIT), int(Kind.RESET))


def rows_since(connection: Connection, since_ms: int) -> dict[int, int]:
    """The streams that got rows since then, and the number of the newest."""
    r = rows.c
    found = connection.execute(
        select(r.stream, func.max(r.number).label("newest")).where(r.at_ms > since_ms).group_by(r.stream)
    )
    return {row.stream: row.newest for row in found}


def added_since(connection: Connection, since_ms: int) -> list[Newcomer]:
    """The devices that rows since then added."""
    r, m = rows.c, memberships.c
    query = _NEWCOMERS.join(rows, and_(r.stream == m.stream, r.number == m.added))
    found = connection.execute(query.where(r.at_ms > since_ms, r.kind.in_(_ROSTER_KINDS)))
    return [Newcomer(stream, bytes(stream_id), device, added) for stream, stream_id, device, added in found]


def newcomers(connection: Connection, wanted: Iterable[int]) -> list[Newcomer]:
    """The devices in these streams."""
    found = connection.execute(_NEWCOMERS.where(streams.c.stream.in_(list(wanted))))
    return [Newcomer(stream, bytes(stream_id), device, added) for stream, stream_id, device, added in found]
