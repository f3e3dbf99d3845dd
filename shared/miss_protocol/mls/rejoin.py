"""Coming back to a group without a Welcome: the external commit of RFC 9420 section 12.4.3.2."""

from collections.abc import Sequence
from dataclasses import replace

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import commits, schedule
from miss_protocol.mls.epoch import NEW_MEMBER, PublicGroup, Resolved, Rules
from miss_protocol.mls.extensions import Capabilities, external_pub_of
from miss_protocol.mls.framing import FramedContent, PublicMessage, Sender, SenderType, WireFormat, sign_content
from miss_protocol.mls.handshakes import Staged, make_path, turn_key_schedule, verify_signature
from miss_protocol.mls.joining import PRODUCT_CAPABILITIES
from miss_protocol.mls.member import Group, Identity
from miss_protocol.mls.messages import decode_message, decode_public, encode_message
from miss_protocol.mls.nodes import LeafNode, LeafSource
from miss_protocol.mls.proposals import Commit, ExternalInit, Proposal, Remove, SelfRemove
from miss_protocol.mls.validation import public_epoch
from miss_protocol.mls.welcome import GroupInfo


def rejoin(
    group_info: bytes,
    identity: Identity,
    *,
    rules: Rules,
    tree: bytes | None = None,
    leaves: Sequence[bytes] = (),
    capabilities: Capabilities = PRODUCT_CAPABILITIES,
) -> Staged:
    """Add ourselves by a commit of our own, removing the leaf that has our signature key where there is one.

    Args:
        group_info: an MLSMessage of the current epoch, with the external public key.
        identity: ours.
        rules: the application's.
        tree: the ratchet tree, where the GroupInfo does not carry it.
        leaves: PublicMessages of this epoch by which others propose to leave; they are committed with our return.
        capabilities: what the device can do.

    Returns:
        The group once the server accepted the commit; ``welcome`` is None.

    Raises:
        RemoteError: the GroupInfo is invalid; LocalError: the rules forbid our return.
    """
    info = decode_message(group_info)
    if not isinstance(info, GroupInfo):
        raise RemoteError("malformed", "not a GroupInfo")
    public = PublicGroup(public_epoch(info, tree, rules))
    external_key = external_pub_of(info.extensions)
    if external_key is None or public.suite is not identity.suite:
        raise RemoteError("no-external-pub", "this GroupInfo lets nobody in")
    public.suite.kem.check(external_key)
    kem_output, init_secret = public.suite.hpke.export_to(
        external_key, schedule.EXTERNAL_INIT_LABEL, public.suite.hash_length
    )
    proposals: list[Proposal] = [ExternalInit(kem_output)]
    own = identity.key.public
    old = [index for index, leaf in public.tree.leaves() if leaf.signature_key == own]
    proposals += [Remove(index) for index in old]
    sender = Sender(SenderType.NEW_MEMBER_COMMIT)
    resolved = [Resolved(proposal, sender) for proposal in proposals]
    resolved += _others_leaves(public, leaves, old, rules)
    try:
        changes = commits.apply_proposals(public, NEW_MEMBER, resolved, rules)
        return _staged(public, changes, identity, capabilities, init_secret)
    except RemoteError as error:
        raise LocalError(error.reason, error.detail) from error


def _others_leaves(public: PublicGroup, messages: Sequence[bytes], ours: Sequence[int], rules: Rules) -> list[Resolved]:
    """The self-removes among these messages, by reference (draft-ietf-mls-extensions); but for our own old leaf's.

    The membership tag cannot be checked from outside; the signature can, and members know which proposals they hold.
    """
    found: dict[int, Resolved] = {}
    for message in messages:
        authenticated = decode_public(message).authenticated
        verify_signature(public, authenticated)
        content = authenticated.content
        if isinstance(content.body, SelfRemove) and content.sender.index not in ours:
            noted = Resolved(content.body, content.sender, authenticated.reference(public.suite))
            commits.check_proposal(public, noted, rules)
            found.setdefault(content.sender.index, noted)
    return list(found.values())


def _staged(
    public: PublicGroup, changes: commits.Changes, identity: Identity, capabilities: Capabilities, init_secret: bytes
) -> Staged:
    # A stand-in for our leaf finds our place; the path then puts the real one there.
    key, own = public.suite.hpke.generate()[1], identity.key.public
    stand_in = LeafNode(
        key, own, identity.credential, capabilities, LeafSource.COMMIT, None, b"", identity.extensions, b""
    )
    tree, me = changes.tree.added(stand_in)
    path = make_path(public, changes, tree, me, identity)
    commits.check_tree(path.tree, changes.extensions)
    body = Commit(tuple(one.reference or one.proposal for one in changes.resolved), path.update)
    content = FramedContent(public.group_id, public.epoch, Sender(SenderType.NEW_MEMBER_COMMIT), b"", body)
    signed = sign_content(public.suite, identity.key, WireFormat.PUBLIC, content, public.context.encoded)
    no_psk = bytes(public.suite.hash_length)
    secret = path.fresh.commit_secret
    turned = turn_key_schedule(public, init_secret, changes, path.tree, signed, secret, no_psk)
    signed = replace(signed, confirmation_tag=turned.state.confirmation_tag)
    after = Group.begin(turned.state, me, turned.secrets, path.privates)
    return Staged(after, encode_message(PublicMessage(signed, None)), None, after.part_names())
