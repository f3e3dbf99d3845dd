"""The frames of subprotocol ``miss.1``: what they hold, and their bytes.

A websocket message holds one or more frames. A frame is *type* (u16), *length* (varint), *body*. The highest bit of the
type is the critical bit: who does not know a critical frame closes, any other unknown frame is stepped over.
Inside a known body trailing bytes are refused. Integers are big endian; ids are 16 bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Self

from miss_protocol import limits
from miss_protocol.codes import Class as Class
from miss_protocol.codes import Close as Close
from miss_protocol.codes import Kind as Kind
from miss_protocol.codes import Refusal as Refusal
from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls.codec import Reader, Writer, varint

SUBPROTOCOL = "miss.1"
CRITICAL = 0x8000
ID_BYTES = 16
NONCE_BYTES = 32


_KINDS = {int(one): one for one in Kind}
_TURNING = (Kind.COMMIT, Kind.RESET)  # they begin an epoch
_CLASSES = {int(one): one for one in Class}

# The fields of fixed length of the frames of which there are most, in one go.
_SUBMIT = Struct("> 16s 16s B B Q")
_ACCEPTED = Struct("> 16s 16s Q Q")
_DELIVER = Struct("> 16s Q B B Q Q")


@dataclass(frozen=True, slots=True)
class Frame:
    """What every frame can do: say its type and write its body."""

    TYPE: ClassVar[int]

    def write(self, _out: Writer, /) -> None:
        raise LocalError("no-body", type(self).__name__)

    @classmethod
    def read(cls, _data: Reader, /) -> Self:
        raise LocalError("no-body", cls.__name__)


def _id(data: Reader) -> bytes:
    return data.fixed(ID_BYTES)


def _bounded(data: Reader, most: int) -> bytes:
    length = data.varint()
    if length > most:
        raise RemoteError("too-large", f"{length} bytes where {most} are allowed")
    return data.fixed(length)


def _kind(value: int) -> Kind:
    kind = _KINDS.get(value)
    if kind is None:
        raise RemoteError("malformed", f"kind {value}")
    return kind


def _class(value: int) -> Class:
    priority = _CLASSES.get(value)
    if priority is None:
        raise RemoteError("malformed", f"class {value}")
    return priority


@dataclass(frozen=True, slots=True)
class Challenge(Frame):
    """Server, first: who I am and what to sign."""

    TYPE: ClassVar[int] = CRITICAL | 0x01
    server_id: bytes  # 32 bytes: SHA-256 of the root certificate
    nonce: bytes  # 32 bytes
    least_version: int
    now_ms: int

    def write(self, out: Writer) -> None:
        out.fixed(self.server_id).fixed(self.nonce).u16(self.least_version).u64(self.now_ms)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(data.fixed(32), data.fixed(NONCE_BYTES), data.u16(), data.u64())


@dataclass(frozen=True, slots=True)
class Login(Frame):
    """Client, second: the login key's signature (DER ECDSA, P-256, SHA-256) over ``identity.login_content``."""

    TYPE: ClassVar[int] = CRITICAL | 0x02
    device_id: bytes
    nonce: bytes  # 32 bytes, the client's
    version: int
    signature: bytes

    def write(self, out: Writer) -> None:
        out.fixed(self.device_id).fixed(self.nonce).u16(self.version).opaque(self.signature)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(_id(data), data.fixed(NONCE_BYTES), data.u16(), _bounded(data, 128))


@dataclass(frozen=True, slots=True)
class StreamHead:
    """A stream as the server knows it for this device: last number taken, and this device's cursor."""

    stream: bytes
    head: int
    cursor: int

    def write(self, out: Writer) -> None:
        out.fixed(self.stream).u64(self.head).u64(self.cursor)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(_id(data), data.u64(), data.u64())


@dataclass(frozen=True, slots=True)
class Ready(Frame):
    """Server: you are in; this is where your streams stand. Deliveries from ``cursor`` + 1 follow, then Drained."""

    TYPE: ClassVar[int] = CRITICAL | 0x03
    now_ms: int
    key_packages: int  # one-use key packages left on the server
    streams: tuple[StreamHead, ...] = ()

    def write(self, out: Writer) -> None:
        out.u64(self.now_ms).u32(self.key_packages)
        out.vector(self.streams, lambda w, s: s.write(w))

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(data.u64(), data.u32(), tuple(data.vector(StreamHead.read)))


@dataclass(frozen=True, slots=True)
class Submit(Frame):
    """Client: please take this row. ``message_id`` names the act and stays the same when it is sealed again.

    ``welcome`` and ``group_info`` travel with a commit or a reset only; the latter is the GroupInfo of the epoch it
    begins, without the tree.
    """

    TYPE: ClassVar[int] = CRITICAL | 0x10
    message_id: bytes
    stream: bytes
    kind: Kind
    priority: Class
    epoch: int
    body: bytes
    welcome: bytes = b""
    group_info: bytes = b""

    def write(self, out: Writer) -> None:
        out.fixed(_SUBMIT.pack(self.message_id, self.stream, self.kind, self.priority, self.epoch))
        out.opaque(self.body).opaque(self.welcome)
        if self.kind in _TURNING:
            out.opaque(self.group_info)

    @classmethod
    def read(cls, data: Reader) -> Self:
        message_id, stream, number, priority, epoch = _SUBMIT.unpack(data.fixed(_SUBMIT.size))
        kind = _kind(number)
        application = kind is Kind.APPLICATION
        if not application and kind not in (Kind.COMMIT, Kind.PROPOSAL, Kind.CREATE, Kind.RESET):
            raise RemoteError("malformed", f"nobody submits {kind.name}")
        most = limits.APPLICATION_BODY_BYTES_MAX if application else limits.HANDSHAKE_BODY_BYTES_MAX
        body = _bounded(data, limits.RESET_BODY_BYTES_MAX if kind is Kind.RESET else most)
        welcome = _bounded(data, limits.WELCOME_BYTES_MAX if kind in _TURNING else 0)
        group_info = _bounded(data, limits.GROUP_INFO_BYTES_MAX) if kind in _TURNING else b""
        return cls(message_id, stream, kind, _class(priority), epoch, body, welcome, group_info)


@dataclass(frozen=True, slots=True)
class Accepted(Frame):
    """Server: the row is on disk at this number."""

    TYPE: ClassVar[int] = CRITICAL | 0x11
    message_id: bytes
    stream: bytes
    number: int
    at_ms: int

    def write(self, out: Writer) -> None:
        out.fixed(_ACCEPTED.pack(self.message_id, self.stream, self.number, self.at_ms))

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(*_ACCEPTED.unpack(data.fixed(_ACCEPTED.size)))


@dataclass(frozen=True, slots=True)
class Refused(Frame):
    """Server: the row was not taken, nothing was kept, and why."""

    TYPE: ClassVar[int] = CRITICAL | 0x12
    message_id: bytes
    stream: bytes
    reason: Refusal
    epoch: int = 0  # the current epoch when the reason is STALE
    other: bytes = bytes(ID_BYTES)  # the existing conversation when the reason is EXISTS
    detail: str = ""

    def write(self, out: Writer) -> None:
        out.fixed(self.message_id).fixed(self.stream).u16(self.reason).u64(self.epoch).fixed(self.other)
        out.text(self.detail)

    @classmethod
    def read(cls, data: Reader) -> Self:
        message_id, stream, value = _id(data), _id(data), data.u16()
        try:
            reason = Refusal(value)
        except ValueError as error:
            raise RemoteError("malformed", f"refusal {value}") from error
        return cls(message_id, stream, reason, data.u64(), _id(data), data.text())


@dataclass(frozen=True, slots=True)
class Deliver(Frame):
    """Server: a row of a stream, in order, at least once."""

    TYPE: ClassVar[int] = CRITICAL | 0x13
    stream: bytes
    number: int
    kind: Kind
    priority: Class
    at_ms: int
    epoch: int  # the epoch in which the row was accepted (for a commit: the one it ends)
    body: bytes

    def write(self, out: Writer) -> None:
        out.fixed(_DELIVER.pack(self.stream, self.number, self.kind, self.priority, self.at_ms, self.epoch))
        out.opaque(self.body)

    @classmethod
    def read(cls, data: Reader) -> Self:
        stream, number, kind, priority, at_ms, epoch = _DELIVER.unpack(data.fixed(_DELIVER.size))
        return cls(stream, number, _kind(kind), _class(priority), at_ms, epoch, data.opaque())


@dataclass(frozen=True, slots=True)
class Position:
    """A number reached: in Acknowledge of a stream, in Progress of a device."""

    id: bytes
    number: int

    def write(self, out: Writer) -> None:
        out.fixed(self.id).u64(self.number)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(_id(data), data.u64())


@dataclass(frozen=True, slots=True)
class Acknowledge(Frame):
    """Client: everything up to these numbers is in my store (id = stream)."""

    TYPE: ClassVar[int] = CRITICAL | 0x14
    positions: tuple[Position, ...]

    def write(self, out: Writer) -> None:
        out.vector(self.positions, lambda w, p: p.write(w))

    @classmethod
    def read(cls, data: Reader) -> Self:
        positions = tuple(data.vector(Position.read))
        if len(positions) > limits.ACKNOWLEDGE_STREAMS_MAX:
            raise RemoteError("too-large", "too many streams in one Acknowledge")
        return cls(positions)


@dataclass(frozen=True, slots=True)
class Progress(Frame):
    """Server: how far the other devices of a stream have come (id = device); coalesced, may be lost."""

    TYPE: ClassVar[int] = 0x15
    stream: bytes
    positions: tuple[Position, ...]

    def write(self, out: Writer) -> None:
        out.fixed(self.stream).vector(self.positions, lambda w, p: p.write(w))

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(_id(data), tuple(data.vector(Position.read)))


@dataclass(frozen=True, slots=True)
class Empty(Frame):
    """A frame whose type says it all."""

    def write(self, _out: Writer, /) -> None:
        """Nothing to write."""

    @classmethod
    def read(cls, _data: Reader, /) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class Drained(Empty):
    """Server: the backlog of this login has been sent."""

    TYPE: ClassVar[int] = CRITICAL | 0x16


@dataclass(frozen=True, slots=True)
class Gap(Frame):
    """Server: rows ``first`` to ``last`` of this stream are forgotten; deliveries go on after them."""

    TYPE: ClassVar[int] = CRITICAL | 0x17
    stream: bytes
    first: int
    last: int

    def write(self, out: Writer) -> None:
        out.fixed(self.stream).u64(self.first).u64(self.last)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(_id(data), data.u64(), data.u64())


@dataclass(frozen=True, slots=True)
class TicketPlease(Empty):
    """Client: a ticket for HTTP requests, please."""

    TYPE: ClassVar[int] = CRITICAL | 0x18


@dataclass(frozen=True, slots=True)
class Ticket(Frame):
    """Server: what to put after ``Authorization: Bearer`` for ``valid_ms`` milliseconds."""

    TYPE: ClassVar[int] = CRITICAL | 0x19
    token: str
    valid_ms: int

    def write(self, out: Writer) -> None:
        out.text(self.token).u64(self.valid_ms)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(data.text(), data.u64())


@dataclass(frozen=True, slots=True)
class Report:
    """Where a device stands in a conversation: group, epoch, and ``standing.digest_of`` it; empty: it cannot follow."""

    stream: bytes
    generation: int
    epoch: int
    digest: bytes

    def write(self, out: Writer) -> None:
        out.fixed(self.stream).u32(self.generation).u64(self.epoch).opaque(self.digest)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(_id(data), data.u32(), data.u64(), _bounded(data, 32))


@dataclass(frozen=True, slots=True)
class Reports(Frame):
    """Client: this is where I stand; gathered, said at each login and after each new epoch."""

    TYPE: ClassVar[int] = CRITICAL | 0x1A
    reports: tuple[Report, ...]

    def write(self, out: Writer) -> None:
        out.vector(self.reports, lambda w, one: one.write(w))

    @classmethod
    def read(cls, data: Reader) -> Self:
        reports = tuple(data.vector(Report.read))
        if len(reports) > limits.ACKNOWLEDGE_STREAMS_MAX:
            raise RemoteError("too-large", "too many streams in one Reports")
        return cls(reports)


@dataclass(frozen=True, slots=True)
class Diverged(Frame):
    """Server: in this epoch your digest is not the others'; may be lost, the next report is answered again."""

    TYPE: ClassVar[int] = 0x1B
    stream: bytes
    generation: int
    epoch: int

    def write(self, out: Writer) -> None:
        out.fixed(self.stream).u32(self.generation).u64(self.epoch)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(_id(data), data.u32(), data.u64())


@dataclass(frozen=True, slots=True)
class Typing(Frame):
    """Client: the person is writing in this conversation; never stored, may be lost."""

    TYPE: ClassVar[int] = 0x1C
    stream: bytes

    def write(self, out: Writer) -> None:
        out.fixed(self.stream)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(_id(data))


@dataclass(frozen=True, slots=True)
class Typist(Frame):
    """Server: this device's person is writing."""

    TYPE: ClassVar[int] = 0x1D
    stream: bytes
    device: bytes

    def write(self, out: Writer) -> None:
        out.fixed(self.stream).fixed(self.device)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(_id(data), _id(data))


@dataclass(frozen=True, slots=True)
class Attended(Empty):
    """Client, unlocked and drained: somebody is in front of this device, and of what is in its store."""

    TYPE: ClassVar[int] = 0x20


_FIRST = (Challenge, Login, Ready, Submit, Accepted, Refused, Deliver, Acknowledge, Progress, Drained, Gap)
_LATER = (TicketPlease, Ticket, Reports, Diverged, Typing, Typist, Attended)
FRAMES: dict[int, type[Frame]] = {kind.TYPE: kind for kind in (*_FIRST, *_LATER)}


def encode(*frames: Frame) -> bytes:
    """One websocket message that holds these frames in order."""
    parts: list[bytes] = []
    for frame in frames:
        body = Writer()
        frame.write(body)
        written = body.bytes()
        parts += (frame.TYPE.to_bytes(2, "big"), varint(len(written)), written)
    return b"".join(parts)


def decode(message: bytes) -> list[Frame]:
    """The known frames of one websocket message, in order.

    Raises:
        RemoteError: ``malformed``, ``too-large``, or ``unknown-frame`` for an unknown critical type.
    """
    if len(message) > limits.WEBSOCKET_MESSAGE_BYTES_MAX:
        raise RemoteError("too-large", "websocket message")
    data = Reader(message)
    frames: list[Frame] = []
    while not data.at_end():
        kind = data.u16()
        inner = Reader(data.opaque())
        known = FRAMES.get(kind)
        if known is None:
            if kind & CRITICAL:
                raise RemoteError("unknown-frame", f"{kind:#06x}")
            continue
        frames.append(known.read(inner))
        inner.end()
    if not frames and not message:
        raise RemoteError("malformed", "empty message")
    return frames


def positions(reached: Iterable[tuple[bytes, int]]) -> tuple[Position, ...]:
    """Pairs (id, number) as the positions of an Acknowledge or a Progress."""
    return tuple(Position(one, number) for one, number in reached)
