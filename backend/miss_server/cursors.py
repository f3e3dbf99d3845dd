"""How far devices have come, gathered in memory and written together; only forward, never at the cost of a message."""

import asyncio
from collections.abc import Callable

from sqlalchemy import Connection

from miss_server import devices, journal, streams
from miss_server.database import Database
from miss_server.doorbell import Doorbell

FLUSH_SECONDS = 0.2


class Cursors:
    """The cursors that moved since they were last written.

    Args:
        now_ms: the clock.
    """

    def __init__(self, database: Database, doorbell: Doorbell, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._doorbell = doorbell
        self._now_ms = now_ms
        self._moved: dict[tuple[int, int], tuple[int, bytes, bytes]] = {}
        self._writing: dict[tuple[int, int], tuple[int, bytes, bytes]] = {}
        self._seen: dict[int, int] = {}
        self._attended: dict[int, int] = {}

    def move(self, device: int, device_id: bytes, stream: int, stream_id: bytes, number: int) -> None:
        """A device has stored everything of a stream up to this number."""
        known = self._moved.get((device, stream))
        if known is None or known[0] < number:
            self._moved[device, stream] = (number, device_id, stream_id)

    def seen(self, device: int) -> None:
        """A device is connected, or was until now."""
        self._seen[device] = self._now_ms()

    def attended(self, device: int) -> None:
        """Somebody is in front of a device, and of what it has stored."""
        self._attended[device] = self._now_ms()

    def at_least(self, device: int, stream: int, number: int) -> int:
        """The cursor on disk, or the one that is not there yet."""
        for waiting in (self._moved, self._writing):
            moved = waiting.get((device, stream))
            if moved is not None and moved[0] > number:
                number = moved[0]
        return number

    async def flush(self) -> None:
        """Writes what moved, then tells the members who are connected."""
        if not self._moved and not self._seen and not self._attended:
            return
        self._writing, self._moved = self._moved, {}
        seen, self._seen = self._seen, {}
        attended, self._attended = self._attended, {}
        try:
            await self._database.run(_write, self._writing, seen, attended)
        except Exception as error:  # a full disk, say: what moved is kept for the next round, messages go on
            journal.failure("cursors-unwritten", error)
            self._moved = {**self._writing, **self._moved}
            self._attended = {**attended, **self._attended}
        by_stream: dict[tuple[int, bytes], list[tuple[bytes, int]]] = {}
        for (_, stream), (number, device_id, stream_id) in self._writing.items():
            by_stream.setdefault((stream, stream_id), []).append((device_id, number))
        self._writing = {}
        for (stream, stream_id), reached in by_stream.items():
            self._doorbell.progress(stream, stream_id, reached)

    async def keep_flushing(self) -> None:
        """Runs until it is cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()


def _write(
    connection: Connection,
    moved: dict[tuple[int, int], tuple[int, bytes, bytes]],
    seen: dict[int, int],
    attended: dict[int, int],
) -> None:
    reached = ((device, stream, number) for (device, stream), (number, _, _) in moved.items())
    streams.move_cursors(connection, reached)
    devices.seen(connection, seen)
    devices.attended(connection, attended)
