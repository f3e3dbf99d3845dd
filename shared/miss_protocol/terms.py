"""The terms of a conversation, public in its group context: kind, admins, least client version."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer, decode

EXTENSION_TYPE = 0xF0A1  # RFC 9420 section 17.3: private use
CLIENT_TYPE = 0xF0A2  # the same, in a leaf: the version of the client that made it
DIRECT = "direct"
GROUP = "group"
OWN = "own"  # one person's devices among themselves
_KINDS = {1: DIRECT, 2: GROUP, 3: OWN}
_CODES = {name: code for code, name in _KINDS.items()}
PERSON_ID_BYTES = 16


class _Extension(Protocol):
    @property
    def type(self) -> int: ...
    @property
    def data(self) -> bytes: ...


@dataclass(frozen=True)
class Terms:
    """What everybody, the server included, may read of a conversation.

    Args:
        kind: ``direct`` (two people, both admins), ``group``, or ``own`` (the devices of one person, its only admin).
        admins: person ids, 16 bytes each.
        least_version: the least client version that may become a member.
        least_since: when that was last raised, in seconds since 1970; 0 where it never was.
    """

    kind: str
    admins: frozenset[bytes]
    least_version: int = 1
    least_since: int = 0

    def encode(self) -> bytes:
        """The data of the extension; admins sorted, so that equal terms have equal bytes."""
        out = Writer().u8(_CODES[self.kind]).u16(self.least_version).u64(self.least_since)
        return out.vector(sorted(self.admins), lambda w, a: w.fixed(a)).bytes()

    @classmethod
    def decode(cls, data: bytes) -> "Terms":
        """Raises RemoteError where the bytes are not such terms."""

        def read(reader: Reader) -> "Terms":
            kind = _KINDS.get(reader.u8())
            if kind is None:
                raise RemoteError("malformed", "kind of conversation")
            least, since = reader.u16(), reader.u64()
            admins = reader.vector(lambda r: r.fixed(PERSON_ID_BYTES))
            if admins != sorted(set(admins)):
                raise RemoteError("malformed", "admins not sorted")
            return cls(kind, frozenset(admins), least, since)

        return decode(data, read)

    @classmethod
    def of(cls, extensions: Iterable[_Extension]) -> "Terms":
        """The terms among a group context's extensions; RemoteError("no-terms") where there are none."""
        for extension in extensions:
            if extension.type == EXTENSION_TYPE:
                return cls.decode(extension.data)
        raise RemoteError("no-terms", "the group context holds no terms")


def client(version: int) -> bytes:
    """The data of the leaf extension that says which client made a leaf."""
    return Writer().u16(version).bytes()


def client_version(extensions: Iterable[_Extension]) -> int:
    """The client version among a leaf's extensions, 1 where it says none; RemoteError where it is malformed."""
    for extension in extensions:
        if extension.type == CLIENT_TYPE:
            return decode(extension.data, Reader.u16)
    return 1
