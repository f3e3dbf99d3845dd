"""The safety number of two people: sixty digits over their devices' keys, the same on both sides if nobody is between.

Each person's half is an iterated hash over their id and the sorted signature keys of their devices, so that whoever
wants another set of keys with the same digits pays every try thousands of times. The halves stand in their own order,
not in the order of who asks: both people read the same number. A QR code says both halves whole, the one of who shows
it first.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass

from miss_protocol.errors import RemoteError
from miss_protocol.labels import ED25519_KEY_BYTES, labelled
from miss_protocol.mls.codec import Writer

LABEL_SAFETY = "MiSS safety number 1"
ITERATIONS = 5_200
HALF_BYTES = 32
GROUPS, GROUP_DIGITS = 12, 5
QR_PREFIX = "MISS:SAFETY:"
_CHUNK_BYTES = 5  # read as a number, modulo 100,000: a bias of one in ten million


@dataclass(frozen=True)
class SafetyNumber:
    """The halves of two people, as one of them computes them."""

    mine: bytes
    theirs: bytes

    def groups(self) -> tuple[str, ...]:
        """Twelve groups of five digits, the same for both people."""
        return tuple(digits for half in sorted((self.mine, self.theirs)) for digits in _digits(half))

    def qr(self) -> str:
        """What the QR code says, in characters of its alphanumeric mode."""
        halves = base64.b32encode(self.mine + self.theirs).decode().rstrip("=")
        return QR_PREFIX + halves

    def fits(self, shown: str) -> bool:
        """Whether the other person's QR code says the same: their half first.

        Raises:
            RemoteError: ``safety-code-wrong`` where it is no such code.
        """
        text = shown.strip()
        coded = text.removeprefix(QR_PREFIX)
        try:
            halves = base64.b32decode(coded + "=" * (-len(coded) % 8))
        except (binascii.Error, ValueError) as error:
            raise RemoteError("safety-code-wrong", "not a safety number's QR code") from error
        if not text.startswith(QR_PREFIX) or len(halves) != 2 * HALF_BYTES:
            raise RemoteError("safety-code-wrong", "not a safety number's QR code")
        return hmac.compare_digest(halves, self.theirs + self.mine)


def half_of(person_id: bytes, keys: Collection[bytes]) -> bytes:
    """One person's half.

    Args:
        person_id: 16 bytes.
        keys: the signature key of each of their devices, in whatever order; the same key counts once.
    """
    ordered = sorted(set(keys))
    if not ordered or any(len(one) != ED25519_KEY_BYTES for one in ordered):
        raise ValueError("the Ed25519 keys of at least one device")
    said = Writer().fixed(person_id)
    said.vector(ordered, lambda w, key: w.fixed(key))
    content = labelled(LABEL_SAFETY, said.bytes())
    digest = hashlib.sha512(content).digest()
    for _ in range(ITERATIONS - 1):
        digest = hashlib.sha512(digest + content).digest()
    return digest[:HALF_BYTES]


def _digits(half: bytes) -> tuple[str, ...]:
    chunks = (half[at : at + _CHUNK_BYTES] for at in range(0, GROUPS // 2 * _CHUNK_BYTES, _CHUNK_BYTES))
    return tuple(f"{int.from_bytes(chunk, 'big') % 10**GROUP_DIGITS:0{GROUP_DIGITS}d}" for chunk in chunks)
