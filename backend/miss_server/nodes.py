"""The other nodes and processes on the same database: what they did is looked up, and told at once where hints pass.

The database is the truth, asked twice a second for what few rows say (devices ended, notices) and, where several nodes
may share it, every two seconds for the streams that got rows: a hint only makes that sooner. How far devices have come
is told by hints alone; while they do not pass, and once when they pass again, every device connected here is told anew.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from miss_protocol.frames import Close
from miss_server import devices, journal, streams, turns
from miss_server.database import Database
from miss_server.doorbell import Doorbell
from miss_server.hints import ID_BYTES, Hint, Outward
from miss_server.links import Bells
from miss_server.standings import Standings
from miss_server.streams import Newcomer

if TYPE_CHECKING:
    from miss_server.nats_line import Line

LOOK_SECONDS = 0.5
LOOK_BACK_MS = 10_000
ENDED_BACK_MS = 26 * 3_600_000  # whoever ended a device may have a clock that is a day behind
ASK_SECONDS = 2.0
TELL_SECONDS = 1.0
TOLD_AT_ONCE = 50


class Nodes:
    """What this node hears of the others, and tells them.

    Args:
        bells: of requests that wait for another one, which any node may get.
        line: to the other nodes; None where no NATS server is named.
        now_ms: this machine's clock.
    """

    def __init__(
        self,
        database: Database,
        doorbell: Doorbell,
        standings: Standings,
        bells: Sequence[Bells],
        line: "Line | None",
        now_ms: Callable[[], int],
    ) -> None:
        self._database = database
        self._doorbell = doorbell
        self._standings = standings
        self._bells = bells
        self._line = line
        if line is not None:
            outward = Outward(line)
            doorbell.beyond, standings.beyond = outward, outward.apart
            for bell in bells:
                bell.beyond = outward.look
        self._now_ms = now_ms
        self._look_now = asyncio.Event()
        self._asked_until = 0
        self._news: dict[int, int] = {}
        self._streams: dict[Hint, set[int]] = {Hint.ROSTER: set(), Hint.STANDINGS: set()}
        self._read_now = asyncio.Event()
        self.rounds = 0  # of looking

    # What it hears

    def _joined(self) -> None:
        """Hints pass: whoever logged in here meanwhile is told to the others."""
        if self._doorbell.beyond is not None:
            for device, at in self._doorbell.arrivals():
                self._doorbell.beyond.arrived(device, at)

    def _heard(self, hint: Hint, items: Sequence[bytes]) -> None:
        bell = self._doorbell
        if hint in (Hint.ROWS, Hint.ROSTER):
            for item in items:
                bell.wake(int.from_bytes(item, "big"))
        if hint in self._streams:
            self._streams[hint].update(int.from_bytes(item, "big") for item in items)
            self._read_now.set()
        elif hint is Hint.REACHED:
            self._show_progress(items)
        elif hint is Hint.TYPING:
            for item in items:
                bell.show_typing(int.from_bytes(item[:8], "big"), item[8:24], item[24:])
        elif hint is Hint.ARRIVED:
            for item in items:
                bell.elsewhere(int.from_bytes(item[:8], "big"), int.from_bytes(item[8:], "big"))
        elif hint is Hint.LOOK:
            self._look_now.set()
            for one in self._bells:
                one.ring_all()

    def _show_progress(self, items: Sequence[bytes]) -> None:
        by_stream: dict[tuple[int, bytes], list[tuple[bytes, int]]] = {}
        for item in items:
            stream, stream_id = int.from_bytes(item[:8], "big"), item[8 : 8 + ID_BYTES]
            one = item[8 + ID_BYTES : -8], int.from_bytes(item[-8:], "big")
            by_stream.setdefault((stream, stream_id), []).append(one)
        for (stream, stream_id), reached in by_stream.items():
            self._doorbell.show_progress(stream, stream_id, reached)

    def beside(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """The tasks beside the requests; each runs until it is cancelled."""
        return [self.keep_looking, self.keep_asking, self.keep_hinting, self.keep_reading, self.keep_telling]

    async def keep_hinting(self) -> None:
        if self._line is not None:
            await self._line.keep_talking(self._heard, self._joined)

    async def keep_looking(self) -> None:
        """Closes devices that were ended, within a second, and rings for notices, whichever process wrote them."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look_now.wait(), LOOK_SECONDS)
            self._look_now.clear()
            try:
                await self._look()
            except Exception as error:  # the next look, half a second later, sees the same
                journal.failure("look-failed", error)
            self.rounds += 1

    async def _look(self) -> None:
        now, bell, read = self._now_ms(), self._doorbell, self._database.read
        for stream, number in (await read(streams.noticed_since, now - LOOK_BACK_MS)).items():
            bell.wake(stream, number)
        for device in await read(devices.revoked_since, now - ENDED_BACK_MS):
            bell.close_device(device, Close.REVOKED, "revoked")
        for device in await read(devices.suspended_since, now - ENDED_BACK_MS):
            bell.close_device(device, Close.LOGIN, "suspended")

    async def keep_asking(self) -> None:
        """Which streams got rows: heals what hints lost, and the batch whose COMMIT nobody saw the end of."""
        while True:
            await asyncio.sleep(ASK_SECONDS)
            try:
                asked = await self._database.read(_news, self._asked_until)
            except Exception as error:  # the next question begins where the last good one ended
                journal.failure("question-failed", error)
                continue
            if asked is None:
                return  # nobody else can have written
            self._asked_until, news, newcomers = asked
            for stream, number in news.items():
                if number > self._news.get(stream, 0):
                    self._doorbell.wake(stream, number)
            self._news = news
            self._admit(newcomers)

    async def keep_reading(self) -> None:
        """What a hint says is in the database only: who was added, and who stands apart."""
        while True:
            await self._read_now.wait()
            self._read_now.clear()
            roster, reported = (self._streams[one].copy() for one in (Hint.ROSTER, Hint.STANDINGS))
            for one in self._streams.values():
                one.clear()
            try:
                if roster:
                    self._admit(await self._database.read(streams.newcomers, roster))
                if reported:
                    await self._standings.tell(reported)
            except Exception as error:  # the question finds who was added; where devices stand is said again
                journal.failure("hint-unread", error)

    def _admit(self, newcomers: Sequence[Newcomer]) -> None:
        for one in newcomers:
            self._doorbell.admit(one.device, one.stream, one.stream_id, one.added)

    async def keep_telling(self) -> None:
        """Tells who is connected how far the others are, while hints do not pass and once when they pass again."""
        line, told = self._line, 0
        while line is not None:
            await asyncio.sleep(TELL_SECONDS)
            outages = line.outages
            if line.up and outages == told:
                continue
            try:
                await self._doorbell.tell_all(TOLD_AT_ONCE, TELL_SECONDS)
            except Exception as error:  # the database, say: the next round tells it
                journal.failure("progress-untold", error)
                continue
            if line.up:
                told = outages


def _news(connection: Connection, since: int) -> tuple[int, dict[int, int], list[Newcomer]] | None:
    """(until when this is known, streams and their newest rows since ten seconds before, devices added by them)."""
    if not turns.shared(connection):
        return None
    until = turns.clock(connection)
    since = (since or until) - LOOK_BACK_MS
    return until, streams.rows_since(connection, since), streams.added_since(connection, since)
