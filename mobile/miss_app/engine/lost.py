"""Conversations whose thread this device lost: why, what was tried since, and the rows that wait, as they came."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from miss_app.engine import records
from miss_app.engine.conversations import Conversations
from miss_app.engine.messages import Messages
from miss_app.engine.model import Item, Loss
from miss_app.engine.store import Step, Store
from miss_protocol.errors import RemoteError
from miss_protocol.frames import Class, Deliver, Gap, Kind
from miss_protocol.mls import public_group
from miss_protocol.mls.codec import Writer, decode
from miss_protocol.mls.epoch import PublicGroup, Rules
from miss_protocol.succession import judge_reset

DAY_MS = 86_400_000


class Returns(Protocol):
    """Who makes the items that bring this device back into a conversation, and hears when one fails."""

    async def prepare(self, item: Item) -> bool:
        """Make it ready; False where it must wait."""

    def failed(self, item: Item, reason: str) -> None:
        """It was refused for good, or could not be made."""


class Lost:
    """The lost threads in one open store."""

    def __init__(self, store: Store, conversations: Conversations, messages: Messages) -> None:
        self._store = store
        self._conversations = conversations
        self._messages = messages
        found = (records.decode(Loss, row.body) for row in store.all_rows("lost"))
        self._losses = {one.conversation_id: one for one in found}
        for row in store.all_rows("parked"):  # kept by a version that wrote no losses
            self._losses.setdefault(row.name[:16], Loss(row.name[:16], "cannot-follow", 0))
        self._damaged: set[bytes] = set()
        self.missed: Callable[[Step, Gap], None] = lambda _step, _gap: None  # told of rows that can never be read here

    def __contains__(self, conversation_id: object) -> bool:
        """Whether what arrives here has to wait."""
        loss = self._losses.get(conversation_id) if isinstance(conversation_id, bytes) else None
        return conversation_id in self._damaged or (loss is not None and loss.open)

    def get(self, conversation_id: bytes) -> Loss | None:
        """The open loss of a conversation."""
        loss = self._losses.get(conversation_id)
        return loss if loss is not None and loss.open else None

    def all(self) -> list[Loss]:
        """Every open loss."""
        return [one for one in self._losses.values() if one.open]

    def damaged(self, conversation_id: bytes) -> None:
        """Its state could not be read just now; ``lose`` writes it down in the next step."""
        self._damaged.add(conversation_id)

    def lose(self, step: Step, conversation_id: bytes, reason: str, now_ms: int, digest: bytes = b"") -> None:
        """The thread is lost; what was tried in the last day still counts."""
        before = self._losses.get(conversation_id)
        self._damaged.discard(conversation_id)
        if before is not None and now_ms - before.since_ms < DAY_MS:
            if not before.open:
                self.save(step, replace(before, reason=reason, open=True, given_up=False, digest=digest))
            return
        self.save(step, Loss(conversation_id, reason, now_ms, digest=digest))

    def save(self, step: Step, loss: Loss) -> None:
        before = self._losses.get(loss.conversation_id)
        step.put("lost", loss.conversation_id, records.encode(loss))
        self._losses[loss.conversation_id] = loss

        def undo() -> None:
            if before is None:
                self._losses.pop(loss.conversation_id, None)
            else:
                self._losses[loss.conversation_id] = before

        step.undo(undo)

    # The rows that wait.

    def park(self, step: Step, row: Deliver) -> None:
        """Keep a row as it came."""
        out = Writer()
        row.write(out)
        step.put("parked", row.stream + row.number.to_bytes(8, "big"), out.bytes(), shelf=row.stream, place=row.number)

    def parked(self, conversation_id: bytes) -> list[Deliver]:
        """The rows that wait, in order."""
        return [decode(row.body, Deliver.read) for row in self._store.rows("parked", conversation_id)]

    def unpark(self, step: Step, row: Deliver) -> None:
        step.delete("parked", row.stream + row.number.to_bytes(8, "big"))

    def reach(self, conversation_id: bytes, position: int) -> int:
        """The number of the last row that is in this store, taken or waiting."""
        return max(position, self._store.last_place("parked", conversation_id)) if conversation_id in self else position

    # The end of it.

    def found(self, step: Step, conversation_id: bytes) -> None:
        """The thread is found: what waits no more can never be read, and a line stands for each message.

        Another device of this person may have followed: it is asked for what was said in those rows.
        """
        loss = self._losses.get(conversation_id)
        if loss is None or not loss.open:
            return
        unread: list[int] = []
        for row in self.parked(conversation_id):
            if row.kind is Kind.APPLICATION and row.priority is not Class.SILENT:
                self._messages.unreadable(step, row.stream, row.number, row.at_ms, b"", "thread-lost")
                unread.append(row.number)
            self.unpark(step, row)
        if unread:
            self.missed(step, Gap(conversation_id, unread[0], unread[-1]))
        self.save(step, replace(loss, open=False, given_up=False, digest=b""))

    def last_view(
        self,
        conversation_id: bytes,
        rules: Callable[[int], Rules],
        own: Callable[[bytes], bytes],
        below: int = 1 << 63,
    ) -> tuple[PublicGroup | None, bool]:
        """The public half of the group as far as the waiting rows let it be followed, and whether to their end.

        Args:
            rules: for a row accepted at that time.
            own: the body of an own handshake, by message id; empty where it is not here.
            below: the number of the row that is to be judged by it.
        """
        group = self._conversations.group(conversation_id)
        if group is None:
            return None, False
        view = group.public
        for row in self.parked(conversation_id):
            body = own(row.body) if row.kind is Kind.OWN else row.body
            if row.number >= below or row.kind in (Kind.APPLICATION, Kind.WELCOME):
                continue  # a welcome that waits is one that was refused
            try:
                if row.kind is Kind.RESET:
                    view = judge_reset(view, body, rules=rules(row.at_ms)).public
                elif body:
                    view = public_group.judge(view, body, rules=rules(row.at_ms)).public
            except RemoteError:
                return view, False
        return view, True
