"""The conversations of this device: their records, and their MLS groups that survive a crash at any moment.

A group is kept as the state after the last row of its stream, in the parts the MLS steps name. A commit of one's own is
*staged*: the group it leads to waits in a record of its own and takes the old one's place at the commit's own row,
never before. What is in memory here is what is on disk: a failed step takes both back.
"""

from collections.abc import Callable
from dataclasses import replace

from miss_app.engine import records
from miss_app.engine.model import Conversation, Mark, Member
from miss_app.engine.people import person_of_leaf
from miss_app.engine.store import Step, Store
from miss_protocol.content import Subject
from miss_protocol.errors import MissError, RemoteError
from miss_protocol.frames import Report
from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.mls.framing import SenderType
from miss_protocol.mls.member import Group
from miss_protocol.mls.policy import admins_of
from miss_protocol.mls.proposals import Remove, SelfRemove
from miss_protocol.standing import digest_of
from miss_protocol.succession import generation_of
from miss_protocol.terms import DIRECT, OWN, Terms

_MISSING = object()


class Conversations:
    """The conversations in one open store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.damaged: Callable[[bytes], None] = lambda _: None  # told of a group that cannot be read any more
        self.turned: Callable[[bytes], None] = lambda _: None  # told, once on disk, of a group's new epoch
        self._records: dict[bytes, Conversation] = {}
        self._groups: dict[bytes, Group | None] = {}
        for row in store.all_rows("conversations"):
            record = records.decode(Conversation, row.body)
            self._records[record.conversation_id] = record

    def all(self) -> list[Conversation]:
        return list(self._records.values())

    def get(self, conversation_id: bytes) -> Conversation | None:
        return self._records.get(conversation_id)

    def direct_with(self, person_id: bytes) -> Conversation | None:
        """The direct conversation with this person, an active one before an old one."""
        found = [one for one in self._records.values() if one.direct and one.peer == person_id and not one.moved_to]
        return max(found, key=lambda one: (one.active, one.at_ms), default=None)

    def save(self, step: Step, record: Conversation) -> None:
        before = self._records.get(record.conversation_id)
        key = record.conversation_id
        step.at_end(key, lambda: step.put("conversations", key, records.encode(record)))
        self._records[key] = record

        def undo() -> None:
            if before is None:
                self._records.pop(record.conversation_id, None)
            else:
                self._records[record.conversation_id] = before

        step.undo(undo)

    # Groups.

    def group(self, conversation_id: bytes) -> Group | None:
        """The group after the last row taken; None before the welcome, after the end, and where it is damaged."""
        if conversation_id not in self._groups:
            try:
                self._groups[conversation_id] = self._read(conversation_id)
            except MissError:
                self._groups[conversation_id] = None
                self.damaged(conversation_id)
        return self._groups[conversation_id]

    def _read(self, conversation_id: bytes) -> Group | None:
        rows = self._store.rows("groups", conversation_id)
        parts = {row.name[len(conversation_id) :].decode(): row.body for row in rows}
        if not parts:
            return None
        group, kept = Group.from_parts(parts), self._store.get("epochs", conversation_id)
        if kept is not None and decode(kept, Report.read) != _report(conversation_id, group):
            raise RemoteError("damaged-state", "not the epoch that was saved")
        return group

    def read_again(self, conversation_id: bytes) -> Group | None:
        """The group as the store has it, whatever is in memory."""
        self._groups.pop(conversation_id, None)
        return self.group(conversation_id)

    def standings(self) -> list[Report]:
        """Where this device stands in every group it is in."""
        return [decode(row.body, Report.read) for row in self._store.all_rows("epochs")]

    def save_group(
        self, step: Step, conversation_id: bytes, group: Group, changed: frozenset[str] | None = None
    ) -> None:
        """Save the parts that changed; None means all of them: a new epoch."""
        names = group.part_names()
        if changed is None:
            for row in self._store.rows("groups", conversation_id):
                if row.name[len(conversation_id) :].decode() not in names:
                    step.delete("groups", row.name)
            step.put("epochs", conversation_id, _encoded(_report(conversation_id, group)))
            step.after(lambda: self.turned(conversation_id))
        for name in names if changed is None else changed & names:
            step.put("groups", conversation_id + name.encode(), group.part(name), shelf=conversation_id)
        self._remember(step, conversation_id, group)

    def forget_group(self, step: Step, conversation_id: bytes, *, staged: bool = True) -> None:
        """Delete every secret of the group, and what is staged: this device is out of it."""
        for row in self._store.rows("groups", conversation_id):
            step.delete("groups", row.name)
        step.delete("epochs", conversation_id)
        if staged:
            step.delete("staged", conversation_id)
        self._remember(step, conversation_id, None)

    def _remember(self, step: Step, conversation_id: bytes, group: Group | None) -> None:
        before = self._groups.get(conversation_id, _MISSING)
        self._groups[conversation_id] = group

        def undo() -> None:
            if isinstance(before, Group) or before is None:
                self._groups[conversation_id] = before
            else:
                self._groups.pop(conversation_id, None)

        step.undo(undo)

    # Staged commits.

    def stage(self, step: Step, conversation_id: bytes, message_id: bytes, group: Group) -> None:
        """Keep the group that an own commit leads to until its row arrives."""
        out = Writer().fixed(message_id)
        out.vector(sorted(group.parts().items()), lambda w, part: w.text(part[0]).opaque(part[1]))
        step.put("staged", conversation_id, out.bytes())

    def staged(self, conversation_id: bytes, message_id: bytes) -> Group | None:
        """The group that this commit leads to, where it is the one that is staged."""
        data = self._store.get("staged", conversation_id)
        if data is None or data[:16] != message_id:
            return None

        def read(reader: Reader) -> dict[str, bytes]:
            return dict(reader.vector(lambda r: (r.text(), r.opaque())))

        return Group.from_parts(decode(data[16:], read))

    def unstage(self, step: Step, conversation_id: bytes) -> None:
        step.delete("staged", conversation_id)

    # People in them.

    def persons(self, conversation_id: bytes) -> dict[bytes, list[int]]:
        """Who is in a conversation: person id → leaf indices, in tree order."""
        group = self.group(conversation_id)
        return {} if group is None else persons_in(group)


def _report(conversation_id: bytes, group: Group) -> Report:
    return Report(conversation_id, generation_of(group.group_id), group.epoch, digest_of(group))


def _encoded(report: Report) -> bytes:
    out = Writer()
    report.write(out)
    return out.bytes()


def persons_in(group: Group) -> dict[bytes, list[int]]:
    """Who is in a group: person id → leaf indices, in tree order."""
    found: dict[bytes, list[int]] = {}
    for index, leaf in sorted(group.roster().items()):
        found.setdefault(person_of_leaf(leaf), []).append(index)
    return found


def is_direct(group: Group) -> bool:
    return Terms.of(group.extensions).kind == DIRECT


def is_own(group: Group) -> bool:
    return Terms.of(group.extensions).kind == OWN


def with_members(record: Conversation, group: Group, me: bytes, number: int) -> Conversation:
    """The record as of a new epoch; who joined at row ``number`` is not behind what was before it."""
    admins, known = admins_of(group.public), {mark.person_id: mark for mark in record.marks}
    persons = persons_in(group)
    members = tuple(Member(one, one in admins, len(leaves)) for one, leaves in persons.items())
    marks = tuple(known.get(one, Mark(one, number, number)) for one in sorted(persons) if one != me)
    return replace(record, members=members, marks=marks, pending=group.must_commit)


def subject_of(record: Conversation) -> Subject:
    """What the conversation is called and whom it is about, as it is said."""
    return Subject(record.title, record.patient, record.birth_date, record.identifier)


def leaving(group: Group) -> set[int]:
    """The leaves that wait to go: by their own wish, or by the registrar's."""
    own = {one.sender.index for one in group.pending if isinstance(one.proposal, SelfRemove)}
    return own | withdrawn(group)


def withdrawn(group: Group) -> set[int]:
    """The leaves that the registrar wants to go: their devices are out of service."""
    outside = [one.proposal for one in group.pending if one.sender.type == SenderType.EXTERNAL]
    return {proposal.leaf for proposal in outside if isinstance(proposal, Remove)}
