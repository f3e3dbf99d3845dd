"""What the server tells a device of other people: somebody one invited is here, somebody has left for good.

News are written down in the step that takes them; what follows (looking somebody up, beginning a conversation) is done
once connected, and again after a crash.
"""

from collections.abc import Callable
from dataclasses import replace

from miss_app.engine.conversations import Conversations
from miss_app.engine.doubts import Doubts
from miss_app.engine.expiries import Expiries
from miss_app.engine.messages import Messages
from miss_app.engine.model import Conversation
from miss_app.engine.people import People
from miss_app.engine.store import Step, Store
from miss_protocol import notices
from miss_protocol.frames import Deliver

_ARRIVED = b"arrived "
GONE = "person-gone"


class News:
    """The news of one open store.

    Args:
        greet: told that somebody waits to be greeted (``arrivals``).
    """

    def __init__(
        self,
        store: Store,
        people: People,
        conversations: Conversations,
        messages: Messages,
        doubts: Doubts,
        greet: Callable[[], None],
    ) -> None:
        self._store = store
        self._people = people
        self._conversations = conversations
        self._messages = messages
        self._doubts = doubts
        self._greet = greet
        self._expiries = Expiries(people, conversations, messages)

    def take(self, step: Step, row: Deliver) -> None:
        """One notice of the device's own stream; those that are no news are stepped over."""
        self._doubts.take(step, row)
        self._expiries.take(step, row)
        notice = notices.read_person(row.body)
        if isinstance(notice, notices.PersonArrived):
            step.put("profile", _ARRIVED + notice.person_id, b"1")
            step.after(self._greet)
        elif isinstance(notice, notices.PersonGone):
            self._gone(step, notice.person_id, row.at_ms)

    def withdrawn(self, step: Step, record: Conversation, persons: set[bytes]) -> None:
        """The registrar had people taken out of a conversation: who was made sure of before that is let in again."""
        self._doubts.let_in(step, record, persons)

    def arrivals(self) -> list[bytes]:
        """Who arrived at this person's invitation and has not been greeted."""
        names = [row.name for row in self._store.all_rows("profile") if row.name.startswith(_ARRIVED)]
        return [name[len(_ARRIVED) :] for name in names]

    def greeted(self, step: Step, person_id: bytes) -> None:
        """The conversation with them is there."""
        step.delete("profile", _ARRIVED + person_id)

    def _gone(self, step: Step, person_id: bytes, at_ms: int) -> None:
        """A line in each conversation with them; one of two ends."""
        self._people.mark_gone(step, person_id)
        name = self._people.name(person_id)
        for record in self._conversations.all():
            inside = person_id == record.peer or any(one.person_id == person_id for one in record.members)
            if not inside or record.moved_to or not record.active:
                continue
            self._messages.notice(step, record.conversation_id, record.position, 511, at_ms, GONE, name)
            if record.direct:
                self._conversations.forget_group(step, record.conversation_id)
                self._conversations.save(step, replace(record, active=False, reason=GONE))
            self._messages.tell_conversation(step, record.conversation_id)
