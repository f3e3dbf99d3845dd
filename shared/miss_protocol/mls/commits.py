"""What a commit does to the public half of a group, RFC 9420 sections 12.2 to 12.4: checks first, then the new tree.

Server and members run this same code: a member must never refuse a commit for a reason the server cannot see, or the
group forks. Nothing here knows a secret.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from miss_protocol.errors import RemoteError
from miss_protocol.mls import treekem
from miss_protocol.mls.epoch import NEW_MEMBER, PublicEpoch, PublicGroup, Resolved, Rules
from miss_protocol.mls.extensions import Extension, ExternalSender
from miss_protocol.mls.framing import AuthenticatedContent, Sender, SenderType
from miss_protocol.mls.nodes import KeyPackage, LeafNode, LeafSource
from miss_protocol.mls.proposals import (
    Add,
    Commit,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    ReInit,
    Remove,
    SelfRemove,
    Update,
)
from miss_protocol.mls.schedule import GroupContext, PskId, confirmed_hash
from miss_protocol.mls.suite import PROTOCOL_VERSION
from miss_protocol.mls.tree import RatchetTree
from miss_protocol.mls.treekem import UpdatePath
from miss_protocol.mls.validation import check_capabilities, check_context_extensions, check_unique_keys

EPOCH_MAX = (1 << 64) - 1
PENDING_MAX = 1_000
_PATHLESS = (Add, PreSharedKey, ReInit)  # section 17.4: the types that do not require a path
_BY_OUTSIDERS = (Add, Remove, PreSharedKey, ReInit, GroupContextExtensions)  # section 12.1.8


@dataclass(frozen=True)
class Changes:
    """What a list of proposals asks for, applied to the tree; the committer's path is yet to come."""

    resolved: tuple[Resolved, ...]
    tree: RatchetTree
    extensions: tuple[Extension, ...]
    added: tuple[tuple[int, KeyPackage], ...]
    removed: tuple[int, ...]
    psks: tuple[PskId, ...]
    external_init: bytes | None

    @property
    def needs_path(self) -> bool:
        """Section 12.4: an empty list, or any proposal of a type that requires a path."""
        return not self.resolved or any(not isinstance(one.proposal, _PATHLESS) for one in self.resolved)

    @property
    def closes(self) -> bool:
        """Whether the group is re-initialised: a new one is to take its place."""
        return any(isinstance(one.proposal, ReInit) for one in self.resolved)

    @property
    def newcomers(self) -> tuple[int, ...]:
        return tuple(index for index, _ in self.added)


@dataclass(frozen=True)
class Enacted:
    """A commit judged valid in all that is public: the next tree, and what members need for its secrets."""

    changes: Changes
    sender: int
    path: UpdatePath | None
    path_tree: RatchetTree
    provisional: GroupContext
    tree: RatchetTree


# One proposal at a time, section 12.1.


def check_proposal(public: PublicGroup, one: Resolved, rules: Rules) -> None:
    """Whether a proposal is valid by itself in this epoch.

    Raises:
        RemoteError: for the first thing that is wrong.
    """
    proposal, sender = one.proposal, one.sender
    if sender.type == SenderType.EXTERNAL and not isinstance(proposal, _BY_OUTSIDERS):
        raise RemoteError("invalid-proposal", "not for an external sender")
    if sender.type == SenderType.NEW_MEMBER_PROPOSAL and not isinstance(proposal, Add):
        raise RemoteError("invalid-proposal", "not for a newcomer")
    if isinstance(proposal, Add):
        _check_add(public, proposal.key_package, rules)
    elif isinstance(proposal, Update):
        _check_update(public, proposal.leaf, sender, rules)
    elif isinstance(proposal, Remove):
        if public.leaf(proposal.leaf) is None:
            raise RemoteError("invalid-proposal", "removes nobody")
    elif isinstance(proposal, PreSharedKey):
        # Section 12.1.4: a nonce of the hash's length; re-initialisation and branching have other ways in.
        if len(proposal.psk.nonce) != public.suite.hash_length or proposal.psk.usage not in (0, 1):
            raise RemoteError("invalid-proposal", "pre-shared key")
    elif isinstance(proposal, ReInit):
        if proposal.version < PROTOCOL_VERSION:
            raise RemoteError("invalid-proposal", "older protocol version")
    elif isinstance(proposal, GroupContextExtensions):
        check_context_extensions(proposal.extensions)
    elif isinstance(proposal, SelfRemove):
        if sender.type != SenderType.MEMBER or one.reference is None:
            raise RemoteError("invalid-proposal", "self-remove comes from a member, by reference")
        _check_supported(public, SelfRemove.type)


def _check_supported(public: PublicGroup, proposal_type: int) -> None:
    """Section 12.2: every member supports a proposal's type, default types apart."""
    if any(proposal_type not in leaf.capabilities.all_proposals for _, leaf in public.tree.leaves()):
        raise RemoteError("unsupported", "a member lacks this proposal type")


def _check_add(public: PublicGroup, key_package: KeyPackage, rules: Rules) -> None:
    """Section 12.1.1 and 10.1."""
    if key_package.suite_id != public.suite.id:
        raise RemoteError("invalid-proposal", "key package of another cipher suite")
    key_package.verify()
    rules.check_credential(key_package.leaf.credential, key_package.leaf.signature_key)


def _check_update(public: PublicGroup, leaf: LeafNode, sender: Sender, rules: Rules) -> None:
    """Section 12.1.2."""
    before = public.leaf(sender.index) if sender.type == SenderType.MEMBER else None
    if before is None or leaf.source != LeafSource.UPDATE:
        raise RemoteError("invalid-proposal", "update of no member or with another's leaf")
    _check_new_leaf(public, before, leaf, sender.index, rules)


def _check_new_leaf(public: PublicGroup, before: LeafNode, after: LeafNode, index: int, rules: Rules) -> None:
    """A member's next leaf, by Update or by the path of its commit, section 7.3."""
    after.verify(public.suite, public.group_id, index)
    if after.encryption_key == before.encryption_key:
        raise RemoteError("duplicate-key", "the encryption key did not change")
    if after.credential != before.credential or after.signature_key != before.signature_key:
        rules.check_credential(after.credential, after.signature_key)
        rules.check_successor(before.credential, after.credential)


def with_pending(pending: tuple[Resolved, ...], noted: Resolved) -> tuple[Resolved, ...]:
    """The pending proposals with one more, the same once only; RemoteError("too-many") beyond PENDING_MAX."""
    if any(one.reference == noted.reference for one in pending):
        return pending
    if len(pending) >= PENDING_MAX:
        raise RemoteError("too-many", "proposals without a commit")
    return (*pending, noted)


# The list as a whole, section 12.2.


def resolve(public: PublicGroup, sender: Sender, commit: Commit) -> tuple[Resolved, ...]:
    """The proposals of a commit, those by reference looked up among the pending ones.

    Raises:
        RemoteError: ``unknown-proposal``.
    """
    known = {one.reference: one for one in public.pending}
    resolved = []
    for item in commit.proposals:
        if not isinstance(item, bytes):
            resolved.append(Resolved(item, sender))
        elif item in known:
            resolved.append(known[item])
        else:
            raise RemoteError("unknown-proposal", "a reference to no pending proposal")
    return tuple(resolved)


def _target(one: Resolved) -> int | None:
    """The leaf that an Update, Remove or SelfRemove is about."""
    if isinstance(one.proposal, Remove):
        return one.proposal.leaf
    return one.sender.index if isinstance(one.proposal, Update | SelfRemove) else None


def _check_list(committer: int, resolved: Sequence[Resolved]) -> None:
    """Which proposals may stand together in a member's commit."""
    count = Counter(type(one.proposal) for one in resolved)
    targets = [target for one in resolved if (target := _target(one)) is not None]
    if committer in targets:
        raise RemoteError("invalid-commit", "the committer updates or removes itself by a proposal")
    if len(set(targets)) != len(targets):
        raise RemoteError("invalid-commit", "two proposals about one leaf")
    if count[GroupContextExtensions] > 1 or count[ExternalInit]:
        raise RemoteError("invalid-commit", "two context changes, or an external init by a member")
    if count[ReInit] and len(resolved) > 1:
        raise RemoteError("invalid-commit", "a re-initialisation stands alone")
    references = [one.reference for one in resolved if one.reference is not None]
    if len(set(references)) != len(references):
        raise RemoteError("invalid-commit", "one reference twice")
    _check_psks(resolved)


def _check_external_list(resolved: Sequence[Resolved]) -> None:
    """Which proposals may stand together in a commit by which a newcomer adds itself, section 12.4.3.2."""
    count = Counter(type(one.proposal) for one in resolved)
    if count[ExternalInit] != 1 or count[Remove] > 1:
        raise RemoteError("invalid-commit", "an external commit has one external init and at most one remove")
    if any(not isinstance(one.proposal, ExternalInit | Remove | PreSharedKey | SelfRemove) for one in resolved):
        raise RemoteError("invalid-commit", "not for an external commit")
    if any(one.reference is not None and not isinstance(one.proposal, SelfRemove) for one in resolved):
        raise RemoteError("invalid-commit", "an external commit refers to no proposal")
    targets = [target for one in resolved if (target := _target(one)) is not None]
    if len(set(targets)) != len(targets):
        raise RemoteError("invalid-commit", "two proposals about one leaf")
    _check_psks(resolved)


def _check_psks(resolved: Sequence[Resolved]) -> None:
    psks = [one.proposal.psk for one in resolved if isinstance(one.proposal, PreSharedKey)]
    if len(set(psks)) != len(psks):
        raise RemoteError("invalid-commit", "one pre-shared key twice")


def apply_proposals(public: PublicGroup, committer: int, resolved: Sequence[Resolved], rules: Rules) -> Changes:
    """Check the list and apply it in the order of section 12.3.

    Args:
        committer: its leaf index, or NEW_MEMBER for an external commit.

    Raises:
        RemoteError: ``forbidden`` from the rules, or what is wrong.
    """
    if committer == NEW_MEMBER:
        _check_external_list(resolved)
    else:
        _check_list(committer, resolved)
    for one in resolved:
        check_proposal(public, one, rules)
    rules.allowed(public, committer, resolved)
    tree, extensions = public.tree, public.extensions
    for one in resolved:
        if isinstance(one.proposal, GroupContextExtensions):
            extensions = one.proposal.extensions
        elif isinstance(one.proposal, Update):
            tree = tree.updated(one.sender.index, one.proposal.leaf)
    leaving = [one for one in resolved if isinstance(one.proposal, Remove | SelfRemove)]
    removed = [target for one in leaving if (target := _target(one)) is not None]
    for leaf in removed:
        tree = tree.removed(leaf)
    added = []
    for one in resolved:
        if isinstance(one.proposal, Add):
            tree, index = tree.added(one.proposal.key_package.leaf)
            added.append((index, one.proposal.key_package))
    psks = tuple(one.proposal.psk for one in resolved if isinstance(one.proposal, PreSharedKey))
    init = next((one.proposal.kem_output for one in resolved if isinstance(one.proposal, ExternalInit)), None)
    return Changes(tuple(resolved), tree, extensions, tuple(added), tuple(removed), psks, init)


# The commit, section 12.4.2.


def enact(public: PublicGroup, authenticated: AuthenticatedContent, rules: Rules) -> Enacted:
    """Judge a commit whose signature and epoch were verified, and compute the tree it leads to.

    Raises:
        RemoteError: for the first thing that is wrong.
    """
    content = authenticated.content
    commit = content.body
    if not isinstance(commit, Commit) or not authenticated.confirmation_tag:
        raise RemoteError("malformed", "not a commit")
    if public.epoch >= EPOCH_MAX:
        raise RemoteError("invalid-commit", "the last epoch there can be")
    external = content.sender.type == SenderType.NEW_MEMBER_COMMIT
    if not external and content.sender.type != SenderType.MEMBER:
        raise RemoteError("invalid-commit", "neither a member nor a newcomer")
    committer = NEW_MEMBER if external else content.sender.index
    resolved = resolve(public, content.sender, commit)
    changes = apply_proposals(public, committer, resolved, rules)
    path, tree = commit.path, changes.tree
    if path is None:
        if external or changes.needs_path:
            raise RemoteError("invalid-commit", "a path is required")
        check_tree(tree, changes.extensions)
        return Enacted(changes, committer, None, tree, provisional(public, tree, changes.extensions), tree)
    if external:
        tree, committer = tree.added(path.leaf)
    _check_path_leaf(public, changes, committer, path.leaf, rules, external=external)
    known = {node.encryption_key for node in changes.tree.nodes if node is not None}
    if not known.isdisjoint((path.leaf.encryption_key, *path.keys)):
        # Section 12.4.2: no key of the path appears anywhere in the tree that it is merged into.
        raise RemoteError("duplicate-key", "a key of the path is not fresh")
    next_tree = _with_path(tree, committer, path, changes.newcomers)
    check_tree(next_tree, changes.extensions)
    context = provisional(public, next_tree, changes.extensions)
    return Enacted(changes, committer, path, tree, context, next_tree)


def _check_path_leaf(
    public: PublicGroup, changes: Changes, committer: int, leaf: LeafNode, rules: Rules, *, external: bool
) -> None:
    if leaf.source != LeafSource.COMMIT:
        raise RemoteError("invalid-commit", "the path's leaf was not made for a commit")
    if not external:
        before = public.leaf(committer)
        if before is None:
            raise RemoteError("invalid-commit", "the committer is no member")
        _check_new_leaf(public, before, leaf, committer, rules)
        return
    leaf.verify(public.suite, public.group_id, committer)
    rules.check_credential(leaf.credential, leaf.signature_key)
    for one in changes.resolved:
        if isinstance(one.proposal, Remove):
            # Section 12.2: the newcomer may remove only an earlier appearance of itself.
            gone = public.leaf(one.proposal.leaf)
            if gone is not None:
                # Section 12.2: it meets the criteria of an Update of the leaf it removes, a fresh key among them.
                if gone.encryption_key == leaf.encryption_key:
                    raise RemoteError("duplicate-key", "the encryption key did not change")
                rules.check_successor(gone.credential, leaf.credential)


def _with_path(tree: RatchetTree, committer: int, path: UpdatePath, newcomers: Sequence[int]) -> RatchetTree:
    """The tree with a path merged; sections 7.9.2 and 12.4.2: its leaf carries the right parent hash."""
    treekem.verify_shape(tree, committer, path, newcomers)
    merged, parent_hash = tree.merged(committer, path.keys)
    if path.leaf.parent_hash != parent_hash:
        raise RemoteError("invalid-commit", "parent hash of the path")
    return merged.replaced({2 * committer: path.leaf})


def check_tree(tree: RatchetTree, extensions: Sequence[Extension]) -> None:
    """The tree after a commit is a valid group; RemoteError("duplicate-key") or ("unsupported")."""
    check_unique_keys(tree)
    check_capabilities(tree, extensions)


def provisional(public: PublicGroup, tree: RatchetTree, extensions: tuple[Extension, ...]) -> GroupContext:
    """The context that path secrets are sealed under: the next epoch's, but for its transcript hash."""
    transcript = public.state.confirmed_transcript_hash
    return GroupContext(public.suite, public.group_id, public.epoch + 1, tree.hash(), transcript, extensions)


def next_epoch(
    public: PublicGroup, tree: RatchetTree, extensions: tuple[Extension, ...], authenticated: AuthenticatedContent
) -> PublicEpoch:
    """The public half of the epoch that a commit begins, with the tree and the extensions it leads to."""
    before = public.state
    confirmed = confirmed_hash(public.suite, before.interim_transcript_hash, authenticated.confirmed_input)
    tag = authenticated.confirmation_tag or b""
    return PublicEpoch(public.suite, public.group_id, public.epoch + 1, tree, extensions, confirmed, tag)


# Who signed, section 6.1.


def signature_key(public: PublicGroup, authenticated: AuthenticatedContent) -> bytes:
    """The public key that must have signed a handshake message.

    Raises:
        RemoteError: ``unknown-sender``.
    """
    sender, body = authenticated.content.sender, authenticated.content.body
    if sender.type == SenderType.MEMBER:
        leaf = public.leaf(sender.index)
        if leaf is not None:
            return leaf.signature_key
    elif sender.type == SenderType.EXTERNAL:
        senders = ExternalSender.of(public.extensions)
        if sender.index < len(senders) and not isinstance(body, Commit):
            return senders[sender.index].signature_key
    elif sender.type == SenderType.NEW_MEMBER_COMMIT:
        if isinstance(body, Commit) and body.path is not None:
            return body.path.leaf.signature_key
    elif isinstance(body, Add):
        return body.key_package.leaf.signature_key
    raise RemoteError("unknown-sender", "nobody known may send this")
