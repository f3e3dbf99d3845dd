"""A hostile network between devices and a server: delays, doubles, swaps and stalls messages, cuts in mid-frame.

Websocket messages are told apart, so that a fault hits a known operation: a Submit on its way up, an Accepted or a Deliver
on its way down. Messages are swapped downwards only, and never before the login is over: no network that carries TCP
reorders, but a client must not lose anything by it either.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from miss_protocol.frames import Accepted, Deliver, Submit

UP, DOWN = "up", "down"
KINDS = ("delay", "double", "swap", "stall", "cut", "halve")
UNDISTURBED = 2  # messages each way before the first fault: Challenge and Ready, Login
BINARY = 0x82
_IN_FLIGHT = {one.TYPE.to_bytes(2, "big") for one in (Submit, Accepted, Deliver)}
_CUT = (OSError, asyncio.IncompleteReadError)


@dataclass(frozen=True)
class Weather:
    """How often each fault comes: chances of a message, between 0 and 1."""

    delay: float = 0.0
    double: float = 0.0
    swap: float = 0.0
    stall: float = 0.0
    cut: float = 0.0
    halve: float = 0.0

    def draw(self, chance: Random) -> str:
        """One fault, or "" where this message passes."""
        number = chance.random()
        for kind in KINDS:
            number -= getattr(self, kind)
            if number < 0:
                return kind
        return ""


CALM = Weather()


class Meddler:
    """Forwards a port of its own to whatever ``target`` says at that moment.

    Args:
        target: the address of a server.
        chance: decides, from a seed.
        weather: may be changed while it runs.
    """

    def __init__(self, target: Callable[[], tuple[str, int]], chance: Random, weather: Weather = CALM) -> None:
        self._target = target
        self._chance = chance
        self.weather = weather
        self.faults: Counter[str] = Counter()  # all
        self.hits: Counter[str] = Counter()  # of an operation in flight
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Takes connections; returns the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=4_096)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _accept(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        try:
            far, to_far = await asyncio.open_connection(*self._target())
        except OSError:
            to_near.transport.abort()
            return
        self.connections += 1
        line = _Line(self, self._chance, (to_near, to_far))
        try:
            head = await near.readuntil(b"\r\n\r\n")
            to_far.write(head)
            if b"upgrade: websocket" not in head.lower():
                await asyncio.gather(_pour(near, to_far), _pour(far, to_near))
                return
            answer = await far.readuntil(b"\r\n\r\n")
            to_near.write(answer)
            await asyncio.gather(line.carry(near, to_far, UP), line.carry(far, to_near, DOWN))
        except (*_CUT, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # cut, or the play is over
        finally:
            line.abort()

    def noted(self, kind: str, in_flight: bool) -> None:
        self.faults[kind] += 1
        if in_flight:
            self.hits[kind] += 1


class _Line:
    """One websocket through the hostile network."""

    def __init__(self, meddler: Meddler, chance: Random, ends: tuple[asyncio.StreamWriter, ...]) -> None:
        self._meddler = meddler
        self._chance = chance
        self._ends = ends

    def abort(self) -> None:
        for end in self._ends:
            end.transport.abort()

    async def carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: str) -> None:
        """Message after message, one way, until an end is gone."""
        held: bytes | None = None
        count = 0
        try:
            while True:
                waiting = None if held is None else 0.05
                try:
                    async with asyncio.timeout(waiting):
                        message, payload = await _read(source)
                except TimeoutError:  # nothing came to swap with
                    sink.write(held or b"")
                    held = None
                    continue
                count += 1
                fault = "" if count <= UNDISTURBED or message[0] != BINARY else self._draw(way)
                if fault:
                    self._meddler.noted(fault, payload[:2] in _IN_FLIGHT)
                if fault == "swap" and held is None:
                    held = message
                    continue
                if not await self._pass(sink, message, fault):
                    return
                if held is not None:
                    sink.write(held)
                    held = None
                await sink.drain()
        except _CUT:
            self.abort()

    def _draw(self, way: str) -> str:
        fault = self._meddler.weather.draw(self._chance)
        return "delay" if fault == "swap" and way == UP else fault

    async def _pass(self, sink: asyncio.StreamWriter, message: bytes, fault: str) -> bool:
        """Sends one message with its fault; False where the line is dead by it."""
        if fault == "delay":
            await asyncio.sleep(self._chance.random() * 0.1)
        elif fault == "stall":
            await asyncio.sleep(0.5 + self._chance.random())
        elif fault == "double":
            sink.write(message)
        elif fault == "cut":
            sink.write(message[: self._chance.randrange(len(message))])
            await asyncio.sleep(0)
            self.abort()
            return False
        elif fault == "halve":  # one side hears no more, and does not know
            sink.write_eof()
            await asyncio.sleep(self._chance.random())
            self.abort()
            return False
        sink.write(message)
        return True


async def _read(source: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One websocket frame, whole, and the first bytes of its payload in the clear, RFC 6455 section 5.2."""
    head = await source.readexactly(2)
    length, masked = head[1] & 0x7F, head[1] & 0x80
    if length == 126:
        more = await source.readexactly(2)
        length = int.from_bytes(more, "big")
    elif length == 127:
        more = await source.readexactly(8)
        length = int.from_bytes(more, "big")
    else:
        more = b""
    mask = await source.readexactly(4) if masked else b""
    payload = await source.readexactly(length)
    clear = bytes(one ^ key for one, key in zip(payload[:4], mask, strict=False)) if masked else payload[:4]
    return head + more + mask + payload, clear


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.transport.abort()
