"""Where this device stands in its conversations' epochs, said to the server: gathered, and again at each login."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from miss_app.engine.conversations import Conversations
from miss_app.engine.lost import Lost
from miss_app.engine.store import StoreFailure
from miss_protocol import limits
from miss_protocol.frames import Report, Reports

GATHER_SECONDS = 0.2


class Standings:
    """What is to be said.

    Args:
        lost: whose threads are lost: it is said that they cannot be followed.
        say: gives a frame to the connection.
    """

    def __init__(self, conversations: Conversations, lost: Lost, say: Callable[[Reports], Awaitable[None]]) -> None:
        self._conversations = conversations
        self._lost = lost
        self._say = say
        self._turned: set[bytes] = set()
        self._online = False
        self._saying: asyncio.Task[None] | None = None

    def resume(self) -> None:
        """The backlog is in: everything is said anew."""
        self._online = True
        for one in self._conversations.standings():
            self.turned(one.stream)

    def pause(self) -> None:
        self._online = False
        self._turned.clear()

    async def stop(self) -> None:
        self.pause()
        if self._saying is not None:
            self._saying.cancel()
            await asyncio.gather(self._saying, return_exceptions=True)

    def turned(self, conversation_id: bytes) -> None:
        """A conversation has a new epoch, or its thread was lost or found."""
        if not self._online:
            return
        self._turned.add(conversation_id)
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say_soon())

    async def _say_soon(self) -> None:
        while self._turned and self._online:
            await asyncio.sleep(GATHER_SECONDS)
            turned, self._turned = self._turned, set()
            try:
                said = [self._word(one) for one in self._conversations.standings() if one.stream in turned]
            except StoreFailure:
                self._turned |= turned  # when the disk answers again
                continue
            for at in range(0, len(said), limits.ACKNOWLEDGE_STREAMS_MAX):
                await self._say(Reports(tuple(said[at : at + limits.ACKNOWLEDGE_STREAMS_MAX])))

    def _word(self, report: Report) -> Report:
        return replace(report, digest=b"") if report.stream in self._lost else report
