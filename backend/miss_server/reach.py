"""Reaches who is not connected: looks through what moved, sends the pushes that wait, and the mails that are due.

Of several nodes one has this duty; the others tell it which streams got rows.
"""

import asyncio
from collections.abc import Callable
from time import time

from sqlalchemy import Connection

from miss_server import journal, unread, unread_mail, wakeups
from miss_server.database import Database, Duty
from miss_server.doorbell import Doorbell
from miss_server.mail import Mail
from miss_server.meters import Meters
from miss_server.reach_settings import ReachSettings
from miss_server.wakeups import Push
from miss_server.web_push import Sender

ROUND_SECONDS = 1.0
NOTE_MS = 30_000
AT_ONCE = 20
NOT_MAILED_AGAIN_MS = 600_000
LOOKED_BACK_MS = 3_600_000


class Reach:
    """Makes a round every second.

    Args:
        sender: wakes devices.
        now_ms: the clock.
        duty: whether this node is the one that reaches.
        meters: told what came of it.
    """

    def __init__(
        self,
        database: Database,
        doorbell: Doorbell,
        sender: Sender,
        mail: Mail,
        settings: ReachSettings,
        now_ms: Callable[[], int],
        duty: Duty | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._duty = duty or Duty()
        self._meters = meters
        self._database = database
        self._doorbell = doorbell
        self._sender = sender
        self._mail = mail
        self._settings = settings
        self._now_ms = now_ms
        self._recent: set[int] = set()  # moved in the last second or two: their readers are given that time
        self._moved: set[int] = set()  # moved since the unread ones were noted
        self._noted_ms = 0

    async def keep_reaching(self) -> None:
        """Runs until it is cancelled."""
        caught_up = False
        while True:
            try:
                if not await asyncio.to_thread(self._duty.held):
                    self._doorbell.take_fresh()  # the node whose duty it is hears of the same
                    caught_up = False
                else:
                    if not caught_up:
                        await self._catch_up()
                        caught_up = True
                    await self.go_round()
                if self._meters is not None:
                    self._meters.reached_at = time()
            except Exception as error:  # a full disk, say: the next round tries again
                journal.failure("reach-failed", error)
            await asyncio.sleep(ROUND_SECONDS)

    async def _catch_up(self) -> None:
        """What moved while nobody looked: before a restart, or while the server was away."""
        now = self._now_ms()
        since = await self._database.read(wakeups.looked_until) or now - LOOKED_BACK_MS
        self._recent |= set(await self._database.read(wakeups.moved_since, since))

    async def go_round(self) -> None:
        """One round."""
        database, now = self._database, self._now_ms()
        recent, self._recent = self._recent, self._doorbell.take_fresh()
        self._moved |= recent
        try:
            anybody = await database.read(wakeups.anybody_registered) if recent else False
            if anybody:
                await database.run(wakeups.queue, sorted(recent), now)
            if now - self._noted_ms >= NOTE_MS:
                await self._note(now)
        except BaseException:
            self._recent |= recent
            raise
        await self._push(now)

    async def _note(self, now: int) -> None:
        """What may be unread, and up to when everything was looked at; then the mails that are due."""
        moved, self._moved = self._moved, set()
        try:
            await self._database.run(_note, sorted(moved), now, self._settings)
        except BaseException:
            self._moved |= moved
            raise
        self._noted_ms = now
        for letter in await self._database.run(unread.letters, now, self._settings.unread):
            sent = await self._mail.hand_over(unread_mail.compose(letter.address, self._mail.sender), "unread")
            if self._meters is not None:
                self._meters.mailed["sent" if sent else "failed"] += 1
            if not sent:
                await self._database.run(unread.not_mailed, letter, now + NOT_MAILED_AGAIN_MS)

    async def _push(self, now: int) -> None:
        if not await self._database.read(wakeups.due, now):
            return
        pushes = await self._database.run(wakeups.claim, now)
        room = asyncio.Semaphore(AT_ONCE)

        async def send(push: Push) -> str:
            async with room:
                answer = await self._sender.wake(push.endpoint, push.priority, now)
            await self._database.run(wakeups.settle, push, answer, now)
            if self._meters is not None:
                self._meters.pushed[str(answer.outcome)] += 1
            return str(answer.outcome)

        outcomes = await asyncio.gather(*map(send, pushes))
        if outcomes:
            journal.write("pushed", **{one: outcomes.count(one) for one in sorted(set(outcomes))})


def _note(connection: Connection, moved: list[int], now_ms: int, settings: ReachSettings) -> None:
    unread.note(connection, moved, now_ms, settings.unread)
    wakeups.looked(connection, now_ms - NOTE_MS)
