"""A device that writes and reads without pause, whatever happens to the nodes: the oracle of messages lost or doubled."""

import asyncio
import os
import time
from collections import Counter

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from miss_protocol.frames import SUBPROTOCOL, Accepted, Acknowledge, Deliver, Gap, Refusal, Refused, Submit, positions
from server.office import Device, Wire, opaque, until

PAUSE_SECONDS = 0.05
IN_FLIGHT_MAX = 4
ANSWER_SECONDS = 20


class Steady:
    """Writes numbered messages, sends again under the same id what was not answered, and keeps what it reads."""

    def __init__(self, device: Device, stream: bytes, port: int, server_id: bytes) -> None:
        self.device = device
        self.stream = stream
        self.port = port
        self.server_id = server_id
        self.waiting: dict[bytes, Submit] = {}
        self.accepted: dict[bytes, int] = {}  # message id → number
        self.rows: dict[int, bytes] = {}  # number → body
        self.ghosts: list[int] = []
        self.closes: Counter[int] = Counter()
        self.logins = 0
        self.writing = True
        self.read_until = 0
        self._said = 0

    async def run(self) -> None:
        """Until everything it wrote is accepted, and everything up to ``read_until`` is read."""
        while not self._is_done():
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    socket = await connect(
                        f"ws://127.0.0.1:{self.port}/v1/socket",
                        subprotocols=[SUBPROTOCOL],
                        compression=None,
                        max_size=None,
                    )
                try:
                    await self._converse(Wire(socket, self.device))
                finally:
                    self.closes[socket.close_code or 0] += 1
                    await socket.close()
            except (OSError, WebSocketException, TimeoutError):
                await asyncio.sleep(PAUSE_SECONDS)

    def _is_done(self) -> bool:
        return (
            not self.writing
            and not self.waiting
            and bool(self.read_until)
            and max(self.rows, default=0) >= self.read_until
        )

    async def _converse(self, wire: Wire) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            await wire.log_in(self.server_id, drained=False)
        self.logins += 1
        for frame in self.waiting.values():
            await wire.say(frame)
        writing = asyncio.create_task(self._write(wire))
        try:
            while not self._is_done():
                try:
                    async with asyncio.timeout(0.5):
                        frame = await wire.any_of(Deliver, Gap, Accepted, Refused)
                except TimeoutError:
                    continue
                await self._take(wire, frame)
        finally:
            writing.cancel()

    async def _write(self, wire: Wire) -> None:
        while True:
            if self.writing and len(self.waiting) < IN_FLIGHT_MAX:
                body = self.device.device_id + self._said.to_bytes(4, "big")
                frame = opaque(self.stream, 1, body, os.urandom(16))
                self._said += 1
                self.waiting[frame.message_id] = frame
                await wire.say(frame)
            await asyncio.sleep(0.01)

    async def _take(self, wire: Wire, frame: object) -> None:
        if isinstance(frame, Accepted):
            self._accepted(frame.message_id, frame.number)
        elif isinstance(frame, Refused):
            assert frame.reason is Refusal.SLOW_DOWN, frame
            await asyncio.sleep(PAUSE_SECONDS)
            if frame.message_id in self.waiting:
                await wire.say(self.waiting[frame.message_id])
        elif isinstance(frame, Gap):
            raise AssertionError(f"rows {frame.first} to {frame.last} are gone")
        elif isinstance(frame, Deliver) and frame.stream == self.stream:
            known = self.rows.setdefault(frame.number, frame.body)
            if known != frame.body:
                self.ghosts.append(frame.number)
            await wire.say(Acknowledge(positions([(frame.stream, frame.number)])))

    def _accepted(self, message_id: bytes, number: int) -> None:
        self.waiting.pop(message_id, None)
        known = self.accepted.setdefault(message_id, number)
        assert known == number, "one id, two numbers"


async def go_on(steady: list[Steady], more: int = 20) -> None:
    """Each of them has so many more messages accepted."""
    said = [len(each.accepted) for each in steady]
    await until("all go on", lambda: all(len(one.accepted) >= n + more for one, n in zip(steady, said, strict=True)))


async def settled(steady: list[Steady], running: list["asyncio.Task[None]"], seconds: float = 120) -> None:
    """No more writing; everybody reads to the end of what was accepted."""
    for one in steady:
        one.writing = False
    until = time.monotonic() + seconds
    while any(one.waiting for one in steady):
        assert time.monotonic() < until, "not everything was accepted"
        await asyncio.sleep(0.05)
    last = max(number for one in steady for number in one.accepted.values())
    for one in steady:
        one.read_until = last
    await asyncio.wait_for(asyncio.gather(*running), seconds)


def check(steady: list[Steady], first: int) -> int:
    """Nothing lost, nothing doubled, in each sender's order, the same for all; how many rows."""
    rows = steady[0].rows
    numbers = {number for one in steady for number in one.accepted.values()}
    for one in steady:
        assert not one.ghosts
        others = {number: body for number, body in one.rows.items() if number >= first}
        assert sorted(others) == list(range(first, one.read_until + 1)), "a number is missing"
        assert set(others) == numbers
    bodies: Counter[bytes] = Counter()
    for one in steady:
        # One's own rows come as ids; what others read of them is their bodies, in the order in which they were written.
        other = next(two for two in steady if two is not one)
        mine = sorted(one.accepted.values())
        said = [other.rows[number][-4:] for number in mine]
        assert said == [n.to_bytes(4, "big") for n in range(len(said))], "lost, doubled or out of order"
        bodies.update(other.rows[number] for number in mine)
    assert rows
    assert max(bodies.values()) == 1
    return len(numbers)
