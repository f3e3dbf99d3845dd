"""Which devices are to be woken, and the queue of pushes: a row a device, sent until it is taken, restarts included.

A device is woken where a message is not in its store two seconds after it was accepted, whatever its socket looks like.
While it has not come back since its last push, no further one is sent, but for the first urgent message, and after an
hour, for push services lose things too. Silent rows wake nobody, and nobody is woken by what they wrote themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select, text, update

from miss_protocol.frames import Class
from miss_server import reach_wishes
from miss_server.bulk import insert_missing
from miss_server.reach_tables import push_endpoints, push_queue, reach_looks
from miss_server.tables import devices, rows, streams
from miss_server.web_push import Answer, Outcome

LOST_MS = 3_600_000
CLAIM_MS = 60_000
GIVEN_UP_MS = 24 * 3_600_000
BACKOFF_MS = (10_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000)
STREAMS_AT_ONCE = 500
PUSHES_AT_ONCE = 200
ROWS_LOOKED_AT = 500  # from the head of a stream back


@dataclass(frozen=True)
class Push:
    """A push that is to be sent now."""

    device: int
    endpoint: str
    priority: Class
    tries: int
    queued_at_ms: int


# Who has something to read in one of these streams that came after their last push. The newest rows are enough to know.
_ASLEEP = text(
    "SELECT d.device, d.person_id, d.last_seen_ms, p.pushed_at_ms, p.pushed_priority, max(r.priority) AS priority "
    "FROM memberships m "
    "JOIN push_endpoints p ON p.device = m.device "
    "JOIN devices d ON d.device = m.device AND d.revoked_at_ms IS NULL "
    "JOIN streams s ON s.stream = m.stream "
    "LEFT JOIN cursors c ON c.device = m.device AND c.stream = m.stream "
    "JOIN rows r ON r.stream = m.stream AND r.number > s.head - :looked_at AND r.number >= m.added "
    "AND r.number > coalesce(c.number, 0) AND r.priority > 0 AND r.at_ms > coalesce(p.pushed_at_ms, 0) "
    "LEFT JOIN devices w ON w.device = r.sender "
    "WHERE m.stream IN :streams AND m.removed IS NULL AND (w.person_id IS NULL OR w.person_id <> d.person_id) "
    "GROUP BY d.device, d.person_id, d.last_seen_ms, p.pushed_at_ms, p.pushed_priority"
).bindparams(bindparam("streams", expanding=True))


def queue(connection: Connection, chosen: Sequence[int], now_ms: int) -> int:
    """Queues a push for every device that has something to read in these streams and is not there; how many."""
    queued = 0
    for at in range(0, len(chosen), STREAMS_AT_ONCE):
        some = list(chosen[at : at + STREAMS_AT_ONCE])
        found = connection.execute(_ASLEEP, {"streams": some, "looked_at": ROWS_LOOKED_AT}).all()
        wanted = reach_wishes.of_people(connection, {bytes(one.person_id) for one in found}) if found else {}
        for one in found:
            waits = one.pushed_at_ms is not None and (one.last_seen_ms or 0) <= one.pushed_at_ms
            if waits and one.priority <= one.pushed_priority and now_ms - one.pushed_at_ms < LOST_MS:
                continue
            person = wanted.get(bytes(one.person_id), reach_wishes.ReachWishes())
            held = person.quiet_until_ms(now_ms) if one.priority < Class.URGENT else 0
            _queue_one(connection, one.device, one.priority, now_ms, held or now_ms)
            queued += 1
    return queued


def _queue_one(connection: Connection, device: int, priority: int, now_ms: int, due_ms: int) -> None:
    q = push_queue.c
    row = {"device": device, "priority": priority, "queued_at_ms": now_ms, "next_at_ms": due_ms, "tries": 0}
    insert_missing(connection, push_queue, [row])
    more = update(push_queue).where(q.device == device, q.priority < priority)
    connection.execute(more.values(priority=priority, next_at_ms=due_ms, tries=0, queued_at_ms=now_ms))


def anybody_registered(connection: Connection) -> bool:
    """Whether any device at all is woken by a push."""
    return connection.execute(select(push_endpoints.c.device).limit(1)).first() is not None


def due(connection: Connection, now_ms: int) -> bool:
    """Whether a push is to be sent now."""
    q = push_queue.c
    return connection.execute(select(q.device).where(q.next_at_ms <= now_ms).limit(1)).first() is not None


def claim(connection: Connection, now_ms: int) -> list[Push]:
    """The pushes that are due, taken for a minute: whoever dies meanwhile leaves them to be sent again.

    Who has been here since theirs was queued needs none any more.
    """
    q, d, p = push_queue.c, devices.c, push_endpoints.c
    query = select(q.device, q.priority, q.tries, q.queued_at_ms, q.next_at_ms, p.endpoint, d.last_seen_ms)
    query = query.select_from(push_queue).outerjoin(push_endpoints, p.device == q.device)
    query = query.join(devices, d.device == q.device).where(q.next_at_ms <= now_ms)
    taken = []
    for one in connection.execute(query.order_by(q.next_at_ms).limit(PUSHES_AT_ONCE)).all():
        own = (q.device == one.device, q.next_at_ms == one.next_at_ms)
        if one.endpoint is None or (one.last_seen_ms or 0) > one.queued_at_ms:
            connection.execute(delete(push_queue).where(*own))
        elif connection.execute(update(push_queue).where(*own).values(next_at_ms=now_ms + CLAIM_MS)).rowcount == 1:
            taken.append(Push(one.device, one.endpoint, Class(one.priority), one.tries, one.queued_at_ms))
    return taken


def settle(connection: Connection, push: Push, answer: Answer, now_ms: int) -> None:
    """What became of a push: done, to be tried again later, or the endpoint forgotten."""
    p, q = push_endpoints.c, push_queue.c
    # Meanwhile the device may have registered another endpoint, or something urgent may have come.
    same = (p.device == push.device, p.endpoint == push.endpoint)
    own = (q.device == push.device, q.priority <= push.priority)
    if answer.outcome is Outcome.GONE:
        connection.execute(delete(push_endpoints).where(*same))
        connection.execute(delete(push_queue).where(*own))
    elif answer.outcome is Outcome.SENT:
        values = {"pushed_at_ms": now_ms, "pushed_priority": int(push.priority), "outcome": str(Outcome.SENT)}
        connection.execute(update(push_endpoints).where(*same).values(values))
        connection.execute(delete(push_queue).where(*own))
    else:
        connection.execute(update(push_endpoints).where(*same).values(outcome=str(answer.outcome)))
        pause = max(BACKOFF_MS[min(push.tries, len(BACKOFF_MS) - 1)], min(answer.after_seconds * 1_000, LOST_MS))
        if now_ms + pause > push.queued_at_ms + GIVEN_UP_MS:
            connection.execute(delete(push_queue).where(*own))
        else:
            later = update(push_queue).where(*own)
            connection.execute(later.values(next_at_ms=now_ms + pause, tries=push.tries + 1))


def register(connection: Connection, device: int, endpoint: str, now_ms: int) -> None:
    """From now on this device is woken there."""
    connection.execute(delete(push_endpoints).where(push_endpoints.c.device == device))
    row = {"device": device, "endpoint": endpoint, "registered_at_ms": now_ms}
    connection.execute(push_endpoints.insert().values(row))


def forget(connection: Connection, device: int) -> None:
    """This device is woken no more."""
    for table in (push_endpoints, push_queue):
        connection.execute(delete(table).where(table.c.device == device))


def forget_ended(connection: Connection) -> None:
    """Nobody wakes devices that were revoked."""
    ended = select(devices.c.device).where(devices.c.revoked_at_ms.is_not(None))
    for table in (push_endpoints, push_queue):
        connection.execute(delete(table).where(table.c.device.in_(ended)))


# What nobody has looked at, because the server was not there to.


def looked(connection: Connection, at_ms: int) -> None:
    """Everything accepted before then has been looked at."""
    insert_missing(connection, reach_looks, [{"one": 1, "at_ms": at_ms}])
    connection.execute(update(reach_looks).values(at_ms=at_ms))


def looked_until(connection: Connection) -> int:
    """Until when everything has been looked at; 0 where nothing ever was."""
    return int(connection.scalar(select(reach_looks.c.at_ms)) or 0)


def moved_since(connection: Connection, since_ms: int) -> list[int]:
    """The streams whose last row was accepted after then."""
    s, r = streams.c, rows.c
    query = select(s.stream).join(rows, (r.stream == s.stream) & (r.number == s.head)).where(r.at_ms >= since_ms)
    return list(connection.scalars(query))
