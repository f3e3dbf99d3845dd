"""A member's state of a group, and its bytes in parts: an epoch changes by commits, a ratchet by messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

from miss_protocol.errors import LocalError
from miss_protocol.mls import schedule
from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.mls.epoch import PublicEpoch, PublicGroup, Resolved, read_pending, write_pending
from miss_protocol.mls.extensions import Credential, Extension
from miss_protocol.mls.framing import Sender
from miss_protocol.mls.nodes import KeyPackage, LeafNode
from miss_protocol.mls.ratchets import SecretTree, SenderRatchets
from miss_protocol.mls.schedule import EpochSecrets
from miss_protocol.mls.signatures import SigningKey
from miss_protocol.mls.suite import PRODUCT_SUITE, Suite

EPOCH = "epoch"
PROPOSALS = "proposals"
SECRETS = "secrets"
RATCHET = "ratchet/"


@dataclass(frozen=True)
class Identity:
    """Who a device is: its signature key and the credential that vouches for it.

    Args:
        signature_private: for Ed25519 the 32-byte seed.
        credential: what the leaf will show.
        suite: the cipher suite whose signature scheme the key is for.
        extensions: what the leaf will say beside; it must be among the device's capabilities.
    """

    signature_private: bytes = field(repr=False)
    credential: Credential
    suite: Suite = PRODUCT_SUITE
    extensions: tuple[Extension, ...] = ()

    @cached_property
    def key(self) -> SigningKey:
        return self.suite.scheme.load(self.signature_private)


@dataclass(frozen=True)
class KeyPackageSecrets:
    """A key package and the two private keys that belong to it; ``key_package`` is the bare struct."""

    key_package: bytes
    reference: bytes
    init_private: bytes = field(repr=False)
    leaf_private: bytes = field(repr=False)

    @cached_property
    def decoded(self) -> KeyPackage:
        return KeyPackage.decode(self.key_package)

    def encode(self) -> bytes:
        out = Writer().opaque(self.key_package).opaque(self.reference)
        return out.opaque(self.init_private).opaque(self.leaf_private).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        return decode(data, lambda r: cls(r.opaque(), r.opaque(), r.opaque(), r.opaque()))


def _write_secrets(out: Writer, secrets: EpochSecrets) -> None:
    for one in (secrets.sender_data, secrets.exporter, secrets.external, secrets.membership):
        out.opaque(one)
    out.opaque(secrets.resumption).opaque(secrets.authenticator).opaque(secrets.init)


def _read_secrets(reader: Reader) -> EpochSecrets:
    sender_data, exporter, external, membership = (reader.opaque() for _ in range(4))
    resumption, authenticator, init = (reader.opaque() for _ in range(3))
    return EpochSecrets(sender_data, b"", exporter, external, b"", membership, resumption, authenticator, init)


@dataclass(frozen=True, eq=False)
class MemberEpoch:
    """One epoch as one member knows it: the public half, its own place, and the secrets that last the epoch.

    ``privates`` are the private keys of nodes above (and of) its leaf, by node position. ``closed``: a
    re-initialisation began this epoch, in which nobody sends any more.
    """

    public: PublicEpoch
    my_leaf: int
    secrets: EpochSecrets
    privates: Mapping[int, bytes] = field(repr=False)
    closed: bool = False

    @cached_property
    def encoded(self) -> bytes:
        out = Writer().u8(self.closed).u32(self.my_leaf).opaque(self.public.encoded)
        _write_secrets(out, self.secrets)
        items = sorted(self.privates.items())
        return out.vector(items, lambda w, item: w.u32(item[0]).opaque(item[1])).bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        closed, my_leaf = reader.u8() != 0, reader.u32()
        public, secrets = decode(reader.opaque(), PublicEpoch.read), _read_secrets(reader)
        return cls(public, my_leaf, secrets, dict(reader.vector(lambda r: (r.u32(), r.opaque()))), closed)


@dataclass(frozen=True, eq=False)
class Group:
    """One member's state of a group; every verb returns the next one and leaves this one as it was."""

    member: MemberEpoch
    pending: tuple[Resolved, ...]
    updates: Mapping[bytes, bytes] = field(repr=False)
    secret_tree: SecretTree
    ratchets: Mapping[int, SenderRatchets]

    @classmethod
    def begin(
        cls,
        public: PublicEpoch,
        my_leaf: int,
        secrets: EpochSecrets,
        privates: Mapping[int, bytes],
        *,
        closed: bool = False,
    ) -> Self:
        """The start of an epoch: the secrets used up here are not kept."""
        secret_tree = SecretTree.of(secrets.encryption, public.tree.width)
        lasting = replace(secrets, encryption=b"", confirmation=b"")
        return cls(MemberEpoch(public, my_leaf, lasting, privates, closed), (), {}, secret_tree, {})

    @property
    def suite(self) -> Suite:
        return self.member.public.suite

    @property
    def group_id(self) -> bytes:
        return self.member.public.group_id

    @property
    def epoch(self) -> int:
        return self.member.public.number

    @property
    def my_leaf(self) -> int:
        return self.member.my_leaf

    @property
    def extensions(self) -> tuple[Extension, ...]:
        """The extensions of the group context."""
        return self.member.public.extensions

    @property
    def public(self) -> PublicGroup:
        """What the server sees of this group."""
        return PublicGroup(self.member.public, self.pending)

    @property
    def epoch_authenticator(self) -> bytes:
        """A value that members of one epoch share and nobody else knows, section 8.7."""
        return self.member.secrets.authenticator

    def leaf(self, index: int) -> LeafNode | None:
        return self.member.public.tree.leaf(index)

    def roster(self) -> dict[int, LeafNode]:
        """Every member by leaf index."""
        return dict(self.member.public.tree.leaves())

    @property
    def must_commit(self) -> bool:
        """Whether somebody's proposal waits: section 12.4 wants a commit before more application data is sent."""
        return any(one.sender != Sender.member(self.my_leaf) for one in self.pending)

    @property
    def resumption_psk(self) -> tuple[bytes, bytes]:
        """(name, key) under which this epoch may be referred to later, sections 8.6 and 12.1.4."""
        name = self.group_id + self.epoch.to_bytes(8, "big")
        return name, self.member.secrets.resumption

    def export(self, label: str, context: bytes, length: int) -> bytes:
        """A secret of this epoch for another purpose, section 8.5."""
        return schedule.export(self.suite, self.member.secrets.exporter, label, context, length)

    def key_of(self, identity: Identity) -> SigningKey:
        """The signing key of ``identity``; LocalError when this group knows us by another, or nobody sends here now."""
        if self.member.closed:
            # Section 12.4.2: after a re-initialisation the group is not used to send messages any more.
            raise LocalError("closed", "the group was re-initialised")
        leaf = self.leaf(self.my_leaf)
        if identity.suite is not self.suite or leaf is None or identity.key.public != leaf.signature_key:
            raise LocalError("wrong-identity", "not the signature key of our leaf")
        return identity.key

    # Ratchets.

    def ratchets_of(self, leaf: int) -> tuple["Group", SenderRatchets, frozenset[str]]:
        """(a group in which this leaf's ratchets are begun, them, the parts that changed by it).

        The leaf must be a member's.
        """
        known = self.ratchets.get(leaf)
        if known is not None:
            return self, known, frozenset()
        secret_tree, ratchets = self.secret_tree.take(self.suite, leaf)
        group = replace(self, secret_tree=secret_tree, ratchets={**self.ratchets, leaf: ratchets})
        return group, ratchets, frozenset((SECRETS, f"{RATCHET}{leaf}"))

    def with_ratchets(self, leaf: int, ratchets: SenderRatchets) -> "Group":
        return replace(self, ratchets={**self.ratchets, leaf: ratchets})

    # Parts.

    def part_names(self) -> frozenset[str]:
        """The names of the parts this state has; a stored part of another name is of the past."""
        names = {EPOCH, SECRETS, *(f"{RATCHET}{leaf}" for leaf in self.ratchets)}
        return frozenset(names | {PROPOSALS} if self.pending else names)

    def part(self, name: str) -> bytes:
        """The bytes of one part; LocalError when this state has none of this name."""
        if name == EPOCH:
            return self.member.encoded
        if name == SECRETS:
            return self.secret_tree.encoded
        if name == PROPOSALS and self.pending:
            out = Writer()
            write_pending(out, self.pending)
            return out.vector(sorted(self.updates.items()), lambda w, i: w.opaque(i[0]).opaque(i[1])).bytes()
        leaf = name.removeprefix(RATCHET)
        if name.startswith(RATCHET) and leaf.isdecimal() and int(leaf) in self.ratchets:
            return self.ratchets[int(leaf)].encoded
        raise LocalError("no-part", "this state has no such part")

    def parts(self) -> dict[str, bytes]:
        """The whole state: saving only the parts a step names keeps a stored copy equal to this."""
        return {name: self.part(name) for name in self.part_names()}

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes]) -> Self:
        """The state saved as ``parts``; RemoteError or LocalError when they are not such parts."""
        if EPOCH not in parts or SECRETS not in parts:
            raise LocalError("no-part", "an epoch and its secrets are needed")
        member = decode(parts[EPOCH], MemberEpoch.read)
        pending: tuple[Resolved, ...] = ()
        updates: dict[bytes, bytes] = {}
        if PROPOSALS in parts:

            def read(reader: Reader) -> tuple[tuple[Resolved, ...], dict[bytes, bytes]]:
                return read_pending(reader), dict(reader.vector(lambda r: (r.opaque(), r.opaque())))

            pending, updates = decode(parts[PROPOSALS], read)
        ratchets = {
            int(name.removeprefix(RATCHET)): SenderRatchets.decode(data)
            for name, data in parts.items()
            if name.startswith(RATCHET)
        }
        return cls(member, pending, updates, SecretTree.decode(parts[SECRETS]), ratchets)
