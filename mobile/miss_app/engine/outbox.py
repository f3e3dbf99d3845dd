"""Send what is queued: in order in each conversation, exactly once, whatever is killed meanwhile.

An item begins as an intent. Sealing (or staging, for a commit) saves the group's next state and the very bytes to send
in one step, before a byte leaves: a ratchet restored from the past would use a key twice. Ready bytes are offered again
after every login until the server has answered; the server knows the message id and answers a repetition with the first
number. An item ends at its own row in the stream, not at the answer, so that a lost answer changes nothing.
One item a conversation is on its way at a time: a refusal can then never change the order.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container
from dataclasses import replace
from functools import partial

from miss_app.engine import records
from miss_app.engine.conversations import Conversations
from miss_app.engine.events import Event, Trouble
from miss_app.engine.gathering import NOT_CONTACTABLE, Gathering
from miss_app.engine.http import Http
from miss_app.engine.lost import Returns
from miss_app.engine.membership import Membership
from miss_app.engine.messages import Messages
from miss_app.engine.model import COMMITS, RETURNS, Act, Conversation, Item, Stage
from miss_app.engine.problems import Problem
from miss_app.engine.store import Row, Step, Store, StoreFailure
from miss_protocol.frames import ID_BYTES, Accepted, Class, Kind, Refusal, Refused, Submit
from miss_protocol.mls import group as mls

logger = logging.getLogger(__name__)
PLACE_GAP = 1 << 10  # room for items that must go before the first
REFUSALS_MAX = 50
ACCEPTED_MAX = 16  # accepted items whose own rows have not come yet, before the next one is sent
RETRY_SECONDS = 1.0
STORE_RETRY_SECONDS = 5.0
_UNASKED = (
    Act.CONTENT,
    Act.CLEAR,
    Act.RENEW,
    *RETURNS,
)  # their failure is told at the message, or is nobody's business


class Outbox:
    """What waits to be sent, in one open store.

    Args:
        submit: gives a frame to the connection.
        new_id: makes a message id of 16 random bytes.
        late: told when somebody is to be added later, who has left no key package yet.
        tell: tells the screen.
        lost: the conversations in which nothing is said before this device has found its way back.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        messages: Messages,
        membership: Membership,
        http: Http,
        submit: Callable[[Submit], Awaitable[None]],
        new_id: Callable[[], bytes],
        late: Callable[[], None],
        tell: Callable[[Event], None],
        lost: Container[bytes] = (),
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._messages = messages
        self._membership = membership
        self._submit = submit
        self._new_id = new_id
        self._tell = tell
        self._lost = lost
        self.returns: Returns | None = None
        self._open = False
        self._flying: dict[bytes, bytes] = {}  # conversation → message id whose answer is awaited
        self._busy: dict[bytes, asyncio.Task[None]] = {}
        self._again: set[bytes] = set()
        self._gathering = Gathering(store, conversations, messages, membership, http, self, late)
        self._timers: set[asyncio.TimerHandle] = set()

    # Queueing.

    def enqueue(self, step: Step, item: Item, *, first: bool = False) -> None:
        """Write an item; ``first`` puts it before what waits already."""
        shelf = item.conversation_id
        rows = self._store.rows("outbox", shelf, limit=1)
        if first and rows:
            place = rows[0].place - 1
        else:
            place = self._store.last_place("outbox", shelf) + PLACE_GAP
        step.put("outbox", item.message_id, records.encode(item), shelf=shelf, place=place)
        step.after(lambda: self.kick(item.conversation_id))

    def find(self, message_id: bytes) -> Item | None:
        data = self._store.get("outbox", message_id)
        return None if data is None else records.decode(Item, data)

    def items(self, conversation_id: bytes, *, limit: int = -1) -> list[Item]:
        """What waits in a conversation, in order of sending."""
        rows = self._store.rows("outbox", conversation_id, limit=limit)
        return [records.decode(Item, row.body) for row in rows]

    def save(self, step: Step, item: Item) -> None:
        """The same item, changed, in its place."""
        row = self._row(item.message_id)
        place = PLACE_GAP if row is None else row.place
        step.put("outbox", item.message_id, records.encode(item), shelf=item.conversation_id, place=place)

    def done(self, step: Step, item: Item) -> None:
        """The item's own row has come."""
        step.delete("outbox", item.message_id)
        step.after(lambda: self._landed(item))

    def _row(self, message_id: bytes) -> Row | None:
        return self._store.find("outbox", message_id)

    # Sending.

    def open(self) -> None:
        """The backlog is drained: own rows that were accepted have come, the rest may be offered."""
        self._open = True
        self._flying.clear()
        for conversation_id in {
            records.decode(Item, row.body).conversation_id for row in self._store.all_rows("outbox")
        }:
            self.kick(conversation_id)

    def close(self) -> None:
        """The connection is gone: nothing is on its way any more."""
        self._open = False
        self._flying.clear()

    async def stop(self) -> None:
        self.close()
        for timer in self._timers:
            timer.cancel()
        tasks = list(self._busy.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def kick(self, conversation_id: bytes) -> None:
        """Look whether this conversation's first item can go on."""
        if not self._open:
            return
        if conversation_id in self._busy:
            self._again.add(conversation_id)
            return
        self._busy[conversation_id] = asyncio.create_task(self._advance_until_blocked(conversation_id))

    def kick_later(self, conversation_id: bytes, seconds: float) -> None:
        """Look again after a while."""
        self._timers = {timer for timer in self._timers if timer.when() > asyncio.get_running_loop().time()}
        self._timers.add(asyncio.get_running_loop().call_later(seconds, self.kick, conversation_id))

    async def _advance_until_blocked(self, conversation_id: bytes) -> None:
        try:
            again = True
            while again and self._open:
                self._again.discard(conversation_id)
                again = await self._advance(conversation_id) or conversation_id in self._again
        except StoreFailure as failure:
            # Nothing was sealed, nothing left: the same again when the disk has room.
            self._tell(Trouble(failure.reason))
            self.kick_later(conversation_id, STORE_RETRY_SECONDS)
        except Exception:
            logger.exception("The outbox stumbled.")
            self.kick_later(conversation_id, STORE_RETRY_SECONDS)
        finally:
            del self._busy[conversation_id]

    async def _advance(self, conversation_id: bytes) -> bool:
        """One step of the first item that is not accepted yet; True where there may be another at once."""
        record, item = self._conversations.get(conversation_id), self._first(conversation_id)
        if item is None or conversation_id in self._flying:
            return False
        if item.act in RETURNS:
            return await self._return(item)
        if record is None or (record.active and conversation_id in self._lost):
            return False
        group = self._conversations.group(conversation_id)
        if not record.active or group is None:
            return self._fail(item, record.reason or "not-member")
        if conversation_id in self._lost and record.active:
            return False  # its state was found to be damaged just now
        if item.stage is Stage.READY:
            return await self._fly(item)
        if group.must_commit and (item.act not in COMMITS or item.act is Act.ADD):
            # RFC 9420 section 12.4: whoever wants to send commits the waiting leaves first. Whoever wants to add
            # somebody too, in a row of its own: a Welcome says nothing of who went by the same commit.
            with self._store.step() as step:
                self.enqueue(step, Item(self._new_id(), conversation_id, Act.CLEAR), first=True)
            return True
        if group.epoch < item.after_epoch:
            return False  # the commit that won is on its way
        try:
            return await self._prepare(record, group, item)
        except StoreFailure:
            raise
        except Problem as problem:
            return self._fail(item, problem.reason)

    async def _fly(self, item: Item) -> bool:
        self._flying[item.conversation_id] = item.message_id
        await self._submit(_frame(item))
        return False

    async def _return(self, item: Item) -> bool:
        """One step of a way back; it goes before everything else."""
        if item.stage is Stage.READY:
            return await self._fly(item)
        try:
            return self.returns is not None and await self.returns.prepare(item)
        except StoreFailure:
            raise
        except Problem as problem:
            return self._fail(item, problem.reason)

    def returning(self, conversation_id: bytes) -> bool:
        """Whether a way back is made ready, and may be accepted yet."""
        return any(one.act in RETURNS and one.stage is not Stage.INTENT for one in self.items(conversation_id))

    def handshake(self, message_id: bytes) -> bytes:
        """The bytes of an own commit or leave that is under way; empty for anything else."""
        item = self.find(message_id)
        return b"" if item is None or item.kind is Kind.APPLICATION else item.body

    def _first(self, conversation_id: bytes) -> Item | None:
        for item in self.items(conversation_id, limit=ACCEPTED_MAX):
            if item.stage is not Stage.ACCEPTED:
                return item
            if item.act is not Act.CONTENT:
                return None  # a commit, a leave, a creation: its own row first
        return None

    async def _prepare(self, record: Conversation, group: mls.Group, item: Item) -> bool:
        if item.act is Act.CONTENT and item.priority is not Class.SILENT and self._membership.in_doubt(group):
            return False  # until this person has made sure who it is
        if item.act is Act.CONTENT:
            self.send_first(group, item)
        elif item.act is Act.ADD and not item.packages:
            return await self._gathering.gather(record, item)
        elif item.act in COMMITS:
            self._stage(group, item)
        elif item.act is Act.LEAVE:
            self._propose_to_leave(group, item)
        elif item.act is Act.CREATE:
            body = mls.group_info(group, self._membership.identity)
            with self._store.step() as step:
                self.save(step, replace(item, stage=Stage.READY, kind=Kind.CREATE, epoch=group.epoch, body=body))
        return True

    def send_first(self, group: mls.Group, item: Item) -> None:
        """Seal a content: ratchet, ciphertext and outbox row in one step, before the bytes leave."""
        sealed = mls.seal(group, self._membership.identity, item.content)
        with self._store.step() as step:
            self._conversations.save_group(step, item.conversation_id, sealed.group, sealed.changed)
            self.save(
                step,
                replace(item, stage=Stage.READY, kind=Kind.APPLICATION, epoch=group.epoch, body=sealed.message),
            )

    def _stage(self, group: mls.Group, item: Item) -> None:
        staged = self._membership.stage(group, item)
        with self._store.step() as step:
            if staged is None:  # what it wanted has come about by another's commit
                step.delete("outbox", item.message_id)
                return
            self._conversations.stage(step, item.conversation_id, item.message_id, staged.group)
            self.save(
                step,
                replace(
                    item,
                    stage=Stage.READY,
                    kind=Kind.COMMIT,
                    priority=Class.SILENT,
                    epoch=group.epoch,
                    body=staged.message,
                    welcome=staged.welcome or b"",
                    group_info=self._membership.group_info(staged.group),
                ),
            )

    def _propose_to_leave(self, group: mls.Group, item: Item) -> None:
        proposed = mls.propose(group, self._membership.identity, mls.SelfRemove())
        with self._store.step() as step:
            self._conversations.save_group(step, item.conversation_id, proposed.group, proposed.changed)
            ready = replace(item, stage=Stage.READY, kind=Kind.PROPOSAL, priority=Class.SILENT, epoch=group.epoch)
            self.save(step, replace(ready, body=proposed.message))

    # Answers.

    def accepted(self, frame: Accepted) -> None:
        """The row is on disk at this number; its own row will end the item."""
        item, record = self.find(frame.message_id), self._conversations.get(frame.stream)
        if item is not None and record is not None and item.stage is Stage.READY:
            with self._store.step() as step:
                self.number(step, item, frame.number)
                if frame.number <= record.position:
                    step.delete("outbox", item.message_id)  # its own row lies behind a welcome: it does not come again
                else:
                    self.save(step, replace(item, stage=Stage.ACCEPTED, number=frame.number))
        self._flying.pop(frame.stream, None)
        self.kick(frame.stream)

    def number(self, step: Step, item: Item, number: int) -> None:
        """A message of ours has its number, from the answer or from its row, whichever came first."""
        message = self._messages.find(item.conversation_id, item.message_id)
        if message is not None and not message.number:
            self._messages.change(step, replace(message, number=number, failed=False, problem=""))

    def refused(self, frame: Refused) -> None:
        """The row was not taken: seal again, wait, move, or give up."""
        item = self.find(frame.message_id)
        if item is not None and frame.reason is Refusal.STALE and frame.epoch == item.epoch:
            return  # of an earlier sealing: the answer to this one is still to come
        if self._flying.get(frame.stream) == frame.message_id:
            del self._flying[frame.stream]
        if item is None or item.stage is not Stage.READY:
            self.kick(frame.stream)
            return
        if frame.reason is Refusal.SLOW_DOWN:
            self.kick_later(frame.stream, RETRY_SECONDS)
        elif frame.reason in (Refusal.STALE, Refusal.COMMIT_FIRST) and item.refusals < REFUSALS_MAX:
            after = frame.epoch if frame.reason is Refusal.STALE else item.epoch + 1
            after = 0 if item.act in (*COMMITS, *RETURNS) and frame.reason is Refusal.COMMIT_FIRST else after
            with self._store.step() as step:
                self.unseal(step, replace(item, refusals=item.refusals + 1), after)
            self.kick_later(frame.stream, 0 if frame.reason is Refusal.STALE else RETRY_SECONDS / 4)
        elif frame.reason is Refusal.EXISTS and frame.other != bytes(ID_BYTES):
            self._move(item.conversation_id, frame.other)
        else:
            refused = frame.reason.name.lower().replace("_", "-")
            self._fail(item, frame.detail if frame.detail == NOT_CONTACTABLE else refused)

    def unseal(self, step: Step, item: Item, after_epoch: int) -> None:
        """Keep what was to be said and its id, drop the ciphertext: it is sealed again in a later epoch."""
        if item.act in (*COMMITS, *RETURNS):
            self._conversations.unstage(step, item.conversation_id)
        self.save(
            step, replace(item, stage=Stage.INTENT, body=b"", welcome=b"", group_info=b"", after_epoch=after_epoch)
        )

    def unseal_all(self, step: Step, conversation_id: bytes, epoch: int) -> None:
        """Another's commit has ended the epoch: what was ready in it can no longer be accepted."""
        for item in self.items(conversation_id, limit=ACCEPTED_MAX + 1):
            if item.stage is Stage.READY and item.act is not Act.CREATE:
                self.unseal(step, item, epoch)

        def go_on() -> None:
            self._flying.pop(conversation_id, None)
            self.kick(conversation_id)

        step.after(go_on)

    def begin_again(self, step: Step, conversation_id: bytes) -> None:
        """This device has been added again: rows of its own from before the welcome do not come any more."""
        for item in self.items(conversation_id):
            if item.act in RETURNS:
                continue  # where it was accepted meanwhile, its own row still comes
            if item.stage is Stage.ACCEPTED:
                step.delete("outbox", item.message_id)
            elif item.stage is Stage.READY:
                self.save(step, replace(item, stage=Stage.INTENT, body=b"", welcome=b"", group_info=b"", after_epoch=0))
            elif item.after_epoch:
                self.save(step, replace(item, after_epoch=0))  # of the group before
        step.after(lambda: self._land(conversation_id))

    def _land(self, conversation_id: bytes) -> None:
        self._flying.pop(conversation_id, None)

    def _landed(self, item: Item) -> None:
        if self._flying.get(item.conversation_id) == item.message_id:
            del self._flying[item.conversation_id]
        self.kick(item.conversation_id)

    def _move(self, source: bytes, target: bytes) -> None:
        """These two have a conversation already: what was queued here goes there, in order."""
        record = self._conversations.get(source)
        if record is None:
            return
        with self._store.step() as step:
            for item in self.items(source):
                step.delete("outbox", item.message_id)
                if item.act is Act.CONTENT:
                    moved = replace(item, conversation_id=target, stage=Stage.INTENT, body=b"", after_epoch=0)
                    self.enqueue(step, moved)
                    message = self._messages.find(source, item.message_id)
                    if message is not None:
                        step.delete("messages", source + item.message_id)
                        self._messages.add(step, replace(message, conversation_id=target))
            self._conversations.forget_group(step, source)
            moved_record = replace(record, active=False, reason="moved", moved_to=target)
            self._conversations.save(step, moved_record)
            self._messages.tell_conversation(step, target)

    def _fail(self, item: Item, reason: str) -> bool:
        """Give an item up, and say so where it shows; the next one may go on."""
        with self._store.step() as step:
            step.delete("outbox", item.message_id)
            if item.act in (*COMMITS, *RETURNS):
                self._conversations.unstage(step, item.conversation_id)
            if item.act in RETURNS and self.returns is not None:
                step.after(partial(self.returns.failed, item, reason))
            message = self._messages.find(item.conversation_id, item.message_id)
            if message is not None:
                self._messages.change(step, replace(message, failed=True, problem=reason))
            elif item.act not in _UNASKED:
                step.tell(Trouble(reason))
        return True


def _frame(item: Item) -> Submit:
    return Submit(
        item.message_id,
        item.conversation_id,
        item.kind,
        item.priority,
        item.epoch,
        item.body,
        item.welcome,
        item.group_info,
    )
