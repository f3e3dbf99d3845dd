"""Where the nodes of a left-balanced binary tree lie in an array, RFC 9420 appendix C.

Leaves sit at even positions, parents at odd ones. Trees are always full: the number of leaves is a power of two, so
that a node's parent does not depend on the size, and only `root` does.
"""


def level(node: int) -> int:
    """The height of a node: 0 for a leaf."""
    return ((node + 1) & ~node).bit_length() - 1


def width(leaves: int) -> int:
    """How many nodes a tree of ``leaves`` leaves has."""
    return 2 * leaves - 1


def root(leaves: int) -> int:
    """The position of the root of a tree of ``leaves`` leaves, a power of two."""
    return leaves - 1


def left(node: int) -> int:
    """The left child of a parent node."""
    return node - (1 << (level(node) - 1))


def right(node: int) -> int:
    """The right child of a parent node."""
    return node + (1 << (level(node) - 1))


def parent(node: int) -> int:
    """The parent of a node, as if the tree went on for ever."""
    height = level(node)
    return (node | (1 << height)) & ~(1 << (height + 1))


def sibling(node: int) -> int:
    """The other child of the node's parent."""
    return node ^ (2 << level(node))


def direct_path(node: int, leaves: int) -> list[int]:
    """The ancestors of a node, from its parent to the root."""
    path: list[int] = []
    top = root(leaves)
    while node != top:
        node = parent(node)
        path.append(node)
    return path


def in_subtree(node: int, top: int) -> bool:
    """Whether ``node`` is ``top`` or lies below it."""
    span = (1 << level(top)) - 1
    return top - span <= node <= top + span


def common_ancestor(one: int, other: int) -> int:
    """The lowest node that has both below it (or is one of them)."""
    while not in_subtree(other, one):
        one = parent(one)
    return one
