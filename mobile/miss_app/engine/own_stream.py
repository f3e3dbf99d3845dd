"""This person's own stream: a group of their devices alone, for what those tell each other."""

from collections.abc import Callable

from miss_app.engine.conversations import Conversations, with_members
from miss_app.engine.membership import Membership
from miss_app.engine.model import Act, Conversation, Item
from miss_app.engine.outbox import Outbox
from miss_app.engine.people import People
from miss_app.engine.store import Step
from miss_protocol import content as contents
from miss_protocol.frames import Class
from miss_protocol.terms import OWN


class OwnStream:
    """The own stream of one open store; there is none until this person has a second device.

    Args:
        now_ms: the server's time.
        new_id: makes an id of 16 random bytes.
    """

    def __init__(
        self,
        conversations: Conversations,
        membership: Membership,
        outbox: Outbox,
        people: People,
        now_ms: Callable[[], int],
        new_id: Callable[[], bytes],
    ) -> None:
        self._conversations = conversations
        self._membership = membership
        self._outbox = outbox
        self._people = people
        self._now_ms = now_ms
        self._new_id = new_id

    def record(self) -> Conversation | None:
        """The stream this device is in."""
        found = [one for one in self._conversations.all() if one.own and one.active and not one.moved_to]
        return min(found, key=lambda one: one.conversation_id, default=None)

    def begin(self, step: Step) -> None:
        """Make it where there is none: a group of one leaf, into which the others are added like anywhere else."""
        if self.record() is not None:
            return
        conversation_id = self._new_id()
        group = self._membership.begin(conversation_id, OWN, (self._people.me,))
        record = Conversation(conversation_id, False, own=True)
        self._conversations.save_group(step, conversation_id, group)
        self._conversations.save(step, with_members(record, group, self._people.me, 0))
        self._outbox.enqueue(step, Item(self._new_id(), conversation_id, Act.CREATE, priority=Class.SILENT))

    def say(self, step: Step, stream: bytes, body: contents.Body) -> None:
        """Queue what devices say to each other, in this stream or in a conversation."""
        message_id = self._new_id()
        content = contents.encode(contents.Content(message_id, self._now_ms(), body))
        self._outbox.enqueue(step, Item(message_id, stream, Act.CONTENT, priority=Class.SILENT, content=content))
