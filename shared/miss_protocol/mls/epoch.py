"""The public half of an epoch: what the server follows, what members agree on, and the rules an application adds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.mls.extensions import Credential, Extension
from miss_protocol.mls.framing import Sender
from miss_protocol.mls.nodes import LeafNode
from miss_protocol.mls.proposals import Proposal, read_proposal, write_proposal
from miss_protocol.mls.schedule import GroupContext, interim_hash
from miss_protocol.mls.suite import Suite
from miss_protocol.mls.tree import RatchetTree

NEW_MEMBER = -1  # in place of a leaf index: a newcomer who commits its own arrival


@dataclass(frozen=True)
class Resolved:
    """A proposal and who made it; ``reference`` is how a commit names it, None for one inside the commit."""

    proposal: Proposal
    sender: Sender
    reference: bytes | None = None

    def write(self, out: Writer) -> None:
        self.sender.write(out)
        out.opaque(self.reference or b"")
        write_proposal(out, self.proposal)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        sender, reference = Sender.read(reader), reader.opaque()
        return cls(read_proposal(reader), sender, reference)


@dataclass(frozen=True, eq=False)
class PublicEpoch:
    """Everything about one epoch that is no secret."""

    suite: Suite
    group_id: bytes
    number: int
    tree: RatchetTree
    extensions: tuple[Extension, ...]
    confirmed_transcript_hash: bytes
    confirmation_tag: bytes

    @cached_property
    def context(self) -> GroupContext:
        return GroupContext(
            self.suite,
            self.group_id,
            self.number,
            self.tree.hash(),
            self.confirmed_transcript_hash,
            self.extensions,
        )

    @cached_property
    def interim_transcript_hash(self) -> bytes:
        return interim_hash(self.suite, self.confirmed_transcript_hash, self.confirmation_tag)

    @cached_property
    def encoded(self) -> bytes:
        out = Writer().opaque(self.context.encoded).opaque(self.confirmation_tag)
        return out.opaque(self.tree.encode()).bytes()

    @classmethod
    def of(cls, context: GroupContext, tree: RatchetTree, confirmation_tag: bytes) -> Self:
        return cls(
            context.suite,
            context.group_id,
            context.epoch,
            tree,
            context.extensions,
            context.confirmed_transcript_hash,
            confirmation_tag,
        )

    @classmethod
    def read(cls, reader: Reader) -> Self:
        context, tag = GroupContext.decode(reader.opaque()), reader.opaque()
        return cls.of(context, RatchetTree.decode(context.suite, reader.opaque()), tag)


def write_pending(out: Writer, pending: Sequence[Resolved]) -> None:
    out.vector(pending, lambda w, one: one.write(w))


def read_pending(reader: Reader) -> tuple[Resolved, ...]:
    return tuple(reader.vector(Resolved.read))


@dataclass(frozen=True, eq=False)
class PublicGroup:
    """The public half of a group: its epoch, and the proposals that wait for a commit."""

    state: PublicEpoch
    pending: tuple[Resolved, ...] = ()

    @property
    def suite(self) -> Suite:
        return self.state.suite

    @property
    def group_id(self) -> bytes:
        return self.state.group_id

    @property
    def epoch(self) -> int:
        return self.state.number

    @property
    def extensions(self) -> tuple[Extension, ...]:
        return self.state.extensions

    @property
    def tree(self) -> RatchetTree:
        return self.state.tree

    @property
    def context(self) -> GroupContext:
        return self.state.context

    def leaf(self, index: int) -> LeafNode | None:
        """The member at this leaf index, if there is one."""
        return self.state.tree.leaf(index)

    def roster(self) -> dict[int, LeafNode]:
        """Every member by leaf index."""
        return dict(self.state.tree.leaves())

    def encode(self) -> bytes:
        """The bytes from which ``decode`` makes the same public group."""
        out = Writer().opaque(self.state.encoded)
        write_pending(out, self.pending)
        return out.bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """A public group from our own storage; only its form is checked."""
        return decode(data, lambda r: cls(decode(r.opaque(), PublicEpoch.read), read_pending(r)))


PublicView = PublicGroup


@dataclass(frozen=True)
class Rules:
    """The application's judgement, RFC 9420 sections 5.3.1 and 12.2: pure functions that raise RemoteError.

    ``check_credential`` gets a credential and the signature key it must stand for, whenever a leaf enters the tree or
    changes either; ``check_successor`` the credential before and after, which must be of the same client; ``allowed``
    the group before a commit, the committer's leaf index (or NEW_MEMBER) and the proposals with their own senders.
    """

    check_credential: Callable[[Credential, bytes], None]
    check_successor: Callable[[Credential, Credential], None]
    allowed: Callable[[PublicView, int, Sequence[Resolved]], None]


OPEN_RULES = Rules(lambda _credential, _key: None, lambda _before, _after: None, lambda _view, _sender, _list: None)
