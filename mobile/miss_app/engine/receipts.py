"""Tick three: one sealed "read up to here" a person, gathered for two seconds, half a minute in larger groups."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from miss_app.engine.conversations import Conversations
from miss_app.engine.messages import Messages
from miss_app.engine.model import Act, Item, Stage
from miss_app.engine.outbox import Outbox
from miss_app.engine.store import Store, StoreFailure
from miss_protocol import content as contents
from miss_protocol.frames import Class

SMALL_GROUP_PERSONS = 10
SECONDS_SMALL, SECONDS_LARGE = 2.0, 30.0


class Receipts:
    """What this person has read, in one open store.

    Args:
        now_ms: the server's time.
        new_id: makes a message id of 16 random bytes.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        messages: Messages,
        outbox: Outbox,
        now_ms: Callable[[], int],
        new_id: Callable[[], bytes],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._messages = messages
        self._outbox = outbox
        self._now_ms = now_ms
        self._new_id = new_id
        self._timers: dict[bytes, asyncio.TimerHandle] = {}

    def resume(self) -> None:
        """Say what was read but not said before the program ended."""
        for record in self._conversations.all():
            if record.active and record.read > record.read_said:
                self._say_soon(record.conversation_id)

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def mark_read(self, conversation_id: bytes, message_id: bytes = b"") -> None:
        """The person has seen this conversation down to that message, else down to its last row."""
        record = self._conversations.get(conversation_id)
        if record is None or not record.unread:
            return  # nothing here is read by it: a history may still be on its way to a device just linked
        message = self._messages.find(conversation_id, message_id) if message_id else None
        number = record.position if message is None else message.number
        if number < record.read:
            return
        unread = self._messages.unread_above(conversation_id, number) if message_id else 0
        news = unread < record.unread
        with self._store.step() as step:
            self._conversations.save(step, replace(record, unread=unread, read=number))
            if news:
                self._messages.tell_conversation(step, conversation_id)
        if news:
            self._say_soon(conversation_id)

    def _say_soon(self, conversation_id: bytes) -> None:
        if conversation_id in self._timers:
            return
        record = self._conversations.get(conversation_id)
        large = record is not None and len(record.members) > SMALL_GROUP_PERSONS
        wait = SECONDS_LARGE if large else SECONDS_SMALL
        loop = asyncio.get_running_loop()
        self._timers[conversation_id] = loop.call_later(wait, self._try_to_say, conversation_id)

    def _try_to_say(self, conversation_id: bytes) -> None:
        self._timers.pop(conversation_id, None)
        try:
            self._say(conversation_id)
        except StoreFailure:
            self._say_soon(conversation_id)  # when the disk has room again

    def _say(self, conversation_id: bytes) -> None:
        record = self._conversations.get(conversation_id)
        if record is None or not record.active or record.leaving or record.read <= record.read_said:
            return
        waiting = next((one for one in self._outbox.items(conversation_id) if one.read), None)
        with self._store.step() as step:
            if waiting is not None and waiting.stage is Stage.INTENT:
                # Not sealed yet: the same receipt says more.
                content = self._content(waiting.message_id, record.read)
                self._outbox.save(step, replace(waiting, content=content, read=record.read))
                return
            message_id = self._new_id()
            content = self._content(message_id, record.read)
            item = Item(
                message_id, conversation_id, Act.CONTENT, priority=Class.SILENT, content=content, read=record.read
            )
            self._outbox.enqueue(step, item)

    def _content(self, message_id: bytes, number: int) -> bytes:
        return contents.encode(contents.Content(message_id, self._now_ms(), contents.Read(number)))
