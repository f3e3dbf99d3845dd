"""The traces of acts in an open store: each folded into its message in the order of the stream.

What one did oneself and the stream has not numbered yet is laid over the view only: the store holds nothing but the
fold in stream order, so that every device comes to the same. An act whose message is not here yet waits for it.
"""

from dataclasses import replace

from miss_app.engine import records
from miss_app.engine.acts import checked_answer, leave
from miss_app.engine.conversations import Conversations
from miss_app.engine.hearing import heard
from miss_app.engine.messages import Messages
from miss_app.engine.model import Act, Conversation, Item, Message, Orphan
from miss_app.engine.outbox import Outbox
from miss_app.engine.people import People
from miss_app.engine.store import Step, Store
from miss_protocol import content as contents
from miss_protocol.acts import Answer, Charge

ORPHANS_MAX = 200  # acts that wait for one message


class Traces:
    """What acts leave in one open store."""

    def __init__(
        self, store: Store, conversations: Conversations, messages: Messages, people: People, outbox: Outbox
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._messages = messages
        self._people = people
        self._outbox = outbox
        self._queued: dict[bytes, dict[bytes, contents.Content]] = {}  # target → act's id → the act
        messages.overlay = self.overlay
        for row in store.all_rows("outbox"):
            item = records.decode(Item, row.body)
            if item.act is Act.CONTENT:
                self._remember(contents.decode(item.content))

    # What waits to be sent.

    def queued(self, step: Step, act: contents.Content, conversation_id: bytes) -> None:
        """An act of one's own is in the outbox: its message shows it already."""
        self._remember(act)
        step.undo(lambda: self._forget(act))
        message = self._messages.find(conversation_id, act.target or b"")
        if message is not None:
            self._messages.change(step, message)

    def overlay(self, message: Message) -> Message:
        """The message with what one did to it and the stream has not numbered yet."""
        for act in list(self._queued.get(message.message_id, {}).values()):
            if self._outbox.find(act.message_id) is None:
                self._forget(act)
            else:
                message = leave(message, act, self._people.me, act.sent_at_ms)
        return message

    def _remember(self, act: contents.Content) -> None:
        if act.target is not None:
            self._queued.setdefault(act.target, {})[act.message_id] = act

    def _forget(self, act: contents.Content) -> None:
        waiting = self._queued.get(act.target or b"", {})
        waiting.pop(act.message_id, None)
        if not waiting:
            self._queued.pop(act.target or b"", None)

    # What the stream brings.

    def take(
        self, step: Step, record: Conversation, content: contents.Content, author: bytes, at_ms: int, number: int
    ) -> None:
        """An act, in the step of its row."""
        if author == self._people.me:
            self._forget(content)
        message = self._messages.find(record.conversation_id, content.target or b"")
        if message is None:
            self._wait(step, record.conversation_id, content, author, at_ms, number)
        else:
            changed = leave(message, content, author, at_ms)
            if changed.deleted_ms and message.attached is not None:
                step.delete("blobs", message.attached.blob)
            if changed is not message or author == self._people.me:
                self._messages.change(step, changed)
            if changed is message:
                self._withdraw(step, record.conversation_id, content)
                return
        if isinstance(content.body, Answer | Charge):
            self._line(step, record, message, content, author, at_ms, number)

    def _line(
        self,
        step: Step,
        record: Conversation,
        about: Message | None,
        content: contents.Content,
        author: bytes,
        at_ms: int,
        number: int,
    ) -> None:
        """Answers and charges are also lines of the chat."""
        mine = author == self._people.me
        line = heard(content, record.conversation_id, author, mine, at_ms, number)
        if about is not None and line.answer is not None:
            line = replace(line, answer=checked_answer(about, author, line.answer) or line.answer)
        if self._messages.find(record.conversation_id, content.message_id) is None:
            if not mine:
                latest = self._conversations.get(record.conversation_id) or record
                self._conversations.save(step, replace(latest, unread=latest.unread + 1))
            self._messages.add(step, line)

    def _withdraw(self, step: Step, conversation_id: bytes, content: contents.Content) -> None:
        """An act of one's own that came too late to have an effect: its echo goes."""
        echo = self._messages.find(conversation_id, content.message_id)
        if echo is not None:
            self._messages.remove(step, echo)

    # Acts before their messages.

    def _wait(
        self, step: Step, conversation_id: bytes, act: contents.Content, author: bytes, at_ms: int, number: int
    ) -> None:
        shelf = conversation_id + (act.target or b"")
        if len(self._store.rows("orphans", shelf, limit=ORPHANS_MAX)) < ORPHANS_MAX:
            orphan = records.encode(Orphan(contents.encode(act), author, at_ms))
            step.put("orphans", conversation_id + act.message_id, orphan, shelf=shelf, place=number)

    def adopt(self, step: Step, message: Message) -> Message:
        """A message that comes late, with the acts that waited for it, in stream order."""
        for row in self._store.rows("orphans", message.conversation_id + message.message_id):
            orphan = records.decode(Orphan, row.body)
            message = leave(message, contents.decode(orphan.content), orphan.author, orphan.at_ms)
            step.delete("orphans", row.name)
        return message
