"""Official vectors of what travels: protected messages, welcomes, and every structure's bytes."""

from dataclasses import replace

import pytest

from miss_protocol.errors import RemoteError
from miss_protocol.mls import framing, proposals, schedule, welcome
from miss_protocol.mls.codec import Writer, decode
from miss_protocol.mls.framing import AuthenticatedContent, ContentType, FramedContent, Sender, WireFormat
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.nodes import KeyPackage
from miss_protocol.mls.ratchets import SecretTree
from miss_protocol.mls.suite import PRODUCT_SUITE, SUITES
from miss_protocol.mls.tree import RatchetTree
from miss_protocol.mls.welcome import GroupInfo, GroupSecrets, Welcome
from mls import vectors
from mls.vectors import official, raw

vectors.require()

_PROPOSALS = {
    "add_proposal": proposals.Add,
    "update_proposal": proposals.Update,
    "remove_proposal": proposals.Remove,
    "pre_shared_key_proposal": proposals.PreSharedKey,
    "re_init_proposal": proposals.ReInit,
    "external_init_proposal": proposals.ExternalInit,
    "group_context_extensions_proposal": proposals.GroupContextExtensions,
}


def written(value):
    out = Writer()
    value.write(out)
    return out.bytes()


@official("messages")
def test_messages(case):
    for name, text in case.items():
        data = raw(text)
        if name.startswith(("mls_", "public_", "private_")):
            again = encode_message(decode_message(data))
        elif name == "ratchet_tree":
            again = RatchetTree.decode(PRODUCT_SUITE, data).encode()
        elif name == "group_secrets":
            again = GroupSecrets.decode(data).encoded
        elif name == "commit":
            again = written(decode(data, proposals.Commit.read))
        else:
            again = written(decode(data, _PROPOSALS[name].read))
        assert again == data, name
        with pytest.raises(RemoteError):
            decode_message(data + b"\0")


class Room:
    """The group of two that the message-protection vectors speak of; its second member sends."""

    def __init__(self, case):
        self.suite = SUITES[case["cipher_suite"]]
        transcript = raw(case["confirmed_transcript_hash"])
        tree_hash, group_id = raw(case["tree_hash"]), raw(case["group_id"])
        self.context = schedule.GroupContext(self.suite, group_id, case["epoch"], tree_hash, transcript, ())
        self.public, self.key = raw(case["signature_pub"]), self.suite.scheme.load(raw(case["signature_priv"]))
        self.membership, self.sender_data = raw(case["membership_key"]), raw(case["sender_data_secret"])
        tree = SecretTree.of(raw(case["encryption_secret"]), 2)
        self.ratchets = tree.take(self.suite, 1)[1]

    def open_public(self, data):
        message = decode_message(data)
        framing.verify_membership(self.suite, message, self.membership, self.context.encoded)
        message.authenticated.verify(self.suite, self.public, self.context.encoded)
        return message.authenticated

    def open_private(self, data):
        message = decode_message(data)
        sender = message.sender(self.suite, self.sender_data)
        assert sender.leaf == 1
        application = message.type == ContentType.APPLICATION
        chain = self.ratchets.application if application else self.ratchets.handshake
        _, key, nonce = chain.take(self.suite, sender.generation)
        authenticated = message.open(self.suite, sender, key, nonce)
        authenticated.verify(self.suite, self.public, self.context.encoded)
        return authenticated

    def content(self, body):
        return FramedContent(self.context.group_id, self.context.epoch, Sender.member(1), b"data", body)

    def sign(self, wire_format, body, tag):
        content = self.content(body)
        signed = framing.sign_content(self.suite, self.key, wire_format, content, self.context.encoded)
        return replace(signed, confirmation_tag=tag)


@official("message-protection")
def test_message_protection(case):
    room = Room(case)
    plain = {
        "proposal": decode(raw(case["proposal"]), proposals.read_proposal),
        "commit": decode(raw(case["commit"]), proposals.Commit.read),
        "application": raw(case["application"]),
    }
    for name, body in plain.items():
        tag = b"tag" * 4 if name == "commit" else None
        if name != "application":
            assert room.open_public(raw(case[f"{name}_pub"])).content.body == body
            signed = room.sign(WireFormat.PUBLIC, body, tag)
            ours = framing.public_message(room.suite, signed, room.membership, room.context.encoded)
            assert room.open_public(encode_message(ours)) == signed
        assert room.open_private(raw(case[f"{name}_priv"])).content.body == body
        signed = room.sign(WireFormat.PRIVATE, body, tag)
        chain = room.ratchets.application if name == "application" else room.ratchets.handshake
        _, key, nonce = chain.take(room.suite, 3)
        sealed = framing.private_message(room.suite, signed, 3, key, nonce, room.sender_data)
        assert room.open_private(encode_message(sealed)) == signed
        assert isinstance(signed, AuthenticatedContent)


@official("welcome")
def test_welcome(case):
    suite = SUITES[case["cipher_suite"]]
    package, message = decode_message(raw(case["key_package"])), decode_message(raw(case["welcome"]))
    assert isinstance(package, KeyPackage)
    assert isinstance(message, Welcome)
    package.verify()
    sealed = dict(message.secrets)[package.reference(suite)]
    private = raw(case["init_priv"])
    opened = suite.decrypt_with_label(private, "Welcome", message.sealed_group_info, sealed)
    secrets = GroupSecrets.decode(opened)
    assert secrets.encoded == opened
    no_psk = schedule.psk_secret(suite, ())
    key = schedule.welcome_secret(suite, secrets.joiner_secret, no_psk)
    info = welcome.open_group_info(suite, key, message.sealed_group_info)
    assert isinstance(info, GroupInfo)
    info.verify(raw(case["signer_pub"]))
    assert welcome.seal_group_info(suite, key, info) == message.sealed_group_info
    epoch = schedule.epoch_secrets(suite, secrets.joiner_secret, no_psk, info.context.encoded)
    assert suite.verify_mac(epoch.confirmation, info.context.confirmed_transcript_hash, info.confirmation_tag)
