"""The server's words in a device's own stream: the few things that no conversation can tell."""

from dataclasses import dataclass

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Writer, decode

DEVICE_ADDED = 1
CONTACT_STANDING = 2


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


Notice = DeviceAdded | ContactStanding


def encode(notice: Notice) -> bytes:
    """The body of a NOTICE row."""
    if isinstance(notice, ContactStanding):
        return Writer().u16(CONTACT_STANDING).fixed(notice.person_id).u8(notice.practises).bytes()
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
