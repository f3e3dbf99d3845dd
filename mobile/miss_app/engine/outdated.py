"""Devices whose client stays below a conversation's least version: after thirty days an admin's device removes them.

The least version rises where a client that needs more of the others commits something; who is below it stays a member
for so long, and may update meanwhile.
"""

import asyncio
from collections.abc import Callable

from miss_app.engine.conversations import Conversations
from miss_app.engine.model import Act, Conversation, Item
from miss_app.engine.outbox import Outbox
from miss_app.engine.people import certificate_of_leaf, person_of_leaf
from miss_app.engine.store import Store
from miss_protocol.mls import group as mls
from miss_protocol.mls.policy import admins_of
from miss_protocol.terms import GROUP, Terms, client_version

LOOK_SECONDS = 3600.0
GRACE_SECONDS = 30 * 86_400
RANK_SECONDS = 3600  # an admin's device waits so long for each one before it


class Outdated:
    """Who is to go for the age of their client.

    Args:
        me: this person.
        now_ms: the server's clock, as far as it is known.
        new_id: makes a message id of 16 random bytes.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        outbox: Outbox,
        me: bytes,
        now_ms: Callable[[], int],
        new_id: Callable[[], bytes],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._outbox = outbox
        self._me = me
        self._now_ms = now_ms
        self._new_id = new_id
        self._timer: asyncio.TimerHandle | None = None

    def resume(self) -> None:
        """Look now, and from now on every hour; only once the backlog is in."""
        self.stop()
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self.resume)
        due = {one.conversation_id: self._due(one) for one in self._conversations.all() if one.active}
        with self._store.step() as step:
            for conversation_id, devices in due.items():
                if devices:
                    self._outbox.enqueue(step, Item(self._new_id(), conversation_id, Act.REMOVE, devices=devices))

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self, record: Conversation) -> tuple[bytes, ...]:
        """The devices that this one removes now; in a direct conversation nobody removes the other."""
        group = self._conversations.group(record.conversation_id)
        if group is None or record.leaving:
            return ()
        terms = Terms.of(group.extensions)
        waited = self._now_ms() // 1000 - terms.least_since - GRACE_SECONDS
        if terms.kind != GROUP or not terms.least_since or waited < self._rank(group) * RANK_SECONDS:
            return ()
        if any(one.act is Act.REMOVE for one in self._outbox.items(record.conversation_id)):
            return ()
        old = [leaf for leaf in group.roster().values() if client_version(leaf.extensions) < terms.least_version]
        return tuple(certificate_of_leaf(leaf).device_id for leaf in old) if self._may(group) else ()

    def _may(self, group: mls.Group) -> bool:
        return self._me in admins_of(group.public)

    def _rank(self, group: mls.Group) -> int:
        """How many admins' devices stand before this one."""
        admins = admins_of(group.public)
        return sum(person_of_leaf(leaf) in admins for index, leaf in group.roster().items() if index < group.my_leaf)
