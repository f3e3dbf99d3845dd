"""Returns and resets: what waits is committed with a return, and a new group keeps the old one's terms and devices."""

from dataclasses import replace

import pytest

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import group as mls
from miss_protocol.mls import policy, public_group
from miss_protocol.mls.group import Add, Remove, SelfRemove
from miss_protocol.mls.messages import decode_message, encode_message
from miss_protocol.standing import digest_of
from miss_protocol.succession import Reset, generation_of, judge_reset, next_group_id
from miss_protocol.terms import DIRECT, GROUP
from mls.cast import GROUP_ID, NOT_AFTER, NOT_BEFORE, Device, terms
from mls.forge import body_of, tampered
from mls.test_policy import Ward


@pytest.fixture
def ward():
    return Ward()


def came_back(room, by, staged):
    judged = public_group.judge(room.server, staged.message, rules=room.rules)
    room.members.remove(by)
    room.follow(by, staged, judged)
    room.members.append(by)
    return judged


def test_a_return_commits_the_leaves_that_wait(ward):
    room = ward.room
    room.add(ward.phone, ward.stranger)
    leave = mls.propose(ward.stranger.group, ward.stranger.identity, SelfRemove())
    room.note(leave, ward.stranger)
    info = mls.group_info(ward.phone.group, ward.phone.identity)
    back = mls.rejoin(info, ward.bob.identity, rules=room.rules, leaves=[leave.message, leave.message])
    judged = came_back(room, ward.bob, back)
    assert set(judged.removed) == {2, 3}
    assert ward.stranger not in room.members
    room.check()
    room.say(ward.bob, b"without the stranger")


def test_ones_own_leave_lapses_with_a_return(ward):
    room = ward.room
    leave = mls.propose(ward.bob.group, ward.bob.identity, SelfRemove())
    room.note(leave, ward.bob)
    info = mls.group_info(ward.phone.group, ward.phone.identity)
    back = mls.rejoin(info, ward.bob.identity, rules=room.rules, leaves=[leave.message])
    assert came_back(room, ward.bob, back).removed == (2,)
    room.check()


def test_a_forged_leave_is_not_committed(ward):
    room = ward.room
    leave = mls.propose(ward.desk.group, ward.desk.identity, SelfRemove())
    info = mls.group_info(ward.phone.group, ward.phone.identity)
    signature = decode_message(leave.message).authenticated.signature
    forged = tampered(leave.message, signature=signature[:-1] + bytes([signature[-1] ^ 1]))
    for wrong, reason in ((forged, "bad-signature"), (b"noise", "unsupported"), (leave.message[:-1], "malformed")):
        with pytest.raises(RemoteError, match=reason):
            mls.rejoin(info, ward.bob.identity, rules=room.rules, leaves=[wrong])
    # One that nobody else was told of is in no member's pending list: nobody takes a commit that refers to it.
    back = mls.rejoin(info, ward.bob.identity, rules=room.rules, leaves=[leave.message])
    with pytest.raises(RemoteError, match="unknown-proposal"):
        public_group.judge(room.server, back.message, rules=room.rules)
    with pytest.raises(RemoteError, match="unknown-proposal"):
        mls.receive_commit(ward.phone.group, back.message, room.rules)
    # Of what others propose, a return commits leaves and nothing else.
    update = mls.propose_update(ward.phone.group, ward.phone.identity)
    alone = mls.rejoin(info, ward.bob.identity, rules=room.rules, leaves=[update.message])
    assert len(body_of(alone.message).proposals) == 2


def test_the_group_info_beside_a_commit_is_its_own(ward):
    room, phone = ward.room, ward.phone
    staged = mls.commit(phone.group, phone.identity, rules=room.rules)
    after = public_group.judge(room.server, staged.message, rules=room.rules).public
    good = mls.group_info(staged.group, phone.identity, with_tree=False)
    public_group.check_group_info(after, phone.leaf, good)
    decoded = decode_message(good)
    wrong = {
        "of the epoch before": mls.group_info(phone.group, phone.identity, with_tree=False),
        "with a tree": mls.group_info(staged.group, phone.identity),
        "of another signer": encode_message(replace(decoded, signer=ward.desk.leaf).signed(phone.identity.key)),
        "with another tag": encode_message(replace(decoded, confirmation_tag=bytes(32)).signed(phone.identity.key)),
        "without a key": encode_message(replace(decoded, extensions=()).signed(phone.identity.key)),
        "by another key": encode_message(decoded.signed(ward.desk.identity.key)),
        "a commit": staged.message,
    }
    for what, message in wrong.items():
        with pytest.raises(RemoteError) as caught:
            public_group.check_group_info(after, phone.leaf, message)
        assert caught.value.reason in ("bad-group-info", "bad-signature", "malformed"), what


def reset(ward, by, *others, extensions=None, group_id=None):
    """(the body of a reset by this device, the group it leads to)."""
    founded = mls.create(
        by.identity,
        group_id or next_group_id(by.group.group_id),
        extensions=by.group.extensions if extensions is None else extensions,
        not_before=NOT_BEFORE,
        not_after=NOT_AFTER,
    )
    creation = mls.group_info(founded, by.identity)
    if not others:
        return Reset(creation, b"").encode(), founded
    adds = [Add(one.package()) for one in others]
    staged = mls.commit(founded, by.identity, adds, rules=mls.OPEN_RULES)
    del ward
    return Reset(creation, staged.message).encode(), staged.group


def judged_alike(ward, body, after, match=None):
    """The server, from the body, and every member, from the group it would join, say the same."""
    room = ward.room
    if match is None:
        judged = judge_reset(room.server, body, rules=room.rules)
        assert judged.kind == "reset"
        assert judged.public.tree.hash() == after.public.tree.hash()
        assert (set(judged.added), set(judged.removed)) == (set(after.roster()), set(room.server.roster()))
    else:
        with pytest.raises(RemoteError, match=match):
            judge_reset(room.server, body, rules=room.rules)
    for one in room.members:
        before = one.group.parts()
        if match is None:
            policy.check_reset(one.group.public, after.public, 0)
        else:
            with pytest.raises(RemoteError, match=match):
                policy.check_reset(one.group.public, after.public, 0)
        assert one.group.parts() == before


def test_an_admin_resets_with_the_same_devices(ward):
    room = ward.room
    room.add(ward.bob, ward.bob_desk)
    judged_alike(ward, *reset(ward, ward.phone, ward.desk, ward.bob, ward.bob_desk))
    judged_alike(ward, *reset(ward, ward.desk, ward.bob))
    judged_alike(ward, *reset(ward, ward.phone))
    _, after = reset(ward, ward.phone, ward.bob)
    assert generation_of(after.group_id) == generation_of(room.server.group_id) + 1
    assert digest_of(after) != digest_of(ward.phone.group)


def test_a_reset_brings_nobody_in_and_changes_no_terms(ward):
    judged_alike(ward, *reset(ward, ward.bob, ward.phone), match="only an admin resets")
    judged_alike(ward, *reset(ward, ward.phone, ward.bob, ward.stranger), match="brings nobody in")
    judged_alike(ward, *reset(ward, ward.phone, ward.bob_desk), match="brings nobody in")
    judged_alike(ward, *reset(ward, ward.phone, twin(ward)), match="brings nobody in")
    lax = (terms(GROUP, ward.phone, ward.bob), ward.senders)
    judged_alike(ward, *reset(ward, ward.phone, ward.bob, extensions=lax), match="keeps the terms")
    judged_alike(ward, *reset(ward, ward.phone, extensions=lax[:1]), match="keeps the terms")


def twin(ward) -> Device:
    """Bob's device under another key."""
    return ward.registrar.device(ward.member, "bob's twin", device_id=ward.bob.device_id)


def test_who_is_to_go_does_not_come_along(ward):
    room = ward.room
    room.add(ward.phone, ward.stranger)
    room.propose(ward.bob, SelfRemove())
    key = ward.registrar.keys.external_sender.private_bytes_raw()
    message = public_group.external_proposal(room.server, key, Remove(ward.desk.leaf))
    room.server = public_group.judge(room.server, message, rules=room.rules).public
    for one in room.members:
        noted = mls.receive_proposal(one.group, message, room.rules)
        one.keep(noted.group, noted.changed)
    judged_alike(ward, *reset(ward, ward.phone, ward.bob), match="brings nobody in")
    judged_alike(ward, *reset(ward, ward.desk, ward.stranger), match="brings nobody in")
    judged_alike(ward, *reset(ward, ward.phone, ward.stranger))


def test_two_people_stay_two_over_a_reset():
    ward = Ward(DIRECT)
    judged_alike(ward, *reset(ward, ward.phone, ward.desk), match="keeps both persons")
    judged_alike(ward, *reset(ward, ward.bob, ward.desk))
    judged_alike(ward, *reset(ward, ward.phone, ward.bob))


def test_a_reset_is_the_next_group_and_whole(ward):
    room = ward.room
    good, _ = reset(ward, ward.phone, ward.bob)
    other, _ = reset(ward, ward.phone, ward.bob)
    again = next_group_id(next_group_id(GROUP_ID))
    halves, others = Reset.decode(good), Reset.decode(other)
    broken = {
        "the same group": reset(ward, ward.phone, ward.bob, group_id=GROUP_ID)[0],
        "a later group": reset(ward, ward.phone, ward.bob, group_id=again)[0],
        "halves of two": replace(halves, commit=others.commit).encode(),
        "a commit twice": replace(halves, creation=halves.commit).encode(),
        "no creation": replace(halves, creation=b"").encode(),
        "cut": good[:-1],
        "longer": good + b"\0",
        "a proposal": replace(
            halves, commit=mls.propose(ward.phone.group, ward.phone.identity, Remove(2)).message
        ).encode(),
    }
    before = room.server.encode()
    for what, body in broken.items():
        with pytest.raises(RemoteError) as caught:
            judge_reset(room.server, body, rules=room.rules)
        assert caught.value.reason in ("malformed", "invalid-commit", "bad-signature"), (what, caught.value)
    assert room.server.encode() == before
    assert Reset.decode(good).author().signature_key == ward.phone.identity.key.public
    with pytest.raises(RemoteError, match="malformed"):
        Reset(halves.commit, b"").author()


def test_a_reset_of_another_authority_is_refused(ward):
    body, _ = reset(ward, ward.phone, ward.bob)
    with pytest.raises(RemoteError):
        judge_reset(ward.room.server, body, rules=Ward().room.rules)


def test_a_return_still_needs_ones_own_leaf(ward):
    info = mls.group_info(ward.phone.group, ward.phone.identity)
    for outsider in (ward.stranger, ward.bob_desk, twin(ward)):
        with pytest.raises(LocalError, match="forbidden"):
            mls.rejoin(info, outsider.identity, rules=ward.room.rules)
