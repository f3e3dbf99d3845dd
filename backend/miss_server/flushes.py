"""What every socket has to say at the end of one turn of the event loop."""

import asyncio
from collections.abc import Callable

from miss_server import journal


class Flushes:
    """The sockets that have something to say in this turn of the loop: waking the loop once for all is cheaper."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []

    def add(self, flush: Callable[[], None]) -> None:
        """Calls it at the end of this turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._run)
        self._waiting.append(flush)

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        for flush in waiting:
            try:
                flush()
            except Exception as error:  # of one connection, which comes back: the others have their turn
                journal.failure("flush-failed", error)
