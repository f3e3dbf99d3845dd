"""The nodes of a ratchet tree and the key package a leaf comes from, RFC 9420 sections 7.1, 7.2 and 10."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from typing import Self

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.mls.extensions import Capabilities as Capabilities
from miss_protocol.mls.extensions import Credential as Credential
from miss_protocol.mls.extensions import Extension as Extension
from miss_protocol.mls.extensions import read_extensions, write_extensions
from miss_protocol.mls.suite import PROTOCOL_VERSION, Suite, suite_of


class LeafSource(IntEnum):
    """How a leaf came into the tree."""

    KEY_PACKAGE = 1
    UPDATE = 2
    COMMIT = 3


@dataclass(frozen=True)
class Lifetime:
    """When a key package may be used, in seconds since 1970."""

    not_before: int
    not_after: int


@dataclass(frozen=True)
class LeafNode:
    """One device in the tree.

    ``lifetime`` stands in leaves from key packages only, ``parent_hash`` in leaves from commits only.
    """

    encryption_key: bytes
    signature_key: bytes
    credential: Credential
    capabilities: Capabilities
    source: LeafSource
    lifetime: Lifetime | None
    parent_hash: bytes
    extensions: tuple[Extension, ...]
    signature: bytes

    @cached_property
    def _unsigned(self) -> bytes:
        out = Writer().opaque(self.encryption_key).opaque(self.signature_key)
        self.credential.write(out)
        self.capabilities.write(out)
        out.u8(self.source)
        if self.lifetime is not None:
            out.u64(self.lifetime.not_before).u64(self.lifetime.not_after)
        elif self.source == LeafSource.COMMIT:
            out.opaque(self.parent_hash)
        write_extensions(out, self.extensions)
        return out.bytes()

    @cached_property
    def encoded(self) -> bytes:
        return Writer().fixed(self._unsigned).opaque(self.signature).bytes()

    def write(self, out: Writer) -> None:
        out.fixed(self.encoded)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        encryption_key, signature_key = reader.opaque(), reader.opaque()
        credential, capabilities = Credential.read(reader), Capabilities.read(reader)
        try:
            source = LeafSource(reader.u8())
        except ValueError as error:
            raise RemoteError("malformed", "leaf node source") from error
        lifetime = Lifetime(reader.u64(), reader.u64()) if source == LeafSource.KEY_PACKAGE else None
        parent_hash = reader.opaque() if source == LeafSource.COMMIT else b""
        extensions, signature = read_extensions(reader), reader.opaque()
        return cls(
            encryption_key,
            signature_key,
            credential,
            capabilities,
            source,
            lifetime,
            parent_hash,
            extensions,
            signature,
        )

    def to_be_signed(self, group_id: bytes, index: int) -> bytes:
        """LeafNodeTBS, section 7.2: all but a key package's leaf is bound to its place in the group."""
        if self.source == LeafSource.KEY_PACKAGE:
            return self._unsigned
        return Writer().fixed(self._unsigned).opaque(group_id).u32(index).bytes()

    def verify(self, suite: Suite, group_id: bytes = b"", index: int = 0) -> None:
        """Check what a leaf says about itself, section 7.3: sound keys, own credential and extensions, signature.

        Raises:
            RemoteError: ``bad-key``, ``bad-signature`` or ``bad-leaf``.
        """
        suite.kem.check(self.encryption_key)
        suite.scheme.check(self.signature_key)
        if self.credential.kind not in self.capabilities.all_credentials:
            raise RemoteError("bad-leaf", "credential type not among its capabilities")
        if not self.capabilities.all_extensions.issuperset(one.type for one in self.extensions):
            raise RemoteError("bad-leaf", "extension not among its capabilities")
        content = self.to_be_signed(group_id, index)
        suite.verify_with_label(self.signature_key, "LeafNodeTBS", content, self.signature)


@dataclass(frozen=True)
class ParentNode:
    """A key that the devices below share; ``unmerged_leaves`` are leaf indices that do not know it yet."""

    encryption_key: bytes
    parent_hash: bytes
    unmerged_leaves: tuple[int, ...] = ()

    def write(self, out: Writer) -> None:
        out.opaque(self.encryption_key).opaque(self.parent_hash)
        out.opaque(b"".join(leaf.to_bytes(4, "big") for leaf in self.unmerged_leaves))

    @classmethod
    def read(cls, reader: Reader) -> Self:
        encryption_key, parent_hash = reader.opaque(), reader.opaque()
        unmerged = tuple(reader.vector(Reader.u32))
        # Section 7.1: sorted in increasing order.
        if any(one >= other for one, other in pairwise(unmerged)):
            raise RemoteError("malformed", "unmerged leaves not in order")
        return cls(encryption_key, parent_hash, unmerged)


@dataclass(frozen=True)
class KeyPackage:
    """What a device leaves with the server so that others can add it while it is away, section 10."""

    version: int
    suite_id: int
    init_key: bytes
    leaf: LeafNode
    extensions: tuple[Extension, ...]
    signature: bytes

    @cached_property
    def to_be_signed(self) -> bytes:
        out = Writer().u16(self.version).u16(self.suite_id).opaque(self.init_key)
        self.leaf.write(out)
        write_extensions(out, self.extensions)
        return out.bytes()

    @cached_property
    def encoded(self) -> bytes:
        return Writer().fixed(self.to_be_signed).opaque(self.signature).bytes()

    def encode(self) -> bytes:
        """The bare KeyPackage struct."""
        return self.encoded

    def write(self, out: Writer) -> None:
        out.fixed(self.encoded)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        version, suite_id, init_key = reader.u16(), reader.u16(), reader.opaque()
        return cls(version, suite_id, init_key, LeafNode.read(reader), read_extensions(reader), reader.opaque())

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The key package in ``data``, a bare struct; nothing but its form is checked."""
        return decode(data, cls.read)

    @property
    def lifetime(self) -> Lifetime:
        """When it may be used; RemoteError when its leaf is no key package's leaf."""
        if self.leaf.lifetime is None:
            raise RemoteError("bad-leaf", "not a key package's leaf")
        return self.leaf.lifetime

    def reference(self, suite: Suite | None = None) -> bytes:
        """KeyPackageRef, section 5.2, by which a Welcome names it."""
        return (suite or suite_of(self.suite_id)).reference("MLS 1.0 KeyPackage Reference", self.encoded)

    def verify(self) -> None:
        """Check what a key package says about itself, section 10.1; the credential and the lifetime are the caller's.

        Raises:
            RemoteError: ``unsupported``, ``bad-key``, ``bad-signature`` or ``bad-leaf``.
        """
        if self.version != PROTOCOL_VERSION:
            raise RemoteError("unsupported", "protocol version")
        suite = suite_of(self.suite_id)
        if self.leaf.source != LeafSource.KEY_PACKAGE:
            raise RemoteError("bad-leaf", "not a key package's leaf")
        suite.kem.check(self.init_key)
        if not self.leaf.capabilities.all_extensions.issuperset(one.type for one in self.extensions):
            raise RemoteError("bad-leaf", "key package extension not among its capabilities")
        if self.init_key == self.leaf.encryption_key:
            raise RemoteError("bad-key", "init key and encryption key are the same")
        self.leaf.verify(suite)
        suite.verify_with_label(self.leaf.signature_key, "KeyPackageTBS", self.to_be_signed, self.signature)
