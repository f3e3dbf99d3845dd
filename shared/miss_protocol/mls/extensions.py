"""Extensions, RFC 9420 section 13: the envelope, and the contents of those every member must understand."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer, decode

RATCHET_TREE = 0x0002
REQUIRED_CAPABILITIES = 0x0003
EXTERNAL_PUB = 0x0004
EXTERNAL_SENDERS = 0x0005
LAST_RESORT = 0x000A  # draft-ietf-mls-extensions: an empty extension of a key package that may be used more than once
DEFAULT_EXTENSIONS = frozenset((1, 2, 3, 4, 5))  # section 7.2: supported by everybody, never listed
DEFAULT_PROPOSALS = frozenset((1, 2, 3, 4, 5, 6, 7))

BASIC = 1
X509 = 2


def read_numbers(reader: Reader) -> tuple[int, ...]:
    """A ``uint16 values<V>``."""
    data = reader.opaque()
    if len(data) % 2:
        raise RemoteError("malformed", "odd length of a list of uint16")
    return struct.unpack(f">{len(data) // 2}H", data)


def write_numbers(out: Writer, values: tuple[int, ...]) -> None:
    out.opaque(struct.pack(f">{len(values)}H", *values))


@dataclass(frozen=True)
class Extension:
    """A typed blob; what it means depends on where it stands."""

    type: int
    data: bytes

    def write(self, out: Writer) -> None:
        out.u16(self.type).opaque(self.data)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(reader.u16(), reader.opaque())


def read_extensions(reader: Reader) -> tuple[Extension, ...]:
    """An ``Extension extensions<V>``; section 13.4: no type may appear twice."""
    extensions = tuple(reader.vector(Extension.read))
    if len({one.type for one in extensions}) != len(extensions):
        raise RemoteError("malformed", "an extension type appears twice")
    return extensions


def write_extensions(out: Writer, extensions: Iterable[Extension]) -> None:
    out.vector(extensions, lambda w, e: e.write(w))


def find(extensions: Iterable[Extension], number: int) -> bytes | None:
    """The data of the extension of this type, if there is one."""
    for one in extensions:
        if one.type == number:
            return one.data
    return None


@dataclass(frozen=True)
class Credential:
    """Who a leaf claims to be: a bare identity (kind 1) or DER certificates, its own first (kind 2)."""

    kind: int
    identity: bytes = b""
    certificates: tuple[bytes, ...] = ()

    @classmethod
    def basic(cls, identity: bytes) -> Self:
        return cls(BASIC, identity=identity)

    @classmethod
    def x509(cls, *certificates: bytes) -> Self:
        return cls(X509, certificates=certificates)

    def write(self, out: Writer) -> None:
        out.u16(self.kind)
        if self.kind == BASIC:
            out.opaque(self.identity)
        else:
            out.vector(self.certificates, lambda w, c: w.opaque(c))

    @classmethod
    def read(cls, reader: Reader) -> Self:
        kind = reader.u16()
        if kind == BASIC:
            return cls(kind, identity=reader.opaque())
        if kind == X509:
            # Section 5.3: each certificate is an opaque<V>, and a chain has at least one.
            certificates = tuple(reader.vector(Reader.opaque))
            if not certificates:
                raise RemoteError("malformed", "empty certificate chain")
            return cls(kind, certificates=certificates)
        raise RemoteError("unsupported", "credential type")


@dataclass(frozen=True)
class Capabilities:
    """What a client can do, section 7.2; what everybody can do is not listed."""

    versions: tuple[int, ...]
    suites: tuple[int, ...]
    extensions: tuple[int, ...]
    proposals: tuple[int, ...]
    credentials: tuple[int, ...]

    @cached_property
    def all_extensions(self) -> frozenset[int]:
        return DEFAULT_EXTENSIONS.union(self.extensions)

    @cached_property
    def all_proposals(self) -> frozenset[int]:
        return DEFAULT_PROPOSALS.union(self.proposals)

    @cached_property
    def all_credentials(self) -> frozenset[int]:
        return frozenset(self.credentials)

    def write(self, out: Writer) -> None:
        for values in (self.versions, self.suites, self.extensions, self.proposals, self.credentials):
            write_numbers(out, values)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(*(read_numbers(reader) for _ in range(5)))


@dataclass(frozen=True)
class RequiredCapabilities:
    """What every member must support, section 11.1."""

    extensions: tuple[int, ...] = ()
    proposals: tuple[int, ...] = ()
    credentials: tuple[int, ...] = ()

    def extension(self) -> Extension:
        """The group context extension that says so."""
        out = Writer()
        for values in (self.extensions, self.proposals, self.credentials):
            write_numbers(out, values)
        return Extension(REQUIRED_CAPABILITIES, out.bytes())

    @classmethod
    def of(cls, extensions: Iterable[Extension]) -> Self:
        """What these group context extensions require: nothing, where none of them says."""
        data = find(extensions, REQUIRED_CAPABILITIES)
        if data is None:
            return cls()
        return decode(data, lambda reader: cls(*(read_numbers(reader) for _ in range(3))))


@dataclass(frozen=True)
class ExternalSender:
    """Somebody outside the group who may propose, section 12.1.8.1."""

    signature_key: bytes
    credential: Credential

    @classmethod
    def _read(cls, reader: Reader) -> Self:
        return cls(reader.opaque(), Credential.read(reader))

    @classmethod
    def of(cls, extensions: Iterable[Extension]) -> tuple[Self, ...]:
        """The external senders these group context extensions name."""
        data = find(extensions, EXTERNAL_SENDERS)
        return () if data is None else tuple(decode(data, lambda reader: reader.vector(cls._read)))


def external_senders(senders: Iterable[ExternalSender]) -> Extension:
    """The group context extension that names ``senders``."""

    def write(out: Writer, one: ExternalSender) -> None:
        one.credential.write(out.opaque(one.signature_key))

    return Extension(EXTERNAL_SENDERS, Writer().vector(senders, write).bytes())


def external_pub(key: bytes) -> Extension:
    """The GroupInfo extension that lets newcomers join by themselves, section 12.4.3.2."""
    return Extension(EXTERNAL_PUB, Writer().opaque(key).bytes())


def external_pub_of(extensions: Iterable[Extension]) -> bytes | None:
    """The external public key among a GroupInfo's extensions, if any."""
    data = find(extensions, EXTERNAL_PUB)
    return None if data is None else decode(data, Reader.opaque)
