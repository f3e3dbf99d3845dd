"""The key packages that adding people needs, asked for and gathered, again a little later where there are none yet."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from miss_app.engine import records
from miss_app.engine.conversations import Conversations
from miss_app.engine.http import Http
from miss_app.engine.membership import Membership
from miss_app.engine.messages import Messages
from miss_app.engine.model import Conversation, Item, Latecomer
from miss_app.engine.problems import Problem
from miss_app.engine.store import Step, Store

RETRY_SECONDS = 1.0
RETRY_SECONDS_MAX = 30.0
NOT_CONTACTABLE = "not-contactable"  # somebody's wish, as the server says it


class Queue(Protocol):
    """What the outbox does for the items whose key packages are gathered."""

    def save(self, step: Step, item: Item) -> None: ...
    def kick_later(self, conversation_id: bytes, seconds: float) -> None: ...


class Gathering:
    """What is asked for before somebody can be added, in one open store.

    Args:
        queue: where the items wait.
        late: told when somebody is to be added later, who has left no key package yet.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        messages: Messages,
        membership: Membership,
        http: Http,
        queue: Queue,
        late: Callable[[], None],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._messages = messages
        self._membership = membership
        self._http = http
        self._queue = queue
        self._late = late
        self._tries: dict[bytes, int] = {}  # message id of an add → how often its key packages were asked for

    async def gather(self, record: Conversation, item: Item) -> bool:
        """Fetch the key packages an add needs; who has left none yet is added later."""
        me, others = self._membership.certificate.person_id, set(item.persons)
        others.discard(me)
        packages: list[bytes] = []
        missing: list[bytes] = []
        try:
            for person_id in sorted(others):
                try:
                    found = await self._membership.key_packages(self._http, person_id)
                except Problem as problem:
                    if problem.reason != NOT_CONTACTABLE:
                        raise
                    return self._leave_out(record, item, person_id)
                packages += [data for _, data in found]
                if not found:
                    missing.append(person_id)
            if others and not packages:
                # Nobody to write to yet: the whole conversation waits, in order.
                return self._again_later(item)
            if me in item.persons:
                packages += [data for _, data in await self._membership.key_packages(self._http, me)]
        except Problem as problem:
            if problem.reason in ("key-package-unfit", "device-key-changed"):
                raise
            return self._again_later(item)
        self._tries.pop(item.message_id, None)
        with self._store.step() as step:
            for person_id in missing:
                late = Latecomer(record.conversation_id, person_id, b"", item.hand_over, item.days)
                step.put("tasks", record.conversation_id + person_id, records.encode(late))
            if missing:
                step.after(self._late)
            if packages:
                self._queue.save(step, replace(item, packages=tuple(packages)))
            else:
                step.delete("outbox", item.message_id)
        return True

    def _leave_out(self, record: Conversation, item: Item, person_id: bytes) -> bool:
        """Somebody does not wish to be added: of two people nothing is left, a team goes on without them."""
        now_ms = self._membership.clock.now_ms()
        self._tries.pop(item.message_id, None)
        with self._store.step() as step:
            if record.direct:
                step.delete("outbox", item.message_id)
                self._conversations.forget_group(step, record.conversation_id)
                self._conversations.save(step, replace(record, active=False, reason=NOT_CONTACTABLE))
                self._messages.notice(step, record.conversation_id, record.position, 0, now_ms, NOT_CONTACTABLE)
                self._messages.tell_conversation(step, record.conversation_id)
            else:
                left = tuple(one for one in item.persons if one != person_id)
                self._queue.save(step, replace(item, persons=left))
                self._messages.not_added(step, record, person_id, now_ms)
        return True

    def _again_later(self, item: Item) -> bool:
        """Try again, each time a little later: asking uses up key packages of those who have some."""
        tries = self._tries[item.message_id] = self._tries.get(item.message_id, 0) + 1
        seconds = min(RETRY_SECONDS_MAX, RETRY_SECONDS * 2.0 ** min(tries - 1, 8))
        self._queue.kick_later(item.conversation_id, seconds)
        return False
