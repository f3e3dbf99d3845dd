"""Take what arrived: open it, decode it, store it and move on, in one step; then tell the screen.

A row that cannot be opened becomes a visible placeholder with its reason, and the stream goes on. Only a commit (or a
welcome) that cannot be followed stops its stream: what follows is kept as it came, and tried again at each login.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from miss_app.engine.affairs import Affairs
from miss_app.engine.agreements import Agreements
from miss_app.engine.arrivals import Arrivals
from miss_app.engine.chronicle import Change, Line, chronicle, own_change, without_returns
from miss_app.engine.conversations import Conversations, persons_in, with_members, withdrawn
from miss_app.engine.doubts import taken_out
from miss_app.engine.events import Trouble
from miss_app.engine.hearing import heard
from miss_app.engine.lost import Lost
from miss_app.engine.membership import Membership, speaks_for_all
from miss_app.engine.messages import Messages
from miss_app.engine.model import COMMITS, RETURNS, Act, Conversation, Item
from miss_app.engine.news import News
from miss_app.engine.outbox import Outbox
from miss_app.engine.people import People, certificate_of_leaf, person_of_leaf
from miss_app.engine.problems import Problem
from miss_app.engine.renewal import after_renewing
from miss_app.engine.store import Step, Store, StoreFailure
from miss_app.engine.traces import Traces
from miss_app.engine.turns import Turns
from miss_protocol import content as contents
from miss_protocol import notices
from miss_protocol.acts import Retention
from miss_protocol.errors import MissError, RemoteError
from miss_protocol.frames import Class, Deliver, Gap, Kind, Progress, StreamHead
from miss_protocol.mls import group as mls
from miss_protocol.standing import digest_of

DEVICE_STREAM = b"device stream"


class Inbox:
    """What arrives, in one open store.

    Args:
        acknowledge: says that a stream is stored up to a number.
        new_id: makes a message id of 16 random bytes.
        lost: the threads that are lost, with the rows that wait.
        arrivals: how this device comes into a group.
        lost_thread: told of each thread that is lost, once that is on disk.
    """

    def __init__(
        self,
        store: Store,
        conversations: Conversations,
        messages: Messages,
        people: People,
        membership: Membership,
        outbox: Outbox,
        acknowledge: Callable[[bytes, int], None],
        new_id: Callable[[], bytes],
        traces: Traces,
        agreements: Agreements,
        news: News,
        lost: Lost,
        arrivals: Arrivals,
        lost_thread: Callable[[bytes], None],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._messages = messages
        self._people = people
        self._membership = membership
        self._outbox = outbox
        self._acknowledge = acknowledge
        self._new_id = new_id
        self._traces = traces
        self._agreements = agreements
        self._news = news
        self._lost = lost
        self._arrivals = arrivals
        self._lost_thread = lost_thread
        self.affairs: Affairs | None = None
        self.turns = Turns(store, conversations, outbox, new_id)

    def begin(self, heads: Sequence[StreamHead]) -> None:
        """A new login: streams stopped before are tried again, and the server's cursors are compared with the store's.

        A cursor ahead of the store's means that the store is a copy from the past: its ratchets were used since, and
        nothing is ever sealed from it.
        """
        for loss in self._lost.all():
            self.read_again(loss.conversation_id)
        for head in heads:
            record = self._conversations.get(head.stream)
            if record is not None and record.active and head.cursor > self._reach(head.stream, record):
                with self._store.step() as step:
                    self._lose_past(step, record, head.cursor)

    def receive(self, row: Deliver) -> None:
        """One row, in one step; a row taken before is only acknowledged again."""
        if row.stream == self._membership.certificate.device_id:
            self._receive_notice(row)
            return
        record = self._conversations.get(row.stream)
        reach = self._reach(row.stream, record)
        if row.number <= reach:
            self._acknowledge(row.stream, reach)
            return
        if row.stream in self._lost and self._wait(row):
            self._acknowledge(row.stream, row.number)
            return
        try:
            with self._store.step() as step:
                self._take(step, record, row)
        except StoreFailure:
            raise  # not the row's fault: the server sends it again
        except (MissError, Problem) as error:
            self._cannot_follow(row, error.reason)
        self._acknowledge(row.stream, row.number)

    def receive_run(self, rows: Sequence[Deliver]) -> bool:
        """Messages that waited, in one step; False, and nothing changed, where one of them does not go by itself."""
        try:
            with self._store.step() as step:
                for row in rows:
                    record = self._conversations.get(row.stream)
                    if record is None or row.stream in self._lost or row.number > record.position + 1:
                        raise RemoteError("by-itself", "a row that asks for more than to be stored")
                    if row.number > record.position:
                        self._take(step, record, row)
        except StoreFailure:
            raise
        except (MissError, Problem):
            return False
        for row in rows:
            self._acknowledge(row.stream, row.number)
        return True

    def skip(self, gap: Gap) -> None:
        """Rows the server has forgotten: the chat shows it, the stream goes on after them."""
        record = self._conversations.get(gap.stream)
        if record is None or gap.last <= record.position:
            return
        with self._store.step() as step:
            self._conversations.save(step, replace(record, position=gap.last))
            self._messages.notice(step, gap.stream, gap.last, 0, self._membership.clock.now_ms(), "gap")
            if self.affairs is not None:
                self.affairs.missed(step, gap)
        self._acknowledge(gap.stream, gap.last)

    def progress(self, frame: Progress) -> None:
        """How far other devices have come: tick two."""
        record, group = self._conversations.get(frame.stream), self._conversations.group(frame.stream)
        if record is None or group is None:
            return
        persons = {one.device_id: one.person_id for one in map(certificate_of_leaf, group.roster().values())}
        with self._store.step() as step:
            for position in frame.positions:
                person_id = persons.get(position.id)
                record = self._conversations.get(frame.stream)
                if person_id is not None and record is not None:
                    self._messages.mark(step, record, person_id, delivered=position.number)

    def _take(self, step: Step, record: Conversation | None, row: Deliver) -> None:
        if row.kind is Kind.WELCOME:
            self._arrivals.welcome(step, record, row)
            return
        item = self._outbox.find(row.body) if row.kind is Kind.OWN else None
        if item is not None and item.act in RETURNS:
            self._arrivals.returned(step, record, item, row)
            return
        if record is None:
            raise RemoteError("unknown-conversation", "a row of a stream without a welcome")
        if row.kind is Kind.RESET:
            self._arrivals.left_out(step, record, row)
            return
        if record.active and row.number > record.position + 1:
            # The rows between were stored by this device: by a later state of this store.
            self._lose_past(step, record, row.number - 1)
            self._lost.park(step, row)
            return
        record = replace(record, position=row.number)
        self._conversations.save(step, record)
        group = self._conversations.group(row.stream)
        if group is None and row.stream in self._lost:
            raise RemoteError("damaged-state", "what this device knew of the group")
        if row.kind is Kind.OWN:
            self._own(step, record, row)
        elif group is None or row.kind is Kind.CREATE:
            return  # after our end, or our own beginning: nothing to open
        elif row.kind is Kind.APPLICATION:
            self._application(step, record, group, row)
        elif row.kind is Kind.PROPOSAL:
            self._proposal(step, record, group, row)
        elif row.kind is Kind.COMMIT:
            self._commit(step, record, group, row)

    # Application messages.

    def _application(self, step: Step, record: Conversation, group: mls.Group, row: Deliver) -> None:
        author, leaf = b"", None
        try:
            opened = mls.open_message(group, row.body)
            leaf = group.leaf(opened.sender)
            author = b"" if leaf is None else person_of_leaf(leaf)
            self._conversations.save_group(step, row.stream, opened.group, opened.changed)
            content = contents.decode(opened.plaintext)
        except MissError as error:
            self._messages.unreadable(step, row.stream, row.number, row.at_ms, author, error.reason)
            return
        match content.body:
            case contents.Read(number):
                self._read(step, record, author, min(number, row.number))
            case contents.Subject() | Retention():
                self._agreements.heard(step, record, content.body, author, row.at_ms, row.number)
            case _ if content.target is not None:
                self._traces.take(step, record, content, author, row.at_ms, row.number)
            case body if isinstance(body, contents.Affair):
                if self.affairs is not None and leaf is not None:
                    self.affairs.heard(step, record, row, certificate_of_leaf(leaf), body)
            case _:
                self._message(step, record, row, author, content)

    def _message(
        self, step: Step, record: Conversation, row: Deliver, author: bytes, content: contents.Content
    ) -> None:
        known = self._messages.find(row.stream, content.message_id)
        if known is not None and not known.handed_by:
            return  # shown already under this id; what another person handed over gives way to the row itself
        mine = author == self._people.me
        message = heard(content, row.stream, author, mine, row.at_ms, row.number)
        if not mine and row.priority is not Class.SILENT:
            self._conversations.save(step, replace(record, unread=record.unread + 1))
        self._messages.add(step, self._traces.adopt(step, message))

    def _read(self, step: Step, record: Conversation, author: bytes, number: int) -> None:
        if author != self._people.me:
            self._messages.mark(step, record, author, read=number)
        elif number > record.read:  # read on another device of ours
            unread = self._messages.unread_above(record.conversation_id, number)
            self._conversations.save(step, replace(record, read=number, read_said=number, unread=unread))
            self._messages.tell_conversation(step, record.conversation_id)

    # Changes of membership.

    def _own(self, step: Step, record: Conversation, row: Deliver) -> None:
        item = self._outbox.find(row.body)
        if item is None or item.conversation_id != row.stream:
            # This device sent it, and this store does not know: it is a copy from before.
            self._lose_past(step, record, row.number)
            return
        self._outbox.number(step, item, row.number)
        self._outbox.done(step, item)
        if item.act in COMMITS:
            self._merge(step, record, item, row)
        elif item.act is Act.LEAVE:
            self._conversations.save(step, replace(record, leaving=True))
            self._messages.tell_conversation(step, row.stream)
        elif item.read:
            self._conversations.save(step, replace(record, read_said=max(record.read_said, item.read)))
        elif item.act is Act.CONTENT:
            content = contents.decode(item.content)
            if isinstance(content.body, contents.Subject | Retention):
                self._agreements.heard(step, record, content.body, self._people.me, row.at_ms, row.number)
            elif content.target is not None:
                self._traces.take(step, record, content, self._people.me, row.at_ms, row.number)
            elif isinstance(content.body, contents.Affair) and self.affairs is not None:
                self.affairs.said(step, record, row, content.body)

    def _merge(self, step: Step, record: Conversation, item: Item, row: Deliver) -> None:
        """Our staged commit was accepted: its group takes the old one's place."""
        before = self._conversations.group(row.stream)
        after = self._conversations.staged(row.stream, item.message_id)
        if before is None or after is None:
            self._lose_past(step, record, row.number)
            return
        change = own_change(self._people.me, before, after)
        self._conversations.unstage(step, row.stream)
        self._follow(step, after_renewing(record, row.at_ms), before, after, change, row, item)
        if item.act is Act.ADD:
            self._agreements.say_again(step, self._conversations.get(row.stream) or record)

    def _commit(self, step: Step, record: Conversation, group: mls.Group, row: Deliver) -> None:
        received = mls.receive_commit(group, row.body, self._membership.rules(row.at_ms))
        returned = received.group is not None and received.sender in received.added
        leaf = (received.group if returned and received.group is not None else group).leaf(received.sender)
        change = Change(b"" if leaf is None else person_of_leaf(leaf), received.added, received.removed)
        if received.group is None:
            self._end(step, record, group, change, row)
            return
        self._conversations.unstage(step, row.stream)
        self._outbox.unseal_all(step, row.stream, received.group.epoch)
        self._follow(step, record, group, received.group, change, row)

    def _follow(
        self,
        step: Step,
        record: Conversation,
        before: mls.Group,
        after: mls.Group,
        change: Change,
        row: Deliver,
        item: Item | None = None,
    ) -> None:
        """A new epoch: its group saved, who came and went told."""
        self._conversations.save_group(step, row.stream, after)
        change, back = without_returns(before, after, change)
        lines: list[Line] = [("device-returned", (self._people.name(person),)) for person in back]
        lines += chronicle(step, self._people, before, after, change, record.taken_out)
        if back and speaks_for_all(after, back):
            # What was said in epochs that it could not follow is lost to who came back.
            self._agreements.say_again(step, record)
        self._learn_renewed(step, before, after)
        gone = withdrawn(before) & set(change.removed)
        out = {person_of_leaf(leaf) for index in gone if (leaf := before.leaf(index)) is not None}
        record = with_members(taken_out(record, out, set(persons_in(after))), after, self._people.me, row.number)
        self._conversations.save(step, record)
        self._news.withdrawn(step, record, out & set(record.taken_out))
        for line, (notice, names) in enumerate(lines):
            self._messages.notice(step, row.stream, row.number, line, row.at_ms, notice, *names)
        self._messages.tell_conversation(step, row.stream)
        if self.affairs is not None:
            came = [certificate_of_leaf(leaf) for index in change.added if (leaf := after.leaf(index)) is not None]
            self.affairs.joined(step, record, came, row.number, item)
        if after.must_commit:
            step.after(lambda: self.turns.wait(row.stream))

    def _learn_renewed(self, step: Step, before: mls.Group, after: mls.Group) -> None:
        """Devices that show a newer certificate: a person may have another name by now."""
        for index, leaf in after.roster().items():
            old = before.leaf(index)
            if old is not None and old.credential != leaf.credential:
                self._people.learn(step, certificate_of_leaf(leaf))

    def _end(self, step: Step, record: Conversation, group: mls.Group, change: Change, row: Deliver) -> None:
        """A commit took this device out: its secrets of the group are deleted."""
        left = record.leaving or any(
            isinstance(one.proposal, mls.SelfRemove) and one.sender.index == group.my_leaf for one in group.pending
        )
        self._conversations.forget_group(step, row.stream)
        reason = "left" if left else "removed"
        self._conversations.save(step, replace(record, active=False, leaving=False, reason=reason))
        if left:
            self._messages.notice(step, row.stream, row.number, 0, row.at_ms, "you-left")
        elif group.my_leaf in withdrawn(group):
            self._messages.notice(step, row.stream, row.number, 0, row.at_ms, "you-were-withdrawn")
        else:
            actor = self._people.name(change.actor)
            self._messages.notice(step, row.stream, row.number, 0, row.at_ms, "you-were-removed", actor)
        step.after(lambda: self._outbox.kick(row.stream))

    def _proposal(self, step: Step, record: Conversation, group: mls.Group, row: Deliver) -> None:
        try:
            noted = mls.receive_proposal(group, row.body, self._membership.rules(row.at_ms))
        except MissError:
            return  # no commit of ours will refer to it; the stream goes on
        self._conversations.save_group(step, row.stream, noted.group, noted.changed)
        self._conversations.save(step, replace(record, pending=True))
        step.after(lambda: self.turns.wait(row.stream))
        step.after(lambda: self._outbox.kick(row.stream))

    # What cannot be followed.

    def _cannot_follow(self, row: Deliver, reason: str) -> None:
        """The thread is lost here: this row, and what follows it, is kept as it came."""
        with self._store.step() as step:
            self._lost.lose(step, row.stream, reason, self._membership.clock.now_ms())
            self._lost.park(step, row)
            step.after(lambda: self._lost_thread(row.stream))

    def _wait(self, row: Deliver) -> bool:
        """Whether a row of a lost thread has to wait; a welcome, a reset, our own way back are fresh beginnings."""
        item = self._outbox.find(row.body) if row.kind is Kind.OWN else None
        if row.kind in (Kind.WELCOME, Kind.RESET) or (item is not None and item.act in RETURNS):
            return False
        with self._store.step() as step:
            self._lost.park(step, row)
        return True

    def read_again(self, stream: bytes) -> bool:
        """Take the waiting rows once more, in order: an update, or the store, may have put right what was wrong."""
        loss, group = self._lost.get(stream), self._conversations.read_again(stream)
        if loss is None or group is None or loss.digest == digest_of(group):
            return loss is None
        for row in self._lost.parked(stream):
            try:
                with self._store.step() as step:
                    self._take(step, self._conversations.get(stream), row)
                    self._lost.unpark(step, row)
            except StoreFailure:
                raise
            except (MissError, Problem):
                return False
        with self._store.step() as step:
            self._lost.found(step, stream)
        return True

    def _reach(self, stream: bytes, record: Conversation | None) -> int:
        """The number of the last row of a stream that is in this store, taken or waiting."""
        return self._lost.reach(stream, 0 if record is None else record.position)

    def _lose_past(self, step: Step, record: Conversation, number: int) -> None:
        """This store is a copy from the past: its secrets are never used again, this device comes back anew."""
        self._conversations.forget_group(step, record.conversation_id)
        after = replace(record, position=max(record.position, number))
        self._conversations.save(step, after)
        now_ms, reason = self._membership.clock.now_ms(), "store-from-the-past"
        self._messages.notice(step, record.conversation_id, after.position, 0, now_ms, reason)
        self._lost.lose(step, record.conversation_id, reason, now_ms)
        step.after(lambda: self._lost_thread(record.conversation_id))

    # The device's own stream.

    def _receive_notice(self, row: Deliver) -> None:
        known = int.from_bytes(self._store.get("profile", DEVICE_STREAM) or b"", "big")
        if row.number > known:
            with self._store.step() as step:
                step.put("profile", DEVICE_STREAM, row.number.to_bytes(8, "big"))
                self._news.take(step, row)
                if self.affairs is not None:
                    self.affairs.noticed(step, row.body)
                notice = notices.read(row.body)
                if notice is not None and not notice.endorsed:
                    step.tell(Trouble("own-device-unendorsed"))
        self._acknowledge(row.stream, max(row.number, known))
