"""What a person's devices tell each other: read positions, drafts, pins, mutes, settings, blocked people.

Each entry is a name and a value with a logical clock (Lamport's): of two values of one entry the one with the higher
clock holds, and of equal clocks the one of the higher device id, so that all devices come to the same, in whatever
order they hear of it. An empty value means that the entry is unset.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer

NAME_CHARACTERS_MAX = 100
VALUE_BYTES_MAX = 48 * 1024
ENTRIES_MAX = 200
CLOCK_MAX = 1 << 48


@dataclass(frozen=True)
class Entry:
    """One value.

    Args:
        name: what it is, "draft/<conversation id in hexadecimal>" for instance.
        clock: logical; higher than every clock the device knew when it wrote this.
        device: which device wrote it.
    """

    name: str
    value: bytes
    clock: int
    device: bytes

    def write(self, out: Writer) -> None:
        out.text(self.name).opaque(self.value).u64(self.clock).fixed(self.device)

    @classmethod
    def read(cls, data: Reader) -> Self:
        entry = cls(data.text(), data.opaque(), data.u64(), data.fixed(16))
        too_long = len(entry.name) > NAME_CHARACTERS_MAX or len(entry.value) > VALUE_BYTES_MAX
        # A clock near its end would leave no higher one for anybody else.
        if too_long or not 0 < entry.clock < CLOCK_MAX:
            raise RemoteError("too-large", "entry")
        return entry

    def holds_against(self, other: "Entry | None") -> bool:
        """Whether this one takes the other's place."""
        return other is None or (self.clock, self.device, self.value) > (other.clock, other.device, other.value)


@dataclass(frozen=True)
class Entries:
    """Some entries, as one content of the person's own stream."""

    NUMBER: ClassVar[int] = 0x28
    entries: tuple[Entry, ...]

    def write(self, out: Writer) -> None:
        out.vector(self.entries, lambda w, one: one.write(w))

    @classmethod
    def read(cls, data: Reader) -> Self:
        entries = tuple(data.vector(Entry.read))
        if len(entries) > ENTRIES_MAX:
            raise RemoteError("too-large", "entries")
        return cls(entries)
