"""What a device says to hand messages over to another one: an offer, a wish, sealed parcels, and the count at the end.

Messages that were sealed before a device came are closed to it: whoever has them seals them anew, for this device
alone. The offer says what one may have; the wish answers it with a fresh HPKE key (RFC 9180), made for this handover
and deleted after it; each parcel is a blob under a key of its own, which travels sealed to the wish's key and bound to
the handover, the device and the parcel's number, so that none can stand in the place of another. A parcel never holds
ratchets, leaf keys or signature keys.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer
from miss_protocol.mls.suite import PRODUCT_SUITE
from miss_protocol.sealing import SealedBlob

NOBODY = bytes(16)
SEALED_KEY_BYTES_MAX = 256
_LABEL = "MiSS parcel 1"


@dataclass(frozen=True)
class Offer:
    """These messages are yours for the asking.

    Args:
        handover: names this handover, 16 bytes.
        person: who may ask.
        device: which of their devices; ``NOBODY`` where any of them may.
        since_ms: nothing older; 0 for everything.
        days: the same as a person chose it, for the line in the chat; 0 for everything.
    """

    NUMBER: ClassVar[int] = 0x20
    handover: bytes
    person: bytes
    device: bytes
    since_ms: int
    days: int

    def write(self, out: Writer) -> None:
        out.fixed(self.handover).fixed(self.person).fixed(self.device).u64(self.since_ms).u32(self.days)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(data.fixed(16), data.fixed(16), data.fixed(16), data.u64(), data.u32())


@dataclass(frozen=True)
class Wish:
    """Seal them to this key: the answer to an offer, or, among one's own devices, the wish for rows that one missed.

    Args:
        handover: the offer's, or a fresh one.
        key: the public half of a fresh HPKE key.
        stream: where rows are missing; ``NOBODY`` in the answer to an offer.
        first, last: the numbers of the missing rows.
    """

    NUMBER: ClassVar[int] = 0x21
    handover: bytes
    key: bytes
    stream: bytes = NOBODY
    first: int = 0
    last: int = 0

    def write(self, out: Writer) -> None:
        out.fixed(self.handover).opaque(self.key).fixed(self.stream).u64(self.first).u64(self.last)

    @classmethod
    def read(cls, data: Reader) -> Self:
        wish = cls(data.fixed(16), data.opaque(), data.fixed(16), data.u64(), data.u64())
        PRODUCT_SUITE.hpke.kem.check(wish.key)
        return wish


@dataclass(frozen=True)
class Parcel:
    """A sealed parcel waits: its blob, and the key of it sealed to the wish's key."""

    NUMBER: ClassVar[int] = 0x22
    handover: bytes
    device: bytes
    number: int
    blob: bytes
    blob_bytes: int
    encapsulation: bytes
    sealed_key: bytes

    def write(self, out: Writer) -> None:
        out.fixed(self.handover).fixed(self.device).u32(self.number).fixed(self.blob).u64(self.blob_bytes)
        out.opaque(self.encapsulation).opaque(self.sealed_key)

    @classmethod
    def read(cls, data: Reader) -> Self:
        found = cls(
            data.fixed(16),
            data.fixed(16),
            data.u32(),
            data.fixed(32),
            data.u64(),
            data.opaque(),
            data.opaque(),
        )
        if max(len(found.encapsulation), len(found.sealed_key)) > SEALED_KEY_BYTES_MAX:
            raise RemoteError("too-large", "sealed key")
        return found


@dataclass(frozen=True)
class Received:
    """The receiver's count for one conversation: so many messages and photos are in my store."""

    NUMBER: ClassVar[int] = 0x23
    handover: bytes
    conversation: bytes
    messages: int
    photos: int

    def write(self, out: Writer) -> None:
        out.fixed(self.handover).fixed(self.conversation).u32(self.messages).u32(self.photos)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(data.fixed(16), data.fixed(16), data.u32(), data.u32())


Said = Offer | Wish | Parcel | Received


def address(wish: Wish, device: bytes, number: int, blob: SealedBlob) -> Parcel:
    """The parcel that carries a sealed blob to the device that wished for it."""
    info = _bound(wish.handover, device, number, blob.name)
    encapsulation, sealed = PRODUCT_SUITE.hpke.seal(wish.key, info, blob.key)
    return Parcel(wish.handover, device, number, blob.name, len(blob.ciphertext), encapsulation, sealed)


def key_of(parcel: Parcel, private: bytes) -> bytes:
    """The key of a parcel's blob.

    Raises:
        RemoteError: it was not sealed to this key, or is another handover's, device's, number's or blob's.
    """
    info = _bound(parcel.handover, parcel.device, parcel.number, parcel.blob)
    key = PRODUCT_SUITE.hpke.open(private, parcel.encapsulation, info, parcel.sealed_key)
    if len(key) != 32:
        raise RemoteError("malformed", "parcel key")
    return key


def _bound(handover: bytes, device: bytes, number: int, blob: bytes) -> bytes:
    return Writer().text(_LABEL).fixed(handover).fixed(device).u32(number).fixed(blob).bytes()
