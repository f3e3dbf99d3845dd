"""Proposals that break a rule of RFC 9420, and lists of them, are refused by the server and by every member alike."""

from dataclasses import replace

import pytest

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import commits, public_group
from miss_protocol.mls import group as mls
from miss_protocol.mls.framing import Sender, SenderType
from miss_protocol.mls.group import (
    OPEN_RULES,
    PRODUCT_CAPABILITIES,
    Add,
    Credential,
    Extension,
    GroupContextExtensions,
    Identity,
    KeyPackage,
    Remove,
    RequiredCapabilities,
    Resolved,
    SelfRemove,
    Update,
)
from miss_protocol.mls.joining import sign_leaf
from miss_protocol.mls.nodes import LeafSource
from miss_protocol.mls.proposals import Commit, ExternalInit, PreSharedKey, ReInit
from miss_protocol.mls.schedule import PskId
from miss_protocol.mls.suite import PRODUCT_SUITE, SUITES
from mls.cast import NOT_AFTER, NOT_BEFORE, Device, room_of
from mls.forge import (
    body_of,
    everybody_refuses,
    handshake,
    package_with,
    refuses,
    staged,
)

SMALL_ORDER = b"\x01" + bytes(31)


@pytest.fixture
def room():
    return room_of(Device("alice"), Device("bob"), Device("mallory"))


# The list of proposals.


def test_a_committer_neither_removes_nor_updates_itself(room):
    _, _, mallory = room.members
    body = body_of(staged(mallory).message)
    own = handshake(mallory, replace(body, proposals=(Remove(mallory.leaf),)))
    everybody_refuses(room, mallory, own, "invalid-commit")
    update = body_of(mls.propose_update(mallory.group, mallory.identity).message)
    inline = handshake(mallory, replace(body, proposals=(update,)))
    everybody_refuses(room, mallory, inline, "invalid-commit")
    leave = handshake(mallory, replace(body, proposals=(SelfRemove(),)))
    everybody_refuses(room, mallory, leave, "invalid-commit", "invalid-proposal")
    with pytest.raises(LocalError, match="invalid-commit"):
        staged(mallory, Remove(mallory.leaf))


def test_a_leave_by_another_is_no_leave(room):
    alice, bob, mallory = room.members
    forged = handshake(mallory, SelfRemove(), sender=Sender.member(bob.leaf))
    refuses(alice.group, "bad-signature", lambda: mls.receive_proposal(alice.group, forged, OPEN_RULES))
    with pytest.raises(RemoteError, match="bad-signature"):
        public_group.judge(room.server, forged, rules=OPEN_RULES)
    outside = handshake(mallory, SelfRemove(), sender=Sender(SenderType.NEW_MEMBER_PROPOSAL))
    refuses(alice.group, "unknown-sender", lambda: mls.receive_proposal(alice.group, outside, OPEN_RULES))


def test_lists_that_contradict_are_refused(room):
    _, bob, mallory = room.members
    body = body_of(staged(mallory).message)
    context, psk = GroupContextExtensions(()), PreSharedKey(PskId(kind=1, nonce=bytes(32), psk_id=b"psk"))
    reinit = ReInit(b"next", 1, 1, ())
    lists = (
        (Remove(bob.leaf), Remove(bob.leaf)),
        (context, context),
        (psk, psk),
        (reinit, psk),
        (reinit, reinit),
        (ExternalInit(b"x"),),
        (Remove(77),),
        (Remove(3),),
    )
    for proposals in lists:
        forged = handshake(mallory, replace(body, proposals=proposals))
        everybody_refuses(room, mallory, forged, "invalid-commit", "invalid-proposal")
    older = handshake(mallory, replace(body, proposals=(ReInit(b"next", 0, 1, ()),)))
    everybody_refuses(room, mallory, older, "invalid-proposal")
    unknown = handshake(mallory, replace(body, proposals=(b"r" * 32,)))
    everybody_refuses(room, mallory, unknown, "unknown-proposal")


def test_one_reference_counts_once(room):
    alice, bob, mallory = room.members
    room.propose(bob, Add(Device("zoe").package()))
    reference = mallory.group.pending[0].reference
    everybody_refuses(room, mallory, handshake(mallory, Commit((reference, reference), None)), "invalid-commit")
    assert alice.group.pending


def test_pre_shared_keys_are_never_guessed(room):
    alice, bob, mallory = room.members
    psk = PreSharedKey(PskId(kind=1, nonce=bytes(32), psk_id=b"shared"))
    known = {b"shared": b"a secret that all of them hold"}
    made = staged(mallory, psk, psks=known)
    refuses(alice.group, "unknown-psk", lambda: mls.receive_commit(alice.group, made.message, OPEN_RULES))
    wrong = {b"shared": b"another"}
    refuses(alice.group, "bad-tag", lambda: mls.receive_commit(alice.group, made.message, OPEN_RULES, psks=wrong))
    received = mls.receive_commit(alice.group, made.message, OPEN_RULES, psks=known)
    assert received.group.epoch_authenticator == made.group.epoch_authenticator
    short = PreSharedKey(PskId(kind=1, nonce=bytes(31), psk_id=b"shared"))
    other = PreSharedKey(PskId(kind=2, nonce=bytes(32), usage=3, group_id=b"g", epoch=1))
    for bad in (short, other):
        forged = handshake(mallory, replace(body_of(made.message), proposals=(bad,)))
        everybody_refuses(room, mallory, forged, "invalid-proposal")
    assert bob.group.epoch == 1


# Leaves that enter.


def add_is_refused(room, package, *reasons):
    mallory = room.members[2]
    forged = handshake(mallory, Commit((Add(package),), None))
    everybody_refuses(room, mallory, forged, *reasons)
    with pytest.raises(LocalError):
        staged(mallory, Add(package))


def test_a_broken_key_package_is_refused(room):
    zoe = Device("zoe")
    package = zoe.package()
    add_is_refused(room, replace(package, signature=bytes(64)), "bad-signature")
    add_is_refused(
        room, package_with(zoe, leaf={"capabilities": PRODUCT_CAPABILITIES}, package={"version": 2}), "unsupported"
    )
    add_is_refused(room, package_with(zoe, package={"suite_id": 0x0002}), "invalid-proposal")
    add_is_refused(room, package_with(zoe, package={"init_key": SMALL_ORDER}), "bad-key")
    add_is_refused(room, package_with(zoe, package={"init_key": package.init_key[:31]}), "bad-key")
    add_is_refused(room, package_with(zoe, leaf={"encryption_key": SMALL_ORDER}), "bad-key")
    same = package_with(zoe, leaf={"encryption_key": package.init_key}, package={"init_key": package.init_key})
    add_is_refused(room, same, "bad-key")
    commit_leaf = {"source": LeafSource.COMMIT, "lifetime": None}
    add_is_refused(room, package_with(zoe, leaf=commit_leaf), "bad-leaf")
    add_is_refused(room, package_with(zoe, package={"extensions": (Extension(0xF0AB, b""),)}), "bad-leaf")
    unsigned = replace(package, leaf=replace(package.leaf, signature=bytes(64)))
    signature = PRODUCT_SUITE.sign_with_label(zoe.identity.key, "KeyPackageTBS", unsigned.to_be_signed)
    add_is_refused(room, replace(unsigned, signature=signature), "bad-signature")
    small = replace(package, leaf=replace(package.leaf, signature_key=SMALL_ORDER, signature=SMALL_ORDER + bytes(32)))
    add_is_refused(room, replace(small, signature=SMALL_ORDER + bytes(32)), "bad-key")


def test_keys_already_in_the_group_are_refused(room):
    alice, bob, _ = room.members
    double = Device("double", Identity(bob.identity.signature_private, Credential.basic(b"double")))
    add_is_refused(room, double.package(), "duplicate-key")
    key = alice.group.leaf(bob.leaf).encryption_key
    add_is_refused(room, package_with(Device("zoe"), leaf={"encryption_key": key}), "duplicate-key")
    zoe = Device("zoe")
    with pytest.raises(LocalError, match="duplicate-key"):
        staged(alice, Add(zoe.package()), Add(zoe.package()))


def test_a_member_may_be_replaced_by_itself(room):
    alice, bob, _ = room.members
    again = Device("bob", bob.identity)
    room.commit(alice, Remove(bob.leaf), Add(again.package()), newcomers=[again])
    room.say(again, b"in the same place")


def test_capabilities_bind(room):
    alice, _, mallory = room.members
    poor = {"capabilities": replace(PRODUCT_CAPABILITIES, credentials=(2,))}
    add_is_refused(room, package_with(Device("zoe"), leaf=poor), "bad-leaf")
    with_extension = {"extensions": (Extension(0xF0AB, b""),)}
    add_is_refused(room, package_with(Device("zoe"), leaf=with_extension), "bad-leaf")
    basic, only_basic = Device("basic"), replace(PRODUCT_CAPABILITIES, credentials=(1,))
    room.commit(alice, Add(basic.package(capabilities=only_basic)), newcomers=[basic])
    certified = Device("x509", Identity(PRODUCT_SUITE.scheme.generate(), Credential.x509(b"certificate")))
    add_is_refused(room, certified.package(), "unsupported")
    required = RequiredCapabilities(proposals=(SelfRemove.type,)).extension()
    room.commit(alice, GroupContextExtensions((required,)))
    none = {"capabilities": replace(PRODUCT_CAPABILITIES, proposals=())}
    add_is_refused(room, package_with(Device("zoe"), leaf=none), "unsupported")
    for extension in (Extension(0xF0AB, b""), RequiredCapabilities(extensions=(0xF0AB,)).extension()):
        body = replace(body_of(staged(mallory).message), proposals=(GroupContextExtensions((extension,)),))
        everybody_refuses(room, mallory, handshake(mallory, body), "invalid-commit", "unsupported")
        with pytest.raises(LocalError, match="unsupported"):
            staged(mallory, GroupContextExtensions((extension,)))


def test_a_proposal_type_needs_everybodys_support(room):
    alice, bob, _ = room.members
    old, none = Device("old"), replace(PRODUCT_CAPABILITIES, proposals=())
    room.commit(alice, Add(old.package(capabilities=none)), newcomers=[old])
    with pytest.raises(LocalError, match="unsupported"):
        mls.propose(bob.group, bob.identity, SelfRemove())
    with pytest.raises(RemoteError, match="unsupported"):
        public_group.judge(room.server, handshake(bob, SelfRemove()), rules=OPEN_RULES)


def test_malformed_context_extensions_are_refused(room):
    _, _, mallory = room.members
    body = body_of(staged(mallory).message)
    for extension in (Extension(3, b"\x01\x00"), Extension(5, b"\x07"), Extension(3, b"")):
        forged = handshake(mallory, replace(body, proposals=(GroupContextExtensions((extension,)),)))
        everybody_refuses(room, mallory, forged, "malformed")


def test_outsiders_propose_little(room):
    alice = room.members[0]
    update = body_of(mls.propose_update(alice.group, alice.identity).message)
    external, newcomer = Sender(SenderType.EXTERNAL), Sender(SenderType.NEW_MEMBER_PROPOSAL)
    for sender, proposals in (
        (external, (update, ExternalInit(b"kem output"), SelfRemove())),
        (newcomer, (update, ExternalInit(b"kem output"), SelfRemove(), Remove(1), GroupContextExtensions(()))),
    ):
        for proposal in proposals:
            with pytest.raises(RemoteError, match="not for a"):
                commits.check_proposal(room.server, Resolved(proposal, sender, b"reference"), OPEN_RULES)
    stranger = Add(Device("zoe").package())
    for sender in (external, newcomer):
        commits.check_proposal(room.server, Resolved(stranger, sender, b"reference"), OPEN_RULES)
    asked = handshake(Device("zoe"), stranger, sender=newcomer, group=alice.group, key=None)
    with pytest.raises(RemoteError, match="bad-signature"):
        public_group.judge(room.server, asked, rules=OPEN_RULES)


def test_a_newcomer_may_ask_to_be_added(room):
    zoe, newcomer = Device("zoe"), Sender(SenderType.NEW_MEMBER_PROPOSAL)
    message = handshake(zoe, Add(zoe.package()), sender=newcomer, group=room.members[0].group)
    room.server = public_group.judge(room.server, message, rules=OPEN_RULES).public
    for one in room.members:
        noted = mls.receive_proposal(one.group, message, OPEN_RULES)
        assert noted.sender is None
        one.keep(noted.group, noted.changed)
    room.commit(room.members[1], newcomers=[zoe])
    room.say(zoe, b"let in")


def test_updates_are_ones_own_and_fresh(room):
    alice, bob, mallory = room.members
    good = body_of(mls.propose_update(mallory.group, mallory.identity).message).leaf

    def refused(leaf, reason, sender=None):
        message = handshake(mallory, Update(leaf), sender=sender)
        refuses(alice.group, reason, lambda: mls.receive_proposal(alice.group, message, OPEN_RULES))
        with pytest.raises(RemoteError):
            public_group.judge(room.server, message, rules=OPEN_RULES)

    def leaf(**changes):
        return sign_leaf(mallory.identity, replace(good, **changes), mallory.group.group_id, mallory.leaf)

    refused(leaf(encryption_key=mallory.group.leaf(mallory.leaf).encryption_key), "duplicate-key")
    refused(leaf(encryption_key=SMALL_ORDER), "bad-key")
    refused(replace(good, signature=bytes(64)), "bad-signature")
    refused(sign_leaf(mallory.identity, good, mallory.group.group_id, bob.leaf), "bad-signature")
    refused(sign_leaf(mallory.identity, good, b"another group", mallory.leaf), "bad-signature")
    refused(leaf(source=LeafSource.COMMIT), "invalid-proposal")
    refused(good, "bad-signature", sender=Sender.member(bob.leaf))
    refused(good, "unknown-sender", sender=Sender(SenderType.NEW_MEMBER_PROPOSAL))


def test_proposals_do_not_pile_up_for_ever(room, monkeypatch):
    alice, bob, _ = room.members
    monkeypatch.setattr(commits, "PENDING_MAX", 2)
    for number in (0, 2):
        room.propose(bob, Remove(number))
    one_more = handshake(bob, Add(Device("zoe").package()))
    refuses(alice.group, "too-many", lambda: mls.receive_proposal(alice.group, one_more, OPEN_RULES))
    with pytest.raises(RemoteError, match="too-many"):
        public_group.judge(room.server, one_more, rules=OPEN_RULES)
    known = mls.propose(bob.group, bob.identity, Remove(0))
    assert len(known.group.pending) == 2


def test_what_the_rules_forbid_is_refused(room):
    alice, _, mallory = room.members

    def never(*_):
        raise RemoteError("forbidden", "by this test")

    strict = {
        "allowed": replace(OPEN_RULES, allowed=never),
        "credential": replace(OPEN_RULES, check_credential=never),
        "successor": replace(OPEN_RULES, check_successor=never),
    }
    adds = staged(mallory, Add(Device("zoe").package())).message
    renamed = replace(mallory.identity, credential=Credential.basic(b"another name"))
    rename = mls.commit(mallory.group, renamed, rules=OPEN_RULES).message
    for message, rules in ((adds, "allowed"), (adds, "credential"), (rename, "credential"), (rename, "successor")):
        with pytest.raises(RemoteError, match="forbidden"):
            public_group.judge(room.server, message, rules=strict[rules])
        refuses(alice.group, "forbidden", lambda m=message, r=rules: mls.receive_commit(alice.group, m, strict[r]))
    plain = staged(mallory).message
    for rules in ("credential", "successor"):
        assert public_group.judge(room.server, plain, rules=strict[rules]).kind == "commit"


def test_other_suites_do_not_mix(room):
    alice = room.members[0]
    other = Identity(SUITES[3].scheme.generate(), Credential.basic(b"x"), SUITES[3])
    capabilities = replace(PRODUCT_CAPABILITIES, suites=(3,))
    made = mls.make_key_package(other, not_before=NOT_BEFORE, not_after=NOT_AFTER, capabilities=capabilities)
    with pytest.raises(LocalError, match="invalid-proposal"):
        staged(alice, Add(KeyPackage.decode(made.key_package)))
    assert body_of(staged(alice).message).path is not None
