"""What the members of a conversation hold to: its title, its patient and how long devices keep messages."""

from collections.abc import Callable
from dataclasses import replace

from miss_app.engine.conversations import Conversations, subject_of
from miss_app.engine.messages import Messages
from miss_app.engine.model import Act, Conversation, Item
from miss_app.engine.outbox import Outbox
from miss_app.engine.patients import Patient, corrects, patient_of
from miss_app.engine.people import People
from miss_app.engine.store import Step
from miss_protocol import content as contents
from miss_protocol.acts import Retention
from miss_protocol.frames import Class


class Agreements:
    """What was decided in the conversations of one open store, each change a line in its chat.

    An admin's word holds, and that of this person's own devices, which asked before they said it. Who has just come
    knows nothing yet: whoever added them says it again, and the first word is taken.

    Args:
        now_ms: the server's time.
        new_id: makes a message id of 16 random bytes.
    """

    def __init__(
        self,
        conversations: Conversations,
        messages: Messages,
        people: People,
        outbox: Outbox,
        now_ms: Callable[[], int],
        new_id: Callable[[], bytes],
    ) -> None:
        self._conversations = conversations
        self._messages = messages
        self._people = people
        self._outbox = outbox
        self._now_ms = now_ms
        self._new_id = new_id

    def heard(
        self,
        step: Step,
        record: Conversation,
        body: contents.Subject | Retention,
        author: bytes,
        at_ms: int,
        number: int,
    ) -> None:
        """What somebody, perhaps this device, said in row ``number``."""
        entitled = author == self._people.me or any(one.admin and one.person_id == author for one in record.members)
        if isinstance(body, Retention):
            if entitled:
                self._keep(step, record, body.days, author, at_ms, number)
        elif (entitled or not record.title) and body != subject_of(record):
            self._call(step, record, body, author, at_ms, number)

    def _call(
        self, step: Step, record: Conversation, subject: contents.Subject, author: bytes, at_ms: int, number: int
    ) -> None:
        before, after = patient_of(record), Patient(subject.patient, subject.birth_date, subject.identifier)
        changed = replace(
            record,
            title=subject.title,
            patient=subject.patient,
            birth_date=subject.birth_date,
            identifier=subject.identifier,
        )
        self._conversations.save(step, changed)
        name, where = self._people.name(author), record.conversation_id
        if record.title and record.title != subject.title:
            self._messages.notice(step, where, number, 0, at_ms, "renamed", name, subject.title)
        if record.title and before != after:
            self._messages.notice(step, where, number, 1, at_ms, *_patient_line(name, before, after))
        self._messages.tell_conversation(step, where)

    def _keep(self, step: Step, record: Conversation, days: int, author: bytes, at_ms: int, number: int) -> None:
        if days == record.retention_days and record.retention_said:
            return
        self._conversations.save(step, replace(record, retention_days=days, retention_said=True))
        name = self._people.name(author)
        self._messages.notice(step, record.conversation_id, number, 0, at_ms, "retention", name, str(days))

    def say_again(self, step: Step, record: Conversation) -> None:
        """Newcomers cannot read what was sealed before them; what waits to be said is said with its own words."""
        waiting = [
            contents.decode(one.content).body for one in self._outbox.items(record.conversation_id) if one.content
        ]
        if record.retention_said and not any(isinstance(body, Retention) for body in waiting):
            self._queue(step, record.conversation_id, Retention(record.retention_days))
        if record.title and not any(isinstance(body, contents.Subject) for body in waiting):
            self._queue(step, record.conversation_id, subject_of(record))

    def _queue(self, step: Step, conversation_id: bytes, body: contents.Body) -> None:
        message_id = self._new_id()
        content = contents.encode(contents.Content(message_id, self._now_ms(), body))
        item = Item(message_id, conversation_id, Act.CONTENT, priority=Class.SILENT, content=content)
        self._outbox.enqueue(step, item, first=True)


def _patient_line(who: str, before: Patient, after: Patient) -> tuple[str, ...]:
    """The notice of a change of patient, and its words; of another patient it is red."""
    was, now = (before.name, before.birth_date), (after.name, after.birth_date)
    if not before.name:
        return ("patient-set", who, *now)
    if not after.name:
        return ("patient-unset", who, *was)
    return ("patient-corrected" if corrects(before, after) else "patient-changed", who, *was, *now)
