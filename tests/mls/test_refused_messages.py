"""Application messages that are forged, altered, replayed or misplaced are refused, and nothing changes."""

import pytest

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import group as mls
from miss_protocol.mls import signatures
from miss_protocol.mls.application import unseal
from miss_protocol.mls.framing import FramedContent, Sender, WireFormat, private_message, sender_key, sign_content
from miss_protocol.mls.group import Remove
from miss_protocol.mls.messages import decode_message, encode_message
from mls import forge
from mls.cast import Device, room_of
from mls.forge import refuses


@pytest.fixture
def room():
    return room_of(Device("alice"), Device("bob"), Device("mallory"))


def test_one_member_cannot_speak_as_another(room):
    alice, bob, mallory = room.members
    forged = forge.application(mallory, b"I am bob", as_leaf=bob.leaf)
    refuses(alice.group, "bad-signature", lambda: mls.open_message(alice.group, forged))
    honest = forge.application(mallory, b"I am mallory", as_leaf=mallory.leaf)
    assert mls.open_message(alice.group, honest).sender == mallory.leaf


def test_an_unsigned_message_is_refused(room):
    alice, bob, mallory = room.members
    for signature in (b"", bytes(64), bytes(63), b"\x01" + bytes(63)):
        for leaf in (bob.leaf, mallory.leaf):
            forged = forge.application(mallory, b"unsigned", as_leaf=leaf, signature=signature)
            refuses(alice.group, "bad-signature", lambda forged=forged: mls.open_message(alice.group, forged))


def test_a_signature_of_another_message_is_refused(room):
    alice, _, mallory = room.members
    signed = forge.application(mallory, b"one", as_leaf=mallory.leaf)
    _, content, _, _ = unseal(alice.group, decode_message(signed))
    forged = forge.application(mallory, b"two", as_leaf=mallory.leaf, signature=content.signature)
    refuses(alice.group, "bad-signature", lambda: mls.open_message(alice.group, forged))


def test_a_message_signed_for_another_epoch_or_format_is_refused(room):
    alice, _, mallory = room.members
    group, context = mallory.group, mallory.group.member.public.context.encoded
    content = FramedContent(group.group_id, group.epoch, Sender.member(mallory.leaf), b"", b"text")
    for wire_format, signed_context in ((WireFormat.PRIVATE, context[:-1] + b"\x01"), (WireFormat.PUBLIC, context)):
        signed = sign_content(group.suite, mallory.identity.key, wire_format, content, signed_context)
        forged = forge.application(mallory, b"text", as_leaf=mallory.leaf, signature=signed.signature)
        refuses(alice.group, "bad-signature", lambda forged=forged: mls.open_message(alice.group, forged))


def test_a_public_message_is_never_sealed_by_mistake(room):
    group, context = room.members[0].group, room.members[0].group.member.public.context.encoded
    content = FramedContent(group.group_id, group.epoch, Sender.member(0), b"", b"text")
    signed = sign_content(group.suite, room.members[0].identity.key, WireFormat.PUBLIC, content, context)
    with pytest.raises(LocalError, match="bad-format"):
        private_message(group.suite, signed, 0, bytes(16), bytes(12), bytes(32))


def test_every_altered_byte_is_noticed(room):
    alice, bob, _ = room.members
    message = mls.seal(bob.group, bob.identity, b"text", authenticated_data=b"data").message
    for position in range(len(message)):
        altered = message[:position] + bytes([message[position] ^ 0x21]) + message[position + 1 :]
        before = alice.group.parts()
        with pytest.raises(RemoteError):
            mls.open_message(alice.group, altered)
        assert alice.group.parts() == before
    assert mls.open_message(alice.group, message).plaintext == b"text"


def test_a_cut_or_longer_message_is_refused(room):
    alice, bob, _ = room.members
    message = mls.seal(bob.group, bob.identity, b"text").message
    for length in range(len(message)):
        refuses(alice.group, "malformed", lambda length=length: mls.open_message(alice.group, message[:length]))
    refuses(alice.group, "malformed", lambda: mls.open_message(alice.group, message + b"\0"))


def test_a_replay_is_refused(room):
    alice, bob, _ = room.members
    message = room.say(bob, b"once")
    refuses(alice.group, "replayed", lambda: mls.open_message(alice.group, message))
    refuses(bob.group, "own-message", lambda: mls.open_message(bob.group, message))


def test_a_message_of_another_epoch_or_group_is_refused(room):
    alice, bob, _ = room.members
    old, old_alice = mls.seal(bob.group, bob.identity, b"old").message, alice.group
    room.commit(bob)
    new = mls.seal(bob.group, bob.identity, b"new").message
    refuses(alice.group, "stale", lambda: mls.open_message(alice.group, old))
    refuses(old_alice, "future", lambda: mls.open_message(old_alice, new))
    assert mls.open_message(old_alice, old).plaintext == b"old", "the old group stays usable"
    zoe = Device("zoe")
    group = mls.create(zoe.identity, b"another", not_before=0, not_after=1)
    refuses(group, "wrong-group", lambda: mls.open_message(group, new))


def test_a_removed_member_neither_reads_nor_writes(room):
    alice, bob, mallory = room.members
    before = mallory.group
    room.commit(alice, Remove(mallory.leaf))
    message = mls.seal(bob.group, bob.identity, b"without mallory").message
    refuses(before, "future", lambda: mls.open_message(before, message))
    ghost = mls.seal(before, mallory.identity, b"still me").message
    refuses(alice.group, "stale", lambda: mls.open_message(alice.group, ghost))


def test_a_leaf_without_a_member_does_not_speak(room):
    alice, _, mallory = room.members
    group, secret = mallory.group, mallory.group.member.secrets.sender_data
    for leaf in (3, 4, 2**32 - 1):
        content = FramedContent(group.group_id, group.epoch, Sender.member(leaf), b"", b"text")
        context = group.member.public.context.encoded
        signed = sign_content(group.suite, mallory.identity.key, WireFormat.PRIVATE, content, context)
        forged = encode_message(private_message(group.suite, signed, 0, bytes(16), bytes(12), secret))
        refuses(alice.group, "unknown-sender", lambda forged=forged: mls.open_message(alice.group, forged))


def test_padding_hides_nothing(room):
    alice, _, mallory = room.members
    message = decode_message(forge.application(mallory, b"text", as_leaf=mallory.leaf))
    group = alice.group
    sender = message.sender(group.suite, group.member.secrets.sender_data)
    _, ratchets, _ = group.ratchets_of(mallory.leaf)
    _, key, nonce = ratchets.application.take(group.suite, 0)
    guarded = bytes(a ^ b for a, b in zip(nonce[:4], sender.reuse_guard, strict=True)) + nonce[4:]
    associated = b"\x10" + group.group_id + group.epoch.to_bytes(8, "big") + b"\x01\x00"
    plaintext = group.suite.aead.open(key, guarded, message.ciphertext, associated)
    assert len(plaintext) % 256 == 0
    hidden = group.suite.aead.seal(key, guarded, plaintext[:-1] + b"\x07", associated)
    header_key, header_nonce = sender_key(group.suite, group.member.secrets.sender_data, hidden)
    data = sender.leaf.to_bytes(4, "big") + sender.generation.to_bytes(4, "big") + sender.reuse_guard
    sealed = group.suite.aead.seal(header_key, header_nonce, data, associated[:-1])
    forged = encode_message(type(message)(group.group_id, group.epoch, message.type, b"", sealed, hidden))
    refuses(group, "malformed", lambda: mls.open_message(group, forged))


def test_sizes_do_not_tell_lengths(room):
    bob = room.members[1]
    sizes = {len(mls.seal(bob.group, bob.identity, b"x" * length).message) for length in range(1, 180)}
    assert len(sizes) == 1


def test_a_small_order_key_signs_nothing():
    scheme, universal = signatures.Ed25519(), b"\x01" + bytes(63)
    for key in (bytes(32), b"\x01" + bytes(31), b"\x01" + bytes(30) + b"\x80", (2**255 - 20).to_bytes(32, "little")):
        with pytest.raises(RemoteError, match="bad-key"):
            scheme.verify(key, universal, b"anything")
        with pytest.raises(RemoteError, match="bad-key"):
            scheme.check(key)


def test_only_our_own_leafs_identity_seals(room):
    alice, bob, _ = room.members
    with pytest.raises(LocalError, match="wrong-identity"):
        mls.seal(alice.group, bob.identity, b"text")
    with pytest.raises(LocalError, match="wrong-identity"):
        mls.commit(alice.group, bob.identity, rules=mls.OPEN_RULES)
    for act in (mls.propose_update, mls.group_info, lambda group, who: mls.propose(group, who, Remove(2))):
        with pytest.raises(LocalError, match="wrong-identity"):
            act(alice.group, bob.identity)
