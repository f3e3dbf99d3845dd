"""Ways into a group, RFC 9420 chapters 10 to 12: make key packages, found a group, join by a Welcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_bytes

from miss_protocol import terms
from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import schedule, treekem
from miss_protocol.mls.epoch import PublicEpoch, Rules
from miss_protocol.mls.extensions import BASIC, LAST_RESORT, RATCHET_TREE, X509, Capabilities, Extension, external_pub
from miss_protocol.mls.member import Group, Identity, KeyPackageSecrets
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.nodes import KeyPackage, LeafNode, LeafSource, Lifetime
from miss_protocol.mls.proposals import SelfRemove
from miss_protocol.mls.schedule import EpochSecrets, GroupContext, PskId
from miss_protocol.mls.suite import PRODUCT_SUITE, PROTOCOL_VERSION, Suite
from miss_protocol.mls.tree import RatchetTree
from miss_protocol.mls.validation import check_capabilities, check_context_extensions, public_epoch
from miss_protocol.mls.welcome import GroupInfo, GroupSecrets, Welcome, open_group_info

PRODUCT_CAPABILITIES = Capabilities(
    versions=(PROTOCOL_VERSION,),
    suites=(PRODUCT_SUITE.id,),
    extensions=(LAST_RESORT, terms.EXTENSION_TYPE, terms.CLIENT_TYPE),
    proposals=(SelfRemove.type,),
    credentials=(X509, BASIC),
)

Psks = Mapping[bytes, bytes]
NO_PSKS: Psks = {}


@dataclass(frozen=True)
class Joined:
    """A group just joined; ``used`` is the reference of the key package spent, ``sender`` the leaf that welcomed us."""

    group: Group
    used: bytes
    sender: int


def _leaf(
    identity: Identity,
    encryption_key: bytes,
    lifetime: Lifetime,
    capabilities: Capabilities,
) -> LeafNode:
    leaf = LeafNode(
        encryption_key,
        identity.key.public,
        identity.credential,
        capabilities,
        LeafSource.KEY_PACKAGE,
        lifetime,
        b"",
        identity.extensions,
        b"",
    )
    return sign_leaf(identity, leaf)


def sign_leaf(identity: Identity, leaf: LeafNode, group_id: bytes = b"", index: int = 0) -> LeafNode:
    """``leaf`` with its signature."""
    content = leaf.to_be_signed(group_id, index)
    return replace(leaf, signature=identity.suite.sign_with_label(identity.key, "LeafNodeTBS", content))


def make_key_package(
    identity: Identity,
    *,
    not_before: int,
    not_after: int,
    last_resort: bool = False,
    capabilities: Capabilities = PRODUCT_CAPABILITIES,
) -> KeyPackageSecrets:
    """A fresh key package and its private keys.

    Args:
        identity: whose it is.
        not_before: seconds since 1970.
        not_after: seconds since 1970.
        last_resort: whether it may be used more than once, when no other is left.
        capabilities: what the device can do.
    """
    suite = identity.suite
    init_private, init_key = suite.hpke.generate()
    leaf_private, encryption_key = suite.hpke.generate()
    leaf = _leaf(identity, encryption_key, Lifetime(not_before, not_after), capabilities)
    extensions = (Extension(LAST_RESORT, b""),) if last_resort else ()
    unsigned = KeyPackage(PROTOCOL_VERSION, suite.id, init_key, leaf, extensions, b"")
    signature = suite.sign_with_label(identity.key, "KeyPackageTBS", unsigned.to_be_signed)
    package = replace(unsigned, signature=signature)
    return KeyPackageSecrets(package.encoded, package.reference(suite), init_private, leaf_private)


def create(
    identity: Identity,
    group_id: bytes,
    *,
    extensions: Sequence[Extension] = (),
    not_before: int,
    not_after: int,
    capabilities: Capabilities = PRODUCT_CAPABILITIES,
) -> Group:
    """A group of one leaf, its creator's, at epoch 0: RFC 9420 chapter 11.

    Raises:
        LocalError: the creator lacks what its own ``extensions`` require.
    """
    suite, extensions = identity.suite, tuple(extensions)
    leaf_private, encryption_key = suite.hpke.generate()
    leaf = _leaf(identity, encryption_key, Lifetime(not_before, not_after), capabilities)
    tree = RatchetTree.of(suite, (leaf,))
    try:
        check_context_extensions(extensions)
        check_capabilities(tree, extensions)
    except RemoteError as error:
        raise LocalError(error.reason, error.detail) from error
    secrets = EpochSecrets.of(suite, token_bytes(suite.hash_length))
    context = GroupContext(suite, group_id, 0, tree.hash(), b"", extensions)
    tag = suite.mac(secrets.confirmation, b"")
    return Group.begin(PublicEpoch.of(context, tree, tag), 0, secrets, {0: leaf_private})


def resolve_psks(suite: Suite, psks: Sequence[PskId], known: Psks) -> bytes:
    """The psk_secret for these ids; external keys by id, resumption keys by group id and epoch.

    Raises:
        RemoteError: ``unknown-psk``: a key we lack is never replaced by a value others could guess.
    """
    pairs = []
    for psk_id in psks:
        name = psk_id.psk_id if psk_id.kind == 1 else psk_id.group_id + psk_id.epoch.to_bytes(8, "big")
        if name not in known:
            raise RemoteError("unknown-psk", "a pre-shared key we do not have")
        pairs.append((psk_id, known[name]))
    return schedule.psk_secret(suite, pairs)


def welcome_of(data: bytes) -> Welcome:
    """The Welcome in an MLSMessage; RemoteError("malformed")."""
    message = decode_message(data)
    if not isinstance(message, Welcome):
        raise RemoteError("malformed", "not a welcome")
    return message


def join(
    welcome: bytes,
    secrets: Sequence[KeyPackageSecrets],
    identity: Identity,
    *,
    rules: Rules,
    tree: bytes | None = None,
    psks: Psks = NO_PSKS,
) -> Joined:
    """Enter the group that a Welcome is for, RFC 9420 section 12.4.3.1.

    Args:
        welcome: an MLSMessage.
        secrets: key packages that might have been used.
        identity: ours.
        rules: the application's.
        tree: the ratchet tree, where the Welcome does not carry it.
        psks: pre-shared keys we hold.

    Raises:
        RemoteError: ``not-for-us``, or what is wrong with it.
    """
    message = welcome_of(welcome)
    if len({reference for reference, _ in message.secrets}) != len(message.secrets):
        raise RemoteError("invalid-welcome", "one key package twice")
    ours = {one.reference: one for one in secrets}
    found = next(((ours[ref], sealed) for ref, sealed in message.secrets if ref in ours), None)
    if found is None:
        raise RemoteError("not-for-us", "none of our key packages is named")
    mine, sealed = found
    suite, package = identity.suite, mine.decoded
    if message.suite_id != package.suite_id or suite.id != package.suite_id:
        raise RemoteError("invalid-welcome", "another cipher suite")
    opened = suite.decrypt_with_label(mine.init_private, "Welcome", message.sealed_group_info, sealed)
    group_secrets = GroupSecrets.decode(opened)
    _check_psk_usages(group_secrets.psks)
    psk = resolve_psks(suite, group_secrets.psks, psks)
    joiner = group_secrets.joiner_secret
    info = open_group_info(suite, schedule.welcome_secret(suite, joiner, psk), message.sealed_group_info)
    if info.context.suite is not suite:
        raise RemoteError("invalid-welcome", "another cipher suite")
    public = public_epoch(info, tree, rules)
    me = next((index for index, leaf in public.tree.leaves() if leaf == package.leaf), None)
    if me is None or package.leaf.signature_key != identity.key.public:
        raise RemoteError("invalid-welcome", "our leaf is not in the tree")
    privates = {2 * me: mine.leaf_private}
    if group_secrets.path_secret is not None:
        path = treekem.join_path(public.tree, me, info.signer, group_secrets.path_secret)
        privates.update(path.privates)
    epoch = schedule.epoch_secrets(suite, joiner, psk, info.context.encoded)
    if not suite.verify_mac(epoch.confirmation, info.context.confirmed_transcript_hash, info.confirmation_tag):
        raise RemoteError("bad-tag", "confirmation tag")
    return Joined(Group.begin(public, me, epoch, privates), mine.reference, info.signer)


def _check_psk_usages(psks: Sequence[PskId]) -> None:
    """Section 12.4.3.1: keys for re-initialisation or branching join groups that are not made here."""
    if any(psk.kind == 2 and psk.usage != 1 for psk in psks):
        raise RemoteError("unsupported", "re-initialised or branched group")


def group_info_of(
    public: PublicEpoch,
    signer: int,
    identity: Identity,
    external_secret: bytes | None = None,
    *,
    with_tree: bool = True,
) -> GroupInfo:
    """The signed GroupInfo of an epoch; ``external_secret`` where newcomers shall be able to join by themselves."""
    extensions = [Extension(RATCHET_TREE, public.tree.encode())] if with_tree else []
    if external_secret is not None:
        extensions.append(external_pub(public.suite.hpke.derive_key_pair(external_secret)[1]))
    return GroupInfo(public.context, tuple(extensions), public.confirmation_tag, signer).signed(identity.key)


def group_info(group: Group, identity: Identity, *, with_tree: bool = True) -> bytes:
    """The MLSMessage GroupInfo of this epoch, signed, by which the server follows and newcomers join by themselves."""
    group.key_of(identity)
    external = group.member.secrets.external
    return encode_message(group_info_of(group.member.public, group.my_leaf, identity, external, with_tree=with_tree))
