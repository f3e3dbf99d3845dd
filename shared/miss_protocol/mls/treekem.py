"""TreeKEM, RFC 9420 sections 7.4 to 7.6: a committer's fresh path secrets, sealed to everybody below each node."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from secrets import token_bytes
from typing import Self

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import treemath
from miss_protocol.mls.codec import Reader, Writer
from miss_protocol.mls.nodes import LeafNode
from miss_protocol.mls.suite import HpkeCiphertext, Suite
from miss_protocol.mls.tree import RatchetTree

_LABEL = "UpdatePathNode"


def write_ciphertext(out: Writer, sealed: HpkeCiphertext) -> None:
    out.opaque(sealed.kem_output).opaque(sealed.ciphertext)


def read_ciphertext(reader: Reader) -> HpkeCiphertext:
    return HpkeCiphertext(reader.opaque(), reader.opaque())


@dataclass(frozen=True)
class PathNode:
    """A node's fresh public key, and its path secret sealed to each node of the resolution off the path."""

    encryption_key: bytes
    sealed: tuple[HpkeCiphertext, ...]

    def write(self, out: Writer) -> None:
        out.opaque(self.encryption_key).vector(self.sealed, write_ciphertext)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(reader.opaque(), tuple(reader.vector(read_ciphertext)))


@dataclass(frozen=True)
class UpdatePath:
    """A committer's new leaf and the nodes above it, from the bottom up."""

    leaf: LeafNode
    nodes: tuple[PathNode, ...]

    @property
    def keys(self) -> list[bytes]:
        return [node.encryption_key for node in self.nodes]

    def write(self, out: Writer) -> None:
        self.leaf.write(out)
        out.vector(self.nodes, lambda w, node: node.write(w))

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(LeafNode.read(reader), tuple(reader.vector(PathNode.read)))


@dataclass(frozen=True)
class FreshPath:
    """The secrets of a path before it is sealed: per node of the filtered path, position, path secret and keys."""

    positions: tuple[int, ...]
    secrets: tuple[bytes, ...]
    privates: Mapping[int, bytes]
    keys: list[bytes]
    commit_secret: bytes

    def __repr__(self) -> str:
        return f"FreshPath(positions={self.positions})"

    def secret_for(self, index: int) -> bytes | None:
        """The path secret a Welcome gives to the newcomer at ``index``: that of the lowest node above both."""
        for position, secret in zip(self.positions, self.secrets, strict=True):
            if treemath.in_subtree(2 * index, position):
                return secret
        return None


def _climb(suite: Suite, secret: bytes, positions: Collection[int]) -> FreshPath:
    """All that follows from the path secret of the lowest of these nodes, section 7.4."""
    secrets, privates, keys = [], {}, []
    for position in positions:
        secrets.append(secret)
        privates[position], public = suite.hpke.derive_key_pair(suite.derive_secret(secret, "node"))
        keys.append(public)
        secret = suite.derive_secret(secret, "path")
    return FreshPath(tuple(positions), tuple(secrets), privates, keys, secret)


def fresh_path(tree: RatchetTree, index: int) -> FreshPath:
    """New secrets for every node of the filtered path of the leaf at ``index``."""
    positions = [position for position, _ in tree.filtered_path(index)]
    return _climb(tree.suite, token_bytes(tree.suite.hash_length), positions)


def seal_path(
    tree: RatchetTree, index: int, path: FreshPath, leaf: LeafNode, context: bytes, newcomers: Collection[int]
) -> UpdatePath:
    """The UpdatePath of a commit, section 7.6.

    Args:
        tree: the tree after the proposals and before the path.
        index: the committer.
        path: what ``fresh_path`` gave.
        leaf: the committer's new leaf, signed.
        context: the provisional GroupContext.
        newcomers: leaves that this commit adds: they get theirs from the Welcome, not here.
    """
    skip = {2 * leaf_index for leaf_index in newcomers}
    nodes = []
    for (_, other), key, secret in zip(tree.filtered_path(index), path.keys, path.secrets, strict=True):
        sealed = []
        for target in tree.resolution(other):
            node = tree.nodes[target]
            if target not in skip and node is not None:
                sealed.append(tree.suite.encrypt_with_label(node.encryption_key, _LABEL, context, secret))
        nodes.append(PathNode(key, tuple(sealed)))
    return UpdatePath(leaf, tuple(nodes))


def verify_shape(tree: RatchetTree, index: int, path: UpdatePath, newcomers: Collection[int]) -> None:
    """Check what anybody can see of a path: as many nodes and sealed secrets as the tree calls for, sound keys.

    Raises:
        RemoteError: ``invalid-commit`` or ``bad-key``.
    """
    filtered = tree.filtered_path(index)
    if len(filtered) != len(path.nodes):
        raise RemoteError("invalid-commit", "length of the path")
    skip = {2 * leaf_index for leaf_index in newcomers}
    for (_, other), node in zip(filtered, path.nodes, strict=True):
        tree.suite.kem.check(node.encryption_key)
        if len(node.sealed) != sum(target not in skip for target in tree.resolution(other)):
            raise RemoteError("invalid-commit", "number of sealed path secrets")


def open_path(
    tree: RatchetTree,
    sender: int,
    path: UpdatePath,
    context: bytes,
    newcomers: Collection[int],
    me: int,
    privates: Mapping[int, bytes],
) -> FreshPath:
    """What the path of another member means to the member at ``me``, section 7.6.

    Args:
        tree: the tree after the proposals and before the path.
        privates: private keys by node position, our own leaf's included.

    Raises:
        RemoteError: ``invalid-commit`` or ``undecryptable``; LocalError: we lack the key that must open it.
    """
    filtered = tree.filtered_path(sender)
    place = next((i for i, (_, other) in enumerate(filtered) if treemath.in_subtree(2 * me, other)), None)
    if place is None or len(filtered) != len(path.nodes):
        raise RemoteError("invalid-commit", "length of the path")
    skip = {2 * leaf_index for leaf_index in newcomers}
    targets = [target for target in tree.resolution(filtered[place][1]) if target not in skip]
    mine = next((i for i, target in enumerate(targets) if target in privates), None)
    if mine is None:
        raise LocalError("no-key", "no private key for this path")
    if len(path.nodes[place].sealed) != len(targets):
        raise RemoteError("invalid-commit", "number of sealed path secrets")
    sealed = path.nodes[place].sealed[mine]
    secret = tree.suite.decrypt_with_label(privates[targets[mine]], _LABEL, context, sealed)
    return _checked(tree.suite, secret, [position for position, _ in filtered[place:]], path.keys[place:])


def _checked(suite: Suite, secret: bytes, positions: list[int], keys: list[bytes]) -> FreshPath:
    if len(secret) != suite.hash_length:
        raise RemoteError("invalid-commit", "length of a path secret")
    climbed = _climb(suite, secret, positions)
    if climbed.keys != keys:
        # Section 7.6: the keys derived must be those announced.
        raise RemoteError("invalid-commit", "path secret and public keys disagree")
    return climbed


def join_path(tree: RatchetTree, me: int, sender: int, secret: bytes) -> FreshPath:
    """What the path secret of a Welcome means to the newcomer at ``me``, section 12.4.3.1.

    Raises:
        RemoteError: ``invalid-welcome``, the secret does not belong to the tree.
    """
    top = treemath.common_ancestor(2 * me, 2 * sender)
    positions = [top, *treemath.direct_path(top, tree.width)]
    # The committer's path filled every node that its filtered path has, and blanked the others.
    filled = [position for position in positions if tree.nodes[position] is not None]
    if not filled or filled[0] != top:
        raise RemoteError("invalid-welcome", "a path secret for a blank node")
    keys = [node.encryption_key for position in filled if (node := tree.nodes[position]) is not None]
    try:
        return _checked(tree.suite, secret, filled, keys)
    except RemoteError as error:
        raise RemoteError("invalid-welcome", error.detail) from error
