"""This device's keys in each conversation are made anew: within a day of joining, then weekly.

Whoever copied them reads no further than the next renewal. It is a commit that changes nothing else; any other commit
of this device renews as well, and counts.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from miss_app.engine.conversations import Conversations
from miss_app.engine.model import Act, Conversation, Item
from miss_app.engine.outbox import Outbox
from miss_app.engine.store import Step, Store

LOOK_SECONDS = 900.0
_DAY_MS = 86_400_000
AFTER_JOINING_MS = _DAY_MS
AFTER_RENEWING_MS = 7 * _DAY_MS
_FRACTIONS = 1 << 16


class Renewal:
    """When which keys are due.

    Args:
        now_ms: the server's clock, as far as it is known.
        new_id: makes a message id of 16 random bytes.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        outbox: Outbox,
        now_ms: Callable[[], int],
        new_id: Callable[[], bytes],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._outbox = outbox
        self._now_ms = now_ms
        self._new_id = new_id
        self._timer: asyncio.TimerHandle | None = None

    def resume(self) -> None:
        """Look now, and from now on every quarter of an hour; only once the backlog is in."""
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self.resume)
        now_ms = self._now_ms()
        with self._store.step() as step:
            for record in self._conversations.all():
                if self._is_due(record, now_ms):
                    self._renew(step, record)

    def soon(self, step: Step) -> None:
        """This device has a new certificate: each conversation shows it within a day, each at a moment of its own."""
        for record in self._conversations.all():
            if record.active and record.renew_at_ms:
                due = after_joining(record, self._now_ms())
                if due.renew_at_ms < record.renew_at_ms:
                    self._conversations.save(step, due)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_due(self, record: Conversation, now_ms: int) -> bool:
        if not record.active or record.leaving or not 0 < record.renew_at_ms <= now_ms:
            return False
        group = self._conversations.group(record.conversation_id)
        waiting = self._outbox.items(record.conversation_id)
        return group is not None and len(group.roster()) > 1 and not any(one.act is Act.RENEW for one in waiting)

    def _renew(self, step: Step, record: Conversation) -> None:
        self._outbox.enqueue(step, Item(self._new_id(), record.conversation_id, Act.RENEW))


def after_joining(record: Conversation, at_ms: int) -> Conversation:
    """A conversation just joined: due within a day, at a moment of its own, so that a team does not commit at once."""
    share = int.from_bytes(record.conversation_id[:2], "big") + 1
    return replace(record, renew_at_ms=at_ms + AFTER_JOINING_MS * share // _FRACTIONS)


def after_renewing(record: Conversation, at_ms: int) -> Conversation:
    """A conversation in which a commit of this device took effect."""
    return replace(record, renew_at_ms=at_ms + AFTER_RENEWING_MS)
