"""The server's words in a device's own stream: the few things that no conversation can tell."""

from dataclasses import dataclass

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer, decode

DEVICE_ADDED = 1
CONTACT_STANDING = 2
DEVICE_READY = 3
REGISTRATION_WAITS = 5
REGISTERED_AGAIN = 6
CERTIFICATE_DUE = 7
PERSON_ARRIVED = 8
PERSON_GONE = 9
UNLOCK_ASKED = 10
NOT_DELIVERED = 20
MESSAGES_EXPIRED = 21

NUMBERS_MAX = 500
PEOPLE_MAX = 20


@dataclass(frozen=True)
class DeviceAdded:
    """Another device was certified for the same person; ``endorsed`` when another of them vouched for it."""

    device_id: bytes
    endorsed: bool


@dataclass(frozen=True)
class ContactStanding:
    """Somebody of a shared conversation was suspended, or is back: whether the register says that they practise."""

    person_id: bytes
    practises: bool


@dataclass(frozen=True)
class DeviceReady:
    """Another device of the same person has left its first key packages: it can be added to conversations now."""

    device_id: bytes


@dataclass(frozen=True)
class RegistrationWaits:
    """Somebody proved to be this person, on a new device, and takes this one's place at that time unless refused."""

    registration_id: bytes
    until_ms: int
    device_name: str


@dataclass(frozen=True)
class RegisteredAgain:
    """Somebody of a shared conversation registered anew, on this device; their devices of before have ended."""

    certificate: bytes


@dataclass(frozen=True)
class CertificateDue:
    """What the register says of this person has changed: this device's certificate is to be renewed."""


@dataclass(frozen=True)
class PersonArrived:
    """Somebody this person has invited is on MiSS now."""

    person_id: bytes


@dataclass(frozen=True)
class PersonGone:
    """Somebody of a shared conversation has left MiSS for good."""

    person_id: bytes


@dataclass(frozen=True)
class UnlockAsked:
    """Another device of the same person is locked and asks to be opened from this one."""

    device_id: bytes


@dataclass(frozen=True)
class NotDelivered:
    """The server has forgotten these rows of the reader's person, which no device of ``person_id`` ever took."""

    stream_id: bytes
    person_id: bytes
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class MessagesExpired:
    """So many messages, the last of them row ``last``, were forgotten before any device of the reader's person came.

    ``senders`` are who wrote them, twenty at most.
    """

    stream_id: bytes
    last: int
    count: int
    senders: tuple[bytes, ...]


Expiry = NotDelivered | MessagesExpired
Proof = RegistrationWaits | RegisteredAgain | CertificateDue
Notice = DeviceAdded | ContactStanding | Proof | PersonArrived | PersonGone | DeviceReady | UnlockAsked | Expiry


def encode(notice: Notice) -> bytes:
    """The body of a NOTICE row."""
    if isinstance(notice, ContactStanding):
        return Writer().u16(CONTACT_STANDING).fixed(notice.person_id).u8(notice.practises).bytes()
    if isinstance(notice, RegistrationWaits):
        out = Writer().u16(REGISTRATION_WAITS).fixed(notice.registration_id).u64(notice.until_ms)
        return out.text(notice.device_name).bytes()
    if isinstance(notice, RegisteredAgain):
        return Writer().u16(REGISTERED_AGAIN).opaque(notice.certificate).bytes()
    if isinstance(notice, CertificateDue):
        return Writer().u16(CERTIFICATE_DUE).bytes()
    if isinstance(notice, PersonArrived | PersonGone):
        kind = PERSON_ARRIVED if isinstance(notice, PersonArrived) else PERSON_GONE
        return Writer().u16(kind).fixed(notice.person_id).bytes()
    if isinstance(notice, UnlockAsked):
        return Writer().u16(UNLOCK_ASKED).fixed(notice.device_id).bytes()
    if isinstance(notice, NotDelivered):
        out = Writer().u16(NOT_DELIVERED).fixed(notice.stream_id).fixed(notice.person_id)
        return out.vector(notice.numbers, lambda w, number: w.u64(number)).bytes()
    if isinstance(notice, MessagesExpired):
        out = Writer().u16(MESSAGES_EXPIRED).fixed(notice.stream_id).u64(notice.last).u32(notice.count)
        return out.vector(notice.senders, lambda w, one: w.fixed(one)).bytes()
    if isinstance(notice, DeviceReady):
        return Writer().u16(DEVICE_READY).fixed(notice.device_id).bytes()
    return Writer().u16(DEVICE_ADDED).fixed(notice.device_id).u8(notice.endorsed).bytes()


def read(body: bytes) -> DeviceAdded | None:
    """The notice, or None for a kind this version does not know; RemoteError where it is malformed."""
    if len(body) < 2:
        raise RemoteError("malformed", "notice")
    if int.from_bytes(body[:2], "big") != DEVICE_ADDED:
        return None
    return decode(body[2:], lambda r: DeviceAdded(r.fixed(16), r.u8() == 1))


def read_standing(body: bytes) -> ContactStanding | None:
    """The notice of somebody's standing, or None where it is another one; RemoteError where it is malformed."""
    if body[:2] != CONTACT_STANDING.to_bytes(2, "big"):
        return None
    return decode(body[2:], lambda r: ContactStanding(r.fixed(16), r.u8() == 1))


def read_person(body: bytes) -> PersonArrived | PersonGone | None:
    """The notice that somebody came or went, or None where it is another one; RemoteError where it is malformed."""
    kind = int.from_bytes(body[:2], "big")
    if kind not in (PERSON_ARRIVED, PERSON_GONE):
        return None
    person_id = decode(body[2:], lambda r: r.fixed(16))
    return PersonArrived(person_id) if kind == PERSON_ARRIVED else PersonGone(person_id)


def read_ready(body: bytes) -> DeviceReady | None:
    """The notice that a device can be added, or None where it is another one; RemoteError where it is malformed."""
    if body[:2] != DEVICE_READY.to_bytes(2, "big"):
        return None
    return decode(body[2:], lambda r: DeviceReady(r.fixed(16)))


def read_unlock(body: bytes) -> UnlockAsked | None:
    """The notice that a device asks to be opened, or None where it is another; RemoteError where it is malformed."""
    if body[:2] != UNLOCK_ASKED.to_bytes(2, "big"):
        return None
    return decode(body[2:], lambda r: UnlockAsked(r.fixed(16)))


def read_expiry(body: bytes) -> Expiry | None:
    """A notice of messages forgotten undelivered, None where it is another one; RemoteError where it is malformed."""
    kind, content = int.from_bytes(body[:2], "big"), body[2:]
    if kind == NOT_DELIVERED:
        return decode(content, _not_delivered)
    if kind == MESSAGES_EXPIRED:
        return decode(content, _messages_expired)
    return None


def _not_delivered(data: Reader) -> NotDelivered:
    return NotDelivered(data.fixed(16), data.fixed(16), tuple(data.vector(lambda r: r.u64())[:NUMBERS_MAX]))


def _messages_expired(data: Reader) -> MessagesExpired:
    last = data.fixed(16), data.u64(), data.u32()
    return MessagesExpired(*last, tuple(data.vector(lambda r: r.fixed(16))[:PEOPLE_MAX]))


def read_proof(body: bytes) -> Proof | None:
    """A notice about proofs of identity, or None where it is another one; RemoteError where it is malformed."""
    kind, content = int.from_bytes(body[:2], "big"), body[2:]
    if kind == REGISTRATION_WAITS:
        return decode(content, lambda r: RegistrationWaits(r.fixed(16), r.u64(), r.text()))
    if kind == REGISTERED_AGAIN:
        return decode(content, lambda r: RegisteredAgain(r.opaque()))
    if kind == CERTIFICATE_DUE:
        return decode(content, lambda _: CertificateDue())
    return None
