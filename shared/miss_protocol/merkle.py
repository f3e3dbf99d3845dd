"""Hash trees over lists that only grow, as RFC 9162 section 2.1 defines them."""

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
EMPTY = hashlib.sha256(b"").digest()  # the root of a tree without leaves

Frontier = tuple[bytes, ...]  # the roots of the whole subtrees a tree is made of, the largest first


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry; no inner node can be mistaken for it."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def grown(size: int, frontier: Frontier, leaf: bytes) -> Frontier:
    """The frontier of a tree of ``size`` leaves after one more, given its hash."""
    kept = list(frontier)
    while size & 1:
        leaf = node_hash(kept.pop(), leaf)
        size >>= 1
    return (*kept, leaf)


def root_of(frontier: Frontier) -> bytes:
    """The root of the tree with this frontier."""
    if not frontier:
        return EMPTY
    *earlier, root = frontier
    for left in reversed(earlier):
        root = node_hash(left, root)
    return root


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    frontier: Frontier = ()
    for size, leaf in enumerate(leaves):
        frontier = grown(size, frontier, leaf)
    return root_of(frontier)


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What proves, with the leaf itself, that it is the one at ``index`` (RFC 9162 section 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_path(leaves[:split], index), root(leaves[split:])]
    return [*inclusion_path(leaves[split:], index - split), root(leaves[:split])]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], expected: bytes) -> bool:
    """Whether a path leads from a leaf to the root of a tree of that size (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(beside, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        here, last = here >> 1, last >> 1
    return last == 0 and found == expected


def consistency_path(leaves: Sequence[bytes], earlier: int) -> list[bytes]:
    """What proves that a tree begins with the first ``earlier`` leaves (RFC 9162 section 2.1.4.1)."""
    return _subproof(leaves, earlier, whole=True) if 0 < earlier < len(leaves) else []


def consistent(earlier: int, before: bytes, size: int, after: bytes, path: Sequence[bytes]) -> bool:
    """Whether a tree of ``size`` begins with the one of ``earlier`` leaves (RFC 9162 section 2.1.4.2)."""
    if not 0 < earlier < size:
        return not path and (before == EMPTY if earlier == 0 else earlier == size and before == after)
    proof = [before, *path] if earlier & (earlier - 1) == 0 else list(path)
    here, last = earlier - 1, size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    if not proof:
        return False
    first = second = proof[0]
    for beside in proof[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            first, second = node_hash(beside, first), node_hash(beside, second)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            second = node_hash(second, beside)
        here, last = here >> 1, last >> 1
    return last == 0 and (first, second) == (before, after)


def _subproof(leaves: Sequence[bytes], earlier: int, *, whole: bool) -> list[bytes]:
    if earlier == len(leaves):
        return [] if whole else [root(leaves)]
    split = _split(len(leaves))
    if earlier <= split:
        return [*_subproof(leaves[:split], earlier, whole=whole), root(leaves[split:])]
    return [*_subproof(leaves[split:], earlier - split, whole=False), root(leaves[:split])]


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
