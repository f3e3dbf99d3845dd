"""Official vectors of the ratchet tree: where nodes lie, how it changes, when it is valid, what a path carries."""

from dataclasses import replace

from miss_protocol.mls import treekem, treemath
from miss_protocol.mls.codec import decode
from miss_protocol.mls.joining import sign_leaf
from miss_protocol.mls.member import Identity
from miss_protocol.mls.nodes import LeafSource
from miss_protocol.mls.proposals import Add, Remove, Update, read_proposal
from miss_protocol.mls.schedule import GroupContext
from miss_protocol.mls.suite import SUITES
from miss_protocol.mls.tree import RatchetTree
from miss_protocol.mls.treekem import UpdatePath
from mls import vectors
from mls.vectors import official, raw

vectors.require()


@official("tree-math")
def test_tree_math(case):
    leaves = case["n_leaves"]
    root = treemath.root(leaves)
    assert (treemath.width(leaves), root) == (case["n_nodes"], case["root"])
    for node in range(case["n_nodes"]):
        inner = treemath.level(node) > 0
        assert (treemath.left(node) if inner else None) == case["left"][node]
        assert (treemath.right(node) if inner else None) == case["right"][node]
        assert (None if node == root else treemath.parent(node)) == case["parent"][node]
        assert (None if node == root else treemath.sibling(node)) == case["sibling"][node]


@official("tree-operations")
def test_tree_operations(case):
    suite = SUITES[case["cipher_suite"]]
    tree = RatchetTree.decode(suite, raw(case["tree_before"]))
    assert tree.hash() == raw(case["tree_hash_before"])
    proposal = decode(raw(case["proposal"]), read_proposal)
    if isinstance(proposal, Add):
        after, _ = tree.added(proposal.key_package.leaf)
    elif isinstance(proposal, Update):
        after = tree.updated(case["proposal_sender"], proposal.leaf)
    else:
        assert isinstance(proposal, Remove)
        after = tree.removed(proposal.leaf)
    assert after.encode() == raw(case["tree_after"])
    assert after.hash() == raw(case["tree_hash_after"])
    fresh = RatchetTree.decode(suite, after.encode())
    assert [after.hash(x) for x in range(len(after.nodes))] == [fresh.hash(x) for x in range(len(fresh.nodes))]


@official("tree-validation")
def test_tree_validation(case):
    suite = SUITES[case["cipher_suite"]]
    tree = RatchetTree.decode(suite, raw(case["tree"]))
    assert tree.encode() == raw(case["tree"])
    assert len(tree.nodes) == len(case["tree_hashes"]) == len(case["resolutions"])
    for position, expected in enumerate(case["tree_hashes"]):
        assert tree.hash(position) == raw(expected)
    for position, expected in enumerate(case["resolutions"]):
        assert tree.resolution(position) == expected
    tree.verify_parents()
    for index, leaf in tree.leaves():
        leaf.verify(suite, raw(case["group_id"]), index)


def _privates(suite, tree, one):
    """A leaf's private keys by node position, each checked against the tree."""
    privates = {2 * one["index"]: raw(one["encryption_priv"])}
    for secret in one["path_secrets"]:
        node_secret = suite.derive_secret(raw(secret["path_secret"]), "node")
        privates[secret["node"]], public = suite.hpke.derive_key_pair(node_secret)
        assert tree.nodes[secret["node"]].encryption_key == public
    return privates


@official("treekem")
def test_treekem(case):
    suite = SUITES[case["cipher_suite"]]
    tree = RatchetTree.decode(suite, raw(case["ratchet_tree"]))
    group_id, transcript = raw(case["group_id"]), raw(case["confirmed_transcript_hash"])
    members = {one["index"]: _privates(suite, tree, one) for one in case["leaves_private"]}
    signers = {one["index"]: raw(one["signature_priv"]) for one in case["leaves_private"]}
    for one in case["update_paths"]:
        sender, path = one["sender"], decode(raw(one["update_path"]), UpdatePath.read)
        treekem.verify_shape(tree, sender, path, ())
        path.leaf.verify(suite, group_id, sender)
        merged, parent_hash = tree.merged(sender, path.keys)
        assert path.leaf.parent_hash == parent_hash
        after = merged.replaced({2 * sender: path.leaf})
        assert after.hash() == raw(one["tree_hash_after"])
        after.verify_parents()
        context = GroupContext(suite, group_id, case["epoch"], after.hash(), transcript, ()).encoded
        for me, expected in enumerate(one["path_secrets"]):
            if expected is None:
                continue
            opened = treekem.open_path(tree, sender, path, context, (), me, members[me])
            assert opened.secrets[0] == raw(expected)
            assert opened.commit_secret == raw(one["commit_secret"])
        _check_own_path(suite, tree, sender, signers[sender], group_id, members)


def _check_own_path(suite, tree, sender, signer, group_id, members):
    """A path that we make from the same leaf is one that everybody else can open."""
    before = tree.leaf(sender)
    fresh = treekem.fresh_path(tree, sender)
    merged, parent_hash = tree.merged(sender, fresh.keys)
    leaf = replace(before, source=LeafSource.COMMIT, lifetime=None, parent_hash=parent_hash)
    leaf = sign_leaf(Identity(signer, leaf.credential, suite), leaf, group_id, sender)
    path = treekem.seal_path(tree, sender, fresh, leaf, b"context", ())
    for me, privates in members.items():
        if me != sender:
            opened = treekem.open_path(tree, sender, path, b"context", (), me, privates)
            assert opened.commit_secret == fresh.commit_secret
    merged.replaced({2 * sender: leaf}).verify_parents()
