"""Who may commit what in a conversation: one pure function of public data, run by the server and by every member.

Each proposal is judged by the rights of whoever made it, so that anybody may commit what another was entitled to
propose. Rights belong to persons, not to devices, and are those of the epoch before the commit:

- admins add people, remove people and change the group context; without an admin's leaf, the person of the lowest
  leaf is admin; in a direct conversation both persons are, and neither removes the other;
- a person who is a member adds further devices, and nobody else does it for them; a device is a member once;
- a person's own stream has no other person's device in it;
- a person removes own devices, leaves, and refreshes keys;
- the registrar (external sender) removes, and does nothing else; nobody takes that from it, or gives it to another;
- a key package is good for KEY_PACKAGE_DAYS at most, its client of the least version at least; an admin may raise that,
  up to the version of the device that does it;
- a device that lost track comes back in the place of its own old leaf, and commits the leaves that wait;
- an admin's device puts a new group in the old one's place, with the same terms, for devices of the old one only.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.limits import KEY_PACKAGE_DAYS, MEMBERS_MAX
from miss_protocol.mls.epoch import NEW_MEMBER, PublicView, Resolved
from miss_protocol.mls.extensions import EXTERNAL_SENDERS, REQUIRED_CAPABILITIES, X509, find
from miss_protocol.mls.framing import SenderType
from miss_protocol.mls.nodes import LeafNode, Lifetime
from miss_protocol.mls.proposals import Add, ExternalInit, GroupContextExtensions, Remove, SelfRemove, Update
from miss_protocol.terms import DIRECT, OWN, Terms, client_version

_DIRECT_PERSONS_MAX = 2


@lru_cache(maxsize=8192)
def _ids_in(der: bytes) -> tuple[bytes, bytes]:
    certificate = DeviceCertificate.parse(der)
    return certificate.person_id, certificate.device_id


def _ids(leaf: LeafNode) -> tuple[bytes, bytes]:
    """(person id, device id) in a leaf's certificate."""
    if leaf.credential.kind != X509:
        raise RemoteError("bad-credential", "not a certificate")
    return _ids_in(leaf.credential.certificates[0])


def person_of_leaf(leaf: LeafNode) -> bytes:
    """The person id in a leaf's certificate; RemoteError where it has none."""
    return _ids(leaf)[0]


def admins_of(view: PublicView) -> frozenset[bytes]:
    """The persons with a leaf who decide in this group."""
    persons = [person_of_leaf(leaf) for leaf in view.roster().values()]
    terms = Terms.of(view.extensions)
    if terms.kind == DIRECT:
        return frozenset(persons)
    return terms.admins.intersection(persons) or frozenset(persons[:1])


def allowed(view: PublicView, committer: int, resolved: Sequence[Resolved]) -> None:
    """Judge the proposals of a commit (or one proposal, before any commit).

    Args:
        view: the group before.
        committer: a leaf index, NEW_MEMBER for a newcomer, or the sender of a lone proposal.
        resolved: the proposals, each with its own sender.

    Raises:
        RemoteError: ``forbidden``.
    """
    terms, admins = Terms.of(view.extensions), admins_of(view)
    if any(one.sender.type == SenderType.NEW_MEMBER_COMMIT for one in resolved):
        _check_return(committer, resolved)
        return
    # RFC 9420 section 12.3: where the context changes, the new one counts.
    changed = [one.proposal.extensions for one in resolved if isinstance(one.proposal, GroupContextExtensions)]
    least = Terms.of(changed[0] if changed else view.extensions).least_version
    stay = [_ids(leaf) for leaf in _staying(view, resolved)]
    staying, devices = {person for person, _ in stay}, {device for _, device in stay}
    added: set[bytes] = set()
    for one in resolved:
        proposal = one.proposal
        if one.sender.type == SenderType.EXTERNAL:
            _require(isinstance(proposal, Remove), "the registrar only removes")
            continue
        _require(one.sender.type == SenderType.MEMBER, "a stranger proposes")
        sender = _person_at(view, one.sender.index)
        if isinstance(proposal, Add):
            person, device = _ids(proposal.key_package.leaf)
            _require(client_version(proposal.key_package.leaf.extensions) >= least, "a device whose version is too old")
            _require(is_bounded(proposal.key_package.lifetime), "a key package is good for too long")
            _require(device not in devices, "a device is a member once")
            devices.add(device)
            added.add(person)
            _require(
                person == sender or (sender in admins and person not in staying),
                "further devices are added by their own person, people by an admin",
            )
        elif isinstance(proposal, Remove):
            own = _person_at(view, proposal.leaf) == sender
            _require(own or (terms.kind != DIRECT and sender in admins), "only an admin removes others")
        elif isinstance(proposal, GroupContextExtensions):
            _require(sender in admins, "only an admin changes the group context")
            _check_terms(terms, Terms.of(proposal.extensions), view.leaf(one.sender.index))
            for kept in (EXTERNAL_SENDERS, REQUIRED_CAPABILITIES):
                _require(find(view.extensions, kept) == find(proposal.extensions, kept), "only the terms change")
        else:
            _require(isinstance(proposal, Update | SelfRemove), "not in use here")
    _require(len(devices) <= MEMBERS_MAX, "too many devices")
    if terms.kind == DIRECT:
        # The terms name both persons from the start: nobody else is ever let in between them.
        _require(len(staying | added | terms.admins) <= _DIRECT_PERSONS_MAX, "a direct conversation has two persons")
    if terms.kind == OWN:
        _require(added <= terms.admins, "a person's own stream is for that person's devices")


def _require(condition: bool, detail: str) -> None:
    if not condition:
        raise RemoteError("forbidden", detail)


def _person_at(view: PublicView, index: int) -> bytes:
    leaf = view.leaf(index)
    if leaf is None:
        raise RemoteError("forbidden", "no member there")
    return person_of_leaf(leaf)


def _staying(view: PublicView, resolved: Iterable[Resolved]) -> list[LeafNode]:
    """The leaves from before the commit that its removals spare."""
    leaving = set()
    for one in resolved:
        if isinstance(one.proposal, Remove):
            leaving.add(one.proposal.leaf)
        elif isinstance(one.proposal, SelfRemove):
            leaving.add(one.sender.index)
    return [leaf for index, leaf in view.roster().items() if index not in leaving]


def _check_return(committer: int, resolved: Sequence[Resolved]) -> None:
    """An external commit: one Remove of the old leaf; that the new leaf succeeds it is checked with the leaf."""
    _require(committer == NEW_MEMBER, "a newcomer's proposal in a member's commit")
    own = [one.proposal for one in resolved if one.sender.type == SenderType.NEW_MEMBER_COMMIT]
    _require(sum(isinstance(one, Remove) for one in own) == 1, "a device returns in its own place")
    _require(all(isinstance(one, Remove | ExternalInit) for one in own), "a return does nothing else")
    others = [one for one in resolved if one.sender.type != SenderType.NEW_MEMBER_COMMIT]
    _require(all(isinstance(one.proposal, SelfRemove) for one in others), "a return commits leaves, and nothing else")


def check_reset(before: PublicView, after: PublicView, resetter: int) -> None:
    """Judge a new group in the old one's place: the same function for the server and for members.

    Args:
        before: the old group, as of its last epoch.
        after: the new group, as of the epoch in which its members meet.
        resetter: the leaf index in ``after`` of whoever made it.

    Raises:
        RemoteError: ``forbidden``.
    """
    _require(after.extensions == before.extensions, "a reset keeps the terms")
    # Who is to go (by the registrar's word, or their own) does not come along, and resets nothing.
    staying = {_ids(leaf): leaf.signature_key for leaf in _staying(before, before.pending)}
    for leaf in after.roster().values():
        _require(staying.get(_ids(leaf)) == leaf.signature_key, "a reset brings nobody in")
    admin = after.leaf(resetter)
    _require(admin is not None and person_of_leaf(admin) in admins_of(before), "only an admin resets")
    if Terms.of(before.extensions).kind == DIRECT:
        persons = {person_of_leaf(leaf) for leaf in after.roster().values()}
        _require(persons == {person for person, _ in staying}, "a reset keeps both persons")


def is_bounded(lifetime: Lifetime) -> bool:
    """RFC 9420 section 7.2: no leaf may be good for longer than the application says; a day for clocks and margins."""
    return 0 < lifetime.not_after - lifetime.not_before <= (KEY_PACKAGE_DAYS + 1) * 86_400


def _check_terms(before: Terms, after: Terms, author: LeafNode | None) -> None:
    _require(before.kind == after.kind, "a conversation keeps its kind")
    _require(before.kind not in (DIRECT, OWN) or before.admins == after.admins, "these keep their persons")
    _require(after.least_version >= before.least_version, "the least version is never lowered")
    if after.least_version == before.least_version:
        _require(after.least_since == before.least_since, "the least version was not raised")
    else:
        own = client_version(author.extensions) if author is not None else 0
        _require(after.least_version <= own, "nobody asks for more than their own device has")
