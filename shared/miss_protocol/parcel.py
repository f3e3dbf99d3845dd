"""What is inside a parcel: lines of one conversation, newest first, and what a device must know to show them.

A parcel is padded, then sealed as a blob. The counts of the whole conversation are in each of its parcels, so that the
receiver knows what is still to come, and whether all of it came.
"""

from dataclasses import dataclass
from typing import Self

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.own_state import Entry

PADDING_BYTES = 4096
RECORD_BYTES_MAX = 128 * 1024


@dataclass(frozen=True)
class Line:
    """One line of a chat.

    Args:
        place: where it stands: the row's number times 65,536, plus the line's among those of the row.
        author: person id; empty for lines that nobody wrote.
        photo_gone: whoever hands it over does not have the photo itself either.
        record: the line with all that acts have left on it, as the client keeps it.
    """

    message_id: bytes
    place: int
    author: bytes
    photo_gone: bool
    record: bytes

    @property
    def number(self) -> int:
        """The number of the row it came with."""
        return self.place >> 16

    def write(self, out: Writer) -> None:
        out.fixed(self.message_id).u64(self.place).opaque(self.author).u8(self.photo_gone).opaque(self.record)

    @classmethod
    def read(cls, data: Reader) -> Self:
        line = cls(data.fixed(16), data.u64(), data.opaque(), data.u8() == 1, data.opaque())
        if line.place >= 1 << 62 or len(line.author) not in (0, 16):
            raise RemoteError("malformed", "line")
        if len(line.record) > RECORD_BYTES_MAX:
            raise RemoteError("too-large", "line")
        return line


@dataclass(frozen=True)
class Reached:
    """How far a person had come in the conversation: row numbers delivered and read."""

    person: bytes
    delivered: int
    read: int

    def write(self, out: Writer) -> None:
        out.fixed(self.person).u64(self.delivered).u64(self.read)

    @classmethod
    def read_from(cls, data: Reader) -> Self:
        return cls(data.fixed(16), data.u64(), data.u64())


@dataclass(frozen=True)
class Known:
    """Somebody who is named in the lines."""

    person: bytes
    display_name: str
    profession: str
    place: str
    checked_how: str
    checked_at_ms: int

    def write(self, out: Writer) -> None:
        out.fixed(self.person).text(self.display_name).text(self.profession).text(self.place)
        out.text(self.checked_how).u64(self.checked_at_ms)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(data.fixed(16), data.text(), data.text(), data.text(), data.text(), data.u64())


@dataclass(frozen=True)
class Pinned:
    """A device's key as it was first seen; between devices of one person only."""

    certificate: bytes
    trusted: bool

    def write(self, out: Writer) -> None:
        out.opaque(self.certificate).u8(self.trusted)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(data.opaque(), data.u8() == 1)


@dataclass(frozen=True)
class Sheet:
    """The conversation itself; between devices of one person only."""

    direct: bool
    peer: bytes
    title: str
    patient: str
    active: bool
    reason: str
    at_ms: int
    read: int
    reached: tuple[Reached, ...] = ()

    def write(self, out: Writer) -> None:
        out.u8(self.direct).opaque(self.peer).text(self.title).text(self.patient).u8(self.active).text(self.reason)
        out.u64(self.at_ms).u64(self.read).vector(self.reached, lambda w, one: one.write(w))

    @classmethod
    def read_from(cls, data: Reader) -> Self:
        return cls(
            data.u8() == 1,
            data.opaque(),
            data.text(),
            data.text(),
            data.u8() == 1,
            data.text(),
            data.u64(),
            data.u64(),
            tuple(data.vector(Reached.read_from)),
        )


@dataclass(frozen=True)
class Contents:
    """A parcel opened.

    Args:
        conversation: whose lines these are; the person's own stream where the parcel is about the person.
        last: no parcel of this conversation follows.
        messages, photos: how many lines, and photos with them, all parcels of this conversation hold.
        conversations, expected: how many conversations, and messages, the whole handover has; a hint for the eye.
    """

    conversation: bytes
    last: bool
    messages: int
    photos: int
    conversations: int
    expected: int
    lines: tuple[Line, ...] = ()
    people: tuple[Known, ...] = ()
    pins: tuple[Pinned, ...] = ()
    entries: tuple[Entry, ...] = ()
    sheet: Sheet | None = None

    def encode(self) -> bytes:
        """The bytes to seal, padded."""
        out = Writer().fixed(self.conversation).u8(self.last).u32(self.messages).u32(self.photos)
        out.u32(self.conversations).u32(self.expected)
        out.vector(self.lines, lambda w, one: one.write(w)).vector(self.people, lambda w, one: one.write(w))
        out.vector(self.pins, lambda w, one: one.write(w)).vector(self.entries, lambda w, one: one.write(w))
        out.optional(self.sheet, lambda w, one: one.write(w))
        whole = Writer().opaque(out.bytes()).bytes()
        return whole + bytes(-len(whole) % PADDING_BYTES)

    @classmethod
    def decode(cls, data: bytes) -> "Contents":
        """Raises RemoteError where the bytes are not such a parcel."""

        def read(reader: Reader) -> "Contents":
            return cls(
                reader.fixed(16),
                reader.u8() == 1,
                reader.u32(),
                reader.u32(),
                reader.u32(),
                reader.u32(),
                tuple(reader.vector(Line.read)),
                tuple(reader.vector(Known.read)),
                tuple(reader.vector(Pinned.read)),
                tuple(reader.vector(Entry.read)),
                reader.optional(Sheet.read_from),
            )

        return decode(Reader(data).opaque(), read)
