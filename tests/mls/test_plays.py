"""Whole conversations among real members, each restored from its saved parts after every step."""

import pytest

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import group as mls
from miss_protocol.mls import public_group
from miss_protocol.mls.group import Add, Extension, GroupContextExtensions, Remove, RequiredCapabilities, SelfRemove
from miss_protocol.terms import EXTENSION_TYPE
from mls.cast import Device, Room, room_of


def cast(*names):
    return [Device(name) for name in names]


def test_two_people_talk():
    alice, bob = cast("alice", "bob")
    room = room_of(alice, bob)
    for number in range(5):
        room.say(alice, b"question %d" % number)
        room.say(bob, b"answer %d" % number)
    room.say(alice, b"")
    room.say(bob, b"x" * 70_000)
    assert alice.group.export("label", b"context", 40) == bob.group.export("label", b"context", 40)
    assert alice.group.export("label", b"context", 40) != bob.group.export("other", b"context", 40)


def test_five_members_come_and_go():
    alice, bob, chloe, david, emma = everybody = cast("alice", "bob", "chloe", "david", "emma")
    room = Room(alice)
    room.add(alice, bob)
    room.add(bob, chloe, david)
    room.say(david, b"hello")
    room.commit(david)
    room.add(chloe, emma)
    for one in everybody:
        room.say(one, one.name.encode())
        room.commit(one)
    room.commit(emma, Remove(bob.leaf))
    assert bob not in room.members
    for one in room.members:
        room.say(one, b"without bob")
    bob.packages.clear()
    room.add(alice, bob)
    assert bob.leaf == 1, "the leftmost blank leaf is taken again"
    room.say(bob, b"back")
    room.commit(bob, Remove(alice.leaf), Remove(emma.leaf), Remove(david.leaf))
    room.say(chloe, b"two are left")
    room.commit(chloe, Remove(bob.leaf))
    assert [chloe] == room.members
    room.add(chloe, *cast("f", "g", "h"))
    room.say(chloe, b"four again")


def test_adds_without_a_path():
    alice, bob, chloe = cast("alice", "bob", "chloe")
    room = Room(alice)
    room.add(alice, bob, path=False)
    room.say(bob, b"hello")
    room.add(bob, chloe, path=False)
    room.say(chloe, b"hello")
    room.commit(chloe)


def test_leaving_needs_another_member():
    alice, bob, chloe = cast("alice", "bob", "chloe")
    room = room_of(alice, bob, chloe)
    room.propose(bob, SelfRemove())
    assert alice.group.must_commit
    assert not bob.group.must_commit
    assert not mls.commit(bob.group, bob.identity, rules=room.rules).group.public.pending
    assert bob.leaf in mls.commit(bob.group, bob.identity, rules=room.rules).group.roster(), "not by oneself"
    judged = room.commit(chloe)
    assert judged.removed == (1,)
    assert room.members == [alice, chloe]
    room.say(alice, b"goodbye bob")


def test_an_update_waits_for_a_commit():
    alice, bob, chloe = cast("alice", "bob", "chloe")
    room = room_of(alice, bob, chloe)
    before = alice.group.leaf(bob.leaf).encryption_key
    room.note(mls.propose_update(bob.group, bob.identity), bob)
    room.commit(alice)
    assert alice.group.leaf(bob.leaf).encryption_key != before
    room.say(alice, b"to the new key")
    room.commit(chloe)
    room.say(bob, b"still here")


def test_proposals_that_contradict_are_left_out():
    alice, bob, chloe = cast("alice", "bob", "chloe")
    room = room_of(alice, bob, chloe)
    room.note(mls.propose_update(bob.group, bob.identity), bob)
    room.propose(chloe, Remove(bob.leaf))
    room.propose(bob, SelfRemove())
    room.propose(bob, Remove(alice.leaf))
    judged = room.commit(alice)
    assert judged.removed == (1,)
    assert room.members == [alice, chloe]


def test_a_device_proposed_twice_is_added_once():
    alice, bob, chloe = cast("alice", "bob", "chloe")
    room = room_of(alice, bob, chloe)
    zoe = Device("zoe")
    room.propose(bob, Add(zoe.package()))
    room.propose(chloe, Add(zoe.package()))
    assert len(alice.group.pending) == 2
    assert room.commit(alice, newcomers=[zoe]).added == (3,)
    room.say(zoe, b"once")


def test_the_group_context_changes():
    alice, bob = cast("alice", "bob")
    required = RequiredCapabilities(extensions=(EXTENSION_TYPE,), proposals=(SelfRemove.type,)).extension()
    room = room_of(alice, bob, extensions=(required,))
    changed = (required, Extension(EXTENSION_TYPE, b"\x02\x00\x01\x00"))
    room.commit(bob, GroupContextExtensions(changed))
    assert alice.group.extensions == changed
    room.say(alice, b"under new terms")
    unknown = (required, Extension(0xF0FF, b""))
    with pytest.raises(LocalError, match="unsupported"):
        mls.commit(alice.group, alice.identity, [GroupContextExtensions(unknown)], rules=room.rules)


def test_messages_arrive_out_of_order():
    alice, bob = cast("alice", "bob")
    room = room_of(alice, bob)
    sent = []
    for number in range(66):
        sealed = mls.seal(alice.group, alice.identity, b"%d" % number)
        alice.keep(sealed.group, sealed.changed)
        sent.append(sealed.message)
    for number in (65, 64, 1, 33, 2):
        opened = mls.open_message(bob.group, sent[number])
        assert opened.plaintext == b"%d" % number
        bob.keep(opened.group, opened.changed)
        with pytest.raises(RemoteError, match="replayed"):
            mls.open_message(bob.group, sent[number])
    with pytest.raises(RemoteError, match="replayed"):
        mls.open_message(bob.group, sent[0])  # 64 keys are kept: 1 to 64
    room.say(alice, b"and on it goes")


def test_a_gap_has_a_limit():
    alice, bob = cast("alice", "bob")
    room_of(alice, bob)
    group, last = alice.group, None
    for _ in range(1002):
        sealed = mls.seal(group, alice.identity, b"x")
        group, before, last = sealed.group, last, sealed.message
    with pytest.raises(RemoteError, match="too-far"):
        mls.open_message(bob.group, last)
    opened = mls.open_message(bob.group, before)
    assert opened.generation == 1000
    assert mls.open_message(opened.group, last).generation == 1001


def test_a_refused_commit_leaves_the_old_group_in_use():
    alice, bob = cast("alice", "bob")
    room = room_of(alice, bob)
    lost = mls.commit(alice.group, alice.identity, rules=room.rules)
    room.commit(bob)
    with pytest.raises(RemoteError, match="stale"):
        public_group.judge(room.server, lost.message, rules=room.rules)
    room.say(alice, b"we follow the winner")


def test_a_lost_device_returns_in_its_own_place():
    alice, bob, chloe = cast("alice", "bob", "chloe")
    room = room_of(alice, bob, chloe)
    room.commit(bob)
    info = mls.group_info(alice.group, alice.identity)
    staged = mls.rejoin(info, bob.identity, rules=room.rules)
    judged = public_group.judge(room.server, staged.message, rules=room.rules)
    assert (judged.sender, judged.added, judged.removed) == (1, (1,), (1,))
    room.members.remove(bob)
    room.follow(bob, staged, judged)
    room.members.append(bob)
    room.check()
    room.say(bob, b"found again")
    room.commit(alice)
    alone = Room(Device("zoe"))
    zoe = alone.members[0]
    staged = mls.rejoin(mls.group_info(zoe.group, zoe.identity), zoe.identity, rules=alone.rules)
    alone.follow(zoe, staged, public_group.judge(alone.server, staged.message, rules=alone.rules))
    alone.check()


def test_a_large_group_keeps_its_pace():
    founder, *others = cast(*(f"m{number}" for number in range(40)))
    room = room_of(founder, *others[:20])
    room.add(others[7], *others[20:])
    for number in (3, 33, 12):
        room.commit(others[number], Remove(others[number + 1].leaf))
        room.say(others[number], b"hello")
    assert len(room.members) == 37


def test_last_resort_is_marked():
    alice, bob = cast("alice", "bob")
    package = bob.package(last_resort=True)
    package.verify()
    assert [one.type for one in package.extensions] == [0x000A]
    room = Room(alice)
    room.commit(alice, Add(package), newcomers=[bob])
    room.say(bob, b"hello")
