"""What nodes whisper to each other: which streams, which devices, and never a row.

A hint may be lost, doubled or late: whatever it says is in the database already, or shown for an instant only. A
message bears a keyed hash: who can reach the bus without being a node can neither close a socket nor show anybody
typing. Bytes: hash, sender, then *kind, length, items* each; kinds that this version does not know are stepped over.
"""

import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Protocol

MAC_BYTES, NODE_BYTES, ID_BYTES = 16, 8, 16
ITEMS_MAX = 10_000  # a message: half a megabyte at most, which is half of what NATS takes


class Hint(IntEnum):
    """What a hint is about; its items have the sizes that ``SIZES`` says."""

    ROWS = 1  # stream: it got rows
    ROSTER = 2  # stream: it got a row that adds devices
    REACHED = 3  # stream, stream id, device id, number: that device has come so far
    STANDINGS = 4  # stream: devices said where they stand
    TYPING = 5  # stream, stream id, device id
    ARRIVED = 6  # device, time: it has logged in elsewhere
    LOOK = 7  # nothing: something was ended, or linked; the database says what


SIZES = {
    Hint.ROWS: 8,
    Hint.ROSTER: 8,
    Hint.REACHED: 48,
    Hint.STANDINGS: 8,
    Hint.TYPING: 40,
    Hint.ARRIVED: 16,
    Hint.LOOK: 0,
}


class Bus(Protocol):
    """What hints are said to; they may be lost."""

    def say(self, hint: Hint, item: bytes = b"") -> None:
        """Tells the other nodes."""


class Seal:
    """Makes messages of hints, and reads those of the other nodes that hold the same key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._node = secrets.token_bytes(NODE_BYTES)

    def sealed(self, waiting: Mapping[Hint, Mapping[bytes, None]]) -> Iterator[bytes]:
        """Messages that say all this."""
        for hint, told in waiting.items():
            items = list(told)
            for at in range(0, len(items), ITEMS_MAX):
                body = b"".join(items[at : at + ITEMS_MAX])
                content = self._node + bytes([hint]) + len(body).to_bytes(4, "big") + body
                yield self._mac(content) + content

    def opened(self, message: bytes) -> Iterator[tuple[Hint, Sequence[bytes]]]:
        """What another node says; nothing where it is no node's message, or one's own."""
        mac, content = message[:MAC_BYTES], message[MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(content)) or content.startswith(self._node):
            return
        at = NODE_BYTES
        while at + 5 <= len(content):
            kind, length = content[at], int.from_bytes(content[at + 1 : at + 5], "big")
            body = content[at + 5 : at + 5 + length]
            at += 5 + length
            if kind in SIZES:
                size = SIZES[Hint(kind)]
                yield Hint(kind), [body[n : n + size] for n in range(0, len(body), size)] if size else [b""]

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._key, b"MiSS hints 1" + content, "sha256")[:MAC_BYTES]


class Outward:
    """What this node tells the others: the doorbell's ``Beyond``."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def row(self, stream: int, *, adds: bool) -> None:
        self._bus.say(Hint.ROSTER if adds else Hint.ROWS, number(stream))

    def reached(self, stream: int, stream_id: bytes, reached: Sequence[tuple[bytes, int]]) -> None:
        for device_id, last in reached:
            self._bus.say(Hint.REACHED, number(stream) + stream_id + device_id + number(last))

    def typing(self, stream: int, stream_id: bytes, device_id: bytes) -> None:
        self._bus.say(Hint.TYPING, number(stream) + stream_id + device_id)

    def arrived(self, device: int, at: int) -> None:
        if at:
            self._bus.say(Hint.ARRIVED, number(device) + number(at))

    def apart(self, reported: Sequence[int]) -> None:
        """Devices said where they stand in these streams."""
        for stream in reported:
            self._bus.say(Hint.STANDINGS, number(stream))

    def look(self) -> None:
        self._bus.say(Hint.LOOK)


def number(value: int) -> bytes:
    """How a number stands in an item."""
    return value.to_bytes(8, "big")
