"""Whether a tree holds together as a group, RFC 9420 sections 7.3 and 12.4.3.1: the checks on all leaves at once."""

from collections.abc import Iterable

from miss_protocol.errors import RemoteError
from miss_protocol.mls.epoch import PublicEpoch, Rules
from miss_protocol.mls.extensions import (
    DEFAULT_EXTENSIONS,
    RATCHET_TREE,
    Extension,
    ExternalSender,
    RequiredCapabilities,
    find,
)
from miss_protocol.mls.tree import RatchetTree
from miss_protocol.mls.welcome import GroupInfo


def check_capabilities(tree: RatchetTree, extensions: Iterable[Extension]) -> None:
    """Every member supports what the group requires, what its context holds, and every credential type in use.

    Raises:
        RemoteError: ``unsupported``.
    """
    extensions = tuple(extensions)
    required = RequiredCapabilities.of(extensions)
    needed = {one.type for one in extensions}.union(required.extensions) - DEFAULT_EXTENSIONS
    kinds = {leaf.credential.kind for _, leaf in tree.leaves()}.union(required.credentials)
    for _, leaf in tree.leaves():
        can = leaf.capabilities
        if not can.all_extensions.issuperset(needed):
            raise RemoteError("unsupported", "a member lacks an extension of the group")
        if not can.all_proposals.issuperset(required.proposals):
            raise RemoteError("unsupported", "a member lacks a required proposal type")
        if not can.all_credentials.issuperset(kinds):
            raise RemoteError("unsupported", "a member lacks a credential type of the group")


def check_context_extensions(extensions: Iterable[Extension]) -> None:
    """The group context extensions known here are well-formed; RemoteError("malformed") or ("unsupported")."""
    extensions = tuple(extensions)
    RequiredCapabilities.of(extensions)
    ExternalSender.of(extensions)


def check_unique_keys(tree: RatchetTree) -> None:
    """No key appears twice: signature keys among leaves, encryption keys among all nodes.

    Raises:
        RemoteError: ``duplicate-key``.
    """
    leaves = [leaf for _, leaf in tree.leaves()]
    if len({leaf.signature_key for leaf in leaves}) != len(leaves):
        raise RemoteError("duplicate-key", "two members have one signature key")
    keys = [node.encryption_key for node in tree.nodes if node is not None]
    if len(set(keys)) != len(keys):
        raise RemoteError("duplicate-key", "two nodes have one encryption key")


def verify_tree(tree: RatchetTree, group_id: bytes, extensions: Iterable[Extension], rules: Rules) -> None:
    """All that section 12.4.3.1 asks of a tree that came from somebody else.

    Raises:
        RemoteError: for the first thing that is wrong.
    """
    extensions = tuple(extensions)
    check_context_extensions(extensions)
    check_unique_keys(tree)
    check_capabilities(tree, extensions)
    for _, parent in tree.parents():
        tree.suite.kem.check(parent.encryption_key)
    tree.verify_parents()
    for index, leaf in tree.leaves():
        leaf.verify(tree.suite, group_id, index)
        rules.check_credential(leaf.credential, leaf.signature_key)


def public_epoch(info: GroupInfo, tree: bytes | None, rules: Rules) -> PublicEpoch:
    """The public epoch that a GroupInfo describes, wholly verified.

    Args:
        info: the GroupInfo.
        tree: the ratchet tree where the GroupInfo does not carry it.
        rules: the application's.

    Raises:
        RemoteError: ``no-tree``, ``bad-tree``, ``bad-signature``, or what the tree's checks raise.
    """
    data = find(info.extensions, RATCHET_TREE)
    data = tree if data is None else data
    if data is None:
        raise RemoteError("no-tree", "neither in the GroupInfo nor beside it")
    context = info.context
    ratchet_tree = RatchetTree.decode(context.suite, data)
    signer = ratchet_tree.leaf(info.signer)
    if signer is None:
        raise RemoteError("bad-tree", "the signer is no member")
    info.verify(signer.signature_key)
    if ratchet_tree.hash() != context.tree_hash:
        raise RemoteError("bad-tree", "tree hash")
    verify_tree(ratchet_tree, context.group_id, context.extensions, rules)
    return PublicEpoch.of(context, ratchet_tree, info.confirmation_tag)
