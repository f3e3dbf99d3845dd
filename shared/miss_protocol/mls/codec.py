"""The presentation language of RFC 9420 section 2: integers, vectors and optional values as bytes."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from miss_protocol.errors import LocalError, RemoteError

T = TypeVar("T")

_VARINT_MAX = (1 << 30) - 1


class Reader:
    """Reads values from bytes in order; every method raises RemoteError("malformed") on bad input."""

    __slots__ = ("_data", "_end", "_pos")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._pos = 0
        self._end = len(data)

    @property
    def position(self) -> int:
        """How many bytes were read so far."""
        return self._pos

    def fixed(self, length: int) -> bytes:
        """Exactly ``length`` bytes."""
        start = self._pos
        stop = start + length
        if stop > self._end:
            raise RemoteError("malformed", "truncated")
        self._pos = stop
        return self._data[start:stop]

    def u8(self) -> int:
        return self.fixed(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.fixed(2), "big")

    def u32(self) -> int:
        return int.from_bytes(self.fixed(4), "big")

    def u64(self) -> int:
        return int.from_bytes(self.fixed(8), "big")

    def varint(self) -> int:
        """A variable-size vector length, RFC 9420 section 2.1.2: 1, 2 or 4 bytes, minimal only."""
        first = self.u8()
        prefix = first >> 6
        if prefix == 0:
            return first
        if prefix == 1:
            value = (first & 0x3F) << 8 | self.u8()
            if value < 0x40:
                raise RemoteError("malformed", "length not minimal")
            return value
        if prefix == 2:
            value = (first & 0x3F) << 24 | int.from_bytes(self.fixed(3), "big")
            if value < 0x4000:
                raise RemoteError("malformed", "length not minimal")
            return value
        raise RemoteError("malformed", "length prefix 3")

    def opaque(self) -> bytes:
        """An ``opaque value<V>``."""
        return self.fixed(self.varint())

    def text(self) -> str:
        """An ``opaque value<V>`` that holds UTF-8."""
        try:
            return self.opaque().decode("utf-8")
        except UnicodeDecodeError as error:
            raise RemoteError("malformed", "not UTF-8") from error

    def vector(self, item: Callable[["Reader"], T]) -> list[T]:
        """A ``T items<V>``: the length counts bytes, not items."""
        inner = Reader(self.opaque())
        items: list[T] = []
        while not inner.at_end():
            before = inner.position
            items.append(item(inner))
            if inner.position == before:
                raise RemoteError("malformed", "empty item")
        return items

    def optional(self, item: Callable[["Reader"], T]) -> T | None:
        """An ``optional<T>``, RFC 9420 section 2.1.1."""
        present = self.u8()
        if present == 0:
            return None
        if present == 1:
            return item(self)
        raise RemoteError("malformed", "presence octet")

    def at_end(self) -> bool:
        return self._pos >= self._end

    def end(self) -> None:
        """Raise RemoteError if bytes are left over."""
        if self._pos != self._end:
            raise RemoteError("malformed", "trailing bytes")


class Writer:
    """Collects values into bytes; every method returns the writer, so that calls can be chained."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def fixed(self, value: bytes) -> "Writer":
        self._parts.append(value)
        return self

    def u8(self, value: int) -> "Writer":
        self._parts.append(value.to_bytes(1, "big"))
        return self

    def u16(self, value: int) -> "Writer":
        self._parts.append(value.to_bytes(2, "big"))
        return self

    def u32(self, value: int) -> "Writer":
        self._parts.append(value.to_bytes(4, "big"))
        return self

    def u64(self, value: int) -> "Writer":
        self._parts.append(value.to_bytes(8, "big"))
        return self

    def varint(self, value: int) -> "Writer":
        self._parts.append(varint(value))
        return self

    def opaque(self, value: bytes) -> "Writer":
        self._parts.append(varint(len(value)))
        self._parts.append(value)
        return self

    def text(self, value: str) -> "Writer":
        return self.opaque(value.encode("utf-8"))

    def vector(self, items: Iterable[T], item: Callable[["Writer", T], object]) -> "Writer":
        inner = Writer()
        for one in items:
            item(inner, one)
        return self.opaque(inner.bytes())

    def optional(self, value: T | None, item: Callable[["Writer", T], object]) -> "Writer":
        if value is None:
            return self.u8(0)
        self.u8(1)
        item(self, value)
        return self

    def bytes(self) -> bytes:
        return b"".join(self._parts)


def varint(value: int) -> bytes:
    """A length as RFC 9420 section 2.1.2 writes it.

    Raises:
        LocalError: the length needs more than 30 bits.
    """
    if value < 0x40:
        return bytes((value,))
    if value < 0x4000:
        return (0x4000 | value).to_bytes(2, "big")
    if value <= _VARINT_MAX:
        return (0x80000000 | value).to_bytes(4, "big")
    raise LocalError("too-long", "a vector holds at most 2^30 - 1 bytes")


def decode(data: bytes, item: Callable[[Reader], T]) -> T:
    """One value that fills ``data`` exactly; trailing bytes raise RemoteError."""
    reader = Reader(data)
    value = item(reader)
    reader.end()
    return value
