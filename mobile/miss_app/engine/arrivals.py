"""Arriving in a group: by a Welcome, or by a commit of one's own after the thread was lost."""

from collections.abc import Callable
from dataclasses import replace

from miss_app.engine.conversations import Conversations, is_direct, is_own, persons_in, with_members
from miss_app.engine.lost import Lost
from miss_app.engine.membership import Membership
from miss_app.engine.messages import Messages
from miss_app.engine.model import Act, Conversation, Item
from miss_app.engine.outbox import Outbox
from miss_app.engine.people import Met, People, certificate_of_leaf, person_of_leaf
from miss_app.engine.renewal import after_joining, after_renewing
from miss_app.engine.store import Step, Store
from miss_protocol.errors import RemoteError
from miss_protocol.frames import Deliver
from miss_protocol.mls import group as mls
from miss_protocol.mls import policy
from miss_protocol.mls.epoch import PublicGroup
from miss_protocol.mls.public_group import welcome_references
from miss_protocol.succession import Reset, generation_of, judge_reset

Line = tuple[str, tuple[str, ...]]
LAST_RESORT = b"last resort"  # in the profile: until when the one at the server is good; absent once it was used


class Arrivals:
    """How this device comes into groups, in one open store.

    Args:
        new_id: makes a message id of 16 random bytes.
        joined: told, inside the step, that this device is in a conversation from now on.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        messages: Messages,
        people: People,
        membership: Membership,
        outbox: Outbox,
        lost: Lost,
        new_id: Callable[[], bytes],
        joined: Callable[[Step, bytes], None],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._messages = messages
        self._people = people
        self._membership = membership
        self._outbox = outbox
        self._lost = lost
        self._new_id = new_id
        self._joined = joined

    def welcome(self, step: Step, record: Conversation | None, row: Deliver) -> None:
        """The row that adds this device: join the group; after a reset, in the place of the one before."""
        references = welcome_references(row.body)
        found = [self._store.get("key_packages", reference) for reference in references]
        secrets = [mls.KeyPackageSecrets.decode(one) for one in found if one is not None]
        # Old leaves are not judged by time again: a certificate that has run out must not block those who join.
        joined = mls.join(row.body, secrets, self._membership.identity, rules=self._membership.rules(None))
        group = joined.group
        if group.group_id[:16] != row.stream:
            raise RemoteError("wrong-group", "a welcome to another conversation")
        inside = record is not None and (record.active or row.stream in self._lost)
        reset = inside and self._is_reset(row, joined)
        used = next(one for one in secrets if one.reference == joined.used)
        if _is_last_resort(used):
            step.delete("profile", LAST_RESORT)  # the next login leaves another one with the server
        else:
            step.delete("key_packages", joined.used)
        sender = group.leaf(joined.sender)
        actor = b"" if sender is None else person_of_leaf(sender)
        lines: list[Line] = []
        if reset:
            lines.append(("conversation-reset", (self._people.name(actor),)))
        elif actor == self._people.me:
            lines.append(("device-added", (self._people.name(actor),)))  # as this person's other devices show it
        elif not is_direct(group):
            lines.append(("you-were-added", (self._people.name(actor),)))
        # Added by a device of one's own: how far the others are is not known yet, and the sibling will say it.
        self._arrive(step, record, group, row, lines, reached=0 if actor == self._people.me else row.number)
        self._outbox.begin_again(step, row.stream)
        self._go_on(step, row)

    def _is_reset(self, row: Deliver, joined: mls.Joined) -> bool:
        """Whether this Welcome comes by a reset; one that the policy forbids is refused.

        Who could follow so far judges it by what the server judged it by; who lost track can only ask that whoever
        made it was an admin's device, with this key, as far as it could see.
        """
        view, whole = self._view(row)
        if view is None or generation_of(joined.group.group_id) <= generation_of(view.group_id):
            return view is None and generation_of(joined.group.group_id) > 0
        if whole and generation_of(joined.group.group_id) == generation_of(view.group_id) + 1:
            policy.check_reset(view, joined.group.public, joined.sender)
            return True
        author = joined.group.leaf(joined.sender)
        known = author is not None and any(_same_device(author, one) for one in view.roster().values())
        if author is None or not known or person_of_leaf(author) not in policy.admins_of(view):
            raise RemoteError("forbidden", "a reset by no admin")
        return True

    def _view(self, row: Deliver) -> tuple[PublicGroup | None, bool]:
        """The group that a row is judged by; none where this device was not in it any more."""
        view, whole = self._lost.last_view(row.stream, self._membership.rules, self._outbox.handshake, below=row.number)
        me = self._membership.certificate.device_id
        inside = view is not None and any(certificate_of_leaf(one).device_id == me for one in view.roster().values())
        return (view if inside else None), whole

    def returned(self, step: Step, record: Conversation | None, item: Item, row: Deliver) -> None:
        """Our re-join or reset was accepted: its group takes the old one's place."""
        after = self._conversations.staged(row.stream, item.message_id)
        self._outbox.done(step, item)
        if after is None:  # this store is a copy from before: it tries again, and from here
            self._lost.park(step, row)
            self._lost.lose(step, row.stream, "store-from-the-past", self._membership.clock.now_ms())
            return
        lines: list[Line] = [("rejoined", ())]
        if item.act is Act.RESET:
            lines = [("conversation-reset", (self._people.name(self._people.me),))]
        was_leaving = record is not None and record.leaving
        self._arrive(step, record, after, row, lines)
        self._outbox.begin_again(step, row.stream)
        now = self._conversations.get(row.stream)
        if now is not None:
            self._conversations.save(step, after_renewing(now, row.at_ms))
        if was_leaving:  # the wish to go lapsed with the old leaf
            self._outbox.enqueue(step, Item(self._new_id(), row.stream, Act.LEAVE))
        self._go_on(step, row)

    def left_out(self, step: Step, record: Conversation, row: Deliver) -> None:
        """A reset without this device: its secrets of the group are deleted."""
        view, whole = self._view(row)
        if view is not None and whole:
            judge_reset(view, row.body, rules=self._membership.rules(row.at_ms))
        name = self._people.name(person_of_leaf(Reset.decode(row.body).author()))
        self._lost.found(step, row.stream)
        self._conversations.forget_group(step, row.stream)
        after = replace(record, position=row.number, active=False, leaving=False, reason="removed")
        self._conversations.save(step, after)
        self._messages.notice(step, row.stream, row.number, 0, row.at_ms, "you-were-removed", name)
        step.after(lambda: self._outbox.kick(row.stream))

    def _arrive(
        self,
        step: Step,
        record: Conversation | None,
        group: mls.Group,
        row: Deliver,
        lines: list[Line],
        reached: int | None = None,
    ) -> None:
        """The group saved in the place of any other one, its devices met, the lines written."""
        me, direct = self._people.me, is_direct(group)
        met = self._people.meet(step, [certificate_of_leaf(leaf) for leaf in group.roster().values()])
        if lines and lines[0][0] in ("rejoined", "conversation-reset"):
            lines = [*lines, *self._meanwhile(record, group)]
        peer = next(iter(sorted(set(persons_in(group)) - {me})), b"") if direct else b""
        self._lost.found(step, row.stream)
        record = (
            self._conversations.get(row.stream) or record or Conversation(row.stream, direct, peer, own=is_own(group))
        )
        record = replace(record, position=row.number, active=True, leaving=False, reason="", moved_to=b"")
        record = replace(record, peer=peer or record.peer, at_ms=max(record.at_ms, row.at_ms))
        record = after_joining(record, row.at_ms)
        self._conversations.forget_group(step, row.stream, staged=not self._outbox.returning(row.stream))
        self._conversations.save_group(step, row.stream, group)
        self._conversations.save(step, with_members(record, group, me, row.number if reached is None else reached))
        if lines[:1] != [("device-added", (self._people.name(me),))]:
            lines = [*lines, *self._warnings(met)]  # but where the sibling that let this device in says whom it knows
        for line, (notice, names) in enumerate(lines):
            self._messages.notice(step, row.stream, row.number, line, row.at_ms, notice, *names)
        self._messages.tell_conversation(step, row.stream)

    def _meanwhile(self, record: Conversation | None, group: mls.Group) -> list[Line]:
        """Who came and who went since the last epoch that this device followed."""
        if record is None or not record.members:
            return []
        were, are = {one.person_id for one in record.members}, set(persons_in(group))
        came = [("came-meanwhile", (one,)) for one in sorted(are - were)]
        went = [("went-meanwhile", (one,)) for one in sorted(were - are)]
        return [(notice, (self._people.name(one),)) for notice, (one,) in (*came, *went)]

    def _warnings(self, met: list[Met]) -> list[Line]:
        return [
            ("device-unendorsed", (self._people.name(one.certificate.person_id),)) for one in met if not one.trusted
        ]

    def _go_on(self, step: Step, row: Deliver) -> None:
        self._joined(step, row.stream)
        step.after(lambda: self._outbox.kick(row.stream))


def _same_device(one: mls.LeafNode, other: mls.LeafNode) -> bool:
    certificate, known = certificate_of_leaf(one), certificate_of_leaf(other)
    same = (certificate.person_id, certificate.device_id) == (known.person_id, known.device_id)
    return same and one.signature_key == other.signature_key


def _is_last_resort(secrets: mls.KeyPackageSecrets) -> bool:
    return any(one.type == 0x000A for one in secrets.decoded.extensions)
