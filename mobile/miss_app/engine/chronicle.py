"""What a commit did, as the lines a chat shows: who came, who went, by whom, whose new device nobody vouches for."""

from dataclasses import dataclass

from miss_app.engine.conversations import is_direct, leaving, persons_in, withdrawn
from miss_app.engine.people import People, certificate_of_leaf, person_of_leaf
from miss_app.engine.store import Step
from miss_protocol.mls import group as mls
from miss_protocol.mls.policy import admins_of
from miss_protocol.terms import GROUP, Terms

Line = tuple[str, tuple[str, ...]]  # the notice and the names that fill it


@dataclass(frozen=True)
class Change:
    """What a commit did: its author's person id, the leaves it added (of the new tree) and removed (of the old one)."""

    actor: bytes
    added: tuple[int, ...]
    removed: tuple[int, ...]


def own_change(me: bytes, before: mls.Group, after: mls.Group) -> Change:
    """What a commit of one's own did. By device: a leaf may take a removed one's index in one commit."""
    old = {index: certificate_of_leaf(leaf).device_id for index, leaf in before.roster().items()}
    new = {index: certificate_of_leaf(leaf).device_id for index, leaf in after.roster().items()}
    came = tuple(index for index, device in new.items() if old.get(index) != device)
    went = tuple(index for index, device in old.items() if new.get(index) != device)
    return Change(me, came, went)


def chronicle(
    step: Step, people: People, before: mls.Group, after: mls.Group, change: Change, out: tuple[bytes, ...] = ()
) -> list[Line]:
    """The lines for a change; the devices that came are met, and their keys pinned, in the same step.

    Args:
        out: the persons whom the registrar had taken out of the conversation.
    """
    went, came = _went(people, before, after, change), _came(step, people, before, after, change, out)
    return [*went, *came, *_decides(people, before, after, change.actor)]


def without_returns(before: mls.Group, after: mls.Group, change: Change) -> tuple[Change, list[bytes]]:
    """A change without the devices that came back in their own place, and the persons of these."""
    old = {certificate_of_leaf(leaf).device_id: index for index in change.removed if (leaf := before.leaf(index))}
    new = {certificate_of_leaf(leaf).device_id: index for index in change.added if (leaf := after.leaf(index))}
    back = old.keys() & new.keys()
    added = tuple(index for index in change.added if index not in {new[one] for one in back})
    removed = tuple(index for index in change.removed if index not in {old[one] for one in back})
    persons = [person_of_leaf(leaf) for one in sorted(back) if (leaf := after.leaf(new[one]))]
    return Change(change.actor, added, removed), persons


def _went(people: People, before: mls.Group, after: mls.Group, change: Change) -> list[Line]:
    # Who commits a leave, or the registrar's wish, is not its author.
    left, out = leaving(before), withdrawn(before)
    staying, told = persons_in(after), set()
    lines: list[Line] = []
    for index in change.removed:
        leaf = before.leaf(index)
        person = b"" if leaf is None else person_of_leaf(leaf)
        if person in told:
            continue
        told.add(person)
        if person in staying:
            notice = "device-withdrawn" if index in out else "device-removed"
            lines.append((notice, (people.name(person),)))
        elif people.gone(person):
            continue  # said when they left MiSS
        elif index in out:
            lines.append(("person-withdrawn", (people.name(person),)))
        elif index in left or person == change.actor:
            lines.append(("person-left", (people.name(person),)))
        else:
            lines.append(("person-removed", (people.name(change.actor), people.name(person))))
    return lines


def _decides(people: People, before: mls.Group, after: mls.Group, actor: bytes) -> list[Line]:
    """Who decides from now on, or not any more: by somebody's word, or because no admin is left."""
    terms = Terms.of(after.extensions)
    if terms.kind != GROUP:
        return []
    were, are, staying = admins_of(before.public), admins_of(after.public), persons_in(after)
    lines: list[Line] = []
    for person in sorted(are - were):
        named = person in terms.admins and person in persons_in(before)
        lines.append(("admin-named", (people.name(actor), people.name(person))) if named else _next(people, person))
    for person in sorted((were - are).intersection(staying)):
        own = person == actor
        lines.append(("admin-resigned", (people.name(person),)) if own else _dismissed(people, actor, person))
    return lines


def _next(people: People, person: bytes) -> Line:
    return "admin-succeeds", (people.name(person),)


def _dismissed(people: People, actor: bytes, person: bytes) -> Line:
    return "admin-dismissed", (people.name(actor), people.name(person))


def _came(
    step: Step, people: People, before: mls.Group, after: mls.Group, change: Change, out: tuple[bytes, ...]
) -> list[Line]:
    roster, inside, told = after.roster(), persons_in(before), set()
    lines: list[Line] = []
    for one in people.meet(step, [certificate_of_leaf(roster[index]) for index in change.added]):
        person = one.certificate.person_id
        name = people.name(person)
        # Let in again by another device of one's own, which made sure of them: its word comes in another stream.
        sure = one.trusted or (change.actor == people.me and person in out)
        if not sure:
            lines.append(("device-unendorsed", (name,)))
        elif person in out and person not in told:
            lines.append(("person-back", (people.name(change.actor), name)))
        elif person in inside and person not in told:
            lines.append(("device-added", (name,)))
        elif person not in told and not is_direct(after) and person != people.me:
            lines.append(("person-added", (people.name(change.actor), name)))
        told.add(person)
    return lines
