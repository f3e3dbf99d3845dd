"""One websocket: a device logs in, submits rows and gets an answer to each, and is sent what others stored.

Each socket knows, for each of its streams, the last number it has sent. A row that comes next goes out from memory; in
any other case the stream is read from the log. At most ``DELIVER_WINDOW_FRAMES`` rows are on their way without an
Acknowledge: a device that does not read is left behind in the log, never in memory, and one that blocks is dropped.
What is said in one turn of the event loop leaves in one message at its end, and what arrives is taken in the turn it
arrives in; a task is woken for what has to wait only: handshakes, the log, a peer that does not read.
"""

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from miss_protocol import limits
from miss_protocol.connection import Connection, Role
from miss_protocol.errors import RemoteError
from miss_protocol.frames import (
    NONCE_BYTES,
    SUBPROTOCOL,
    Acknowledge,
    Attended,
    Challenge,
    Close,
    Drained,
    Frame,
    Kind,
    Login,
    Progress,
    Ready,
    Refusal,
    Refused,
    Reports,
    StreamHead,
    Submit,
    Ticket,
    TicketPlease,
    Typing,
    encode,
    positions,
)
from miss_server import devices, journal, streams, tickets, turns
from miss_server.carrier import CARRIER, Carrier
from miss_server.conversations import Again, Submission, Taken, Verdict
from miss_server.cursors import Cursors
from miss_server.database import Database
from miss_server.doorbell import Doorbell
from miss_server.flushes import Flushes
from miss_server.handshakes import Handshakes, Judgement
from miss_server.meters import Meters
from miss_server.quotas import Pace
from miss_server.standings import Standings

LEAST_VERSION = 1
UNANSWERED_MAX = 256
MESSAGE_BYTES = 64 * 1024  # frames are gathered into messages of about this size
WAITING_BYTES_MAX = 4 * 1024 * 1024
READ_BYTES = 1024 * 1024
READ_STREAMS = 64
JUDGEMENTS_MAX = 5
CLOSE_SECONDS_MAX = 2
LISTENED_FRAMES_MAX = 16
TYPING_SECONDS = 2.0

_CLOSES = {
    "too-large": Close.TOO_LARGE,
    "unknown-device": Close.LOGIN,
    "bad-signature": Close.LOGIN,
    "login-timeout": Close.LOGIN,
    "revoked": Close.REVOKED,
    "suspended": Close.LOGIN,
    "version": Close.VERSION,
    "subprotocol": Close.VERSION,
}


@dataclass(frozen=True)
class Office:
    """The rooms a socket needs."""

    database: Database
    handshakes: Handshakes
    doorbell: Doorbell
    cursors: Cursors
    standings: Standings
    tickets: tickets.Tickets
    server_id: bytes
    now_ms: Any
    meters: Meters
    pace: Pace
    flushes: Flushes = field(default_factory=Flushes)


@dataclass(slots=True)
class _Subscription:
    """One stream, as far as it was sent on this socket."""

    stream: int
    stream_id: bytes
    sent: int
    head: int
    behind: bool = False
    rung: bool = False
    unacknowledged: deque[int] = field(default_factory=deque)
    typed: float = -60.0  # monotonic, seconds


class Socket:
    """A device's connection, from Challenge to close."""

    def __init__(self, websocket: WebSocket, office: Office) -> None:
        self._websocket = websocket
        self._carrier: Carrier = websocket.scope[CARRIER]
        self._office = office
        self._connection = Connection(Role.SERVER)
        self.device = 0
        self.device_id = b""
        self.arrived_at = 0
        self._person_id = b""
        self._subscriptions: dict[int, _Subscription] = {}
        self._by_id: dict[bytes, _Subscription] = {}
        self._behind: dict[int, _Subscription] = {}
        self._backlog: set[int] = set()
        self._drained = False
        self._out: deque[bytes] = deque()
        self._out_bytes = 0
        self._flushing = True  # nothing is sent before the login is answered
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._unacknowledged = 0
        self._unanswered = 0
        self._pause = 0.0  # seconds before the next message is taken
        self._stopped = False
        self._closing: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """The whole life of the connection."""
        offered = SUBPROTOCOL in self._websocket.scope.get("subprotocols", ())
        await self._websocket.accept(SUBPROTOCOL if offered else None)
        pump: asyncio.Task[None] | None = None
        try:
            if not offered:
                raise RemoteError("subprotocol", SUBPROTOCOL)
            async with asyncio.timeout(limits.LOGIN_SECONDS_MAX):
                await self._log_in()
            pump = asyncio.create_task(self._pump())
            self._flushing = False
            while True:
                self._carrier.listener = self._hear
                message = await self._receive()
                self._carrier.listener = None
                for frame in self._connection.receive(message):
                    await self._take(frame)
        except RemoteError as error:
            await self._close(_CLOSES.get(error.reason, Close.PROTOCOL), error.reason)
        except TimeoutError:
            await self._close(Close.LOGIN, "login-timeout")
        except WebSocketDisconnect:
            pass  # the device has gone; it comes back when it likes
        except Exception as error:  # whatever it is, the device comes back, and the log has its place
            journal.failure("socket-failed", error)
            await self._close(Close.RESTART, "socket-failed")
        finally:
            self._carrier.listener = None
            if pump is not None:
                pump.cancel()
            if self.device:
                self._office.cursors.seen(self.device)
                self._office.doorbell.disconnect(self, self._subscriptions)

    async def _receive(self) -> bytes | str:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        data = message.get("bytes")
        return data if data is not None else str(message.get("text") or "")

    # Logging in

    async def _log_in(self) -> None:
        office, nonce = self._office, secrets.token_bytes(NONCE_BYTES)
        await self._say(Challenge(office.server_id, nonce, LEAST_VERSION, office.now_ms()))
        said: list[Frame] = []
        while not said:  # unknown frames that are not critical are stepped over
            said = self._connection.receive(await self._receive())
        first, *more = said
        if more or not isinstance(first, Login):
            raise RemoteError("out-of-turn", "one Login, and nothing else, is expected")
        if first.version < LEAST_VERSION:
            raise RemoteError("version", f"{LEAST_VERSION} at least")
        found = await office.database.read(devices.find, first.device_id)
        device = devices.check_login(found, office.server_id, nonce, first.nonce, first.signature)
        self.device, self.device_id, self._person_id = device.device, device.device_id, device.person_id
        office.doorbell.connect(self)
        office.cursors.seen(self.device)
        rung = office.doorbell.rung
        left, heads, self.arrived_at = await office.database.read(_standing, self.device)
        office.doorbell.arrived(self)
        standing = tuple(one for head in heads if (one := self._subscribe(head)) is not None)
        await self._say(Ready(office.now_ms(), left, standing))
        missed = office.doorbell.since(rung)
        for stream in self._subscriptions if missed is None else missed & self._subscriptions.keys():
            self.catch_up(stream)
        self._backlog = set(self._behind)

    def _subscribe(self, head: streams.Head) -> StreamHead | None:
        cursor = self._office.cursors.at_least(self.device, head.stream, head.cursor)
        if not head.member and cursor >= head.last:
            return None  # the last row it may read is in its store
        known = self._subscriptions.get(head.stream)
        if known is None:
            known = self._listen(head.stream, head.stream_id, cursor)
        known.sent, known.head = min(known.sent, cursor), head.last
        if head.last > cursor:
            self._fall_behind(known)
        return StreamHead(head.stream_id, head.last, cursor)

    def _listen(self, stream: int, stream_id: bytes, sent: int) -> _Subscription:
        known = self._by_id.get(stream_id)  # of a membership that ended, and begins anew
        subscription = known or _Subscription(stream, stream_id, sent, sent)
        self._subscriptions[stream] = self._by_id[stream_id] = subscription
        self._office.doorbell.join(stream, self)
        return subscription

    # What the device says

    def _hear(self, message: bytes) -> bool:
        """Takes a message at once where nothing in it has to wait or is to be refused, else nothing of it."""
        if self._pause or self._is_full():
            return False
        try:
            frames = self._connection.receive(message)
        except RemoteError:
            return False  # it is read again, and answered, where every error is
        if len(frames) > LISTENED_FRAMES_MAX or not all(self._is_plain(frame) for frame in frames):
            return False
        for frame in frames:
            self._take_plain(frame)
        return True

    def _is_plain(self, frame: Frame) -> bool:
        if isinstance(frame, Submit):
            return frame.kind is Kind.APPLICATION
        return not isinstance(frame, Acknowledge) or all(one.id in self._by_id for one in frame.positions)

    async def _take(self, frame: Frame) -> None:
        """Rows wait for the next batch; a handshake is judged first, and what this device says next waits for it."""
        if self._pause:  # it sends faster than it may: it is read more slowly
            await asyncio.sleep(self._pause)
            self._pause = 0.0
        if isinstance(frame, Submit) and frame.kind is not Kind.APPLICATION:
            await self._hand_over(frame)
        else:
            self._take_plain(frame)
        while self._is_full():
            if self._stopped:
                raise WebSocketDisconnect(1006)
            self._room.clear()
            await self._room.wait()

    def _take_plain(self, frame: Frame) -> None:
        if isinstance(frame, Submit):
            self._unanswered += 1
            self._office.database.submit(self._submission(frame, self._answered))
        elif isinstance(frame, Acknowledge):
            self._acknowledge(frame)
        elif isinstance(frame, Reports):
            for report in frame.reports:
                one = self._by_id.get(report.stream)
                if one is not None and one.stream in self._subscriptions:  # else it was removed meanwhile
                    self._office.standings.report(self.device, one.stream, report)
        elif isinstance(frame, Typing):
            self._typing(frame)
        elif isinstance(frame, Attended):
            self._office.cursors.attended(self.device)
        elif isinstance(frame, TicketPlease):
            self._put(encode(Ticket(self._office.tickets.make(self.device_id), tickets.VALID_MS)))

    def _is_full(self) -> bool:
        return self._unanswered >= UNANSWERED_MAX or self._out_bytes > WAITING_BYTES_MAX

    def _submission(self, frame: Submit, answer: Any, judgement: Judgement | None = None) -> Submission:
        self._pause = self._office.pace.take(self.device)
        return Submission(self.device, self.device_id, self._person_id, frame, answer, judgement)

    async def _hand_over(self, frame: Submit) -> None:
        """Judges a handshake, and again where another one was faster in the same epoch."""
        office = self._office
        for _ in range(JUDGEMENTS_MAX):
            judgement = await office.database.read(office.handshakes.judge, self.device, self.device_id, frame)
            done: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

            def answer(verdict: Verdict, done: asyncio.Future[Verdict] = done) -> None:
                if not isinstance(verdict, Again):
                    self._unanswered += 1
                    self._answered(verdict)
                if not done.done():
                    done.set_result(verdict)

            office.database.submit(self._submission(frame, answer, judgement))
            if not isinstance(await done, Again):
                return
        self._put(encode(Refused(frame.message_id, frame.stream, Refusal.SLOW_DOWN)))

    def _answered(self, verdict: Verdict) -> None:
        self._unanswered -= 1
        if isinstance(verdict, Taken):
            self._office.meters.accepted += 1
            self._put(encode(verdict.answer))
        elif isinstance(verdict, Refused):
            self._office.meters.refused[verdict.reason.name.lower()] += 1
            self._put(encode(verdict))
        self._room.set()

    def _acknowledge(self, frame: Acknowledge) -> None:
        for position in frame.positions:
            one = self._by_id.get(position.id)
            if one is None:
                raise RemoteError("foreign-stream", "an Acknowledge of a stream that is not this device's")
            # A device may have stored, on an earlier connection, rows that this one has not sent yet.
            number = min(position.number, max(one.sent, one.head))
            one.sent = max(one.sent, number)
            while one.unacknowledged and one.unacknowledged[0] <= number:
                one.unacknowledged.popleft()
                self._unacknowledged -= 1
            self._office.cursors.move(self.device, self.device_id, one.stream, one.stream_id, number)
        if self._behind:
            self._wake.set()

    def _typing(self, frame: Typing) -> None:
        """Told to who is connected; more often than it is shown anew it is stepped over."""
        one, now = self._by_id.get(frame.stream), monotonic()
        if one is None or one.stream not in self._subscriptions:
            return  # it was removed: it may still acknowledge what it had, and is heard no more
        if now - one.typed >= TYPING_SECONDS:
            one.typed = now
            self._office.doorbell.typing(self, one.stream, frame.stream)

    # What the doorbell says

    def deliver(self, stream: int, number: int, frame: bytes) -> None:
        one = self._subscriptions.get(stream)
        if one is None or number <= one.sent:
            return
        if number == one.sent + 1 and not one.behind and self._may_send():
            self._send_row(one, number, frame)
        else:
            self._fall_behind(one)

    def catch_up(self, stream: int, number: int = 0) -> None:
        one = self._subscriptions.get(stream)
        if one is not None and not 0 < number <= one.sent:
            self._fall_behind(one)

    def admit(self, stream: int, stream_id: bytes, number: int) -> None:
        one = self._subscriptions.get(stream) or self._listen(stream, stream_id, number - 1)
        self._fall_behind(one)

    def note(self, frame: bytes) -> None:
        if self._drained and self._out_bytes < MESSAGE_BYTES:
            self._put(frame)

    def close_soon(self, code: Close, reason: str) -> asyncio.Task[None]:
        self._closing = self._closing or asyncio.create_task(self._close(code, reason))
        return self._closing

    # Sending

    def _may_send(self) -> bool:
        return self._unacknowledged < limits.DELIVER_WINDOW_FRAMES and self._out_bytes < WAITING_BYTES_MAX

    def _fall_behind(self, one: _Subscription) -> None:
        one.behind = one.rung = True
        self._behind[one.stream] = one
        self._wake.set()

    def _send_row(self, one: _Subscription, number: int, frame: bytes) -> None:
        one.sent = number
        one.unacknowledged.append(number)
        self._unacknowledged += 1
        self._office.meters.delivered += 1
        self._put(frame)

    def _put(self, frame: bytes) -> None:
        self._out.append(frame)
        self._out_bytes += len(frame)
        if not self._flushing:
            self._flushing = True
            self._office.flushes.add(self._flush)

    def _flush(self) -> None:
        """Sends what was said in this turn of the loop, in as few messages as may be; what is left is for the pump."""
        self._flushing = False
        while self._out and self._carrier.writable.is_set():
            self._send_waiting()
        if self._out or self._behind:
            self._wake.set()

    async def _say(self, *frames: Frame) -> None:
        await self._websocket.send_bytes(self._connection.send(*frames))

    async def _pump(self) -> None:
        """Sends what waits, then reads what is behind, until the connection ends."""
        try:
            while True:
                if self._out:
                    async with asyncio.timeout(limits.SEND_SECONDS_MAX):
                        await self._carrier.writable.wait()
                    self._flush()
                elif self._behind and self._may_send():
                    await self._read_log()
                elif not self._drained and not self._backlog:
                    await self._say_drained()
                else:
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            self._office.meters.closed["slow-reader"] += 1
            journal.write("slow-reader-dropped")
            self._abort()
        except (WebSocketDisconnect, RuntimeError):
            self._abort()  # it is closing already
        except Exception as error:  # the log cannot be read: the device comes back and asks again
            journal.failure("delivery-failed", error)
            await self._close(Close.RESTART, "delivery-failed")
        finally:
            self._stopped = True
            self._room.set()

    def _send_waiting(self) -> None:
        out = self._out
        message = out.popleft()
        size = len(message)
        if out:
            parts = [message]
            while out and size + len(out[0]) <= MESSAGE_BYTES:
                parts.append(out.popleft())
                size += len(parts[-1])
            message = b"".join(parts)
        self._carrier.send_now(message)  # where the connection has ended, the device reads the log when it comes back
        self._out_bytes -= size
        self._room.set()

    async def _read_log(self) -> None:
        chosen = list(self._behind.values())[:READ_STREAMS]
        for one in chosen:
            one.rung = False
        wanted = [(one.stream, one.sent) for one in chosen]
        room = limits.DELIVER_WINDOW_FRAMES - self._unacknowledged
        pages = await self._office.database.read(streams.read, self.device, wanted, room, READ_BYTES)
        for page in pages:
            one = self._subscriptions[page.stream]
            for written in page.frames:
                if written.number > one.sent:
                    self._send_row(one, written.number, written.frame)
            if page.done and not one.rung:
                one.behind = False
                del self._behind[one.stream]
                self._backlog.discard(one.stream)
                if not page.member:
                    del self._subscriptions[one.stream]
                    self._office.doorbell.leave(one.stream, self)

    async def _say_drained(self) -> None:
        self._drained = True
        self._put(encode(Drained()))
        await self.say_progress()

    async def say_progress(self) -> None:
        if not self._drained:
            return  # it is said then
        known = await self._office.database.read(streams.progress, self.device)
        for stream_id, reached in known.items():
            self._put(encode(Progress(stream_id, positions(reached))))

    # Closing

    async def _close(self, code: Close, reason: str) -> None:
        """Says why, and goes; a peer that does not even take that is dropped."""
        self._office.meters.closed[reason] += 1
        journal.write("socket-closed", code=int(code), reason=reason)
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self._websocket.close(int(code), reason)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            self._abort()

    def _abort(self) -> None:
        self._carrier.abort()


def _standing(connection: Any, device: int) -> tuple[int, list[streams.Head], int]:
    """(key packages left, streams, when it logged in by a clock that all nodes share)."""
    at = turns.moment(connection)
    return devices.key_packages_left(connection, device), streams.heads(connection, device), at
