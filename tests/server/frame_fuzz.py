"""Damaged websocket frames against a server that runs: each is answered or closed with a reason, and others go on.

From a seed. What is sent is made of frames that a client could say: bits flipped, bytes cut, put in and repeated, numbers
made huge, frames of one kind with the bodies of another; before a login, after it, and below it, in the websocket's own
framing and in the request that opens it. Beside it a witness writes to a colleague: every row must arrive.
"""

import asyncio
import os
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from websockets.exceptions import ConnectionClosed

from miss_protocol.frames import (
    SUBPROTOCOL,
    Accepted,
    Acknowledge,
    Attended,
    Challenge,
    Class,
    Deliver,
    Gap,
    Kind,
    Login,
    Report,
    Reports,
    Submit,
    Ticket,
    TicketPlease,
    Typing,
    decode,
    encode,
    positions,
)
from miss_protocol.mls.codec import varint
from mls.mutations import damaged
from server.office import Circle, Device, Office, Wire, login, make_circle, opaque

PLEASE = encode(TicketPlease())
WAIT_SECONDS_MAX = 20.0
WITNESS_EVERY = 25
ALONE = 40  # inputs on one socket, at most
ACTS = ("flip", "cut", "insert", "repeat", "number")
# How a connection may end: RFC 6455's own codes for what is no websocket, and ours (``frames.Close``).
CODES = {1000, 1002, 1003, 1007, 1009, 4400, 4401, 4406}


@dataclass
class Findings:
    """What should not have happened, and how the rest ended."""

    wrong: list[str] = field(default_factory=list)
    inputs: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    witnessed: int = 0


class Fuzzer:
    """Somebody with a certified device who sends what they like.

    Args:
        office: a server that runs, or the means to enrol devices in one that runs beside.
        port: where it listens.
    """

    def __init__(self, office: Office, port: int, seed: int) -> None:
        self._office = office
        self._port = port
        self._chance = Random(seed)
        self.findings = Findings()

    async def run(self, inputs: int) -> Findings:
        """So many damaged inputs; what came of them."""
        rogue, camille, hugo = (self._office.device() for _ in range(3))
        async with self._office.wire(camille) as writer, self._office.wire(hugo) as reader:
            circle = await make_circle(self._office, writer, hugo, rogue)
            await reader.rows(1, circle.stream)
            corpus = self._corpus(circle, rogue)
            while (done := self.findings.inputs.total()) < inputs and not self.findings.wrong:
                kind = self._chance.choices(("open", "login", "framing", "request"), (5, 4, 4, 3))[0]
                await self._attack(kind, corpus, rogue)
                if done // WITNESS_EVERY > self.findings.witnessed:
                    await self._witness(writer, reader, circle)
        return self.findings

    # What is sent

    def _corpus(self, circle: Circle, rogue: Device) -> list[bytes]:
        """Whole frames to begin with, of every kind that a client may say."""
        stream, other = circle.stream, os.urandom(16)
        own = Circle(self._office, rogue, [rogue.person_id])
        frames = [
            opaque(stream, circle.group.epoch, b"x" * 40),
            opaque(other, 1),
            own.creation(),
            own.committing()[0],
            Submit(os.urandom(16), stream, Kind.PROPOSAL, Class.SILENT, 1, b"\0\1\0\1" + os.urandom(60)),
            Submit(os.urandom(16), stream, Kind.COMMIT, Class.SILENT, 1, os.urandom(200), b"w" * 30, b"g" * 30),
            Submit(os.urandom(16), stream, Kind.RESET, Class.SILENT, 1, os.urandom(80)),
            Acknowledge(positions([(stream, 1)])),
            Reports((Report(stream, 0, 1, os.urandom(8)),)),
            Typing(stream),
            Attended(),
            TicketPlease(),
        ]
        return [encode(one) for one in frames]

    def _damage(self, data: bytes) -> bytes:
        chance = self._chance
        count = chance.choice((0, 1, 1, 1, 2, 3, 6))
        return damaged(data, [(chance.choice(ACTS), chance.random(), chance.randrange(1, 256)) for _ in range(count)])

    def _message(self, corpus: list[bytes]) -> bytes:
        chance = self._chance
        match chance.randrange(10):
            case 0:
                return chance.randbytes(chance.randrange(64))
            case 1:  # many frames, one of them damaged
                parts = [chance.choice(corpus) for _ in range(chance.randrange(2, 30))]
                parts[chance.randrange(len(parts))] = self._damage(chance.choice(corpus))
                return b"".join(parts)
            case 2:  # the body of one kind under the type of another
                kind = chance.choice((0x8001, 0x8002, 0x8003, *range(0x8010, 0x8020), chance.randrange(1 << 16)))
                body = chance.choice(corpus)[chance.randrange(2, 6) :]
                return kind.to_bytes(2, "big") + varint(len(body)) + body
            case 3:  # a length beyond everything
                return chance.choice(corpus)[:2] + chance.choice((b"\xbf\xff\xff\xff", b"\x7f\xff", b"\xff" * 9))
            case 4:
                return chance.choice(corpus) * chance.randrange(1, 200)
        return self._damage(chance.choice(corpus))

    # How

    async def _attack(self, kind: str, corpus: list[bytes], rogue: Device) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                if kind == "open":
                    await self._after_login(corpus, rogue)
                elif kind == "login":
                    await self._before_login(rogue)
                elif kind == "framing":
                    await self._below()
                else:
                    await self._no_request()
        except TimeoutError:
            self.findings.wrong.append(f"{kind}: no answer and no end")

    async def _after_login(self, corpus: list[bytes], rogue: Device) -> None:
        wire = await self._office.dial(rogue, drained=False)
        message = b""
        try:
            for _ in range(self._chance.randrange(1, ALONE)):
                self.findings.inputs["open"] += 1
                message = self._message(corpus)
                await wire.websocket.send(message)
                await wire.websocket.send(PLEASE)
                while not _holds_ticket(data := await wire.websocket.recv()):
                    await self._acknowledge(wire, data)
        except ConnectionClosed:
            self._ended(wire.websocket.close_code, wire.websocket.close_reason, message)
        await wire.close()

    async def _acknowledge(self, wire: Wire, data: bytes | str) -> None:
        """Rows are read, so that the window stays open."""
        assert isinstance(data, bytes), "the server says bytes only"
        for frame in decode(data):
            if isinstance(frame, Deliver | Gap):
                await wire.acknowledge(frame)

    async def _before_login(self, rogue: Device) -> None:
        self.findings.inputs["login"] += 1
        websocket = await self._office.raw()
        said = b""
        try:
            [challenge] = decode(await websocket.recv())
            assert isinstance(challenge, Challenge)
            good = login(rogue, challenge)
            said = self._damage(
                encode(self._chance.choice((good, Login(os.urandom(16), good.nonce, 1, good.signature))))
            )
            await websocket.send(said)
            await websocket.send(PLEASE)
            while True:
                if _holds_ticket(await websocket.recv()):
                    break  # nothing was damaged
        except ConnectionClosed:
            self._ended(websocket.close_code, websocket.close_reason, said)
        await websocket.close()

    async def _below(self) -> None:
        """Below the messages: RFC 6455's framing broken."""
        self.findings.inputs["framing"] += 1
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(_upgrade())
            await reader.readuntil(b"\r\n\r\n")
            data = self._broken_framing()
            writer.write(data)
            code, reason = await _close_of(reader)
            self._ended(code, reason, data)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.findings.ends["dropped"] += 1  # it was left without a word: it was no websocket any more
        finally:
            writer.transport.abort()

    def _broken_framing(self) -> bytes:
        chance = self._chance
        mask = bytes(4)
        match chance.randrange(9):
            case 0:  # reserved bits and opcodes that are none
                return bytes((chance.choice((0xC2, 0xA2, 0x92, 0x83, 0x8B, 0x8F)), 0x84)) + mask + b"abcd"
            case 1:  # not masked
                return b"\x82\x04abcd"
            case 2:  # a control frame that is too long, or in pieces
                return chance.choice((b"\x89\xfe\x00\x7e" + mask + bytes(126), b"\x09\x80" + mask))
            case 3:  # text that is no UTF-8
                return b"\x81\x84" + mask + b"\xff\xfe\xc0\x80"
            case 4:  # longer than everything
                return b"\x82\xff" + chance.choice((b"\x7f", b"\xff")) + b"\xff" * 7 + mask
            case 5:  # pieces without end
                return b"\x02\xfe\xff\xff" + mask + bytes(65_535) + (b"\x00\xfe\xff\xff" + mask + bytes(65_535)) * 40
            case 6:  # pings without end, then a close that says what no peer may say
                return (b"\x89\x80" + mask) * chance.randrange(1, 2_000) + b"\x88\x82" + mask + b"\x03\xed"
            case 7:  # a close with half a code
                return b"\x88\x81" + mask + b"\x03"
        return b"\x82\x84" + mask + chance.randbytes(4) + b"\x88\x80" + mask

    async def _no_request(self) -> None:
        """What is no request to open a websocket."""
        self.findings.inputs["request"] += 1
        chance = self._chance
        good = _upgrade()
        head = chance.choice(
            (
                damaged(good, [(chance.choice(ACTS), chance.random(), chance.randrange(1, 256)) for _ in range(3)]),
                good.replace(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 7"),
                good.replace(SUBPROTOCOL.encode(), b"miss.9"),
                good.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
                good.replace(b"Host:", b"Origin: http://[\r\nHost:"),
                good.replace(b"Host:", b"Origin: https://evil.example\r\nHost:"),
                good.replace(b"/v1/socket", b"/v1/%00" + b"%ff" * 40),
                chance.randbytes(300) + b"\r\n\r\n",
            )
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        with suppress(OSError):
            writer.write(head)
            writer.write_eof()
            answer = await reader.read(2_000)
            status = re.match(rb"HTTP/1.1 (\d\d\d)", answer)
            self.findings.ends[f"http {status[1].decode() if status else 'dropped'}"] += 1
            if status and status[1].startswith(b"5"):
                self.findings.wrong.append(f"request: {answer[:80]!r} to {head[:200]!r}")
        writer.transport.abort()

    # What comes of it

    def _ended(self, code: int | None, reason: str | None, sent: bytes) -> None:
        self.findings.ends[f"{code} {reason or ''}".strip()] += 1
        if code not in CODES:
            self.findings.wrong.append(f"closed with {code} {reason}: {sent[:400].hex()}")

    async def _witness(self, writer: Wire, reader: Wire, circle: Circle) -> None:
        """Others are served meanwhile."""
        submit = opaque(circle.stream, circle.group.epoch, os.urandom(30))
        answer = await writer.submit(submit)
        if not isinstance(answer, Accepted):
            self.findings.wrong.append(f"the witness is refused: {answer}")
            return
        self.findings.witnessed += 1
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while (await reader.rows(1, circle.stream))[0].body != submit.body:
                pass  # rows of the rogue, which is a member too
            while (await writer.rows(1, circle.stream))[0].number < answer.number:
                pass


def _holds_ticket(data: bytes | str) -> bool:
    assert isinstance(data, bytes), "the server says bytes only"
    return any(isinstance(frame, Ticket) for frame in decode(data))


def _upgrade() -> bytes:
    return (
        "GET /v1/socket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    ).encode()


async def _close_of(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Reads unmasked frames until the server closes; its code and reason."""
    while True:
        head = await reader.readexactly(2)
        size = head[1] & 0x7F
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2), "big")
        payload = await reader.readexactly(size)
        if head[0] & 0x0F == 8:
            return int.from_bytes(payload[:2], "big") or 1000, payload[2:].decode()
