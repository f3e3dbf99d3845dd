"""One user's connection in the generator: real frames over a raw socket, read with as little work as possible."""

import asyncio
import os
import socket
import time
from array import array
from collections.abc import Callable
from typing import Any

from miss_protocol import identity
from miss_protocol.connection import Connection, Role
from miss_protocol.frames import SUBPROTOCOL, Acknowledge, Challenge, Class, Kind, Login, Submit, encode, positions
from miss_protocol.labels import LABEL_LOGIN, sign_p256

from .population import EPOCH, User

PAYLOAD_BYTES = 1_024
READ_BYTES = 320  # a sealed "read up to n", padded
HEAD_BYTES = 34  # of a PrivateMessage: version, wire format, group id, epoch, content type
FLOW_ROWS = 128  # positions are told at least this often, so that the server's window never closes
GATHER_SECONDS = 0.1  # as the client does
READ_SECONDS = 30.0  # as the client does in groups above ten
CONNECT_SECONDS_MAX = 60.0
_FILLER = os.urandom(PAYLOAD_BYTES)

ACCEPTED, REFUSED, DELIVER, DRAINED = 0x8011, 0x8012, 0x8013, 0x8016


class Ledger:
    """Every message under way, and what has become of the others."""

    def __init__(self) -> None:
        self.under_way: dict[int, list] = {}  # number -> [started, events left, what to do then]
        self.completed = self.accepted = self.delivered = self.refused = self.frames = 0
        self.delivery_seconds = array("d")
        self.answer_seconds = array("d")
        self._number = 0

    def begin(self, events: int, then: Callable[[], None] | None, at: float | None = None) -> int:
        """A new message that is complete after this many events."""
        self._number += 1
        self.under_way[self._number] = [time.perf_counter() if at is None else at, events, then]
        return self._number

    def clear(self) -> None:
        """Forget the figures so far; what is under way goes on."""
        self.completed = self.accepted = self.delivered = self.refused = self.frames = 0
        self.delivery_seconds = array("d")
        self.answer_seconds = array("d")

    def answer(self, number: int) -> None:
        one = self.under_way.get(number)
        if one is not None:
            self.accepted += 1
            self.answer_seconds.append(time.perf_counter() - one[0])
            self._happened(number, one)

    def deliver(self, number: int) -> None:
        one = self.under_way.get(number)
        if one is not None:
            self.delivered += 1
            self.delivery_seconds.append(time.perf_counter() - one[0])
            self._happened(number, one)

    def _happened(self, number: int, one: list) -> None:
        one[1] -= 1
        if one[1] == 0:
            del self.under_way[number]
            self.completed += 1
            if one[2] is not None:
                one[2]()


class Wire(asyncio.Protocol):
    """A websocket, masked with zeros; what arrives is counted in the ledger.

    Args:
        user: who logs in.
        server_id: of the invitation.
        ledger: where deliveries and answers are counted.
        receipts: whether positions are told as soon as the client tells them, and reading is confirmed.
    """

    def __init__(self, user: User, server_id: bytes, ledger: Ledger, *, receipts: bool = False) -> None:
        self.user = user
        self.rows = 0
        self.drained = asyncio.Event()
        self.closed = False
        self._server_id = server_id
        self._ledger = ledger
        self._receipts = receipts
        self._rest = b""
        self._reached: dict[bytes, int] = {}
        self._untold = 0
        self._telling: asyncio.TimerHandle | None = None
        self._read_at = time.monotonic() + READ_SECONDS * user.number % READ_SECONDS
        self._login: asyncio.Future[None] | None = None
        self._dialogue: Connection | None = Connection(Role.CLIENT)
        self._prefix = os.urandom(12)
        self._transport: Any = None

    async def connect(self, port: int, query: str = "", *, logs_in: bool = True) -> None:
        """Connects and logs in; the backlog follows."""
        loop = asyncio.get_running_loop()
        self._login = loop.create_future()
        if not logs_in:
            self._dialogue = None
        await loop.create_connection(lambda: self, "127.0.0.1", port)
        self._transport.write(
            f"GET /v1/socket{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
        )
        await asyncio.wait_for(self._login, CONNECT_SECONDS_MAX)

    def connection_made(self, transport: Any) -> None:  # uvloop's transport is none of asyncio's classes
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed = True
        if self._login is not None and not self._login.done():
            self._login.set_exception(ConnectionError(self._rest[:200]))

    def close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        self._transport.abort()

    # Saying

    def submit(self, stream: bytes, number: int) -> None:
        """A message of 1 KiB that nobody but its members could read."""
        body = _head(stream) + number.to_bytes(4, "big") + _FILLER[: PAYLOAD_BYTES - HEAD_BYTES - 4]
        self._say(stream, number, Class.NORMAL, body)

    def _say(self, stream: bytes, number: int, priority: Class, body: bytes) -> None:
        message_id = self._prefix + number.to_bytes(4, "big")
        self._write(encode(Submit(message_id, stream, Kind.APPLICATION, priority, EPOCH, body)))
        self._ledger.frames += 1

    def _write(self, message: bytes, opcode: int = 0x82) -> None:
        size = len(message)
        if size < 126:
            self._transport.write(bytes((opcode, 0x80 | size, 0, 0, 0, 0)) + message)
        elif size < 65_536:
            self._transport.write(bytes((opcode, 0xFE)) + size.to_bytes(2, "big") + bytes(4) + message)
        else:
            self._transport.write(bytes((opcode, 0xFF)) + size.to_bytes(8, "big") + bytes(4) + message)

    def _tell(self) -> None:
        """Positions, and where it is time a sealed "read up to n"."""
        self._telling = None
        if self.closed or not self._reached:
            return
        reached, self._reached, self._untold = self._reached, {}, 0
        self._write(encode(Acknowledge(positions(reached.items()))))
        self._ledger.frames += 1
        if self._receipts and time.monotonic() >= self._read_at:
            self._read_at = time.monotonic() + READ_SECONDS
            for stream in reached:
                number = int.from_bytes(os.urandom(4), "big") | 0x80000000  # no message of the ledger's
                self._say(stream, number, Class.SILENT, _head(stream) + _FILLER[: READ_BYTES - HEAD_BYTES])

    # Hearing

    def data_received(self, data: bytes) -> None:
        if self._login is not None and not self._login.done():
            self._rest += data
            self._hear_login()
            return
        self._hear(self._rest + data if self._rest else data)

    def _hear(self, data: bytes) -> None:
        at, size = 0, len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if start + length > size:
                break
            if data[at] == 0x82:
                self._message(data, start, start + length)
            elif data[at] == 0x89:
                self._write(data[start : start + length], 0x8A)
            at = start + length
        self._rest = data[at:]

    def _message(self, data: bytes, at: int, end: int) -> None:
        ledger = self._ledger
        while at < end:
            kind, length, body = data[at] << 8 | data[at + 1], data[at + 2], at + 3
            if length >= 0x80:
                length, body = int.from_bytes(data[at + 2 : at + 6], "big") & 0x3FFFFFFF, at + 6
            elif length >= 0x40:
                length, body = (length & 0x3F) << 8 | data[at + 3], at + 4
            ledger.frames += 1
            if kind == DELIVER:
                self._row(data, body)
            elif kind == ACCEPTED:
                ledger.answer(int.from_bytes(data[body + 12 : body + 16], "big"))
            elif kind == DRAINED:
                self.drained.set()
            elif kind == REFUSED:
                ledger.refused += 1
            at = body + length

    def _row(self, data: bytes, body: int) -> None:
        self.rows += 1
        if data[body + 24] == Kind.APPLICATION and data[body + 25] == Class.NORMAL:
            payload = body + 44 + HEAD_BYTES  # after a length of two bytes
            self._ledger.deliver(int.from_bytes(data[payload : payload + 4], "big"))
        if self._dialogue is None:
            return
        self._reached[data[body : body + 16]] = int.from_bytes(data[body + 16 : body + 24], "big")
        self._untold += 1
        if self._untold >= FLOW_ROWS:
            self._tell()
        elif self._receipts and self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._tell)

    def _hear_login(self) -> None:
        """The upgrade, then Challenge, Login and Ready through the protocol's own state machine."""
        assert self._login is not None
        if b"\r\n\r\n" in self._rest and self._rest.startswith(b"HTTP/1.1"):
            head, _, self._rest = self._rest.partition(b"\r\n\r\n")
            if b" 101 " not in head[:20]:
                self._login.set_exception(ConnectionError(head))
                return
            if self._dialogue is None:
                self._login.set_result(None)
                self._hear(self._rest)
                return
        while self._dialogue is not None and not self._login.done() and len(self._rest) >= 4:
            length, start = self._rest[1], 2
            if length == 126:
                length, start = int.from_bytes(self._rest[2:4], "big"), 4
            if len(self._rest) < start + length:
                return
            message, self._rest = self._rest[start : start + length], self._rest[start + length :]
            frames = self._dialogue.receive(message)
            if isinstance(frames[0], Challenge):
                self._write(self._dialogue.send(self._signed(frames[0])))
            else:
                self._login.set_result(None)
                self._hear(self._rest)

    def _signed(self, challenge: Challenge) -> Login:
        assert challenge.server_id == self._server_id
        nonce = os.urandom(32)
        content = identity.login_content(challenge.server_id, self.user.device_id, challenge.nonce, nonce)
        return Login(self.user.device_id, nonce, 1, sign_p256(self.user.login, LABEL_LOGIN, content))


def _head(stream: bytes) -> bytes:
    """How a PrivateMessage with application data of the current group and epoch begins."""
    return b"\x00\x01\x00\x02\x14" + stream + bytes(4) + EPOCH.to_bytes(8, "big") + b"\x01"
