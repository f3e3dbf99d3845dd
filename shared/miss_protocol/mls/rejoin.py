"""Coming back to a group without a Welcome: the external commit of RFC 9420 section 12.4.3.2."""

from dataclasses import replace

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import commits, schedule, treekem
from miss_protocol.mls.commits import Enacted
from miss_protocol.mls.epoch import NEW_MEMBER, PublicGroup, Resolved, Rules
from miss_protocol.mls.extensions import Capabilities, external_pub_of
from miss_protocol.mls.framing import FramedContent, PublicMessage, Sender, SenderType, WireFormat, sign_content
from miss_protocol.mls.handshakes import Staged, turn_key_schedule
from miss_protocol.mls.joining import PRODUCT_CAPABILITIES, sign_leaf
from miss_protocol.mls.member import Group, Identity
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.nodes import LeafNode, LeafSource
from miss_protocol.mls.proposals import Commit, ExternalInit, Proposal, Remove
from miss_protocol.mls.validation import public_epoch
from miss_protocol.mls.welcome import GroupInfo


def rejoin(
    group_info: bytes,
    identity: Identity,
    *,
    rules: Rules,
    tree: bytes | None = None,
    capabilities: Capabilities = PRODUCT_CAPABILITIES,
) -> Staged:
    """Add ourselves by a commit of our own, removing the leaf that has our signature key where there is one.

    Args:
        group_info: an MLSMessage of the current epoch, with the external public key.
        identity: ours.
        rules: the application's.
        tree: the ratchet tree, where the GroupInfo does not carry it.
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
    proposals += [Remove(index) for index, leaf in public.tree.leaves() if leaf.signature_key == own]
    sender = Sender(SenderType.NEW_MEMBER_COMMIT)
    resolved = [Resolved(proposal, sender) for proposal in proposals]
    try:
        changes = commits.apply_proposals(public, NEW_MEMBER, resolved, rules)
        return _staged(public, changes, identity, capabilities, init_secret)
    except RemoteError as error:
        raise LocalError(error.reason, error.detail) from error


def _staged(
    public: PublicGroup, changes: commits.Changes, identity: Identity, capabilities: Capabilities, init_secret: bytes
) -> Staged:
    suite, own = public.suite, identity.key.public
    private, encryption_key = suite.hpke.generate()
    leaf = LeafNode(encryption_key, own, identity.credential, capabilities, LeafSource.COMMIT, None, b"", (), b"")
    path_tree, me = changes.tree.added(leaf)
    fresh = treekem.fresh_path(path_tree, me)
    merged, parent_hash = path_tree.merged(me, fresh.keys)
    leaf = sign_leaf(identity, replace(leaf, parent_hash=parent_hash), public.group_id, me)
    next_tree = merged.replaced({2 * me: leaf})
    commits.check_tree(next_tree, changes.extensions)
    context = commits.provisional(public, next_tree, changes.extensions)
    path = treekem.seal_path(path_tree, me, fresh, leaf, context.encoded, ())
    items = tuple(one.proposal for one in changes.resolved)
    sender = Sender(SenderType.NEW_MEMBER_COMMIT)
    content = FramedContent(public.group_id, public.epoch, sender, b"", Commit(items, path))
    authenticated = sign_content(suite, identity.key, WireFormat.PUBLIC, content, public.context.encoded)
    enacted = Enacted(changes, me, path, path_tree, context, next_tree)
    no_psk = bytes(suite.hash_length)
    turned = turn_key_schedule(public, init_secret, enacted, authenticated, fresh.commit_secret, no_psk)
    authenticated = replace(authenticated, confirmation_tag=turned.state.confirmation_tag)
    after = Group.begin(turned.state, me, turned.secrets, {**fresh.privates, 2 * me: private})
    return Staged(after, encode_message(PublicMessage(authenticated, None)), None, after.part_names())
