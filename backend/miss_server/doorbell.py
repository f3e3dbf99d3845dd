"""Who is connected, and which streams they listen to: tells sockets what was stored, after it was stored.

A bell carries no promise. A socket that cannot take a row at once, or is not sure to have had the one before it, reads
the log instead; so does every socket whose membership a row changes. What happens here is told ``beyond``, to the other
nodes; what they tell is for ``wake``, ``admit``, ``show_progress``, ``show_typing`` and ``elsewhere``.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from typing import Protocol

from miss_protocol.frames import Close, Deliver, Kind, Progress, Typist, encode, positions
from miss_server.conversations import Row, Submission, Taken, Verdict
from miss_server.handshakes import Handshakes

RECENT_ROWS_MAX = 4_096
ELSEWHERE_MAX = 4_096
RETURN_MS_EACH, RETURN_MS_MAX = 4, 60_000  # so that those left take 250 logins a second


class Listener(Protocol):
    """A connected device, as the doorbell sees it."""

    device: int
    device_id: bytes
    arrived_at: int  # microseconds of the database's clock; 0 while it logs in, or where there is one node

    def deliver(self, stream: int, number: int, frame: bytes) -> None:
        """Send this row if it is the next one, else read the log."""

    def catch_up(self, stream: int, number: int = 0) -> None:
        """Read the log of this stream, unless row ``number`` was sent."""

    def admit(self, stream: int, stream_id: bytes, number: int) -> None:
        """Listen to a stream this device was added to by row ``number``."""

    def note(self, frame: bytes) -> None:
        """Send this if there is room; it may be lost."""

    async def say_progress(self) -> None:
        """Say how far the other devices have come, in all streams."""

    def close_soon(self, code: Close, reason: str) -> "asyncio.Task[None]":
        """Close the connection; the task ends when it is closed."""


class Beyond(Protocol):
    """The other nodes, as the doorbell sees them."""

    def row(self, stream: int, *, adds: bool) -> None:
        """A stream got a row, which adds devices or not."""

    def reached(self, stream: int, stream_id: bytes, reached: Sequence[tuple[bytes, int]]) -> None:
        """Devices have come that far."""

    def typing(self, stream: int, stream_id: bytes, device_id: bytes) -> None:
        """Somebody is writing."""

    def arrived(self, device: int, at: int) -> None:
        """A device has logged in."""

    def look(self) -> None:
        """The database says what else has changed: a device was ended, or linked."""


class Doorbell:
    """The sockets of this node.

    Args:
        handshakes: learns which public groups are on disk.
    """

    def __init__(self, handshakes: Handshakes) -> None:
        self._handshakes = handshakes
        self._sockets: dict[int, Listener] = {}
        self._streams: dict[int, set[Listener]] = {}
        self._recent: deque[int] = deque(maxlen=RECENT_ROWS_MAX)
        self._rung = 0
        self._fresh: set[int] = set()
        self._elsewhere: OrderedDict[int, int] = OrderedDict()
        self.beyond: Beyond | None = None

    @property
    def connected(self) -> int:
        """How many devices are connected here."""
        return len(self._sockets)

    def here(self) -> tuple[int, ...]:
        """The devices that are connected here."""
        return tuple(self._sockets)

    @property
    def rung(self) -> int:
        """A count that grows with every row; ``since`` tells what it counted."""
        return self._rung

    def since(self, rung: int) -> set[int] | None:
        """The streams that got rows since ``rung``; None where too many did to remember."""
        missed = self._rung - rung
        if missed > len(self._recent):
            return None
        return set(list(self._recent)[len(self._recent) - missed :])

    def take_fresh(self) -> set[int]:
        """The streams that got rows since this was asked last."""
        fresh, self._fresh = self._fresh, set()
        return fresh

    def connect(self, socket: Listener) -> None:
        """A device has logged in; an older socket of the same device is closed."""
        older = self._sockets.get(socket.device)
        self._sockets[socket.device] = socket
        if older is not None:
            older.close_soon(Close.ELSEWHERE, "elsewhere")

    def arrived(self, socket: Listener) -> None:
        """It is known when this socket logged in: the other nodes close the ones before it."""
        if self.beyond is None or self._sockets.get(socket.device) is not socket:
            return  # one that was replaced here meanwhile closes nobody
        if self._elsewhere.get(socket.device, 0) > socket.arrived_at:
            socket.close_soon(Close.ELSEWHERE, "elsewhere")
        else:
            self.beyond.arrived(socket.device, socket.arrived_at)

    def arrivals(self) -> list[tuple[int, int]]:
        """Who is connected here, since when."""
        return [(one.device, one.arrived_at) for one in self._sockets.values() if one.arrived_at]

    def elsewhere(self, device: int, at: int) -> None:
        """A device has logged in at another node."""
        socket = self._sockets.get(device)
        if socket is None:
            return
        if not socket.arrived_at:  # it is logging in here as well: ``arrived`` judges which came first
            self._elsewhere[device] = at
            while len(self._elsewhere) > ELSEWHERE_MAX:
                self._elsewhere.popitem(last=False)
        elif socket.arrived_at < at:
            socket.close_soon(Close.ELSEWHERE, "elsewhere")

    def disconnect(self, socket: Listener, streams: Iterable[int]) -> None:
        """Forget a socket and what it listened to."""
        if self._sockets.get(socket.device) is socket:
            del self._sockets[socket.device]
        for stream in streams:
            self.leave(stream, socket)

    def join(self, stream: int, socket: Listener) -> None:
        self._streams.setdefault(stream, set()).add(socket)

    def leave(self, stream: int, socket: Listener) -> None:
        listening = self._streams.get(stream)
        if listening is not None:
            listening.discard(socket)
            if not listening:
                del self._streams[stream]

    def ring_log(self, stream: int) -> None:
        """Something was stored in this stream: whoever listens reads the log."""
        self.wake(stream)
        if self.beyond is not None:
            self.beyond.row(stream, adds=False)

    def wake(self, stream: int, number: int = 0) -> None:
        """Another node or process stored something, up to ``number``: who listens here and has not had it reads it."""
        self._count(stream)
        for socket in self._streams.get(stream, ()):
            socket.catch_up(stream, number)

    def admit(self, device: int, stream: int, stream_id: bytes, number: int) -> None:
        """Another node stored a row by which a device was added."""
        socket = self._sockets.get(device)
        if socket is not None and socket not in self._streams.get(stream, ()):
            socket.admit(stream, stream_id, number)

    def committed(self, batch: Sequence[Submission], verdicts: Sequence[Verdict]) -> None:
        """A batch is on disk: answer its senders, then deliver its rows."""
        for submission, verdict in zip(batch, verdicts, strict=True):
            stored = isinstance(verdict, Taken) and verdict.row is not None
            judgement = submission.judgement
            if stored and judgement is not None and judgement.group is not None:
                self._handshakes.publish(submission.frame.stream, judgement.version + 1, judgement.group)
            submission.answer(verdict)
            if isinstance(verdict, Taken) and verdict.row is not None:
                self.ring(verdict.row)

    def ring(self, row: Row) -> None:
        """A row is on disk: whoever is connected and may read it gets it."""
        self._count(row.stream)
        frame, shared = row.frame, b""
        for socket in self._streams.get(row.stream, ()):
            if socket.device in row.removed or socket.device in row.added:
                socket.catch_up(row.stream)
            elif socket.device == row.sender:
                socket.deliver(row.stream, row.number, _deliver(row, Kind.OWN, frame.message_id))
            else:
                shared = shared or _deliver(row, frame.kind, frame.body)
                socket.deliver(row.stream, row.number, shared)
        for device in row.added:
            newcomer = self._sockets.get(device)
            if newcomer is not None:
                newcomer.admit(row.stream, frame.stream, row.number)
        if self.beyond is not None:
            self.beyond.row(row.stream, adds=bool(row.added))

    def _count(self, stream: int) -> None:
        self._rung += 1
        self._recent.append(stream)
        self._fresh.add(stream)

    def progress(self, stream: int, stream_id: bytes, reached: Sequence[tuple[bytes, int]]) -> None:
        """Tells the members that are connected, to any node, how far other devices have come."""
        self.show_progress(stream, stream_id, reached)
        if self.beyond is not None:
            self.beyond.reached(stream, stream_id, reached)

    def show_progress(self, stream: int, stream_id: bytes, reached: Sequence[tuple[bytes, int]]) -> None:
        """Tells it to the members that are connected here."""
        shared = b""
        for socket in self._streams.get(stream, ()):
            if any(device_id == socket.device_id for device_id, _ in reached):
                others = [one for one in reached if one[0] != socket.device_id]
                if others:
                    socket.note(encode(Progress(stream_id, positions(others))))
            else:
                shared = shared or encode(Progress(stream_id, positions(reached)))
                socket.note(shared)

    async def dismiss(self) -> None:
        """Closes every connection, for this node stops; says in how many ms, by chance, each is to come back.

        Who is connected to a node that was killed comes back by a chance of its own.
        """
        spread = min(RETURN_MS_MAX, len(self._sockets) * RETURN_MS_EACH)
        closing = [socket.close_soon(Close.RESTART, f"restart {spread}") for socket in list(self._sockets.values())]
        if closing:
            await asyncio.wait(closing)

    async def tell_all(self, at_once: int, pause_seconds: float) -> None:
        """Tells everybody who is connected here how far the others are, some at a time."""
        sockets = list(self._sockets.values())
        for at in range(0, len(sockets), at_once):
            for socket in sockets[at : at + at_once]:
                await socket.say_progress()
            if at + at_once < len(sockets):
                await asyncio.sleep(pause_seconds)

    def typing(self, typist: Listener, stream: int, stream_id: bytes) -> None:
        """Tells the members that are connected, to any node, that somebody is writing."""
        self.show_typing(stream, stream_id, typist.device_id)
        if self.beyond is not None:
            self.beyond.typing(stream, stream_id, typist.device_id)

    def show_typing(self, stream: int, stream_id: bytes, device_id: bytes) -> None:
        """Tells it to the members that are connected here."""
        frame = encode(Typist(stream_id, device_id))
        for socket in self._streams.get(stream, ()):
            if socket.device_id != device_id:
                socket.note(frame)

    def note(self, device: int, frame: bytes) -> None:
        """Tells a device something that may be lost, where it is connected here."""
        socket = self._sockets.get(device)
        if socket is not None:
            socket.note(frame)

    def ended(self, device: int, code: Close, reason: str) -> None:
        """A device was ended: its connection is closed, whichever node it is at."""
        self.close_device(device, code, reason)
        if self.beyond is not None:
            self.beyond.look()

    def close_device(self, device: int, code: Close, reason: str) -> None:
        """Closes a device's connection, where it has one here."""
        socket = self._sockets.get(device)
        if socket is not None:
            socket.close_soon(code, reason)


def _deliver(row: Row, kind: Kind, body: bytes) -> bytes:
    frame = row.frame
    return encode(Deliver(frame.stream, row.number, kind, frame.priority, row.at_ms, frame.epoch, body))
