"""Application messages, RFC 9420 section 15: seal one, open one, and never believe an unsigned sender."""

from dataclasses import dataclass, replace

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls.framing import (
    AuthenticatedContent,
    ContentType,
    FramedContent,
    PrivateMessage,
    Sender,
    WireFormat,
    private_message,
    sign_content,
)
from miss_protocol.mls.member import RATCHET, Group, Identity
from miss_protocol.mls.messages import decode_message, encode_message


@dataclass(frozen=True)
class Sealed:
    """A message to send; save ``changed`` parts of ``group`` before the bytes leave."""

    group: Group
    message: bytes
    generation: int
    changed: frozenset[str]


@dataclass(frozen=True)
class Opened:
    """A message that arrived, from the member at leaf ``sender``."""

    group: Group
    changed: frozenset[str]
    sender: int
    plaintext: bytes
    authenticated_data: bytes
    generation: int


def seal(group: Group, identity: Identity, plaintext: bytes, *, authenticated_data: bytes = b"") -> Sealed:
    """Sign and encrypt ``plaintext`` to the members of this epoch; ``authenticated_data`` stays readable.

    Raises:
        LocalError: the identity is not our leaf's.
    """
    key = group.key_of(identity)
    me = group.my_leaf
    content = FramedContent(group.group_id, group.epoch, Sender.member(me), authenticated_data, plaintext)
    context = group.member.public.context.encoded
    authenticated = sign_content(group.suite, key, WireFormat.PRIVATE, content, context)
    begun, ratchets, changed = group.ratchets_of(me)
    generation = ratchets.application.generation
    chain, aead_key, nonce = ratchets.application.take(group.suite, generation)
    sender_data = group.member.secrets.sender_data
    message = private_message(group.suite, authenticated, generation, aead_key, nonce, sender_data)
    after = begun.with_ratchets(me, replace(ratchets, application=chain))
    return Sealed(after, encode_message(message), generation, changed | {f"{RATCHET}{me}"})


def check_epoch(group_id: bytes, epoch: int, *, current_id: bytes, current: int) -> None:
    """A message is for this group and epoch; RemoteError ``wrong-group``, ``stale`` (past) or ``future``."""
    if group_id != current_id:
        raise RemoteError("wrong-group", "another group's message")
    if epoch != current:
        raise RemoteError("stale" if epoch < current else "future", "another epoch's message")


def unseal(group: Group, message: PrivateMessage) -> tuple[Group, AuthenticatedContent, int, frozenset[str]]:
    """Open any private message and verify its signature: (next group, content, generation, changed parts).

    Raises:
        RemoteError: nothing changed then.
    """
    check_epoch(message.group_id, message.epoch, current_id=group.group_id, current=group.epoch)
    suite = group.suite
    sender = message.sender(suite, group.member.secrets.sender_data)
    if sender.leaf == group.my_leaf:
        raise RemoteError("own-message", "sent by this very device")
    leaf = group.leaf(sender.leaf)
    if leaf is None:
        # Section 6.3.2: the leaf index must name a member.
        raise RemoteError("unknown-sender", "no member there")
    begun, ratchets, changed = group.ratchets_of(sender.leaf)
    application = message.type == ContentType.APPLICATION
    chain = ratchets.application if application else ratchets.handshake
    chain, key, nonce = chain.take(suite, sender.generation)
    authenticated = message.open(suite, sender, key, nonce)
    # Section 6.1: every member can seal with every member's ratchet; only the signature tells who wrote.
    authenticated.verify(suite, leaf.signature_key, group.member.public.context.encoded)
    ratchets = replace(ratchets, application=chain) if application else replace(ratchets, handshake=chain)
    after = begun.with_ratchets(sender.leaf, ratchets)
    return after, authenticated, sender.generation, changed | {f"{RATCHET}{sender.leaf}"}


def open_message(group: Group, message: bytes) -> Opened:
    """Decrypt an application message and verify who signed it.

    Raises:
        RemoteError: ``malformed``, ``wrong-group``, ``stale``, ``future``, ``own-message``, ``unknown-sender``,
            ``replayed``, ``too-far``, ``undecryptable``, ``bad-signature``; the group is as it was.
    """
    private = decode_message(message)
    if not isinstance(private, PrivateMessage) or private.type != ContentType.APPLICATION:
        raise RemoteError("malformed", "not an application message")
    after, authenticated, generation, changed = unseal(group, private)
    body = authenticated.content.body
    if not isinstance(body, bytes):
        raise LocalError("bad-type", "an application message holds bytes")
    sender = authenticated.content.sender.index
    return Opened(after, changed, sender, body, private.authenticated_data, generation)
