"""Proposals and the Commit that enacts them, as bytes: RFC 9420 sections 12.1 and 12.4."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer
from miss_protocol.mls.extensions import Extension, read_extensions, write_extensions
from miss_protocol.mls.nodes import KeyPackage, LeafNode
from miss_protocol.mls.schedule import PskId
from miss_protocol.mls.treekem import UpdatePath


@dataclass(frozen=True)
class Add:
    """Make a device a member."""

    type: ClassVar[int] = 1
    key_package: KeyPackage

    def write(self, out: Writer) -> None:
        self.key_package.write(out)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(KeyPackage.read(reader))


@dataclass(frozen=True)
class Update:
    """Replace the sender's own leaf."""

    type: ClassVar[int] = 2
    leaf: LeafNode

    def write(self, out: Writer) -> None:
        self.leaf.write(out)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(LeafNode.read(reader))


@dataclass(frozen=True)
class Remove:
    """Make the device at this leaf index no longer a member."""

    type: ClassVar[int] = 3
    leaf: int

    def write(self, out: Writer) -> None:
        out.u32(self.leaf)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(reader.u32())


@dataclass(frozen=True)
class PreSharedKey:
    """Mix a pre-shared key into the key schedule."""

    type: ClassVar[int] = 4
    psk: PskId

    def write(self, out: Writer) -> None:
        self.psk.write(out)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(PskId.read(reader))


@dataclass(frozen=True)
class ReInit:
    """Close this group in favour of a new one."""

    type: ClassVar[int] = 5
    group_id: bytes
    version: int
    suite_id: int
    extensions: tuple[Extension, ...]

    def write(self, out: Writer) -> None:
        out.opaque(self.group_id).u16(self.version).u16(self.suite_id)
        write_extensions(out, self.extensions)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(reader.opaque(), reader.u16(), reader.u16(), read_extensions(reader))


@dataclass(frozen=True)
class ExternalInit:
    """A newcomer's share of the init secret, in a commit by which it adds itself."""

    type: ClassVar[int] = 6
    kem_output: bytes

    def write(self, out: Writer) -> None:
        out.opaque(self.kem_output)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(reader.opaque())


@dataclass(frozen=True)
class GroupContextExtensions:
    """Replace all the extensions of the group context."""

    type: ClassVar[int] = 7
    extensions: tuple[Extension, ...]

    def write(self, out: Writer) -> None:
        write_extensions(out, self.extensions)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(read_extensions(reader))


@dataclass(frozen=True)
class SelfRemove:
    """The sender leaves; another member commits it (draft-ietf-mls-extensions)."""

    type: ClassVar[int] = 0x000A

    def write(self, out: Writer) -> None:
        """Nothing: the sender of the message is all there is to know."""

    @classmethod
    def read(cls, reader: Reader) -> Self:
        del reader
        return cls()


Proposal = Add | Update | Remove | PreSharedKey | ReInit | ExternalInit | GroupContextExtensions | SelfRemove

_READERS: dict[int, Callable[[Reader], Proposal]] = {
    Add.type: Add.read,
    Update.type: Update.read,
    Remove.type: Remove.read,
    PreSharedKey.type: PreSharedKey.read,
    ReInit.type: ReInit.read,
    ExternalInit.type: ExternalInit.read,
    GroupContextExtensions.type: GroupContextExtensions.read,
    SelfRemove.type: SelfRemove.read,
}


def read_proposal(reader: Reader) -> Proposal:
    """A Proposal of any type known here; RemoteError("unsupported") for others."""
    kind = reader.u16()
    if kind not in _READERS:
        raise RemoteError("unsupported", "proposal type")
    return _READERS[kind](reader)


def write_proposal(out: Writer, proposal: Proposal) -> None:
    proposal.write(out.u16(proposal.type))


@dataclass(frozen=True)
class Commit:
    """Proposals in order, each inline or by reference (bytes), and the committer's fresh path."""

    proposals: tuple[Proposal | bytes, ...]
    path: UpdatePath | None

    def write(self, out: Writer) -> None:
        out.vector(self.proposals, _write_either).optional(self.path, lambda w, path: path.write(w))

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(tuple(reader.vector(_read_either)), reader.optional(UpdatePath.read))


def _write_either(out: Writer, item: Proposal | bytes) -> None:
    if isinstance(item, bytes):
        out.u8(2).opaque(item)
    else:
        write_proposal(out.u8(1), item)


def _read_either(reader: Reader) -> Proposal | bytes:
    kind = reader.u8()
    if kind == 1:
        return read_proposal(reader)
    if kind == 2:
        return reader.opaque()
    raise RemoteError("malformed", "proposal or reference")
