"""Who is in a conversation: groups begun, people and devices added and removed, as MLS commits that survive a crash."""

import base64
import binascii
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from miss_app.engine.conversations import leaving, persons_in
from miss_app.engine.http import Http
from miss_app.engine.model import Act, Item
from miss_app.engine.people import People, certificate_of_leaf, certificate_of_package, person_of_leaf
from miss_app.engine.problems import Problem
from miss_app.engine.session import VERSION
from miss_protocol import limits
from miss_protocol.errors import MissError
from miss_protocol.identity import Authority, DeviceCertificate, check_successor, credential_check
from miss_protocol.mls import group as mls
from miss_protocol.mls.extensions import ExternalSender, external_senders
from miss_protocol.mls.policy import admins_of, allowed
from miss_protocol.succession import group_id_of
from miss_protocol.terms import CLIENT_TYPE, DIRECT, EXTENSION_TYPE, GROUP, Terms, client, client_version

_X509 = 2
LEAST_VERSION = 1  # of the clients that this one can share a conversation with
_HOUR_SECONDS, _DAY_SECONDS = 3600, 86_400


@dataclass
class Clock:
    """The server's time, as far as this machine can tell: its own clock, set right at each login."""

    offset_ms: int = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms

    def set(self, server_ms: int) -> None:
        self.offset_ms = server_ms - time.time_ns() // 1_000_000


class Membership:
    """What this device may do to groups.

    Args:
        certificate: this device's.
        signature_seed: its Ed25519 key.
        authority: the registrar's certificates.
        people: pins, so that a device known by another key is never added.
        clock: the server's time.
    """

    def __init__(
        self, certificate: DeviceCertificate, signature_seed: bytes, authority: Authority, people: People, clock: Clock
    ) -> None:
        self.certificate = certificate
        version = mls.Extension(CLIENT_TYPE, client(VERSION))
        self.identity = mls.Identity(signature_seed, mls.Credential.x509(certificate.der), extensions=(version,))
        self.clock = clock
        self._least_version = LEAST_VERSION
        self.authority = authority
        self._people = people

    def use(self, certificate: DeviceCertificate) -> None:
        """A renewed certificate of this device: its next commits carry it."""
        self.certificate = certificate
        self.identity = replace(self.identity, credential=mls.Credential.x509(certificate.der))

    def rules(self, at_ms: int | None) -> mls.Rules:
        """The rules for a row accepted at ``at_ms``; None where only old leaves are read, judged before."""
        check = credential_check(self.authority, at_ms, late_ms=limits.CLOCK_TOLERANCE_MINUTES * 60_000)
        return mls.Rules(check, check_successor, allowed)

    def begin(self, conversation_id: bytes, kind: str, persons: Sequence[bytes]) -> mls.Group:
        """A group of one leaf, ours. ``persons`` are its admins: of a direct conversation both people."""
        extensions = (
            mls.Extension(EXTENSION_TYPE, Terms(kind, frozenset(persons)).encode()),
            mls.RequiredCapabilities((EXTENSION_TYPE,), (mls.SelfRemove.type,), (_X509,)).extension(),
            external_senders([self._registrar()]),
        )
        return self.found(group_id_of(conversation_id, 0), extensions)

    def found(self, group_id: bytes, extensions: Sequence[mls.Extension]) -> mls.Group:
        """A group of one leaf, ours, with this id and context."""
        now = self.clock.now_ms() // 1000
        return mls.create(
            self.identity,
            group_id,
            extensions=extensions,
            not_before=now - _HOUR_SECONDS,
            not_after=now + limits.KEY_PACKAGE_DAYS * _DAY_SECONDS,
        )

    def commit_adds(self, group: mls.Group, adds: Sequence[mls.Proposal]) -> mls.Staged:
        """The commit by which these key packages enter a group just founded; LocalError where it is forbidden."""
        return mls.commit(group, self.identity, adds, rules=self.rules(self.clock.now_ms()))

    def begin_direct(self, conversation_id: bytes, person_id: bytes) -> mls.Group:
        return self.begin(conversation_id, DIRECT, (self._people.me, person_id))

    def begin_group(self, conversation_id: bytes) -> mls.Group:
        return self.begin(conversation_id, GROUP, (self._people.me,))

    def _registrar(self) -> ExternalSender:
        der = self.authority.external_sender.public_bytes(serialization.Encoding.DER)
        key = self.authority.external_sender.public_key()
        if not isinstance(key, ed25519.Ed25519PublicKey):
            raise Problem("server-not-understood")
        return ExternalSender(key.public_bytes_raw(), mls.Credential.x509(der))

    def stage(self, group: mls.Group, item: Item) -> mls.Staged | None:
        """The commit that does what an item wants, or None where nothing is left to do.

        Raises:
            Problem: the rules forbid it, or a key package is unfit.
        """
        proposals: list[mls.Proposal] = []
        admins = self._admins_after(group, item)
        if item.act is Act.ADD:
            proposals += self._adds(group, item)
        elif item.act is Act.REMOVE:
            proposals += self._removes(group, item)
        nothing = not proposals and admins == Terms.of(group.extensions).admins
        if nothing and not group.must_commit and item.act is not Act.RENEW:
            return None
        proposals += self._terms(group, admins)
        try:
            return mls.commit(group, self.identity, proposals, rules=self.rules(self.clock.now_ms()))
        except MissError as error:
            raise Problem(error.reason) from error

    def _admins_after(self, group: mls.Group, item: Item) -> frozenset[bytes]:
        """The admins that the terms name once an item is done; who went does not come back as one."""
        terms = Terms.of(group.extensions)
        ruling, persons = admins_of(group.public), frozenset(item.persons)
        if terms.kind != GROUP or self._people.me not in ruling:
            return terms.admins
        if item.act is Act.NAME_ADMIN:
            return ruling | persons.intersection(persons_in(group))
        if item.act is Act.RESIGN_ADMIN:
            if ruling == {self._people.me}:
                raise Problem("last-admin")
            return ruling - {self._people.me}
        if item.act is Act.ADD and persons.intersection(terms.admins - ruling):
            return ruling
        return terms.admins - persons if item.act is Act.REMOVE else terms.admins

    def _terms(self, group: mls.Group, admins: frozenset[bytes]) -> list[mls.Proposal]:
        """New terms where an admin commits: the admins, and the least version raised to what this client needs."""
        terms, own = Terms.of(group.extensions), group.leaf(group.my_leaf)
        wanted = replace(terms, admins=admins)
        # A commit that brings a new version into the leaf comes first, the next one may ask for it.
        has = own is not None and client_version(own.extensions) >= self._least_version
        if terms.least_version < self._least_version and has and self._people.me in admins_of(group.public):
            wanted = replace(wanted, least_version=self._least_version, least_since=self.clock.now_ms() // 1000)
        if wanted == terms:
            return []
        data = wanted.encode()
        kept = (replace(one, data=data) if one.type == EXTENSION_TYPE else one for one in group.extensions)
        return [mls.GroupContextExtensions(tuple(kept))]

    def group_info(self, group: mls.Group) -> bytes:
        """By what a device that lost track comes back to this epoch; the server adds its own tree."""
        return mls.group_info(group, self.identity, with_tree=False)

    def _adds(self, group: mls.Group, item: Item) -> list[mls.Proposal]:
        inside = {certificate_of_leaf(leaf).device_id for leaf in group.roster().values()}
        persons = persons_in(group)
        adds: list[mls.Proposal] = []
        for data in item.packages:
            package = mls.KeyPackage.decode(data)
            certificate = certificate_of_package(package)
            # Further devices of somebody who is in are added by that person's own devices, not by us.
            theirs = certificate.person_id in persons and certificate.person_id != self._people.me
            if certificate.device_id not in inside and not theirs:
                inside.add(certificate.device_id)
                adds.append(mls.Add(package))
        return adds

    def _removes(self, group: mls.Group, item: Item) -> list[mls.Proposal]:
        removes: list[mls.Proposal] = []
        for index, leaf in group.roster().items():
            certificate = certificate_of_leaf(leaf)
            wanted = certificate.person_id in item.persons or certificate.device_id in item.devices
            if wanted and index != group.my_leaf:
                removes.append(mls.Remove(index))
        return removes

    def in_doubt(self, group: mls.Group) -> bool:
        """Whether somebody in a group is in doubt."""
        return self._people.any_in_doubt() and any(self._people.in_doubt(one) for one in persons_in(group))

    def own_other_devices(self, group: mls.Group | None) -> tuple[bytes, ...]:
        """The ids of this person's other devices in a group."""
        if group is None:
            return ()
        inside = [certificate_of_leaf(leaf) for leaf in group.roster().values()]
        me = self.certificate
        return tuple(one.device_id for one in inside if one.person_id == me.person_id and one.device_id != me.device_id)

    async def key_packages(self, http: Http, person_id: bytes, device_id: bytes = b"") -> list[tuple[bytes, bytes]]:
        """One checked key package of each of a person's devices, but this one, or of one of them: (device id, bytes).

        Of one's own devices only those that are believed: who registers in one's name is not let in everywhere.

        Raises:
            Problem: the server cannot be reached, or gave a package that is not this person's.
        """
        query = {"device": device_id.hex()} if device_id else None
        answer = await http.json("POST", f"/v1/people/{person_id.hex()}/key-packages", query=query, ticket=True)
        try:
            offered = [
                (bytes.fromhex(one["device"]), base64.b64decode(one["key_package"], validate=True))
                for one in answer["devices"]
            ]
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise Problem("server-not-understood") from error
        checked = [(one, data, self._check_package(person_id, one, data)) for one, data in offered]
        own = person_id == self.certificate.person_id
        return [(one, data) for one, data, certificate in checked if not own or self._people.believes(certificate)]

    def _check_package(self, person_id: bytes, device_id: bytes, data: bytes) -> DeviceCertificate:
        now_ms = self.clock.now_ms()
        try:
            package = mls.KeyPackage.decode(data)
            package.verify()
            certificate = certificate_of_package(package)
            certificate.verify(self.authority, now_ms)
        except MissError as error:
            raise Problem("key-package-unfit") from error
        tolerance = limits.CLOCK_TOLERANCE_MINUTES * 60
        lifetime = package.lifetime
        if (
            certificate.person_id != person_id
            or certificate.device_id != device_id
            or certificate.signature_key != package.leaf.signature_key
            or not lifetime.not_before - tolerance <= now_ms // 1000 < lifetime.not_after
        ):
            raise Problem("key-package-unfit")
        self._people.check_pinned(certificate)
        return certificate


def rank_to_commit(group: mls.Group) -> int:
    """How many members stand before us among those who could commit the waiting leaves: the lowest leaf goes first."""
    going = leaving(group)
    return sum(index < group.my_leaf and index not in going for index in group.roster())


def speaks_for_all(group: mls.Group, back: Collection[bytes]) -> bool:
    """Whether this device says again what holds here: the lowest leaf of an admin who has not just come back."""
    admins = admins_of(group.public).difference(back)
    leaves = [index for index, leaf in sorted(group.roster().items()) if person_of_leaf(leaf) in admins]
    return bool(leaves) and leaves[0] == group.my_leaf
