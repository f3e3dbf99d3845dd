"""The cast of the MLS plays: devices that keep only what they are told to keep, and a room with its server."""

import uuid
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from miss_protocol import identity as certificates
from miss_protocol.enrolment import CertificateRequest
from miss_protocol.mls import group as mls
from miss_protocol.mls import public_group
from miss_protocol.mls.group import Add, Credential, Group, Identity, KeyPackage, Rules
from miss_protocol.mls.suite import PRODUCT_SUITE
from miss_protocol.terms import EXTENSION_TYPE, Terms

NOW_MS = 1_790_000_000_000
NOT_BEFORE, NOT_AFTER = NOW_MS // 1000, NOW_MS // 1000 + 84 * 86_400
GROUP_ID = b"the conversation"


class Device:
    """A member that is made anew, after every step, from the parts it was told to save."""

    def __init__(self, name, identity=None):
        self.name = name
        self.identity = identity or Identity(PRODUCT_SUITE.scheme.generate(), Credential.basic(name.encode()))
        self.packages = []
        self.parts = {}
        self.group = None

    def __repr__(self):
        return self.name

    def package(self, **options):
        """A fresh key package, ready for an Add."""
        made = mls.make_key_package(self.identity, not_before=NOT_BEFORE, not_after=NOT_AFTER, **options)
        self.packages.append(mls.KeyPackageSecrets.decode(made.encode()))
        return KeyPackage.decode(made.key_package)

    def keep(self, group, changed):
        """Save the parts named, drop those that vanished, and go on from what was saved."""
        for name in changed & group.part_names():
            self.parts[name] = group.part(name)
        for name in self.parts.keys() - group.part_names():
            del self.parts[name]
        assert self.parts == group.parts(), "the parts that changed were all named"
        self.group = Group.from_parts(self.parts)

    @property
    def leaf(self):
        return self.group.my_leaf


class Room:
    """A group, its server, and the check that after every step all of them agree."""

    def __init__(self, founder, *, extensions=(), rules=mls.OPEN_RULES):
        self.rules = rules
        group = mls.create(
            founder.identity, GROUP_ID, extensions=extensions, not_before=NOT_BEFORE, not_after=NOT_AFTER
        )
        founder.keep(group, group.part_names())
        self.members = [founder]
        info = mls.group_info(group, founder.identity)
        self.server = public_group.follow(info, rules=rules, single=True)
        self.check()

    def check(self):
        """Everybody, the server included, is at the same point."""
        self.server = public_group.PublicGroup.decode(self.server.encode())
        for one in self.members:
            assert one.group.epoch == self.server.epoch
            assert one.group.public.tree.hash() == self.server.tree.hash()
            assert one.group.roster() == self.server.roster()
            assert one.group.extensions == self.server.extensions
            assert one.group.epoch_authenticator == self.members[0].group.epoch_authenticator
            assert {p.reference for p in one.group.pending} == {p.reference for p in self.server.pending}
        self.server.tree.verify_parents()
        assert {one.leaf for one in self.members} == set(self.server.roster())

    def commit(self, by, *proposals, newcomers=(), **options):
        """``by`` commits; the server judges, everybody follows, newcomers join. Returns the server's verdict."""
        staged = mls.commit(by.group, by.identity, proposals, rules=self.rules, **options)
        judged = public_group.judge(self.server, staged.message, rules=self.rules)
        assert (judged.kind, judged.sender) == ("commit", by.leaf)
        self.follow(by, staged, judged)
        if newcomers:
            assert public_group.welcome_references(staged.welcome) == judged.added_references
            for one in newcomers:
                joined = mls.join(staged.welcome, one.packages, one.identity, rules=self.rules)
                assert joined.sender == by.leaf
                one.keep(joined.group, joined.group.part_names())
                self.members.append(one)
        else:
            assert staged.welcome is None
        self.check()
        return judged

    def follow(self, by, staged, judged):
        """Everybody but ``by`` receives what ``by`` staged."""
        for one in list(self.members):
            if one is by:
                continue
            received = mls.receive_commit(one.group, staged.message, self.rules)
            assert (received.sender, received.added, received.removed) == (judged.sender, judged.added, judged.removed)
            if received.group is None:
                assert one.leaf in judged.removed
                self.members.remove(one)
            else:
                one.keep(received.group, received.changed)
        by.keep(staged.group, staged.changed)
        self.server = judged.public

    def add(self, by, *newcomers, **options):
        adds = [Add(one.package()) for one in newcomers]
        return self.commit(by, *adds, newcomers=newcomers, **options)

    def note(self, proposed, by):
        """Everybody but ``by`` receives a proposal."""
        judged = public_group.judge(self.server, proposed.message, rules=self.rules)
        assert judged.kind == "proposal"
        self.server = judged.public
        for one in self.members:
            if one is not by:
                noted = mls.receive_proposal(one.group, proposed.message, self.rules)
                one.keep(noted.group, noted.changed)
        by.keep(proposed.group, proposed.changed)
        self.check()

    def propose(self, by, proposal):
        self.note(mls.propose(by.group, by.identity, proposal), by)

    def say(self, by, text):
        """``by`` writes, everybody else reads."""
        sealed = mls.seal(by.group, by.identity, text, authenticated_data=b"in the clear")
        by.keep(sealed.group, sealed.changed)
        for one in self.members:
            if one is not by:
                opened = mls.open_message(one.group, sealed.message)
                assert (opened.plaintext, opened.sender) == (text, by.leaf)
                assert (opened.authenticated_data, opened.generation) == (b"in the clear", sealed.generation)
                one.keep(opened.group, opened.changed)
        return sealed.message


def room_of(*devices, **options):
    """A room where the first device added all the others by one commit."""
    room = Room(devices[0], **options)
    if len(devices) > 1:
        room.add(devices[0], *devices[1:])
    return room


class Registrar:
    """A real authority, whose certificates the product's rules accept."""

    def __init__(self):
        self.authority, self.keys = certificates.make_authority("test", NOW_MS)
        self.rules = Rules(
            check_credential=certificates.credential_check(self.authority, NOW_MS),
            check_successor=certificates.check_successor,
            allowed=public_group.allowed,
        )

    def person(self, name):
        person_id = uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes
        return certificates.Professional(
            person_id, f"Dr {name}", name, name, "", "10", "Médecin", "Lyon", "mailbox", NOW_MS
        )

    def device(self, person, name, *, key=None, device_id=None, now_ms=NOW_MS):
        """A certified device of a person."""
        key = key or ed25519.Ed25519PrivateKey.generate()
        login = ec.generate_private_key(ec.SECP256R1())
        request = CertificateRequest.sign(device_id or uuid.uuid4().bytes, name, key, login)
        certificate = certificates.certify(self.authority, self.keys.issuing, person, request, now_ms)
        device = Device(name, Identity(key.private_bytes_raw(), Credential.x509(certificate.der)))
        device.person_id, device.device_id, device.person = person.person_id, request.device_id, person
        return device

    def renewed(self, device):
        """The same device with a newer certificate, in place."""
        key = ed25519.Ed25519PrivateKey.from_private_bytes(device.identity.signature_private)
        other = self.device(device.person, device.name, key=key, device_id=device.device_id)
        device.identity = replace(device.identity, credential=other.identity.credential)


def terms(kind, *devices):
    """The group context extension that makes the devices' persons admins."""
    admins = frozenset(one.person_id for one in devices)
    return mls.Extension(EXTENSION_TYPE, Terms(kind, admins).encode())
