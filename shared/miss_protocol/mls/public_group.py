"""The server's view of a group: follow its public half, judge what members send, without any secret."""

from dataclasses import dataclass, replace

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import commits
from miss_protocol.mls.epoch import PublicGroup as PublicGroup
from miss_protocol.mls.epoch import Resolved, Rules
from miss_protocol.mls.extensions import RATCHET_TREE, ExternalSender, external_pub_of, find
from miss_protocol.mls.framing import FramedContent, PublicMessage, Sender, SenderType, WireFormat, sign_content
from miss_protocol.mls.handshakes import verify_signature
from miss_protocol.mls.joining import welcome_of
from miss_protocol.mls.messages import decode_message, decode_public, encode_message
from miss_protocol.mls.policy import allowed as allowed
from miss_protocol.mls.proposals import Commit, Proposal
from miss_protocol.mls.validation import public_epoch
from miss_protocol.mls.welcome import GroupInfo

OUTSIDER = -1  # the sender of a proposal that comes from no member
_REASONS = frozenset(("stale", "forbidden", "malformed", "bad-signature", "invalid-commit"))


@dataclass(frozen=True)
class Judged:
    """A handshake message that holds in public, and the group after it.

    ``sender`` is a leaf index (a newcomer's new one), ``removed`` are leaf indices of the tree before,
    ``added_references`` the key package references a Welcome must name, in the order of ``added``.
    """

    public: PublicGroup
    kind: str
    sender: int
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    added_references: tuple[bytes, ...] = ()


def follow(group_info_message: bytes, *, rules: Rules, single: bool = False) -> PublicGroup:
    """Begin to follow a group from a GroupInfo that carries its tree.

    Args:
        group_info_message: an MLSMessage.
        rules: the application's.
        single: whether the group must have exactly one member, as a new one has.

    Raises:
        RemoteError: what is wrong with it.
    """
    info = decode_message(group_info_message)
    if not isinstance(info, GroupInfo):
        raise RemoteError("malformed", "not a GroupInfo")
    public = PublicGroup(public_epoch(info, None, rules))
    if single and (len(public.roster()) != 1 or public.epoch != 0):
        raise RemoteError("invalid-commit", "a new group has one member and epoch 0")
    return public


def judge(public: PublicGroup, message: bytes, *, rules: Rules) -> Judged:
    """Judge a member's commit or proposal by all that is public.

    Returns:
        The group after a commit, or the same group with the proposal pending.

    Raises:
        RemoteError: ``stale`` (another epoch), ``forbidden`` (by the rules), ``malformed``, ``bad-signature`` or
            ``invalid-commit``.
    """
    try:
        return _judge(public, message, rules)
    except RemoteError as error:
        if error.reason == "future":
            raise RemoteError("stale", error.detail) from error
        if error.reason in _REASONS:
            raise
        raise RemoteError("invalid-commit", f"{error.reason}: {error.detail}") from error


def _judge(public: PublicGroup, message: bytes, rules: Rules) -> Judged:
    authenticated = decode_public(message).authenticated
    verify_signature(public, authenticated)
    content = authenticated.content
    if isinstance(content.body, bytes):
        # Section 6.2: application data never travels in a PublicMessage.
        raise RemoteError("malformed", "application data in the clear")
    if not isinstance(content.body, Commit):
        noted = Resolved(content.body, content.sender, authenticated.reference(public.suite))
        commits.check_proposal(public, noted, rules)
        sender = content.sender.index if content.sender.type == SenderType.MEMBER else OUTSIDER
        rules.allowed(public, sender, (noted,))
        after = replace(public, pending=commits.with_pending(public.pending, noted))
        return Judged(after, "proposal", sender)
    enacted = commits.enact(public, authenticated, rules)
    changes = enacted.changes
    state = commits.next_epoch(public, enacted.tree, changes.extensions, authenticated)
    added = changes.newcomers
    if content.sender.type == SenderType.NEW_MEMBER_COMMIT:
        added = (enacted.sender,)
    references = tuple(package.reference(public.suite) for _, package in changes.added)
    return Judged(PublicGroup(state), "commit", enacted.sender, added, changes.removed, references)


def check_group_info(public: PublicGroup, signer: int, message: bytes) -> None:
    """Whether a GroupInfo that came beside a commit is of the epoch it begins, and lets a device that is lost return.

    Args:
        public: the group after the commit.
        signer: the committer's leaf index.
        message: an MLSMessage, without the tree: ours is served beside it.

    Raises:
        RemoteError: ``bad-group-info``, ``bad-signature`` or ``malformed``.
    """
    info = decode_message(message)
    if not isinstance(info, GroupInfo):
        raise RemoteError("malformed", "not a GroupInfo")
    leaf, same = public.leaf(signer), info.confirmation_tag == public.state.confirmation_tag
    if info.context.encoded != public.context.encoded or not same or info.signer != signer or leaf is None:
        raise RemoteError("bad-group-info", "of another group, epoch or signer")
    info.verify(leaf.signature_key)
    external_key = external_pub_of(info.extensions)
    if external_key is None or find(info.extensions, RATCHET_TREE) is not None:
        raise RemoteError("bad-group-info", "an external key, and no tree, is wanted")
    public.suite.kem.check(external_key)


def external_proposal(public: PublicGroup, signature_private: bytes, proposal: Proposal) -> bytes:
    """A proposal from outside, signed with the key of one of the group's external senders, section 12.1.8.1.

    Returns:
        An MLSMessage that ``judge`` takes and members receive like any other proposal.

    Raises:
        LocalError: the key is no external sender's of this group.
    """
    key = public.suite.scheme.load(signature_private)
    keys = [sender.signature_key for sender in ExternalSender.of(public.extensions)]
    if key.public not in keys:
        raise LocalError("wrong-identity", "not an external sender of this group")
    sender = Sender(SenderType.EXTERNAL, keys.index(key.public))
    content = FramedContent(public.group_id, public.epoch, sender, b"", proposal)
    signed = sign_content(public.suite, key, WireFormat.PUBLIC, content, b"")
    return encode_message(PublicMessage(signed, None))


def welcome_references(welcome: bytes) -> tuple[bytes, ...]:
    """The key packages that a Welcome is for, by reference, in its order; RemoteError("malformed")."""
    return tuple(reference for reference, _ in welcome_of(welcome).secrets)
