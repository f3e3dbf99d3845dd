"""Commits and proposals that break a rule of RFC 9420 are refused by the server and by every member alike."""

from dataclasses import replace

import pytest

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import commits, public_group, treekem
from miss_protocol.mls import group as mls
from miss_protocol.mls import tree as ratchet_tree
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
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.nodes import LeafSource
from miss_protocol.mls.proposals import Commit, ExternalInit, PreSharedKey, ReInit
from miss_protocol.mls.schedule import PskId
from miss_protocol.mls.suite import PRODUCT_SUITE, SUITES, HpkeCiphertext
from mls.cast import NOT_AFTER, NOT_BEFORE, Device, room_of
from mls.forge import body_of, everybody_refuses, handshake, refuses, tampered

SMALL_ORDER = b"\x01" + bytes(31)


@pytest.fixture
def room():
    return room_of(Device("alice"), Device("bob"), Device("mallory"))


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


# Who sent it.


def test_a_forged_signature_or_tag_is_refused(room):
    alice, bob, mallory = room.members
    message = staged(mallory).message
    for signature in (b"", bytes(64)):
        forged = handshake(mallory, body_of(message), sender=Sender.member(bob.leaf))
        everybody_refuses(
            room, mallory, tampered(forged, signature=signature), "bad-signature", "bad-tag", "own-message"
        )
    as_bob = handshake(mallory, body_of(message), sender=Sender.member(bob.leaf))
    refuses(alice.group, "bad-signature", lambda: mls.receive_commit(alice.group, as_bob, OPEN_RULES))
    with pytest.raises(RemoteError, match="bad-signature"):
        public_group.judge(room.server, as_bob, rules=OPEN_RULES)
    for tag in (b"", bytes(32), bytes(31)):
        wrong = tampered(message, membership_tag=tag)
        refuses(alice.group, "bad-tag", lambda wrong=wrong: mls.receive_commit(alice.group, wrong, OPEN_RULES))


def test_an_outsider_with_a_members_key_lacks_the_membership_tag(room):
    alice, _, mallory = room.members
    message = handshake(mallory, Remove(1), membership_key=bytes(32))
    assert public_group.judge(room.server, message, rules=OPEN_RULES).kind == "proposal", "the server cannot see it"
    refuses(alice.group, "bad-tag", lambda: mls.receive_proposal(alice.group, message, OPEN_RULES))


def test_a_wrong_confirmation_tag_is_refused(room):
    alice, _, mallory = room.members
    body = body_of(staged(mallory).message)
    for tag in (bytes(32), b"t" * 31):
        forged = handshake(mallory, body, tag=tag)
        refuses(alice.group, "bad-tag", lambda forged=forged: mls.receive_commit(alice.group, forged, OPEN_RULES))
    everybody_refuses(room, mallory, handshake(mallory, body, tag=b""), "malformed")


def test_a_commit_by_no_member_is_refused(room):
    _, _, mallory = room.members
    body = body_of(staged(mallory).message)
    for leaf in (3, 77, 2**32 - 1):
        forged = handshake(mallory, body, sender=Sender.member(leaf))
        everybody_refuses(room, mallory, forged, "unknown-sender")
    for kind in (SenderType.EXTERNAL, SenderType.NEW_MEMBER_PROPOSAL):
        forged = handshake(mallory, body, sender=Sender(kind))
        everybody_refuses(room, mallory, forged, "unknown-sender")
    forged = handshake(mallory, replace(body, path=None), sender=Sender(SenderType.NEW_MEMBER_COMMIT))
    everybody_refuses(room, mallory, forged, "unknown-sender")


def test_a_removed_member_commits_no_more(room):
    alice, _, mallory = room.members
    before = mallory.group
    room.commit(alice, Remove(mallory.leaf))
    late = mls.commit(before, mallory.identity, rules=OPEN_RULES).message
    everybody_refuses(room, mallory, late, "stale")
    mallory.group = replace(alice.group, member=replace(alice.group.member, my_leaf=2))
    forged = handshake(mallory, Remove(0), sender=Sender.member(2))
    everybody_refuses(room, mallory, forged, "unknown-sender", "malformed")


def test_another_epoch_or_group_is_refused(room):
    alice, bob, mallory = room.members
    body = body_of(staged(mallory).message)
    for epoch, reason in ((0, "stale"), (2, "future"), (2**64 - 1, "future")):
        forged = handshake(mallory, body, epoch=epoch)
        refuses(alice.group, reason, lambda forged=forged: mls.receive_commit(alice.group, forged, OPEN_RULES))
        with pytest.raises(RemoteError, match="stale"):
            public_group.judge(room.server, forged, rules=OPEN_RULES)
    everybody_refuses(room, mallory, handshake(mallory, body, group_id=b"another"), "wrong-group")
    refuses(bob.group, "own-message", lambda: mls.receive_commit(bob.group, staged(bob).message, OPEN_RULES))


def test_the_last_epoch_has_no_next(room):
    alice = room.members[0]
    state = replace(alice.group.member.public, number=commits.EPOCH_MAX)
    alice.group = replace(alice.group, member=replace(alice.group.member, public=state))
    message = handshake(alice, Commit((Add(Device("zoe").package()),), None))
    with pytest.raises(RemoteError, match="invalid-commit"):
        public_group.judge(alice.group.public, message, rules=OPEN_RULES)


def test_what_is_no_handshake_is_refused(room):
    alice, bob, _ = room.members
    application = mls.seal(bob.group, bob.identity, b"text").message
    in_the_clear = handshake(bob, b"text")
    proposal, commit = mls.propose(bob.group, bob.identity, Remove(2)).message, staged(bob).message
    for message in (application, in_the_clear, proposal):
        with pytest.raises(RemoteError, match="malformed"):
            mls.receive_commit(alice.group, message, OPEN_RULES)
    for message in (application, in_the_clear, commit):
        with pytest.raises(RemoteError, match="malformed"):
            mls.receive_proposal(alice.group, message, OPEN_RULES)
    for message in (application, in_the_clear):
        with pytest.raises(RemoteError, match="malformed"):
            public_group.judge(room.server, message, rules=OPEN_RULES)
    info, package = mls.group_info(bob.group, bob.identity), encode_message(Device("zoe").package())
    for message in (info, package, commit[:4]):
        for receive in (mls.receive_commit, mls.receive_proposal):
            with pytest.raises(RemoteError, match="malformed"):
                receive(alice.group, message, OPEN_RULES)
    with pytest.raises(RemoteError, match="malformed"):
        mls.open_message(alice.group, commit)
    authenticated = decode_message(handshake(bob, Commit((), None), sender=Sender(SenderType.EXTERNAL))).authenticated
    with pytest.raises(RemoteError, match="neither a member"):
        commits.enact(room.server, authenticated, OPEN_RULES)


# The path.


def test_a_required_path_must_be_there(room):
    _, _, mallory = room.members
    everybody_refuses(room, mallory, handshake(mallory, Commit((), None)), "invalid-commit")
    everybody_refuses(room, mallory, handshake(mallory, Commit((Remove(1),), None)), "invalid-commit")
    context = GroupContextExtensions(())
    everybody_refuses(room, mallory, handshake(mallory, Commit((context,), None)), "invalid-commit")


def test_a_path_of_another_shape_is_refused(room):
    _, _, mallory = room.members
    message = staged(mallory).message
    nodes = body_of(message).path.nodes
    everybody_refuses(room, mallory, path_with(mallory, message, nodes=nodes[:-1]), "invalid-commit")
    everybody_refuses(room, mallory, path_with(mallory, message, nodes=(*nodes, nodes[-1])), "invalid-commit")
    fewer = (*nodes[:-1], replace(nodes[-1], sealed=nodes[-1].sealed[:-1]))
    everybody_refuses(room, mallory, path_with(mallory, message, nodes=fewer), "invalid-commit")
    more = (*nodes[:-1], replace(nodes[-1], sealed=nodes[-1].sealed * 2))
    everybody_refuses(room, mallory, path_with(mallory, message, nodes=more), "invalid-commit")


def test_a_path_secret_that_does_not_fit_is_refused_by_members(room):
    alice, _, mallory = room.members
    message = staged(mallory).message
    nodes = body_of(message).path.nodes
    other = body_of(staged(mallory).message).path.nodes
    swapped = path_with(mallory, message, nodes=(*nodes[:-1], replace(nodes[-1], sealed=other[-1].sealed)))
    refuses(alice.group, "undecryptable", lambda: mls.receive_commit(alice.group, swapped, OPEN_RULES))
    garbage = tuple(HpkeCiphertext(SMALL_ORDER, one.ciphertext) for one in nodes[-1].sealed)
    forged = path_with(mallory, message, nodes=(*nodes[:-1], replace(nodes[-1], sealed=garbage)))
    refuses(alice.group, "bad-key", lambda: mls.receive_commit(alice.group, forged, OPEN_RULES))


def test_a_path_is_opened_by_whom_it_is_for(room):
    alice, bob, mallory = room.members
    path, tree = body_of(staged(mallory).message).path, alice.group.public.tree
    privates = dict(alice.group.member.privates)
    with pytest.raises(RemoteError, match="length of the path"):
        treekem.open_path(tree, mallory.leaf, path, b"", (), mallory.leaf, privates)
    fewer = replace(path, nodes=tuple(replace(node, sealed=()) for node in path.nodes))
    with pytest.raises(RemoteError, match="number of sealed"):
        treekem.open_path(tree, mallory.leaf, fewer, b"", (), alice.leaf, privates)
    with pytest.raises(LocalError, match="no-key"):
        treekem.open_path(tree, mallory.leaf, path, b"", (), bob.leaf, {})


def test_a_tree_has_a_largest_size(room, monkeypatch):
    monkeypatch.setattr(ratchet_tree, "LEAVES_MAX", 4)
    alice = room.members[0]
    room.add(alice, Device("fourth"))
    with pytest.raises(LocalError, match="the tree is full"):
        staged(alice, Add(Device("fifth").package()))
    fifth = handshake(alice, Commit((Add(Device("fifth").package()),), None))
    everybody_refuses(room, alice, fifth, "invalid-commit")


def test_a_parent_hash_that_does_not_fit_is_refused(room):
    _, _, mallory = room.members
    message = staged(mallory).message
    for parent_hash in (b"", bytes(32)):
        forged = path_with(mallory, message, leaf={"parent_hash": parent_hash})
        everybody_refuses(room, mallory, forged, "invalid-commit")


def test_keys_of_a_path_are_fresh_and_sound(room):
    alice, _, mallory = room.members
    message = staged(mallory).message
    nodes = body_of(message).path.nodes
    own, others = mallory.group.leaf(mallory.leaf).encryption_key, alice.group.leaf(0).encryption_key
    for key in (own, others):
        everybody_refuses(room, mallory, path_with(mallory, message, leaf={"encryption_key": key}), "duplicate-key")
    used = alice.group.public.tree.nodes[alice.group.public.tree.root].encryption_key
    for key, reason in ((others, "duplicate-key"), (used, "duplicate-key"), (SMALL_ORDER, "bad-key"), (b"", "bad-key")):
        again = (*nodes[:-1], replace(nodes[-1], encryption_key=key))
        everybody_refuses(room, mallory, path_with(mallory, message, nodes=again), reason)
    everybody_refuses(room, mallory, path_with(mallory, message, leaf={"encryption_key": SMALL_ORDER}), "bad-key")


def test_a_paths_leaf_is_made_for_this_commit(room):
    _, bob, mallory = room.members
    message = staged(mallory).message
    path = body_of(message).path
    unsigned = replace(path, leaf=replace(path.leaf, signature=bytes(64)))
    everybody_refuses(room, mallory, resigned(mallory, message, path=unsigned), "bad-signature")
    elsewhere = sign_leaf(mallory.identity, path.leaf, mallory.group.group_id, bob.leaf)
    moved = replace(path, leaf=elsewhere)
    everybody_refuses(room, mallory, resigned(mallory, message, path=moved), "bad-signature")
    update = path_with(mallory, message, leaf={"source": LeafSource.UPDATE, "parent_hash": b""})
    everybody_refuses(room, mallory, update, "invalid-commit")
    stolen = path_with(mallory, message, leaf={"signature_key": bob.identity.key.public})
    everybody_refuses(room, mallory, stolen, "bad-signature")


def test_a_lone_members_path_has_a_commits_leaf():
    alice = Device("alice")
    alone = room_of(alice)
    message = staged(alice).message
    assert body_of(message).path.leaf.parent_hash == b""
    forged = path_with(alice, message, leaf={"source": LeafSource.UPDATE})
    with pytest.raises(RemoteError, match="not made for a commit"):
        public_group.judge(alone.server, forged, rules=OPEN_RULES)


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


def test_an_external_commit_has_one_shape(room):
    alice, bob, mallory = room.members
    info = mls.group_info(alice.group, alice.identity)
    message = mls.rejoin(info, mallory.identity, rules=OPEN_RULES).message
    body = body_of(message)
    sender = Sender(SenderType.NEW_MEMBER_COMMIT)
    lists = (
        body.proposals[1:],
        (*body.proposals, Remove(bob.leaf)),
        (*body.proposals, body.proposals[0]),
        (*body.proposals, GroupContextExtensions(())),
        (*body.proposals, Add(Device("zoe").package())),
    )
    for proposals in lists:
        forged = handshake(mallory, replace(body, proposals=proposals), sender=sender)
        everybody_refuses(room, mallory, forged, "invalid-commit")
    inline = handshake(mallory, replace(body, proposals=(body.proposals[0], SelfRemove())), sender=sender)
    everybody_refuses(room, mallory, inline, "invalid-proposal")
    room.propose(bob, Remove(mallory.leaf))
    by_reference = replace(body, proposals=(body.proposals[0], room.server.pending[0].reference))
    everybody_refuses(room, mallory, handshake(mallory, by_reference, sender=sender), "invalid-commit")
    room.propose(mallory, SelfRemove())
    twice = replace(body, proposals=(*body.proposals, room.server.pending[1].reference))
    everybody_refuses(room, mallory, handshake(mallory, twice, sender=sender), "invalid-commit")
    no_path = handshake(mallory, replace(body, path=None), sender=sender)
    everybody_refuses(room, mallory, no_path, "unknown-sender")
    other_secret = replace(body, proposals=(ExternalInit(PRODUCT_SUITE.hpke.generate()[1]), *body.proposals[1:]))
    forged = handshake(mallory, other_secret, sender=sender)
    refuses(alice.group, "bad-tag", lambda: mls.receive_commit(alice.group, forged, OPEN_RULES))


def test_a_newcomers_own_leaf_is_checked(room):
    alice, _, mallory = room.members
    info = mls.group_info(alice.group, alice.identity)
    zoe, sender = Device("zoe"), Sender(SenderType.NEW_MEMBER_COMMIT)
    message = mls.rejoin(info, zoe.identity, rules=OPEN_RULES).message
    body = body_of(message)
    psk = PreSharedKey(PskId(kind=1, nonce=bytes(32), psk_id=b"psk"))

    def refused(reason, **changes):
        forged = handshake(zoe, replace(body, **changes), sender=sender, group=alice.group)
        everybody_refuses(room, None, forged, reason)

    refused("bad-signature", path=replace(body.path, leaf=replace(body.path.leaf, signature=bytes(64))))
    elsewhere = sign_leaf(zoe.identity, body.path.leaf, alice.group.group_id, 5)
    refused("bad-signature", path=replace(body.path, leaf=elsewhere))
    taken = replace(body.path.leaf, encryption_key=alice.group.leaf(0).encryption_key)
    refused("duplicate-key", path=replace(body.path, leaf=sign_leaf(zoe.identity, taken, alice.group.group_id, 3)))
    refused("invalid-commit", proposals=(*body.proposals, psk, psk))

    def never(*_):
        raise RemoteError("forbidden", "by this test")

    strict = replace(OPEN_RULES, check_credential=never)
    with pytest.raises(RemoteError, match="forbidden"):
        public_group.judge(room.server, message, rules=strict)
    refuses(alice.group, "forbidden", lambda: mls.receive_commit(alice.group, message, strict))
    assert mls.receive_commit(mallory.group, message, OPEN_RULES).added == (3,)
    double = Device("double", Identity(mallory.identity.signature_private, Credential.basic(b"double")))
    own = mls.rejoin(info, double.identity, rules=OPEN_RULES).message
    only_init = replace(body_of(own), proposals=body_of(own).proposals[:1])
    forged = handshake(double, only_init, sender=sender, group=alice.group)
    everybody_refuses(room, None, forged, "bad-signature", "duplicate-key")


# Leaves that enter.


def package_with(device, *, leaf=None, package=None):
    """A key package with other parts, signed again as it should be."""
    made = device.package()
    new_leaf = sign_leaf(device.identity, replace(made.leaf, **(leaf or {})))
    made = replace(made, leaf=new_leaf, **(package or {}))
    signature = PRODUCT_SUITE.sign_with_label(device.identity.key, "KeyPackageTBS", made.to_be_signed)
    return replace(made, signature=signature)


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
