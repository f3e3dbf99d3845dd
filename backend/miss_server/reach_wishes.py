"""How a person wishes to be reached while their app is closed: their quiet hours, and whether a mail may tell them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from miss_server.bulk import insert_missing
from miss_server.reach_tables import reach_wishes

MINUTE_MS = 60_000
DAY_MINUTES = 1_440
OFFSET_MINUTES_MAX = 14 * 60


@dataclass(frozen=True)
class ReachWishes:
    """One person's. ``quiet_from``, ``quiet_until``: minutes after their midnight; equal, there are no quiet hours."""

    quiet_from: int = 0
    quiet_until: int = 0
    offset_minutes: int = 0
    mails: bool = True

    def quiet_until_ms(self, now_ms: int) -> int:
        """When the quiet hours end that it is in now; 0 outside of them."""
        minute_now = (now_ms // MINUTE_MS + self.offset_minutes) % DAY_MINUTES
        length = (self.quiet_until - self.quiet_from) % DAY_MINUTES
        since = (minute_now - self.quiet_from) % DAY_MINUTES
        if since >= length:
            return 0
        return (now_ms // MINUTE_MS + length - since) * MINUTE_MS


def of_person(connection: Connection, person_id: bytes) -> ReachWishes:
    """What a person wishes."""
    return of_people(connection, [person_id]).get(person_id, ReachWishes())


def of_people(connection: Connection, person_ids: Iterable[bytes]) -> dict[bytes, ReachWishes]:
    """What these people wish; who never said anything is left out."""
    w = reach_wishes.c
    query = select(w.person_id, w.quiet_from, w.quiet_until, w.offset_minutes, w.mails)
    found = connection.execute(query.where(w.person_id.in_(list(person_ids)))).all()
    return {bytes(who): ReachWishes(start, end, offset, bool(mails)) for who, start, end, offset, mails in found}


def keep(connection: Connection, person_id: bytes, wanted: ReachWishes, now_ms: int) -> None:
    """From now on the person wishes this."""
    values = {
        "quiet_from": wanted.quiet_from,
        "quiet_until": wanted.quiet_until,
        "offset_minutes": wanted.offset_minutes,
        "mails": wanted.mails,
        "changed_at_ms": now_ms,
    }
    insert_missing(connection, reach_wishes, [{"person_id": person_id, **values}])
    connection.execute(reach_wishes.update().where(reach_wishes.c.person_id == person_id).values(values))
