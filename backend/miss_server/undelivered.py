"""Before sealed rows are forgotten that somebody never got, their senders are told, and who missed them.

A person got a row when any of their devices has passed it. Who has no device any more is not told about: they have
left, or are removed, and the conversation says so.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, select, text

from miss_protocol.notices import NUMBERS_MAX, PEOPLE_MAX, MessagesExpired, NotDelivered
from miss_server import streams as stream_log
from miss_server.tables import streams


@dataclass
class _Missed:
    """What one person missed of one stream: numbers by sender."""

    by: dict[bytes, list[int]] = field(default_factory=lambda: defaultdict(list))


_DOOMED = text(
    "SELECT r.number, w.person_id FROM rows r JOIN devices w ON w.device = r.sender "
    "WHERE r.stream = :stream AND r.kind = 1 AND r.priority > 0 AND r.at_ms < :before_ms ORDER BY r.number"
)
_READERS = text(
    "SELECT d.person_id, d.device_id, m.added, m.removed, coalesce(c.number, 0) AS cursor FROM memberships m "
    "JOIN devices d ON d.device = m.device AND d.revoked_at_ms IS NULL "
    "LEFT JOIN cursors c ON c.device = m.device AND c.stream = m.stream WHERE m.stream = :stream"
)


def tell(connection: Connection, stream: int, before_ms: int, now_ms: int) -> int:
    """Tells of the messages of a stream that are about to be forgotten; how many people miss some.

    Returns:
        how many people never got some of them.
    """
    doomed = connection.execute(_DOOMED, {"stream": stream, "before_ms": before_ms}).all()
    if not doomed:
        return 0
    readers = connection.execute(_READERS, {"stream": stream}).all()
    devices_of: dict[bytes, set[bytes]] = defaultdict(set)
    for one in readers:
        devices_of[bytes(one.person_id)].add(bytes(one.device_id))
    missed: dict[bytes, _Missed] = {}
    for number, sender in doomed:
        inside = [one for one in readers if one.added <= number and (one.removed is None or one.removed >= number)]
        got = {bytes(one.person_id) for one in inside if one.cursor >= number}
        for person in {bytes(one.person_id) for one in inside} - got - {bytes(sender)}:
            missed.setdefault(person, _Missed()).by[bytes(sender)].append(number)
    stream_id = bytes(connection.execute(select(streams.c.stream_id).where(streams.c.stream == stream)).scalar_one())
    for person, what in missed.items():
        for sender, numbers in what.by.items():
            for at in range(0, len(numbers), NUMBERS_MAX):
                notice = NotDelivered(stream_id, person, tuple(numbers[at : at + NUMBERS_MAX]))
                _tell(connection, devices_of.get(sender, ()), notice, now_ms)
        numbers = sorted(number for some in what.by.values() for number in some)
        expired = MessagesExpired(stream_id, numbers[-1], len(numbers), tuple(sorted(what.by))[:PEOPLE_MAX])
        _tell(connection, devices_of[person], expired, now_ms)
    return len(missed)


def _tell(
    connection: Connection, device_ids: Iterable[bytes], notice: NotDelivered | MessagesExpired, now_ms: int
) -> None:
    for device_id in sorted(device_ids):
        stream_log.tell(connection, device_id, notice, now_ms)
