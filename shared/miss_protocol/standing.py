"""What a member tells the server of an epoch: a digest that members who agree share, and from which nothing follows."""

from miss_protocol.mls.codec import Writer
from miss_protocol.mls.member import Group

_LABEL = "MiSS epoch 1"


def digest_of(group: Group) -> bytes:
    """The hash, with a label of its own, of the group's id, epoch and epoch authenticator (RFC 9420 section 8.7)."""
    out = Writer().text(_LABEL).opaque(group.group_id).u64(group.epoch).opaque(group.epoch_authenticator)
    return group.suite.hash(out.bytes())
