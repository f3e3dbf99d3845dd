"""A pursuit: work beside everything else, done until none is left, taken up again at news or after a while.

Its waits are never ``asyncio.wait_for``: in Python 3.11 that swallows a cancellation which comes with the news, and who
stops the pursuit would wait for ever.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

RETRY_SECONDS_MIN, RETRY_SECONDS_MAX = 1.0, 60.0


async def news_within(news: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
        return True
    return False


class Pursuit:
    """One such work.

    Args:
        work: does all there is to do and returns; it calls ``begin`` before it looks, and ``rest`` where it must wait.
    """

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._running: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    def resume(self) -> None:
        """There is something to do, or something has changed."""
        self._news.set()
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self._work()

    async def stop(self) -> None:
        """End it where it is; what it has written down is gone on with another time."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def begin(self) -> None:
        """A look at what there is: news from now on end the next rest."""
        self._news.clear()

    async def rest(self, seconds: float) -> bool:
        """Wait for news, at most so long; whether there are any."""
        return await news_within(self._news, seconds)
