"""Commits that break a rule of RFC 9420 are refused by the server and by every member alike."""

from dataclasses import replace

import pytest

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import commits, public_group, treekem
from miss_protocol.mls import group as mls
from miss_protocol.mls import tree as ratchet_tree
from miss_protocol.mls.framing import Sender, SenderType
from miss_protocol.mls.group import (
    OPEN_RULES,
    Add,
    Credential,
    GroupContextExtensions,
    Identity,
    Remove,
    SelfRemove,
)
from miss_protocol.mls.joining import sign_leaf
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.mls.nodes import LeafSource
from miss_protocol.mls.proposals import Commit, ExternalInit, PreSharedKey, ReInit
from miss_protocol.mls.schedule import PskId
from miss_protocol.mls.suite import PRODUCT_SUITE, HpkeCiphertext
from mls.cast import Device, room_of
from mls.forge import (
    body_of,
    everybody_refuses,
    handshake,
    path_with,
    refuses,
    resigned,
    staged,
    tampered,
)

SMALL_ORDER = b"\x01" + bytes(31)


@pytest.fixture
def room():
    return room_of(Device("alice"), Device("bob"), Device("mallory"))


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


# A newcomer that adds itself.


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


def test_who_returns_brings_a_fresh_key(room):
    """The leaf of an external commit is as an Update of the leaf it removes would have to be."""
    alice, _, mallory = room.members
    info = mls.group_info(alice.group, alice.identity)
    body = body_of(mls.rejoin(info, mallory.identity, rules=OPEN_RULES).message)
    old = replace(body.path.leaf, encryption_key=alice.group.leaf(mallory.leaf).encryption_key)
    path = replace(body.path, leaf=sign_leaf(mallory.identity, old, alice.group.group_id, mallory.leaf))
    sender = Sender(SenderType.NEW_MEMBER_COMMIT)
    forged = handshake(mallory, replace(body, path=path), sender=sender, group=alice.group)
    everybody_refuses(room, None, forged, "duplicate-key")


def test_nobody_sends_in_a_group_that_was_re_initialised(room):
    alice, bob, _ = room.members
    reinit = ReInit(b"the next group", 1, PRODUCT_SUITE.id, ())
    room.commit(alice, reinit)
    for one in (alice, bob):
        before = one.group.parts()
        for send in (
            lambda one=one: mls.seal(one.group, one.identity, b"too late"),
            lambda one=one: mls.commit(one.group, one.identity, rules=OPEN_RULES),
            lambda one=one: mls.propose(one.group, one.identity, SelfRemove()),
            lambda one=one: mls.group_info(one.group, one.identity),
        ):
            with pytest.raises(LocalError, match="closed"):
                send()
        assert one.group.parts() == before
