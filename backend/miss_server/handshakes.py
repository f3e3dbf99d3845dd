"""Commits, leaves and creations judged by all that is public, before and outside the transaction that takes them.

This is the one place where the server runs MLS. A judgement is about one version of a stream's public group; ``accept``
takes it only while that version is still the current one.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from miss_protocol import identity, limits
from miss_protocol.errors import RemoteError
from miss_protocol.frames import Kind, Refusal, Submit
from miss_protocol.mls import public_group
from miss_protocol.mls.epoch import Rules
from miss_protocol.mls.extensions import REQUIRED_CAPABILITIES, Extension, ExternalSender, find
from miss_protocol.mls.messages import decode_public
from miss_protocol.mls.nodes import LeafNode
from miss_protocol.mls.policy import is_bounded
from miss_protocol.mls.proposals import Remove, SelfRemove
from miss_protocol.mls.public_group import Judged, PublicGroup
from miss_protocol.succession import generation_of, group_id_of, judge_reset
from miss_protocol.terms import DIRECT, OWN, Terms
from miss_server import journal, wishes
from miss_server.tables import claims, devices, memberships, public_groups, rows, streams

GROUPS_KEPT_MAX = 512
NOT_CONTACTABLE = "not-contactable"  # in a refusal's detail
_KINDS = {Kind.COMMIT: "commit", Kind.PROPOSAL: "proposal", Kind.RESET: "reset"}
_REFUSALS = {"stale": Refusal.STALE, "forbidden": Refusal.FORBIDDEN, "too-large": Refusal.TOO_LARGE}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What ``accept`` needs to know of a handshake.

    Args:
        version: of the public group it was judged against; 0 for a creation.
        refusal: why it cannot be taken; None where it can.
        group, state: the public half afterwards, and its bytes.
        added, removed: row numbers of devices.
        leaving: whether a leave waits to be committed afterwards.
        generation, epoch: of the group afterwards.
        pair: of a direct conversation, the two people, where this handshake decides that it is theirs; of a person's
            own stream, that person twice.
    """

    version: int
    refusal: Refusal | None = None
    detail: str = ""
    group: PublicGroup | None = None
    state: bytes = b""
    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    leaving: bool = False
    kind: str = ""
    generation: int = 0
    epoch: int = 0
    pair: tuple[bytes, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Removals:
    """The registrar's proposals for one stream, made for this version and epoch; ``group`` has them pending."""

    version: int
    epoch: int
    bodies: tuple[bytes, ...]
    group: PublicGroup | None


@dataclass(frozen=True, slots=True)
class WayBack:
    """What a device that lost track needs to come back by itself.

    ``group_info`` is the committer's, ``tree`` the server's own, ``leaves`` the leaves that wait, as they came.
    """

    group_info: bytes
    tree: bytes
    leaves: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Current:
    """A stream as it stands when a handshake is judged."""

    stream: int
    version: int
    epoch: int
    generation: int


class _Refused(Exception):
    """A refusal on the way out of the judging functions."""

    def __init__(self, refusal: Refusal, detail: str) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.detail = detail


class Handshakes:
    """Judges handshakes; keeps the public groups in use, as of their last COMMIT.

    Args:
        authority: whose device certificates may enter a tree.
        now_ms: the clock.
    """

    def __init__(self, authority: identity.Authority, now_ms: Callable[[], int]) -> None:
        self._authority = authority
        self._now_ms = now_ms
        self._groups: OrderedDict[bytes, tuple[int, PublicGroup]] = OrderedDict()
        self._lock = threading.Lock()

    def publish(self, stream_id: bytes, version: int, group: PublicGroup) -> None:
        """Keeps a public group that is on disk now."""
        with self._lock:
            known = self._groups.get(stream_id)
            if known is None or known[0] < version:
                self._groups[stream_id] = (version, group)
                self._groups.move_to_end(stream_id)
            while len(self._groups) > GROUPS_KEPT_MAX:
                self._groups.popitem(last=False)

    def judge(self, connection: Connection, device: int, device_id: bytes, frame: Submit) -> Judgement:
        """Judge one handshake; takes no lock, may take milliseconds.

        Args:
            connection: a read transaction.
            device, device_id: who submits it.
        """
        version = 0
        try:
            if frame.kind is Kind.CREATE:
                return self._create(device_id, frame)
            current = _current(connection, frame.stream)
            if current is None or not _wanted(connection, current, device, frame):
                return Judgement(current.version if current else 0, Refusal.STALE)
            version = current.version
            group = self._group(connection, current, frame.stream)
            if frame.kind is Kind.RESET:
                judged = judge_reset(group, frame.body, rules=self._rules())
            else:
                judged = public_group.judge(group, frame.body, rules=self._rules())
            return self._judgement(connection, current, group, judged, device_id, frame)
        except _Refused as refused:
            return Judgement(version, refused.refusal, refused.detail)
        except RemoteError as error:
            return Judgement(version, _REFUSALS.get(error.reason, Refusal.INVALID), str(error))
        except Exception as error:  # whatever bytes may do to us, they are refused and the socket lives on
            journal.failure("judging-failed", error)
            return Judgement(version, Refusal.INVALID, "not judged")

    def propose_removals(
        self, connection: Connection, stream_id: bytes, device_ids: Collection[bytes], signature_private: bytes
    ) -> Removals:
        """The registrar's proposals to remove those devices' leaves, but for leaves that are to go already.

        Args:
            connection: a read transaction.
            stream_id: of a conversation.
            device_ids: whose leaves are to go.
            signature_private: the seed of the external sender's key.
        """
        current = _current(connection, stream_id)
        if current is None:
            return Removals(0, 0, (), None)
        group, bodies = self._group(connection, current, stream_id), []
        for index, leaf in group.roster().items():
            if _device(leaf) in device_ids and index not in _leaving(group):
                bodies.append(public_group.external_proposal(group, signature_private, Remove(index)))
                group = public_group.judge(group, bodies[-1], rules=self._rules()).public
        return Removals(current.version, current.epoch, tuple(bodies), group)

    def way_back(self, connection: Connection, stream_id: bytes, device: int) -> WayBack | None:
        """By what a member's device returns to a conversation's current epoch; None for who is no member.

        Args:
            connection: a read transaction.
            device: row number of the asking device.
        """
        current = _current(connection, stream_id)
        if current is None or not _is_member(connection, current, device):
            return None
        p, r = public_groups.c, rows.c
        info = connection.execute(select(p.group_info).where(p.stream == current.stream)).scalar()
        if info is None:
            return None
        group = self._group(connection, current, stream_id)
        proposed = select(r.body).where(
            r.stream == current.stream, r.kind == int(Kind.PROPOSAL), r.epoch == current.epoch, r.sender != 0
        )
        bodies = [bytes(body) for body in connection.scalars(proposed.order_by(r.number))]
        # Rows of the group before a reset may bear the same epoch.
        leaves = [one for one in bodies if decode_public(one).authenticated.content.group_id == group.group_id]
        return WayBack(bytes(info), group.tree.encode(), tuple(leaves))

    def _rules(self) -> Rules:
        check = identity.credential_check(self._authority, self._now_ms())
        return Rules(check, identity.check_successor, public_group.allowed)

    def _group(self, connection: Connection, current: _Current, stream_id: bytes) -> PublicGroup:
        with self._lock:
            known = self._groups.get(stream_id)
            if known is not None and known[0] == current.version:
                self._groups.move_to_end(stream_id)
                return known[1]
        state = connection.execute(
            select(public_groups.c.state).where(public_groups.c.stream == current.stream)
        ).scalar_one()
        group = PublicGroup.decode(bytes(state))
        self.publish(stream_id, current.version, group)
        return group

    def _create(self, device_id: bytes, frame: Submit) -> Judgement:
        """A new conversation: one leaf, its creator's, who is among its admins."""
        generation = 0
        group = public_group.follow(frame.body, rules=self._rules(), single=True)
        if group.group_id != group_id_of(frame.stream, generation) or frame.epoch != 0:
            raise _Refused(Refusal.INVALID, "group id or epoch")
        _check_device(group.leaf(0), device_id)
        terms = Terms.of(group.extensions)
        creator = _person(group.leaf(0))
        if creator not in terms.admins or (terms.kind == DIRECT and len(terms.admins) > 2):
            raise _Refused(Refusal.FORBIDDEN, "admins")
        if terms.kind == OWN and terms.admins != {creator}:
            raise _Refused(Refusal.FORBIDDEN, "a person's own stream is that person's alone")
        self._check_context(group.extensions)
        self._check_lifetimes([group.leaf(0)])
        pair = _pair(terms.admins) if terms.kind == DIRECT else None
        pair = (creator, creator) if terms.kind == OWN else pair
        return Judgement(0, group=group, state=group.encode(), kind=terms.kind, generation=generation, pair=pair)

    def _check_context(self, extensions: Sequence[Extension]) -> None:
        """The registrar may remove, and members can do what the group needs, from the first epoch on."""
        key = self._authority.external_sender.public_key().public_bytes_raw()  # type: ignore[union-attr]  # Ed25519, checked by Authority
        senders = [one.signature_key for one in ExternalSender.of(extensions)]
        if find(extensions, REQUIRED_CAPABILITIES) is None or senders != [key]:
            raise _Refused(Refusal.INVALID, "group context: required capabilities, external senders")

    def _check_since(self, before: Terms, after: Terms) -> None:
        """The time at which the least version was raised is now: who is below it has thirty days from then."""
        now, tolerance = self._now_ms() // 1000, limits.CLOCK_TOLERANCE_MINUTES * 60
        if after.least_since != before.least_since and abs(after.least_since - now) > tolerance:
            raise _Refused(Refusal.INVALID, "the least version was raised at another time")

    def _judgement(
        self,
        connection: Connection,
        current: _Current,
        before: PublicGroup,
        judged: Judged,
        device_id: bytes,
        frame: Submit,
    ) -> Judgement:
        # Who comes back by its own commit has a leaf only afterwards; everybody else keeps theirs.
        tree = before if judged.kind == "proposal" else judged.public
        _check_device(tree.leaf(judged.sender) if judged.sender >= 0 else None, device_id)
        if judged.kind != _KINDS.get(frame.kind):
            raise _Refused(Refusal.INVALID, f"a {judged.kind} submitted as {frame.kind.name}")
        after = judged.public
        if judged.kind == "proposal":
            if not all(isinstance(one.proposal, SelfRemove) for one in after.pending if one not in before.pending):
                raise _Refused(Refusal.FORBIDDEN, "only one's own leave is proposed")
            return Judgement(current.version, group=after, state=after.encode(), leaving=True)
        if after.extensions != before.extensions:
            self._check_context(after.extensions)
            self._check_since(Terms.of(before.extensions), Terms.of(after.extensions))
            if Terms.of(after.extensions).kind != Terms.of(before.extensions).kind:
                raise _Refused(Refusal.FORBIDDEN, "a conversation stays direct, or a group")
        # Who comes back cannot commit the registrar's removals; they are proposed again, and nothing is said before.
        returns = judged.kind == "commit" and judged.sender in judged.added
        if not (_left(before) if returns else _leaving(before)).issubset(judged.removed):
            raise _Refused(Refusal.COMMIT_FIRST, "a leave waits to be committed")
        _check_welcome(judged, frame.welcome)
        public_group.check_group_info(after, judged.sender, frame.group_info)
        newcomers = [after.leaf(index) for index in judged.added]
        self._check_lifetimes(newcomers)
        members = sum(1 for _ in after.tree.leaves())
        if members > limits.MEMBERS_MAX:
            raise _Refused(Refusal.FULL, f"{limits.MEMBERS_MAX} devices at most")
        added = _rows(connection, [_device(leaf) for leaf in newcomers], live=True)
        _check_wishes(connection, before, _person(tree.leaf(judged.sender)), newcomers)
        removed = _rows(connection, [_device(before.leaf(index)) for index in judged.removed], live=False)
        return Judgement(
            current.version,
            group=after,
            state=after.encode(),
            added=added,
            removed=removed,
            leaving=bool(_revoked(connection, current) - set(removed)),
            generation=generation_of(after.group_id),
            epoch=after.epoch,
            pair=_new_pair(before, after) if added else None,
        )

    def _check_lifetimes(self, leaves: Iterable[LeafNode | None]) -> None:
        """Who enters does so within its key package's lifetime, RFC 9420 section 7.3."""
        now, tolerance = self._now_ms() // 1000, limits.CLOCK_TOLERANCE_MINUTES * 60
        for leaf in leaves:
            lifetime = leaf.lifetime if leaf is not None else None
            if lifetime is None:
                continue
            if not lifetime.not_before - tolerance <= now <= lifetime.not_after + tolerance:
                raise _Refused(Refusal.INVALID, "a key package out of its lifetime")
            if not is_bounded(lifetime):
                raise _Refused(Refusal.INVALID, "a key package that is good for too long")


def _leaving(group: PublicGroup) -> set[int]:
    """The leaves that are to go: by their own wish, or by the registrar's."""
    return {one.proposal.leaf if isinstance(one.proposal, Remove) else one.sender.index for one in group.pending}


def _left(group: PublicGroup) -> set[int]:
    """The leaves that are to go by their own wish."""
    return {one.sender.index for one in group.pending if isinstance(one.proposal, SelfRemove)}


def _revoked(connection: Connection, current: _Current) -> set[int]:
    """The revoked devices that are still members."""
    m, d = memberships.c, devices.c
    joined = select(m.device).join(devices, d.device == m.device)
    found = joined.where(m.stream == current.stream, m.removed.is_(None), d.revoked_at_ms.is_not(None))
    return set(connection.scalars(found))


def _is_member(connection: Connection, current: _Current, device: int) -> bool:
    m = memberships.c
    member = select(m.device).where(m.stream == current.stream, m.device == device, m.removed.is_(None))
    return connection.execute(member).first() is not None


def _current(connection: Connection, stream_id: bytes) -> _Current | None:
    s = streams.c
    found = connection.execute(
        select(s.stream, s.version, s.epoch, s.generation).where(s.stream_id == stream_id, s.kind != "device")
    ).first()
    return None if found is None else _Current(found.stream, found.version, found.epoch, found.generation)


def _wanted(connection: Connection, current: _Current, device: int, frame: Submit) -> bool:
    """Whether judging can matter: ``accept`` answers what was claimed before, and who is no member or not current."""
    if frame.epoch != current.epoch:
        return False
    if not _is_member(connection, current, device):
        return False
    c = claims.c
    claimed = select(c.number).where(c.device == device, c.message_id == frame.message_id)
    return connection.execute(claimed).first() is None


def _check_device(leaf: LeafNode | None, device_id: bytes) -> None:
    if leaf is None or _device(leaf) != device_id:
        raise _Refused(Refusal.FORBIDDEN, "sent by another device")


def _check_wishes(
    connection: Connection, before: PublicGroup, actor: bytes, newcomers: Iterable[LeafNode | None]
) -> None:
    """Nobody is added by who may not write to them; a further device of a member is no newcomer."""
    inside = {_person(leaf) for leaf in before.roster().values()}
    for person in {_person(leaf) for leaf in newcomers} - inside:
        if not wishes.may_write(connection, actor, person):
            raise _Refused(Refusal.FORBIDDEN, NOT_CONTACTABLE)


def _device(leaf: LeafNode | None) -> bytes:
    if leaf is None:
        raise _Refused(Refusal.INVALID, "no such leaf")
    return identity.certificate_of(leaf.credential).device_id


def _person(leaf: LeafNode | None) -> bytes:
    if leaf is None:
        raise _Refused(Refusal.INVALID, "no such leaf")
    return identity.certificate_of(leaf.credential).person_id


def _check_welcome(judged: Judged, welcome: bytes) -> None:
    """A Welcome is there for exactly the devices that are added."""
    wanted = judged.added_references
    named = public_group.welcome_references(welcome) if welcome else ()
    if sorted(named) != sorted(wanted):
        raise _Refused(Refusal.INVALID, "the Welcome is not for the devices added")


def _rows(connection: Connection, device_ids: Sequence[bytes], *, live: bool) -> tuple[int, ...]:
    """The row numbers of devices; where they must be ``live``, a revoked one is refused."""
    if not device_ids:
        return ()
    d = devices.c
    found = {
        bytes(row.device_id): row
        for row in connection.execute(select(d.device_id, d.device, d.revoked_at_ms).where(d.device_id.in_(device_ids)))
    }
    if len(found) != len(set(device_ids)) or len(set(device_ids)) != len(device_ids):
        raise _Refused(Refusal.INVALID, "a device that is not enrolled, or twice")
    if live and any(row.revoked_at_ms is not None for row in found.values()):
        raise _Refused(Refusal.FORBIDDEN, "a revoked device")
    return tuple(found[one].device for one in device_ids)


def _new_pair(before: PublicGroup, after: PublicGroup) -> tuple[bytes, bytes] | None:
    """The two people of a direct conversation, where this commit brought the second one."""
    if Terms.of(after.extensions).kind != DIRECT:
        return None
    were = {_person(leaf) for leaf in before.roster().values()}
    are = {_person(leaf) for leaf in after.roster().values()}
    return _pair(are) if len(were) == 1 else None


def _pair(people: Iterable[bytes]) -> tuple[bytes, bytes] | None:
    low_high = sorted(people)
    return (low_high[0], low_high[1]) if len(low_high) == 2 else None
