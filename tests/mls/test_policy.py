"""Who may commit what: the product's policy with real certificates, the same answer on the server and among members."""

from dataclasses import replace

import pytest

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls import group as mls
from miss_protocol.mls import policy, public_group
from miss_protocol.mls.commits import apply_proposals
from miss_protocol.mls.extensions import ExternalSender, RequiredCapabilities, external_pub_of, external_senders
from miss_protocol.mls.framing import Sender, SenderType
from miss_protocol.mls.group import (
    OPEN_RULES,
    Add,
    Credential,
    Extension,
    GroupContextExtensions,
    Remove,
    Resolved,
    SelfRemove,
)
from miss_protocol.mls.messages import decode_message
from miss_protocol.mls.policy import admins_of
from miss_protocol.mls.proposals import ExternalInit, PreSharedKey, ReInit
from miss_protocol.mls.rejoin import _staged
from miss_protocol.mls.schedule import EXTERNAL_INIT_LABEL, PskId
from miss_protocol.terms import CLIENT_TYPE, DIRECT, EXTENSION_TYPE, GROUP, Terms, client, client_version
from mls.cast import GROUP_ID, NOT_AFTER, NOT_BEFORE, Device, Registrar, Room, room_of, terms
from mls.forge import refuses


class Ward:
    """An admin with two devices, a member with one, a stranger; the registrar may remove."""

    def __init__(self, kind=GROUP):
        self.registrar = Registrar()
        self.admin, self.member = self.registrar.person("Admin"), self.registrar.person("Member")
        self.phone = self.registrar.device(self.admin, "phone")
        self.desk = self.registrar.device(self.admin, "desk")
        self.bob = self.registrar.device(self.member, "bob")
        self.bob_desk = self.registrar.device(self.member, "bob's desk")
        self.stranger = self.registrar.device(self.registrar.person("Stranger"), "stranger")
        key = self.registrar.keys.external_sender.public_key().public_bytes_raw()
        self.senders = external_senders([ExternalSender(key, Credential.basic(b"registrar"))])
        admins = (self.phone, self.bob) if kind == DIRECT else (self.phone,)
        extensions = (terms(kind, *admins), self.senders)
        self.room = Room(self.phone, extensions=extensions, rules=self.registrar.rules)
        self.room.add(self.phone, self.desk)
        self.room.add(self.desk, self.bob)


@pytest.fixture
def ward():
    return Ward()


def refused(room, by, *proposals):
    """Neither we ourselves, nor the server, nor a member takes this commit."""
    with pytest.raises(LocalError, match="forbidden"):
        mls.commit(by.group, by.identity, proposals, rules=room.rules)
    staged = mls.commit(by.group, by.identity, proposals, rules=OPEN_RULES)
    with pytest.raises(RemoteError, match="forbidden"):
        public_group.judge(room.server, staged.message, rules=room.rules)
    for one in room.members:
        if one is not by:
            with pytest.raises(RemoteError, match="forbidden"):
                mls.receive_commit(one.group, staged.message, room.rules)


def test_only_an_admin_adds_people(ward):
    refused(ward.room, ward.bob, Add(ward.stranger.package()))
    ward.room.add(ward.desk, ward.stranger)
    ward.room.say(ward.stranger, b"hello")


def test_only_a_person_adds_own_further_devices(ward):
    refused(ward.room, ward.phone, Add(ward.bob_desk.package()))
    ward.room.add(ward.bob, ward.bob_desk)


def test_a_new_person_may_come_with_several_devices(ward):
    other = ward.registrar.device(ward.stranger.person, "stranger's desk")
    ward.room.add(ward.phone, ward.stranger, other)


def test_a_device_is_a_member_once(ward):
    twin = ward.registrar.device(ward.member, "bob again", device_id=ward.bob.device_id)
    refused(ward.room, ward.bob, Add(twin.package()))
    ward.room.commit(ward.phone, Remove(ward.bob.leaf), Add(twin.package()), newcomers=[twin])
    double = ward.registrar.device(ward.stranger.person, "double", device_id=ward.stranger.device_id)
    refused(ward.room, ward.phone, Add(ward.stranger.package()), Add(double.package()))


def test_a_group_has_a_largest_size(ward, monkeypatch):
    monkeypatch.setattr(policy, "MEMBERS_MAX", 4)
    ward.room.add(ward.phone, ward.stranger)
    refused(ward.room, ward.bob, Add(ward.bob_desk.package()))
    ward.room.commit(ward.phone, Remove(ward.stranger.leaf))
    ward.room.add(ward.bob, ward.bob_desk)


def test_only_an_admin_removes_others(ward):
    ward.room.add(ward.phone, ward.stranger)
    refused(ward.room, ward.bob, Remove(ward.stranger.leaf))
    refused(ward.room, ward.bob, Remove(ward.phone.leaf))
    ward.room.commit(ward.desk, Remove(ward.bob.leaf))
    assert ward.bob not in ward.room.members


def test_a_person_removes_own_devices(ward):
    ward.room.add(ward.bob, ward.bob_desk)
    ward.room.commit(ward.bob, Remove(ward.bob_desk.leaf))
    assert ward.bob_desk not in ward.room.members


def test_only_an_admin_changes_the_context(ward):
    change = GroupContextExtensions((terms(GROUP, ward.phone, ward.bob), ward.senders))
    refused(ward.room, ward.bob, change)
    refused(ward.room, ward.phone, GroupContextExtensions((terms(DIRECT, ward.phone), ward.senders)))
    ward.room.commit(ward.phone, change)
    assert admins_of(ward.room.server) == {ward.phone.person_id, ward.bob.person_id}
    ward.room.add(ward.bob, ward.stranger)
    with pytest.raises(LocalError, match="no-terms"):
        mls.commit(ward.bob.group, ward.bob.identity, [GroupContextExtensions(())], rules=ward.room.rules)


def test_nobody_takes_the_registrars_place(ward):
    """An admin changes the terms; who may remove from outside, and what members must be able to do, stays."""
    room, phone = ward.room, ward.phone
    theirs = ward.registrar.keys.external_sender.public_key().public_bytes_raw()
    mine = ExternalSender(phone.identity.key.public, Credential.basic(b"me"))
    hidden = ExternalSender(phone.identity.key.public, Credential.basic(theirs))
    both = [ExternalSender(theirs, Credential.basic(b"registrar")), mine]
    for senders in ([mine], [hidden], both, both[::-1], []):
        refused(room, phone, GroupContextExtensions((terms(GROUP, phone), external_senders(senders))))
    refused(room, phone, GroupContextExtensions((terms(GROUP, phone),)))
    easier = RequiredCapabilities(credentials=(1,)).extension()
    refused(room, phone, GroupContextExtensions((terms(GROUP, phone), ward.senders, easier)))
    room.commit(phone, GroupContextExtensions((terms(GROUP, phone, ward.bob), ward.senders)))


def least(version, *devices, since=0):
    """The terms of a group that asks for a client version."""
    admins = frozenset(one.person_id for one in devices)
    return Extension(EXTENSION_TYPE, Terms(GROUP, admins, version, since).encode())


def of_version(device, version):
    """The device as a client of that version makes its leaves."""
    device.identity = replace(device.identity, extensions=(Extension(CLIENT_TYPE, client(version)),))
    return device


def test_a_new_members_client_is_not_older_than_the_terms_say(ward):
    room, phone, desk = ward.room, of_version(ward.phone, 3), of_version(ward.desk, 2)
    room.commit(phone)
    room.commit(desk)
    assert client_version(ward.bob.group.leaf(phone.leaf).extensions) == 3, "by the next commit"
    refused(room, ward.bob, GroupContextExtensions((least(1, phone, ward.bob), ward.senders)))
    refused(room, desk, GroupContextExtensions((least(3, phone, since=7), ward.senders)))
    refused(room, desk, GroupContextExtensions((least(1, phone, since=7), ward.senders)))
    old, new = ward.stranger.package(), of_version(ward.stranger, 2).package()
    refused(room, phone, GroupContextExtensions((least(2, phone, since=7), ward.senders)), Add(old))
    room.commit(desk, GroupContextExtensions((least(2, phone, since=7), ward.senders)))
    for lower in (least(1, phone, since=7), least(2, phone, since=8), least(0, phone)):
        refused(room, phone, GroupContextExtensions((lower, ward.senders)))
    refused(room, phone, Add(old))
    assert room.commit(phone, Add(new), newcomers=(ward.stranger,)).added
    assert client_version(ward.bob.group.leaf(ward.bob.leaf).extensions) == 1, "who is in stays"
    room.commit(ward.bob)


def test_a_malformed_client_version_is_refused(ward):
    for data in (b"", b"\1", b"\0\1\0"):
        ward.stranger.identity = replace(ward.stranger.identity, extensions=(Extension(CLIENT_TYPE, data),))
        package = ward.stranger.package()
        with pytest.raises(LocalError, match="malformed"):
            mls.commit(ward.phone.group, ward.phone.identity, [Add(package)], rules=ward.room.rules)
        message = mls.commit(ward.phone.group, ward.phone.identity, [Add(package)], rules=OPEN_RULES).message
        with pytest.raises(RemoteError, match="malformed"):
            public_group.judge(ward.room.server, message, rules=ward.room.rules)
        group, rules = ward.bob.group, ward.room.rules
        refuses(group, "malformed", lambda g=group, m=message, r=rules: mls.receive_commit(g, m, r))


def test_a_key_package_is_not_good_for_ever(ward):
    for first, last in ((NOT_BEFORE, NOT_BEFORE + 86 * 86_400), (0, NOT_AFTER), (NOT_AFTER, NOT_BEFORE), (5, 5)):
        made = mls.make_key_package(ward.stranger.identity, not_before=first, not_after=last)
        refused(ward.room, ward.phone, Add(mls.KeyPackage.decode(made.key_package)))
    ward.room.add(ward.phone, ward.stranger)


def test_anyone_refreshes_and_commits_a_leave(ward):
    ward.room.commit(ward.bob)
    ward.room.propose(ward.desk, SelfRemove())
    ward.room.note(mls.propose_update(ward.phone.group, ward.phone.identity), ward.phone)
    assert ward.room.commit(ward.bob).removed == (1,)


def test_who_leaves_may_be_added_anew_by_an_admin(ward):
    ward.room.propose(ward.bob, SelfRemove())
    judged = ward.room.commit(ward.phone, Add(ward.bob_desk.package()), newcomers=[ward.bob_desk])
    assert (judged.removed, judged.added) == ((2,), (2,))
    ward.room.say(ward.bob_desk, b"on the other device")


def test_without_an_admin_the_lowest_leaf_is(ward):
    ward.room.add(ward.phone, ward.stranger)
    ward.room.propose(ward.phone, SelfRemove())
    ward.room.propose(ward.desk, SelfRemove())
    ward.room.commit(ward.bob)
    assert admins_of(ward.room.server) == {ward.bob.person_id}
    refused(ward.room, ward.stranger, Remove(ward.bob.leaf))
    ward.room.commit(ward.bob, Remove(ward.stranger.leaf))


def test_a_direct_conversation_has_two_equal_persons():
    ward = Ward(DIRECT)
    room = ward.room
    refused(room, ward.phone, Add(ward.stranger.package()))
    refused(room, ward.phone, Remove(ward.bob.leaf))
    refused(room, ward.bob, Remove(ward.desk.leaf))
    refused(room, ward.phone, Add(ward.bob_desk.package()))
    other = GroupContextExtensions((terms(DIRECT, ward.phone, ward.stranger), ward.senders))
    refused(room, ward.phone, other)
    room.add(ward.bob, ward.bob_desk)
    room.commit(ward.phone, Remove(ward.desk.leaf))
    same = GroupContextExtensions((terms(DIRECT, ward.bob, ward.phone), ward.senders))
    room.commit(ward.bob, same)


def test_the_registrar_removes_and_nothing_else(ward):
    key = ward.registrar.keys.external_sender.private_bytes_raw()
    room = ward.room
    message = public_group.external_proposal(room.server, key, Remove(ward.bob.leaf))
    judged = public_group.judge(room.server, message, rules=room.rules)
    assert (judged.kind, judged.sender) == ("proposal", public_group.OUTSIDER)
    room.server = judged.public
    for one in room.members:
        noted = mls.receive_proposal(one.group, message, room.rules)
        assert noted.sender is None
        one.keep(noted.group, noted.changed)
    assert room.commit(ward.desk).removed == (2,)
    add = public_group.external_proposal(room.server, key, Add(ward.stranger.package()))
    with pytest.raises(RemoteError, match="forbidden"):
        public_group.judge(room.server, add, rules=room.rules)
    with pytest.raises(LocalError, match="wrong-identity"):
        public_group.external_proposal(room.server, ward.phone.identity.signature_private, Remove(1))


def test_another_key_is_not_the_registrar(ward):
    room = ward.room
    key = ward.registrar.keys.external_sender.private_bytes_raw()
    good = public_group.external_proposal(room.server, key, Remove(ward.bob.leaf))
    signature = good[-64:]
    for bad in (bytes(64), bytes([signature[0] ^ 1]) + signature[1:]):
        with pytest.raises(RemoteError, match="bad-signature"):
            public_group.judge(room.server, good[:-64] + bad, rules=room.rules)


def test_a_device_returns_only_in_its_own_place(ward):
    room = ward.room
    info = mls.group_info(ward.phone.group, ward.phone.identity)
    with pytest.raises(LocalError, match="forbidden"):
        mls.rejoin(info, ward.stranger.identity, rules=room.rules)
    intruder = mls.rejoin(info, ward.stranger.identity, rules=OPEN_RULES)
    with pytest.raises(RemoteError, match="forbidden"):
        public_group.judge(room.server, intruder.message, rules=room.rules)
    sender, suite = Sender(SenderType.NEW_MEMBER_COMMIT), ward.phone.group.suite
    key = external_pub_of(decode_message(info).extensions)
    kem_output, init_secret = suite.hpke.export_to(key, EXTERNAL_INIT_LABEL, suite.hash_length)
    wanted = [Resolved(one, sender) for one in (ExternalInit(kem_output), Remove(ward.bob.leaf))]
    changes = apply_proposals(room.server, mls.NEW_MEMBER, wanted, room.rules)
    for thief in (ward.stranger, ward.bob_desk):
        stolen = _staged(room.server, changes, thief.identity, mls.PRODUCT_CAPABILITIES, init_secret).message
        assert public_group.judge(room.server, stolen, rules=OPEN_RULES).removed == (ward.bob.leaf,)
        with pytest.raises(RemoteError, match="bad-credential"):
            public_group.judge(room.server, stolen, rules=room.rules)
        with pytest.raises(RemoteError, match="bad-credential"):
            mls.receive_commit(ward.desk.group, stolen, room.rules)
    back = mls.rejoin(info, ward.bob.identity, rules=room.rules)
    judged = public_group.judge(room.server, back.message, rules=room.rules)
    room.members.remove(ward.bob)
    room.follow(ward.bob, back, judged)
    room.members.append(ward.bob)
    room.check()
    room.say(ward.bob, b"found again")


def test_a_renewed_certificate_rides_the_next_commit(ward):
    before = ward.bob.group.leaf(ward.bob.leaf).credential
    ward.registrar.renewed(ward.bob)
    ward.room.commit(ward.bob)
    after = ward.phone.group.leaf(ward.bob.leaf).credential
    assert after == ward.bob.identity.credential != before
    ward.room.say(ward.bob, b"renewed")


def test_another_devices_certificate_does_not(ward):
    room, bob = ward.room, ward.bob
    stolen = replace(bob.identity, credential=ward.bob_desk.identity.credential)
    staged = mls.commit(bob.group, stolen, rules=OPEN_RULES)
    with pytest.raises(RemoteError, match="bad-credential"):
        public_group.judge(room.server, staged.message, rules=room.rules)
    with pytest.raises(RemoteError, match="bad-credential"):
        mls.receive_commit(ward.phone.group, staged.message, room.rules)


def test_a_certificate_of_another_authority_is_refused(ward):
    forger = Registrar().device(ward.member, "forged")
    with pytest.raises(LocalError):
        mls.commit(ward.phone.group, ward.phone.identity, [Add(forger.package())], rules=ward.room.rules)
    staged = mls.commit(ward.phone.group, ward.phone.identity, [Add(forger.package())], rules=OPEN_RULES)
    with pytest.raises(RemoteError, match="invalid-commit"):
        public_group.judge(ward.room.server, staged.message, rules=ward.room.rules)
    group = mls.create(forger.identity, GROUP_ID, not_before=NOT_BEFORE, not_after=NOT_AFTER)
    with pytest.raises(RemoteError):
        public_group.follow(mls.group_info(group, forger.identity), rules=ward.room.rules)


def test_what_the_product_does_not_use_is_forbidden(ward):
    psk = PreSharedKey(PskId(kind=1, nonce=bytes(32), psk_id=b"psk"))
    for proposal in (psk, ReInit(b"other", 1, 1, ())):
        with pytest.raises(RemoteError, match="forbidden"):
            public_group.allowed(ward.room.server, 0, [Resolved(proposal, Sender.member(0))])
    sender = Sender(SenderType.NEW_MEMBER_COMMIT)
    back = [Resolved(ExternalInit(b"kem output"), sender), Resolved(Remove(2), sender)]
    public_group.allowed(ward.room.server, mls.NEW_MEMBER, back)
    for more in (psk, Remove(1), SelfRemove()):
        with pytest.raises(RemoteError, match="forbidden"):
            public_group.allowed(ward.room.server, mls.NEW_MEMBER, [*back, Resolved(more, sender)])
    stranger = Resolved(Add(ward.stranger.package()), Sender(SenderType.NEW_MEMBER_PROPOSAL), b"reference")
    with pytest.raises(RemoteError, match="forbidden"):
        public_group.allowed(ward.room.server, 0, [stranger])
    with pytest.raises(RemoteError, match="bad-credential"):
        public_group.allowed(room_of(Device("basic"), extensions=(terms(GROUP),)).server, 0, [])
