"""Broken messages, made the way a malicious member would: well signed where that is needed, wrong in one thing."""

from dataclasses import replace

import pytest

from miss_protocol.errors import RemoteError
from miss_protocol.mls import framing, public_group
from miss_protocol.mls import group as mls
from miss_protocol.mls.codec import Writer
from miss_protocol.mls.framing import FramedContent, Sender, WireFormat
from miss_protocol.mls.group import OPEN_RULES
from miss_protocol.mls.joining import sign_leaf
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.proposals import Commit
from miss_protocol.mls.suite import PRODUCT_SUITE


def refuses(group, reason, act):
    """``act`` is refused for this reason, and the group is bit for bit as it was."""
    before = group.parts()
    with pytest.raises(RemoteError) as caught:
        act()
    assert group.parts() == before
    assert caught.value.reason == reason, caught.value
    return caught.value


def handshake(
    by, body, *, sender=None, epoch=None, group_id=None, key=None, tag=b"t" * 32, membership_key=None, group=None
):
    """A PublicMessage with a right membership tag and signature, and whatever body."""
    group = group or by.group
    sender = Sender.member(group.my_leaf) if sender is None else sender
    epoch = group.epoch if epoch is None else epoch
    content = FramedContent(group_id or group.group_id, epoch, sender, b"", body)
    context = group.member.public.context.encoded
    signed = framing.sign_content(group.suite, key or by.identity.key, WireFormat.PUBLIC, content, context)
    if isinstance(body, Commit):
        signed = replace(signed, confirmation_tag=tag)
    membership_key = group.member.secrets.membership if membership_key is None else membership_key
    return encode_message(framing.public_message(group.suite, signed, membership_key, context))


def encoded(value):
    """The bytes of any structure that writes itself."""
    out = Writer()
    value.write(out)
    return out.bytes()


def body_of(message):
    """The proposal or commit inside a PublicMessage."""
    return decode_message(message).authenticated.content.body


def tampered(message, **changes):
    """A PublicMessage with other fields of its envelope: signature, confirmation_tag or membership_tag."""
    decoded = decode_message(message)
    membership_tag = changes.pop("membership_tag", decoded.membership_tag)
    return encode_message(framing.PublicMessage(replace(decoded.authenticated, **changes), membership_tag))


def everybody_refuses(room, by, message, *reasons):
    """The server and every other member refuse a commit, all for one of these reasons."""
    with pytest.raises(RemoteError) as caught:
        public_group.judge(room.server, message, rules=room.rules)
    assert any(reason in str(caught.value) for reason in reasons), caught.value
    for one in room.members:
        if one is not by:
            before = one.group.parts()
            with pytest.raises(RemoteError) as caught:
                mls.receive_commit(one.group, message, room.rules)
            assert one.group.parts() == before
            assert caught.value.reason in reasons, caught.value


def application(by, plaintext, *, as_leaf, signature=None, key=None, group=None):
    """An application message sealed with another leaf's ratchet: every member can make one."""
    group = group or by.group
    content = FramedContent(group.group_id, group.epoch, Sender.member(as_leaf), b"", plaintext)
    context = group.member.public.context.encoded
    signed = framing.sign_content(group.suite, key or by.identity.key, WireFormat.PRIVATE, content, context)
    if signature is not None:
        signed = replace(signed, signature=signature)
    _, ratchets, _ = group.ratchets_of(as_leaf)
    generation = ratchets.application.generation
    _, aead_key, nonce = ratchets.application.take(group.suite, generation)
    secret = group.member.secrets.sender_data
    return encode_message(framing.private_message(group.suite, signed, generation, aead_key, nonce, secret))


def staged(by, *proposals, **options):
    return mls.commit(by.group, by.identity, proposals, rules=OPEN_RULES, **options)


def resigned(by, message, **changes):
    """A member's commit with other parts, signed again."""
    return handshake(by, replace(body_of(message), **changes))


def path_with(by, message, *, leaf=None, nodes=None):
    """A member's commit whose path has another leaf (signed again) or other nodes."""
    path = body_of(message).path
    if leaf is not None:
        path = replace(path, leaf=sign_leaf(by.identity, replace(path.leaf, **leaf), by.group.group_id, by.leaf))
    if nodes is not None:
        path = replace(path, nodes=tuple(nodes))
    return resigned(by, message, path=path)


def package_with(device, *, leaf=None, package=None):
    """A key package with other parts, signed again as it should be."""
    made = device.package()
    new_leaf = sign_leaf(device.identity, replace(made.leaf, **(leaf or {})))
    made = replace(made, leaf=new_leaf, **(package or {}))
    signature = PRODUCT_SUITE.sign_with_label(device.identity.key, "KeyPackageTBS", made.to_be_signed)
    return replace(made, signature=signature)
