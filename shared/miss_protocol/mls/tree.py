"""The ratchet tree, RFC 9420 chapter 7: its nodes, how they change, and the hashes that bind it together.

A tree is a tuple of nodes, leaves at even positions, always full (the number of leaves is a power of two). A change
makes a new tree that shares every node with the old one and every hash outside the changed paths, so that a commit
in a large group rehashes one path only. The leaf of index i is ``nodes[2 * i]``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import treemath
from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.mls.nodes import LeafNode, ParentNode
from miss_protocol.mls.suite import Suite

LEAVES_MAX = 1 << 16
Node = LeafNode | ParentNode
_EMPTY: frozenset[int] = frozenset()


def _read_node(reader: Reader) -> Node:
    kind = reader.u8()
    if kind == 1:
        return LeafNode.read(reader)
    if kind == 2:
        return ParentNode.read(reader)
    raise RemoteError("malformed", "node type")


def _write_node(out: Writer, node: Node) -> None:
    node.write(out.u8(1 if isinstance(node, LeafNode) else 2))


def _write_optional(out: Writer, node: Node | None) -> None:
    if node is None:
        out.u8(0)
    else:
        _write_node(out.u8(1), node)


def _write_leaf(out: Writer, node: LeafNode) -> None:
    node.write(out)


def _write_parent(out: Writer, node: ParentNode) -> None:
    node.write(out)


@dataclass(frozen=True, eq=False)
class RatchetTree:
    """The public tree of one epoch. ``hashes`` is a memo beside ``nodes``: a value never changes once it is there."""

    suite: Suite
    nodes: tuple[Node | None, ...]
    hashes: list[bytes | None]

    @classmethod
    def of(cls, suite: Suite, nodes: tuple[Node | None, ...]) -> Self:
        return cls(suite, nodes, [None] * len(nodes))

    @classmethod
    def decode(cls, suite: Suite, data: bytes) -> Self:
        """The tree in a ``ratchet_tree`` extension, section 12.4.3.3; its form only is checked."""
        nodes = decode(data, lambda reader: reader.vector(lambda r: r.optional(_read_node)))
        if not nodes or nodes[-1] is None:
            raise RemoteError("malformed", "the last node of a tree is not blank")
        if len(nodes) > treemath.width(LEAVES_MAX):
            raise RemoteError("malformed", "too many leaves")
        for position, node in enumerate(nodes):
            if node is not None and isinstance(node, LeafNode) != (position % 2 == 0):
                raise RemoteError("malformed", "leaf and parent nodes out of place")
        size = 1
        while size < len(nodes):
            size = 2 * size + 1
        return cls.of(suite, tuple(nodes) + (None,) * (size - len(nodes)))

    def encode(self) -> bytes:
        """The data of a ``ratchet_tree`` extension."""
        last = max((x for x, node in enumerate(self.nodes) if node is not None), default=-1)
        return Writer().vector(self.nodes[: last + 1], _write_optional).bytes()

    @property
    def width(self) -> int:
        """How many leaves, blank ones included."""
        return (len(self.nodes) + 1) // 2

    @property
    def root(self) -> int:
        return treemath.root(self.width)

    def leaf(self, index: int) -> LeafNode | None:
        """The leaf of this index, None where it is blank or outside the tree."""
        if not 0 <= index < self.width:
            return None
        node = self.nodes[2 * index]
        return node if isinstance(node, LeafNode) else None

    def leaves(self) -> Iterator[tuple[int, LeafNode]]:
        """Every member's index and leaf, in order."""
        for index, node in enumerate(self.nodes[::2]):
            if isinstance(node, LeafNode):
                yield index, node

    def parent(self, position: int) -> ParentNode | None:
        node = self.nodes[position]
        return node if isinstance(node, ParentNode) else None

    def parents(self) -> Iterator[tuple[int, ParentNode]]:
        """Every non-blank parent node and its position."""
        for position in range(1, len(self.nodes), 2):
            node = self.nodes[position]
            if isinstance(node, ParentNode):
                yield position, node

    # Changes, sections 7.7 and 12.1.

    def replaced(self, changes: Mapping[int, Node | None]) -> "RatchetTree":
        """A tree with other nodes at these positions."""
        nodes, hashes = list(self.nodes), list(self.hashes)
        for position, node in changes.items():
            nodes[position] = node
            hashes[position] = None
            for ancestor in treemath.direct_path(position, self.width):
                hashes[ancestor] = None
        return RatchetTree(self.suite, tuple(nodes), hashes)

    def added(self, leaf: LeafNode) -> tuple["RatchetTree", int]:
        """The tree with ``leaf`` in the leftmost blank place, and its index, section 12.1.1."""
        index = next((i for i, node in enumerate(self.nodes[::2]) if node is None), self.width)
        tree = self if index < self.width else self._extended()
        changes: dict[int, Node | None] = {2 * index: leaf}
        for position in treemath.direct_path(2 * index, tree.width):
            node = tree.parent(position)
            if node is not None:
                changes[position] = replace(node, unmerged_leaves=tuple(sorted((*node.unmerged_leaves, index))))
        return tree.replaced(changes), index

    def _extended(self) -> "RatchetTree":
        if self.width >= LEAVES_MAX:
            raise RemoteError("invalid-commit", "the tree is full")
        more = len(self.nodes) + 1
        return RatchetTree(self.suite, self.nodes + (None,) * more, self.hashes + [None] * more)

    def updated(self, index: int, leaf: LeafNode) -> "RatchetTree":
        """The tree with another leaf there and a blank path above it, section 12.1.2."""
        blanks: dict[int, Node | None] = dict.fromkeys(treemath.direct_path(2 * index, self.width))
        return self.replaced({**blanks, 2 * index: leaf})

    def removed(self, index: int) -> "RatchetTree":
        """The tree without that leaf, its path blank, cut where its right half became empty, section 12.1.3."""
        blanks: dict[int, Node | None] = dict.fromkeys(treemath.direct_path(2 * index, self.width))
        tree = self.replaced({**blanks, 2 * index: None})
        nodes, hashes = tree.nodes, tree.hashes
        while len(nodes) > 1 and all(node is None for node in nodes[len(nodes) // 2 + 1 :: 2]):
            nodes, hashes = nodes[: len(nodes) // 2], hashes[: len(nodes) // 2]
        return RatchetTree(self.suite, nodes, hashes)

    # Resolutions and paths, sections 4.1.1 and 4.1.2.

    def resolution(self, position: int) -> list[int]:
        """The fewest non-blank nodes that cover every member below ``position``."""
        node = self.nodes[position]
        if isinstance(node, LeafNode):
            return [position]
        if isinstance(node, ParentNode):
            return [position, *(2 * leaf for leaf in node.unmerged_leaves)]
        if position % 2 == 0:
            return []
        return self.resolution(treemath.left(position)) + self.resolution(treemath.right(position))

    def _is_empty(self, position: int) -> bool:
        """Whether nothing below ``position`` has a key, which is when its resolution is empty."""
        if self.nodes[position] is not None:
            return False
        return position % 2 == 0 or (
            self._is_empty(treemath.left(position)) and self._is_empty(treemath.right(position))
        )

    def filtered_path(self, index: int) -> list[tuple[int, int]]:
        """(ancestor, its child off the path) of a leaf, without ancestors whose other side is empty, section 4.1.2."""
        path: list[tuple[int, int]] = []
        below = 2 * index
        for position in treemath.direct_path(below, self.width):
            other = treemath.sibling(below)
            if not self._is_empty(other):
                path.append((position, other))
            below = position
        return path

    # Hashes, sections 7.8 and 7.9.

    def hash(self, position: int | None = None) -> bytes:
        """The tree hash of the subtree at ``position``, of the whole tree without it."""
        position = self.root if position is None else position
        known = self.hashes[position]
        if known is None:
            known = self.hashes[position] = self._hash(position, _EMPTY)
        return known

    def _hash(self, position: int, without: frozenset[int]) -> bytes:
        """The tree hash as if the leaves ``without`` had never been added."""
        if position % 2 == 0:
            index = position // 2
            out = Writer().u8(1).u32(index)
            out.optional(None if index in without else self.leaf(index), _write_leaf)
            return self.suite.hash(out.bytes())
        node = self.parent(position)
        if without and node is not None:
            node = replace(node, unmerged_leaves=tuple(x for x in node.unmerged_leaves if x not in without))
        out = Writer().u8(2).optional(node, _write_parent)
        for child in (treemath.left(position), treemath.right(position)):
            below = frozenset(leaf for leaf in without if treemath.in_subtree(2 * leaf, child))
            out.opaque(self._hash(child, below) if below else self.hash(child))
        return self.suite.hash(out.bytes())

    def parent_hash(self, position: int, other: int) -> bytes:
        """What the child opposite ``other`` must carry for the parent node at ``position``, section 7.9."""
        node = self.parent(position)
        if node is None:
            raise LocalError("bad-tree", "a blank node has no parent hash")
        without = frozenset(leaf for leaf in node.unmerged_leaves if treemath.in_subtree(2 * leaf, other))
        sibling_hash = self._hash(other, without) if without else self.hash(other)
        out = Writer().opaque(node.encryption_key).opaque(node.parent_hash).opaque(sibling_hash)
        return self.suite.hash(out.bytes())

    def merged(self, index: int, keys: list[bytes]) -> tuple["RatchetTree", bytes]:
        """The tree with fresh path keys above a leaf, and the parent hash for that leaf, section 7.5.

        Args:
            index: whose path it is.
            keys: a public key for each node of the filtered path, from the bottom up.
        """
        path = self.filtered_path(index)
        changes: dict[int, Node | None] = dict.fromkeys(treemath.direct_path(2 * index, self.width))
        parent_hash = b""
        for (position, other), key in zip(reversed(path), reversed(keys), strict=True):
            # From the top: a node carries the hash of the one above it, section 7.9.
            changes[position] = ParentNode(key, parent_hash)
            out = Writer().opaque(key).opaque(parent_hash).opaque(self.hash(other))
            parent_hash = self.suite.hash(out.bytes())
        return self.replaced(changes), parent_hash

    # Validity of a tree taken from somebody else, section 12.4.3.1.

    def verify_parents(self) -> None:
        """Check every parent node: its unmerged leaves, and that a chain of parent hashes binds it to a leaf.

        Raises:
            RemoteError: ``bad-tree``.
        """
        for position, node in self.parents():
            self._verify_unmerged(position, node)
            left, right = treemath.left(position), treemath.right(position)
            if not self._is_bound(position, node, left, right) and not self._is_bound(position, node, right, left):
                raise RemoteError("bad-tree", "parent hash")

    def _verify_unmerged(self, position: int, node: ParentNode) -> None:
        for leaf in node.unmerged_leaves:
            if self.leaf(leaf) is None or not treemath.in_subtree(2 * leaf, position):
                raise RemoteError("bad-tree", "unmerged leaf is not below its node")
            between = treemath.parent(2 * leaf)
            while between != position:
                inner = self.parent(between)
                if inner is not None and leaf not in inner.unmerged_leaves:
                    raise RemoteError("bad-tree", "unmerged leaf missing below")
                between = treemath.parent(between)

    def _is_bound(self, position: int, node: ParentNode, child: int, other: int) -> bool:
        """Whether the node is parent-hash valid through ``child``, section 7.9.2."""
        unmerged = {2 * leaf for leaf in node.unmerged_leaves}
        heads = [head for head in self.resolution(child) if head not in unmerged]
        if len(heads) != 1:
            return False
        head = self.nodes[heads[0]]
        return head is not None and head.parent_hash == self.parent_hash(position, other)
