"""How long this device keeps messages: as each conversation says, checked at unlock and every hour."""

import asyncio
from collections.abc import Callable

from miss_app.engine import records
from miss_app.engine.conversations import Conversations
from miss_app.engine.messages import Messages
from miss_app.engine.model import Conversation, Message
from miss_app.engine.store import Row, Store

SWEEP_SECONDS = 3600.0
SWEEP_ROWS = 100  # forgotten in one step
_DAY_MS = 86_400_000


class Keeping:
    """Forgets on time what one open store holds.

    Args:
        now_ms: the server's time: a wrong clock on the device forgets nothing.
        most_days: how long this device may keep anything, whatever a conversation says: an establishment may shorten.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        messages: Messages,
        now_ms: Callable[[], int],
        most_days: Callable[[], int],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._messages = messages
        self._now_ms = now_ms
        self._most_days = most_days
        self._timer: asyncio.TimerHandle | None = None

    def resume(self) -> None:
        """Look now, and again in an hour."""
        self.stop()
        for record in self._conversations.all():
            self.sweep(record)
        self._timer = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self.resume)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def sweep(self, record: Conversation) -> int:
        """Forget what is too old in a conversation; how many lines went."""
        limit_ms = self._now_ms() - min(record.retention_days, self._most_days()) * _DAY_MS
        gone = 0
        while rows := self._too_old(record.conversation_id, limit_ms):
            with self._store.step() as step:
                for _, message in rows:
                    if message.attached is not None:
                        step.delete("blobs", message.attached.blob)
                        step.delete("uploads", message.attached.blob)
                    self._messages.remove(step, message)
            gone += len(rows)
            if len(rows) < SWEEP_ROWS:
                break
        return gone

    def _too_old(self, conversation_id: bytes, limit_ms: int) -> list[tuple[Row, Message]]:
        """The first lines that are too old; what waits to be sent is never one of them."""
        found = []
        for row in self._store.rows("messages", conversation_id, limit=SWEEP_ROWS):
            message = records.decode(Message, row.body)
            if message.at_ms >= limit_ms or not message.number:
                break
            found.append((row, message))
        return found
