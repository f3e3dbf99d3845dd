"""A conversation's succession of MLS groups: how a new one takes the place of one that cannot be repaired.

RFC 9420's ReInit is of no use there: it is a commit of the old group, which those who lost it could neither make nor
follow. So the new group is a plain one, with the next generation in its id; nothing is taken over from the old one but
its terms and its devices, and every member joins it by a Welcome.
"""

from dataclasses import dataclass
from typing import Self

from miss_protocol.errors import RemoteError
from miss_protocol.mls import policy, public_group
from miss_protocol.mls.codec import Writer, decode
from miss_protocol.mls.epoch import PublicGroup, Rules
from miss_protocol.mls.extensions import RATCHET_TREE, find
from miss_protocol.mls.messages import decode_message
from miss_protocol.mls.nodes import LeafNode
from miss_protocol.mls.public_group import Judged
from miss_protocol.mls.tree import RatchetTree
from miss_protocol.mls.welcome import GroupInfo

GENERATION_BYTES = 4


def group_id_of(stream: bytes, generation: int) -> bytes:
    """The id of the MLS group that is a conversation's ``generation``-th successor, 0 being its first one."""
    return stream + generation.to_bytes(GENERATION_BYTES, "big")


def generation_of(group_id: bytes) -> int:
    """Which of its conversation's groups this one is."""
    return int.from_bytes(group_id[-GENERATION_BYTES:], "big")


def next_group_id(group_id: bytes) -> bytes:
    """The id of the group that comes after this one."""
    return group_id_of(group_id[:-GENERATION_BYTES], generation_of(group_id) + 1)


@dataclass(frozen=True)
class Reset:
    """The body of a RESET row.

    ``creation`` is the GroupInfo of the new group's epoch 0, which has one leaf, its tree inside; ``commit`` the
    PublicMessage that adds every other device, empty where there is none.
    """

    creation: bytes
    commit: bytes

    def encode(self) -> bytes:
        return Writer().opaque(self.creation).opaque(self.commit).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises RemoteError("malformed")."""
        return decode(data, lambda r: cls(r.opaque(), r.opaque()))

    def author(self) -> LeafNode:
        """The leaf of whoever made it, not verified; RemoteError("malformed")."""
        info = decode_message(self.creation)
        tree = find(info.extensions, RATCHET_TREE) if isinstance(info, GroupInfo) else None
        leaf = None if tree is None or not isinstance(info, GroupInfo) else _leaf(info, tree)
        if leaf is None:
            raise RemoteError("malformed", "a reset without its author")
        return leaf


def _leaf(info: GroupInfo, tree: bytes) -> LeafNode | None:
    return RatchetTree.decode(info.context.suite, tree).leaf(info.signer)


def judge_reset(before: PublicGroup, body: bytes, *, rules: Rules) -> Judged:
    """Judge a reset by all that is public: the creation, the commit that adds, and whether the policy allows it.

    Args:
        before: the group whose place it takes, as of its last epoch.
        body: of a RESET row.
        rules: the application's.

    Returns:
        The new group; ``added`` are all its leaves, ``removed`` all those of the old one.

    Raises:
        RemoteError: ``forbidden``, ``malformed``, ``bad-signature`` or ``invalid-commit``.
    """
    reset = Reset.decode(body)
    try:
        founded = public_group.follow(reset.creation, rules=rules, single=True)
    except RemoteError as error:
        raise RemoteError("invalid-commit", f"{error.reason}: {error.detail}") from error
    if founded.group_id != next_group_id(before.group_id):
        raise RemoteError("invalid-commit", "not the next group of this conversation")
    after, references = founded, tuple[bytes, ...]()
    if reset.commit:
        judged = public_group.judge(founded, reset.commit, rules=rules)
        if judged.kind != "commit" or judged.removed:
            raise RemoteError("invalid-commit", "a reset's commit only adds")
        after, references = judged.public, judged.added_references
    policy.check_reset(before, after, 0)
    return Judged(after, "reset", 0, tuple(after.roster()), tuple(before.roster()), references)
