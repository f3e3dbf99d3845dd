"""Whose turn it is to commit a leave: members wait by their rank, so that one of them does it and not all."""

import asyncio
from collections.abc import Callable

from miss_app.engine.conversations import Conversations
from miss_app.engine.membership import rank_to_commit
from miss_app.engine.model import Act, Item
from miss_app.engine.outbox import Outbox
from miss_app.engine.store import Store, StoreFailure

COMMIT_RANK_SECONDS = 2.0


class Turns:
    """This device's turns, in one open store.

    Args:
        new_id: makes a message id of 16 random bytes.
    """

    def __init__(self, store: Store, conversations: Conversations, outbox: Outbox, new_id: Callable[[], bytes]) -> None:
        self._store = store
        self._conversations = conversations
        self._outbox = outbox
        self._new_id = new_id
        self._timers: dict[bytes, asyncio.TimerHandle] = {}

    def resume(self) -> None:
        """After the backlog: leaves that still wait are committed by somebody, perhaps by us."""
        for record in self._conversations.all():
            if record.pending and record.active:
                self.wait(record.conversation_id)

    def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def wait(self, conversation_id: bytes) -> None:
        """Commit waiting leaves unless a member before us does so first."""
        group = self._conversations.group(conversation_id)
        if group is None or conversation_id in self._timers:
            return
        seconds = COMMIT_RANK_SECONDS * rank_to_commit(group)
        loop = asyncio.get_running_loop()
        self._timers[conversation_id] = loop.call_later(seconds, self._commit_now, conversation_id)

    def _commit_now(self, conversation_id: bytes) -> None:
        self._timers.pop(conversation_id, None)
        try:
            self._queue_commit(conversation_id)
        except StoreFailure:
            self.wait(conversation_id)  # when the disk has room again

    def _queue_commit(self, conversation_id: bytes) -> None:
        group, record = self._conversations.group(conversation_id), self._conversations.get(conversation_id)
        if group is None or record is None or not group.must_commit or record.leaving:
            return
        if any(item.act is Act.CLEAR for item in self._outbox.items(conversation_id)):
            return
        with self._store.step() as step:
            self._outbox.enqueue(step, Item(self._new_id(), conversation_id, Act.CLEAR), first=True)
