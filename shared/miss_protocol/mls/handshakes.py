"""Changing a group as a member, RFC 9420 sections 12.1 and 12.4: propose, commit, and take others' commits.

A commit of our own is *staged*: the group it leads to is returned beside the old one, which stays usable until the
server has accepted the commit, or for ever if it refuses it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import commits, schedule, treekem
from miss_protocol.mls.application import check_epoch, unseal
from miss_protocol.mls.commits import Changes
from miss_protocol.mls.epoch import OPEN_RULES, PublicEpoch, PublicGroup, Resolved, Rules
from miss_protocol.mls.framing import (
    AuthenticatedContent,
    FramedContent,
    PrivateMessage,
    PublicMessage,
    Sender,
    SenderType,
    WireFormat,
    private_message,
    public_message,
    sign_content,
    verify_membership,
)
from miss_protocol.mls.joining import NO_PSKS, Psks, group_info_of, resolve_psks, sign_leaf
from miss_protocol.mls.member import PROPOSALS, RATCHET, Group, Identity
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.nodes import LeafNode, LeafSource
from miss_protocol.mls.proposals import Commit, Proposal, SelfRemove, Update
from miss_protocol.mls.schedule import EpochSecrets, GroupContext
from miss_protocol.mls.tree import RatchetTree
from miss_protocol.mls.treekem import FreshPath, UpdatePath
from miss_protocol.mls.welcome import GroupInfo, GroupSecrets, Welcome, seal_group_info


@dataclass(frozen=True)
class Proposed:
    """A proposal to send; ``group`` remembers it until a commit."""

    group: Group
    message: bytes
    changed: frozenset[str]


@dataclass(frozen=True)
class Noted:
    """A proposal that arrived and waits for a commit; ``sender`` is a leaf index, None for an outsider."""

    group: Group
    sender: int | None
    proposal: Proposal
    changed: frozenset[str]


@dataclass(frozen=True)
class Staged:
    """A commit to send, and the group as it will be once the server accepted it.

    ``before`` is the group to go on from should the commit be refused: the old one, with the sending key spent where
    the commit is a PrivateMessage; then save its parts ``spent`` before the bytes leave.
    """

    group: Group
    message: bytes
    welcome: bytes | None
    changed: frozenset[str]
    before: Group | None = None
    spent: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Received:
    """A commit that arrived: ``group`` is None when it removes us, ``removed`` are leaf indices of the old tree."""

    group: Group | None
    sender: int
    added: tuple[int, ...]
    removed: tuple[int, ...]
    changed: frozenset[str]


# Proposals.


def propose(
    group: Group, identity: Identity, proposal: Proposal, *, authenticated_data: bytes = b"", private: bool = False
) -> Proposed:
    """Propose a change that some member will commit.

    Args:
        group: as it is.
        identity: ours.
        proposal: the change.
        authenticated_data: readable by all, signed.
        private: as a PrivateMessage, which a server that follows the group cannot read.

    Raises:
        LocalError: the identity is not our leaf's, or nobody could accept the proposal.
    """
    group.key_of(identity)
    sender = Sender.member(group.my_leaf)
    if private and isinstance(proposal, SelfRemove):
        # draft-ietf-mls-extensions: who commits a self-remove may be a newcomer, who can open no PrivateMessage.
        raise LocalError("invalid-proposal", "a leave travels in the clear")
    try:
        commits.check_proposal(group.public, Resolved(proposal, sender, b""), OPEN_RULES)
    except RemoteError as error:
        raise LocalError(error.reason, error.detail) from error
    authenticated = _signed(group, identity, proposal, authenticated_data, private=private)
    framed = _framed(group, authenticated)
    noted = Resolved(proposal, sender, authenticated.reference(group.suite))
    after = replace(framed.group, pending=commits.with_pending(group.pending, noted))
    return Proposed(after, framed.message, framed.changed | {PROPOSALS})


def _signed(
    group: Group, identity: Identity, body: Proposal | Commit, data: bytes, *, private: bool
) -> AuthenticatedContent:
    """What we say of the group, with our signature; a commit lacks its confirmation tag."""
    content = FramedContent(group.group_id, group.epoch, Sender.member(group.my_leaf), data, body)
    wire_format = WireFormat.PRIVATE if private else WireFormat.PUBLIC
    return sign_content(group.suite, identity.key, wire_format, content, group.member.public.context.encoded)


@dataclass(frozen=True)
class _Framed:
    """A handshake message as it travels; ``group`` has its sending key spent where it is sealed."""

    group: Group
    message: bytes
    changed: frozenset[str]


def _framed(group: Group, authenticated: AuthenticatedContent) -> _Framed:
    """What was signed, with our tag or, for the PRIVATE wire format, sealed by our handshake ratchet, section 9.2."""
    suite, secrets = group.suite, group.member.secrets
    if authenticated.wire_format == WireFormat.PUBLIC:
        tagged = public_message(suite, authenticated, secrets.membership, group.member.public.context.encoded)
        return _Framed(group, encode_message(tagged), frozenset())
    begun, ratchets, changed = group.ratchets_of(group.my_leaf)
    generation = ratchets.handshake.generation
    chain, key, nonce = ratchets.handshake.take(suite, generation)
    sealed = private_message(suite, authenticated, generation, key, nonce, secrets.sender_data)
    after = begun.with_ratchets(group.my_leaf, replace(ratchets, handshake=chain))
    return _Framed(after, encode_message(sealed), changed | {f"{RATCHET}{group.my_leaf}"})


def propose_update(group: Group, identity: Identity) -> Proposed:
    """Propose a fresh leaf for ourselves, with the credential of ``identity``; its private key waits in the group."""
    private, encryption_key = group.suite.hpke.generate()
    tree = group.member.public.tree
    leaf = _next_leaf(tree, group.my_leaf, identity, group.group_id, encryption_key, None)
    proposed = propose(group, identity, Update(leaf))
    reference = proposed.group.pending[-1].reference or b""
    after = replace(proposed.group, updates={**group.updates, reference: private})
    return replace(proposed, group=after)


def _next_leaf(
    tree: RatchetTree, me: int, identity: Identity, group_id: bytes, encryption_key: bytes, parent_hash: bytes | None
) -> LeafNode:
    """Our leaf with a fresh key and our credential of today: for a commit, or (no parent hash) for an update."""
    before = tree.leaf(me)
    if before is None:
        raise LocalError("bad-tree", "our own leaf is blank")
    leaf = replace(
        before,
        encryption_key=encryption_key,
        credential=identity.credential,
        extensions=identity.extensions or before.extensions,
        source=LeafSource.UPDATE if parent_hash is None else LeafSource.COMMIT,
        lifetime=None,
        parent_hash=parent_hash or b"",
        signature=b"",
    )
    return sign_leaf(identity, leaf, group_id, me)


def verify_signature(public: PublicGroup, authenticated: AuthenticatedContent) -> None:
    """A handshake message is of this group and epoch, and signed by whom it names; RemoteError otherwise."""
    content = authenticated.content
    check_epoch(content.group_id, content.epoch, current_id=public.group_id, current=public.epoch)
    key = commits.signature_key(public, authenticated)
    authenticated.verify(public.suite, key, public.context.encoded)


def _authenticated(group: Group, message: bytes) -> tuple[Group, AuthenticatedContent, frozenset[str]]:
    """A handshake message from somebody else, its tag or seal and its signature verified."""
    decoded = decode_message(message)
    if isinstance(decoded, PrivateMessage):
        after, authenticated, _, changed = unseal(group, decoded)
        return after, authenticated, changed
    if not isinstance(decoded, PublicMessage) or isinstance(decoded.authenticated.content.body, bytes):
        raise RemoteError("malformed", "not a handshake message")
    authenticated = decoded.authenticated
    content = authenticated.content
    check_epoch(content.group_id, content.epoch, current_id=group.group_id, current=group.epoch)
    if content.sender == Sender.member(group.my_leaf):
        raise RemoteError("own-message", "sent by this very device")
    context = group.member.public.context.encoded
    verify_membership(group.suite, decoded, group.member.secrets.membership, context)
    verify_signature(group.public, authenticated)
    return group, authenticated, frozenset()


def receive_proposal(group: Group, message: bytes, rules: Rules) -> Noted:
    """Keep somebody's proposal for the commit that will refer to it.

    Raises:
        RemoteError: what is wrong with it; the group is as it was.
    """
    after, authenticated, changed = _authenticated(group, message)
    body, sender = authenticated.content.body, authenticated.content.sender
    if isinstance(body, bytes | Commit):
        raise RemoteError("malformed", "not a proposal")
    noted = Resolved(body, sender, authenticated.reference(group.suite))
    commits.check_proposal(group.public, noted, rules)
    index = sender.index if sender.type == SenderType.MEMBER else None
    after = replace(after, pending=commits.with_pending(after.pending, noted))
    return Noted(after, index, body, changed | {PROPOSALS})


# Committing.


def _selection(
    group: Group, proposals: Sequence[Proposal], rules: Rules, include_pending: bool
) -> tuple[Resolved, ...]:
    """Our own proposals, and each pending one that can stand beside those chosen before, section 12.2."""
    public, me = group.public, group.my_leaf
    chosen = [Resolved(proposal, Sender.member(me)) for proposal in proposals]
    for one in reversed(public.pending) if include_pending else ():
        # The latest first: a later proposal of a member about the same leaf replaces an earlier one.
        try:
            changes = commits.apply_proposals(public, me, [*chosen, one], rules)
            commits.check_tree(changes.tree, changes.extensions)
        except RemoteError:
            continue  # Section 12.4.1: what cannot be committed together is left out, and lapses.
        chosen.append(one)
    return tuple(chosen)


def commit(
    group: Group,
    identity: Identity,
    proposals: Sequence[Proposal] = (),
    *,
    rules: Rules,
    include_pending: bool = True,
    path: bool = True,
    psks: Psks = NO_PSKS,
    authenticated_data: bytes = b"",
    private: bool = False,
    with_tree: bool = True,
) -> Staged:
    """Enact proposals and refresh our own keys, RFC 9420 section 12.4.1.

    Args:
        group: as it is; it stays usable.
        identity: ours; a renewed credential takes effect by the path.
        proposals: made by us, inside the commit.
        rules: the application's.
        include_pending: whether to commit the proposals that wait, those that still can be.
        path: False leaves the path out where the proposals allow it.
        psks: pre-shared keys we hold.
        authenticated_data: readable by all, signed.
        private: as a PrivateMessage, which a server that follows the group cannot read.
        with_tree: whether a Welcome carries the ratchet tree; False where newcomers get it beside.

    Raises:
        LocalError: the proposals are invalid or forbidden: we may not send such a commit.
    """
    group.key_of(identity)
    try:
        chosen = _selection(group, proposals, rules, include_pending)
        changes = commits.apply_proposals(group.public, group.my_leaf, chosen, rules)
        psk = resolve_psks(group.suite, changes.psks, psks)
        shape = _Shape(path or changes.needs_path, private, with_tree, authenticated_data)
        return _commit(group, identity, changes, psk, shape)
    except RemoteError as error:
        raise LocalError(error.reason, error.detail) from error


@dataclass(frozen=True)
class OwnPath:
    """A path of our own: the tree with it, the context it was sealed under, the private keys that are ours then."""

    update: UpdatePath
    tree: RatchetTree
    context: GroupContext
    fresh: FreshPath
    privates: Mapping[int, bytes] = field(repr=False)


def make_path(public: PublicGroup, changes: Changes, tree: RatchetTree, me: int, identity: Identity) -> OwnPath:
    """Fresh keys for our leaf and every node above it, section 7.5; ``tree`` has our leaf, the proposals applied."""
    fresh = treekem.fresh_path(tree, me)
    private, encryption_key = public.suite.hpke.generate()
    merged, parent_hash = tree.merged(me, fresh.keys)
    leaf = _next_leaf(tree, me, identity, public.group_id, encryption_key, parent_hash)
    next_tree = merged.replaced({2 * me: leaf})
    context = commits.provisional(public, next_tree, changes.extensions)
    update = treekem.seal_path(tree, me, fresh, leaf, context.encoded, changes.newcomers)
    return OwnPath(update, next_tree, context, fresh, {**fresh.privates, 2 * me: private})


@dataclass(frozen=True)
class _Shape:
    """How a commit of ours looks, whatever it does."""

    with_path: bool
    private: bool
    with_tree: bool
    authenticated_data: bytes


def _commit(group: Group, identity: Identity, changes: Changes, psk: bytes, shape: _Shape) -> Staged:
    suite, public, me = group.suite, group.public, group.my_leaf
    path = make_path(public, changes, changes.tree, me, identity) if shape.with_path else None
    tree = changes.tree if path is None else path.tree
    commits.check_tree(tree, changes.extensions)
    items = tuple(one.reference or one.proposal for one in changes.resolved)
    body = Commit(items, None if path is None else path.update)
    authenticated = _signed(group, identity, body, shape.authenticated_data, private=shape.private)
    commit_secret = bytes(suite.hash_length) if path is None else path.fresh.commit_secret
    init = group.member.secrets.init
    turned = turn_key_schedule(public, init, changes, tree, authenticated, commit_secret, psk)
    authenticated = replace(authenticated, confirmation_tag=turned.state.confirmation_tag)
    framed = _framed(group, authenticated)
    privates = _kept_privates(group.member.public.tree, tree, group.member.privates)
    privates.update({} if path is None else path.privates)
    after = Group.begin(turned.state, me, turned.secrets, privates, closed=changes.closes)
    welcome = None
    if changes.added:
        info = group_info_of(turned.state, me, identity, with_tree=shape.with_tree)
        welcome = _welcome(turned, info, changes, None if path is None else path.fresh)
    return Staged(after, framed.message, welcome, after.part_names(), framed.group, framed.changed)


@dataclass(frozen=True)
class Turned:
    """The next epoch: its public half, its secrets, and what newcomers derive them from."""

    state: PublicEpoch
    secrets: EpochSecrets
    joiner: bytes = field(repr=False)
    psk: bytes = field(repr=False)


def turn_key_schedule(
    public: PublicGroup,
    init_secret: bytes,
    changes: Changes,
    tree: RatchetTree,
    authenticated: AuthenticatedContent,
    commit_secret: bytes,
    psk: bytes,
) -> Turned:
    """Turn the key schedule once, section 8; the confirmation tag in the state is the right one."""
    suite = public.suite
    state = commits.next_epoch(public, tree, changes.extensions, authenticated)
    joiner = schedule.joiner_secret(suite, init_secret, commit_secret, state.context.encoded)
    secrets = schedule.epoch_secrets(suite, joiner, psk, state.context.encoded)
    tag = suite.mac(secrets.confirmation, state.confirmed_transcript_hash)
    return Turned(replace(state, confirmation_tag=tag), secrets, joiner, psk)


def _kept_privates(before: RatchetTree, after: RatchetTree, privates: Mapping[int, bytes]) -> dict[int, bytes]:
    """The private keys of nodes that are still there with the same public key."""
    kept = {}
    for position, private in privates.items():
        old = before.nodes[position]
        new = after.nodes[position] if position < len(after.nodes) else None
        if old is not None and new is not None and old.encryption_key == new.encryption_key:
            kept[position] = private
    return kept


def _welcome(turned: Turned, info: GroupInfo, changes: Changes, fresh: FreshPath | None) -> bytes:
    """The Welcome for all whom a commit adds, section 12.4.3.1."""
    suite = turned.state.suite
    secret = schedule.welcome_secret(suite, turned.joiner, turned.psk)
    sealed_info = seal_group_info(suite, secret, info)
    entries = []
    for index, package in changes.added:
        path_secret = fresh.secret_for(index) if fresh is not None else None
        secrets = GroupSecrets(turned.joiner, path_secret, changes.psks)
        sealed = suite.encrypt_with_label(package.init_key, "Welcome", sealed_info, secrets.encoded)
        entries.append((package.reference(suite), sealed))
    return encode_message(Welcome(suite.id, tuple(entries), sealed_info))


# Taking a commit.


def receive_commit(group: Group, message: bytes, rules: Rules, *, psks: Psks = NO_PSKS) -> Received:
    """Follow somebody's commit into the next epoch, RFC 9420 section 12.4.2.

    Raises:
        RemoteError: what is wrong with it; the group is as it was. LocalError: we lack a key we should have.
    """
    group, authenticated, _ = _authenticated(group, message)
    enacted = commits.enact(group.public, authenticated, rules)
    changes, added = enacted.changes, enacted.changes.newcomers
    if authenticated.content.sender.type == SenderType.NEW_MEMBER_COMMIT:
        added = (enacted.sender,)
    if group.my_leaf in changes.removed:
        return Received(None, enacted.sender, added, changes.removed, frozenset())
    suite = group.suite
    psk = resolve_psks(suite, changes.psks, psks)
    privates = _kept_privates(group.member.public.tree, enacted.path_tree, group.member.privates)
    for one in changes.resolved:
        if one.reference is not None and one.reference in group.updates:
            privates[2 * group.my_leaf] = group.updates[one.reference]
    commit_secret = bytes(suite.hash_length)
    if enacted.path is not None:
        opened = treekem.open_path(
            enacted.path_tree,
            enacted.sender,
            enacted.path,
            enacted.provisional.encoded,
            changes.newcomers,
            group.my_leaf,
            privates,
        )
        commit_secret = opened.commit_secret
        privates = {**_kept_privates(enacted.path_tree, enacted.tree, privates), **opened.privates}
    init = group.member.secrets.init
    if changes.external_init is not None:
        private = suite.hpke.derive_key_pair(group.member.secrets.external)[0]
        label = schedule.EXTERNAL_INIT_LABEL
        init = suite.hpke.export_from(private, changes.external_init, label, suite.hash_length)
    turned = turn_key_schedule(group.public, init, changes, enacted.tree, authenticated, commit_secret, psk)
    confirmed = turned.state.confirmed_transcript_hash
    if not suite.verify_mac(turned.secrets.confirmation, confirmed, authenticated.confirmation_tag or b""):
        # Section 8.1: without it the committer could lead members to different secrets.
        raise RemoteError("bad-tag", "confirmation tag")
    after = Group.begin(turned.state, group.my_leaf, turned.secrets, privates, closed=changes.closes)
    return Received(after, enacted.sender, added, changes.removed, after.part_names())
