"""Forgets on time: rows every reader has passed, whatever is too old, and what was made for ten minutes.

Of several nodes one has this duty; each says for itself who is connected to it.

An application row goes when every device in whose interval it lies has passed it, or by age; a handshake only when
every such device has passed it, because who comes back must be able to follow. Claims outlive their rows by 30 days.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from time import monotonic

from sqlalchemy import Connection, delete, func, select, text, update

from miss_protocol.frames import Kind
from miss_server import devices, forgetting, journal, ldap_imports, ldap_settings, undelivered
from miss_server.blobs import PARTS_KEPT_MS, Storage
from miss_server.config import Settings
from miss_server.database import Database, Duty
from miss_server.meters import Meters
from miss_server.tables import claims, rows, streams, welcomes
from miss_server.tables import devices as devices_table

DAY_MS = 86_400_000
ROUND_SECONDS = 3_600
DUTY_SECONDS = 30  # until a node notices that it is its turn
CLAIMS_OUTLIVE_DAYS = 30
TURN_SECONDS = 0.02  # of the writer's time at once
SHARE = 0.1  # of the writer's time at most: a round must not be felt, least of all while everybody comes back


class Caretaker:
    """Makes a round every hour.

    Args:
        now_ms: the clock.
        here: which devices are connected now: who stays connected for days is seen all the time.
        meters: told when a round was made.
        duty: whether this node is the one that forgets.
    """

    def __init__(
        self,
        database: Database,
        blobs: Storage,
        settings: Settings,
        now_ms: Callable[[], int],
        here: Callable[[], Iterable[int]] = tuple,
        meters: Meters | None = None,
        duty: Duty | None = None,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._settings = settings
        self._directories = ldap_settings.of(settings)
        self._now_ms = now_ms
        self._here = here
        self._meters = meters
        self._duty = duty or Duty()

    async def keep_forgetting(self) -> None:
        """Runs until it is cancelled."""
        seen = forgot = -float(ROUND_SECONDS)
        while True:
            now = monotonic()
            try:
                if now - seen >= ROUND_SECONDS:
                    seen = now
                    await self._see()
                if not await asyncio.to_thread(self._duty.held):
                    self._noted()  # another node makes the rounds
                elif now - forgot >= ROUND_SECONDS:
                    forgot = now
                    await self.go_round()
            except Exception as error:  # a full disk, say: the next round tries again
                journal.failure("round-failed", error)
            await asyncio.sleep(DUTY_SECONDS)

    def _noted(self) -> None:
        if self._meters is not None:
            self._meters.rounded_at = self._now_ms() / 1000

    async def _see(self) -> None:
        await self._database.run(devices.seen, dict.fromkeys(sorted(self._here()), self._now_ms()))

    async def go_round(self) -> None:
        """One round, in many short transactions."""
        now, database = self._now_ms(), self._database
        keep_ms = self._settings.keep_messages_days * DAY_MS
        await self._see()
        claims_before = now - keep_ms - CLAIMS_OUTLIVE_DAYS * DAY_MS
        forgotten = await self._in_turns(_all_streams, lambda c, stream: forget_rows(c, stream, now - keep_ms, now))
        await self._in_turns(_all_devices, lambda c, device: forget_claims(c, device, claims_before))
        await database.run(forgetting.forget_small, now)
        await ldap_imports.go_round(database, self._directories, now)
        photos_before = now - self._settings.keep_photos_days * DAY_MS
        photos = await asyncio.to_thread(self._blobs.forget, photos_before, now - PARTS_KEPT_MS)
        self._noted()
        journal.write("round-made", rows=forgotten, photos=photos)

    async def _in_turns(
        self, everything: Callable[[Connection], list[int]], forget: Callable[[Connection, int], int]
    ) -> int:
        """Forgets of one after the other, a few in each transaction; returns how much it was in all."""
        waiting, forgotten = deque(await self._database.read(everything)), 0
        while waiting:
            count, seconds = await self._database.run(_one_turn, waiting, forget)
            forgotten += count
            if waiting:
                await asyncio.sleep(seconds * (1 / SHARE - 1))
        return forgotten


def _one_turn(
    connection: Connection, waiting: deque[int], forget: Callable[[Connection, int], int]
) -> tuple[int, float]:
    """(how much was forgotten, in how many seconds); whatever was done is no more among what waits."""
    begun, forgotten = monotonic(), 0
    while waiting:
        forgotten += forget(connection, waiting.popleft())
        if monotonic() - begun >= TURN_SECONDS:
            break
    return forgotten, monotonic() - begun


def forget_rows(connection: Connection, stream: int, before_ms: int, now_ms: int) -> int:
    """Forgets what every reader of a stream has passed, and application rows from before then; returns how many.

    Who wrote what somebody never got is told in the same transaction, and so is who never got it.
    """
    passed = connection.execute(_PASSED, {"stream": stream}).scalar()
    if passed is None:  # there is no reader left
        passed = connection.execute(select(streams.c.head).where(streams.c.stream == stream)).scalar_one()
    r = rows.c
    read = delete(rows).where(r.stream == stream, r.number <= passed)
    forgotten = connection.execute(read).rowcount
    connection.execute(delete(welcomes).where(welcomes.c.stream == stream, welcomes.c.number <= passed))
    perishable = (int(Kind.APPLICATION), int(Kind.NOTICE))
    undelivered.tell(connection, stream, before_ms, now_ms)
    old = delete(rows).where(r.stream == stream, r.kind.in_(perishable), r.at_ms < before_ms)
    forgotten += connection.execute(old).rowcount
    kept = select(func.coalesce(func.sum(func.length(r.body)), 0)).where(r.stream == stream).scalar_subquery()
    s = streams.c
    connection.execute(update(streams).where(s.stream == stream, s.kept_bytes != kept).values(kept_bytes=kept))
    return forgotten


# How far the slowest device is of those that have still something to read: members, and who was removed but has not
# come back to read why. Nobody reads what came before its own adding; a revoked device reads nothing any more.
_PASSED = text(
    "SELECT min(CASE WHEN coalesce(c.number, 0) < m.added - 1 THEN m.added - 1 ELSE coalesce(c.number, 0) END) "
    "FROM memberships m JOIN devices d ON d.device = m.device AND d.revoked_at_ms IS NULL "
    "LEFT JOIN cursors c ON c.stream = m.stream AND c.device = m.device "
    "WHERE m.stream = :stream AND (m.removed IS NULL OR m.removed > coalesce(c.number, 0))"
)


def forget_claims(connection: Connection, device: int, before_ms: int) -> int:
    """Forgets a device's claims from before then; returns how many."""
    return connection.execute(delete(claims).where(claims.c.device == device, claims.c.at_ms < before_ms)).rowcount


def _all_streams(connection: Connection) -> list[int]:
    return list(connection.scalars(select(streams.c.stream)))


def _all_devices(connection: Connection) -> list[int]:
    return list(connection.scalars(select(devices_table.c.device)))
