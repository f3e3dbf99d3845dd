"""The lines of the chats: written with the rows they come from, shown as views, their ticks derived from marks."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from miss_app.engine import records
from miss_app.engine.conversations import Conversations
from miss_app.engine.events import (
    AnswerView,
    ChargeView,
    ConversationChanged,
    ConversationView,
    DocumentView,
    MemberView,
    MessageAdded,
    MessageChanged,
    MessageRemoved,
    MessageView,
    PhotoView,
    QuoteView,
    ReactionView,
    ReaderView,
    Tick,
)
from miss_app.engine.model import (
    LINE_MAX,
    QUEUED_PLACE,
    SPOKEN,
    Conversation,
    DocumentPart,
    Mark,
    Message,
    PhotoPart,
    number_at,
    place_of,
)
from miss_app.engine.people import People
from miss_app.engine.store import Step, Store
from miss_protocol.acts import Level

PINNED, NAMED, IN_CHARGE = b"pinned", b"named", b"in charge"  # shelves of "marked"
# The rows of a conversation of two before anybody speaks: its creation, who is added, their welcome, some to spare.
BEGINNING_ROWS = 6
_WARNINGS = frozenset(
    {
        "person-registered-again",
        "device-unendorsed",
        "device-key-changed",
        "cannot-follow",
        "store-from-the-past",
        "patient-changed",
    }
)


class Messages:
    """The chats of one open store."""

    def __init__(self, store: Store, conversations: Conversations, people: People) -> None:
        self._store = store
        self._conversations = conversations
        self._people = people
        self.transfers: dict[bytes, float] = {}  # blob → share done of the upload or download under way
        self.shared: Callable[[str], bytes] = lambda _name: b""  # what this person's devices share
        self.overlay: Callable[[Message], Message] = lambda message: message  # own acts that have no row yet

    # Writing.

    def find(self, conversation_id: bytes, message_id: bytes) -> Message | None:
        data = self._store.get("messages", conversation_id + message_id)
        return None if data is None else records.decode(Message, data)

    def adopt(self, step: Step, message: Message, place: int) -> None:
        """A line another device had, in the place it had there; the screen is told of many such at once."""
        self._put(step, message, place)

    @staticmethod
    def notice_id(conversation_id: bytes, number: int, line: int, notice: str) -> bytes:
        """The id of the line that ``notice`` writes."""
        return _derived_id(conversation_id, number, line, notice)

    def add(self, step: Step, message: Message, line: int = 0) -> None:
        """A new line; it stands at its row's place, or last while it has no number."""
        shelf = self._conversations.get(message.conversation_id)
        if shelf is not None and shelf.own:
            return  # devices among themselves: nothing of it is shown
        if message.number:
            place = place_of(message.number, line)
        else:
            place = max(QUEUED_PLACE, self._store.last_place("messages", message.conversation_id) + 1)
        self._put(step, message, place)
        record = self._conversations.get(message.conversation_id)
        if record is not None and message.at_ms > record.at_ms:
            self._conversations.save(step, replace(record, at_ms=message.at_ms))
        step.after(lambda: step.tell(MessageAdded(self.view(message))))
        self.tell_conversation(step, message.conversation_id)

    def change(self, step: Step, message: Message) -> None:
        """The same line, changed; one that got its number moves to its row's place."""
        found = self._store.find("messages", message.conversation_id + message.message_id)
        place = QUEUED_PLACE if found is None else found.place
        if message.number and place >= QUEUED_PLACE:
            place = place_of(message.number)
        self._put(step, message, place)
        self._unmark(step, message)
        step.after(partial(self._tell_changed, step, message))
        self.tell_conversation(step, message.conversation_id)

    def _tell_changed(self, step: Step, message: Message) -> None:
        step.tell(MessageChanged(self.view(message)))

    def notice(
        self, step: Step, conversation_id: bytes, number: int, line: int, at_ms: int, notice: str, *names: str
    ) -> None:
        """A grey line, or a red one, about what row ``number`` did."""
        kind = "warning" if notice in _WARNINGS else "notice"
        message_id = _derived_id(conversation_id, number, line, notice)
        message = Message(message_id, conversation_id, kind, False, b"", at_ms, number, notice=notice, names=names)
        self.add(step, message, line + 1)

    def not_added(self, step: Step, record: Conversation, person_id: bytes, at_ms: int) -> None:
        """A grey line: this person does not wish to be added."""
        line = 256 + person_id[0]  # several may be left out at one row
        name = self._people.name(person_id)
        self.notice(step, record.conversation_id, record.position, line, at_ms, "person-not-added", name)

    def unreadable(
        self, step: Step, conversation_id: bytes, number: int, at_ms: int, author: bytes, reason: str
    ) -> None:
        """A placeholder for a row that could not be opened, with the reason."""
        message_id = _derived_id(conversation_id, number, 0, "unreadable")
        self.add(step, Message(message_id, conversation_id, "unreadable", False, author, at_ms, number, problem=reason))

    def remove(self, step: Step, message: Message) -> None:
        """A line that is nobody else's: it was never sent."""
        name = message.conversation_id + message.message_id
        step.delete("messages", name)
        step.delete("open", name)
        for mark in (PINNED, NAMED, IN_CHARGE):
            step.delete("marked", mark + name)
        step.tell(MessageRemoved(message.conversation_id, message.message_id))
        self.tell_conversation(step, message.conversation_id)

    def open_ones(self, conversation_id: bytes) -> list[Message]:
        """What waits for somebody's answer or charge in a conversation, oldest first."""
        found = (self._store.get("messages", row.name) for row in self._store.rows("open", conversation_id))
        return [records.decode(Message, data) for data in found if data is not None]

    def pinned(self, conversation_id: bytes) -> list[Message]:
        """What is pinned in a conversation, oldest first."""
        rows = self._store.rows("marked", PINNED + conversation_id)
        found = (self._store.get("messages", row.name.removeprefix(PINNED)) for row in rows)
        return [records.decode(Message, data) for data in found if data is not None]

    def unread_above(self, conversation_id: bytes, number: int) -> int:
        """How many messages of others stand after a row."""
        rows = self._store.rows("messages", conversation_id, above=place_of(number, LINE_MAX))
        found = (records.decode(Message, row.body) for row in rows)
        return sum(not one.mine and one.kind in SPOKEN for one in found)

    def _put(self, step: Step, message: Message, place: int) -> None:
        name = message.conversation_id + message.message_id
        step.put("messages", name, records.encode(message), shelf=message.conversation_id, place=place)
        if message.open:
            step.put("open", name, b"", shelf=message.conversation_id, place=place)
        elif message.request is not None or message.level is Level.URGENT or message.deleted_ms:
            step.delete("open", name)
        if message.pinned:
            step.put("marked", PINNED + name, b"", shelf=PINNED + message.conversation_id, place=place)
        if message.in_charge:
            step.put("marked", IN_CHARGE + name, b"", shelf=IN_CHARGE, place=message.at_ms)
        if message.mentions and not message.mine and self._people.me in message.mentions:
            step.put("marked", NAMED + name, b"", shelf=NAMED + message.conversation_id, place=place)

    def _unmark(self, step: Step, message: Message) -> None:
        """What a changed message is not marked by any more."""
        name = message.conversation_id + message.message_id
        if not message.pinned:
            step.delete("marked", PINNED + name)
        if (message.charges or message.deleted_ms) and not message.in_charge:
            step.delete("marked", IN_CHARGE + name)
        if message.deleted_ms:
            step.delete("marked", NAMED + name)

    def tell_conversation(self, step: Step, conversation_id: bytes) -> None:
        """Tell the screen about a conversation once, when the step is on disk."""
        if any(
            isinstance(e, ConversationChanged) and e.conversation.conversation_id == conversation_id
            for e in step.events
        ):
            return

        def tell() -> None:
            record = self._conversations.get(conversation_id)
            if record is not None and record.own:
                return
            told = {e.conversation.conversation_id for e in step.events if isinstance(e, ConversationChanged)}
            if record is not None and conversation_id not in told:
                step.tell(ConversationChanged(self.conversation_view(record)))

        step.after(tell)

    # Ticks.

    def mark(self, step: Step, record: Conversation, person_id: bytes, *, delivered: int = 0, read: int = 0) -> None:
        """A person has come further; own messages whose tick changes by it are told."""
        before = {mark.person_id: mark for mark in record.marks}
        mark = before.get(person_id)
        if mark is None:
            return
        reached = Mark(person_id, max(mark.delivered, delivered, read), max(mark.read, read))
        if reached == mark:
            return
        after = replace(record, marks=tuple(reached if one is mark else one for one in record.marks))
        self._conversations.save(step, after)
        passed = ((_delivered(record), _delivered(after)), (_read(record), _read(after)))
        changed: dict[bytes, Message] = {}
        for low, high in passed:
            if low < high:
                changed |= {one.message_id: one for one in self._own_between(record.conversation_id, low, high)}
        for message in changed.values():
            step.after(partial(self._tell_changed, step, message))
        if changed:
            self.tell_conversation(step, record.conversation_id)

    def _own_between(self, conversation_id: bytes, low: int, high: int) -> list[Message]:
        """One's own messages of the rows above ``low`` up to ``high``."""
        above, below = place_of(low + 1) - 1, place_of(high + 1)
        rows = self._store.rows("messages", conversation_id, above=above, below=below)
        found = (records.decode(Message, row.body) for row in rows)
        return [one for one in found if one.mine]

    def _tick(self, message: Message) -> Tick | None:
        if not message.mine or message.kind not in SPOKEN:
            return None
        if message.failed:
            return Tick.FAILED
        if not message.number:
            return Tick.QUEUED
        record = self._conversations.get(message.conversation_id)
        if record is None or not record.marks:
            return Tick.ACCEPTED
        if message.number <= _read(record):
            return Tick.READ
        return Tick.DELIVERED if message.number <= _delivered(record) else Tick.ACCEPTED

    def readers(self, message: Message) -> list[ReaderView]:
        """How far a message of one's own has come with each person, those who read it first."""
        record = self._conversations.get(message.conversation_id)
        if record is None or not message.number:
            return []
        found = []
        for mark in record.marks:
            reached = Tick.DELIVERED if mark.delivered >= message.number else Tick.ACCEPTED
            tick = Tick.READ if mark.read >= message.number else reached
            found.append(ReaderView(self._people.view(mark.person_id), tick))
        order = (Tick.READ, Tick.DELIVERED, Tick.ACCEPTED)
        return sorted(found, key=lambda one: (order.index(one.tick), one.person.display_name))

    # Views.

    def view(self, message: Message) -> MessageView:
        message = self.overlay(message)
        return MessageView(
            message.message_id,
            message.conversation_id,
            message.kind,
            message.mine,
            self._people.view(message.author) if message.author else None,
            message.at_ms,
            message.text,
            self._photo_view(message.photo),
            self._tick(message),
            message.problem,
            message.notice,
            message.names,
            quote=self._quote(message),
            level=message.level,
            reason=message.reason,
            mentions=tuple(self._people.view(one) for one in message.mentions),
            names_me=self._people.me in message.mentions,
            origin=message.origin,
            request=message.request,
            answer=message.answer,
            taking=message.taking,
            versions=message.versions,
            deleted_ms=message.deleted_ms,
            reactions=self._reactions(message),
            charge=self._charge(message),
            answers=tuple(
                AnswerView(self._people.view(one.person_id), one.at_ms, one.answer) for one in message.answers
            ),
            pinned=message.pinned,
            open=message.open,
            blocked=message.kind in SPOKEN and not message.mine and self._is_blocked(message.author),
            handed_by=self._people.view(message.handed_by) if message.handed_by else None,
            document=self._document_view(message.document),
            consent=message.consented,
        )

    def _is_blocked(self, person_id: bytes) -> bool:
        return bool(self.shared(f"block/{person_id.hex()}"))

    def _photo_view(self, photo: PhotoPart | None) -> PhotoView | None:
        if photo is None:
            return None
        return PhotoView(
            photo.thumbnail,
            photo.width,
            photo.height,
            photo.picture_bytes,
            photo.original_bytes,
            self._store.find("blobs", photo.blob) is not None,
            self.transfers.get(photo.blob, 0.0),
        )

    def _document_view(self, document: DocumentPart | None) -> DocumentView | None:
        if document is None:
            return None
        here = self._store.find("blobs", document.blob) is not None
        share = self.transfers.get(document.blob, 0.0)
        return DocumentView(document.name, document.media_type, document.file_bytes, here, share)

    def _quote(self, message: Message) -> QuoteView | None:
        if not message.reply_to:
            return None
        quoted = self.find(message.conversation_id, message.reply_to)
        if quoted is None:
            return QuoteView(message.reply_to, None, "", "")
        quoted = self.overlay(quoted)
        kind = "deleted" if quoted.deleted_ms else quoted.kind
        author = self._people.view(quoted.author)
        text = quoted.text or ("" if quoted.document is None else quoted.document.name)
        return QuoteView(quoted.message_id, author, kind, text, quoted.request, self._thumbnail(quoted))

    def _thumbnail(self, message: Message) -> bytes:
        return b"" if message.photo is None else message.photo.thumbnail

    def _reactions(self, message: Message) -> tuple[ReactionView, ...]:
        found: dict[str, list[bytes]] = {}
        for one in message.reactions:
            found.setdefault(one.emoji, []).append(one.person_id)
        me = self._people.me
        return tuple(
            ReactionView(emoji, tuple(self._people.view(one) for one in persons), me in persons)
            for emoji, persons in found.items()
        )

    def _charge(self, message: Message) -> ChargeView | None:
        if not message.in_charge:
            return None
        last = message.charges[-1]
        return ChargeView(self._people.view(last.person_id), last.person_id == self._people.me, last.at_ms)

    def page(self, conversation_id: bytes, before: bytes | None, limit: int) -> list[MessageView]:
        """Lines of a chat, oldest first, ending before a message."""
        below = None
        if before is not None:
            found = self._store.find("messages", conversation_id + before)
            below = None if found is None else found.place
        rows = self._store.last_rows("messages", conversation_id, below=below, limit=limit)
        return [self.view(records.decode(Message, row.body)) for row in rows]

    def conversation_view(self, record: Conversation) -> ConversationView:
        last = self.page(record.conversation_id, None, 1)
        title = self._people.name(record.peer) if record.direct else record.title
        key = record.conversation_id.hex()
        waiting = self.open_ones(record.conversation_id)
        urgent = [one for one in waiting if one.level is Level.URGENT and not one.in_charge]
        muted = int.from_bytes(self.shared(f"mute/{record.conversation_id.hex()}")[:8], "big")
        return ConversationView(
            record.conversation_id,
            record.direct,
            title,
            record.patient,
            last[0] if last else None,
            record.unread,
            record.active and not record.leaving,
            self._members(record),
            record.birth_date,
            record.identifier,
            record.retention_days,
            len(waiting),
            self.shared(f"draft/{key}").decode(errors="replace"),
            bool(self.shared(f"pin/{key}")),
            self._archived(record, muted),
            muted,
            bool(urgent),
            record.direct and self._is_blocked(record.peer),
            sum(one.mine for one in waiting),
            bool(urgent) and all(one.mine for one in urgent),
            self._named(record),
            record.direct and not last and record.position <= BEGINNING_ROWS,
        )

    def _named(self, record: Conversation) -> int:
        """How many messages that are not read name this person."""
        if not record.unread:
            return 0
        shelf = NAMED + record.conversation_id
        return len(self._store.rows("marked", shelf, above=place_of(record.read, LINE_MAX)))

    def _archived(self, record: Conversation, muted_until_ms: int) -> bool:
        """Out of sight until something new is said; for good where it is muted."""
        value = int.from_bytes(self.shared(f"archive/{record.conversation_id.hex()}")[:8], "big")
        return bool(value) and (muted_until_ms > 0 or self.last_number(record.conversation_id) <= value)

    def last_number(self, conversation_id: bytes) -> int:
        """The row of the newest line: the same on all of a person's devices, as no clock is."""
        last = self._store.last_rows("messages", conversation_id, below=QUEUED_PLACE, limit=1)
        return number_at(last[0].place) if last else 0

    def _members(self, record: Conversation) -> tuple[MemberView, ...]:
        return tuple(
            MemberView(self._people.view(one.person_id), one.admin, one.person_id == self._people.me, one.devices)
            for one in record.members
        )


def _delivered(record: Conversation) -> int:
    return min((mark.delivered for mark in record.marks), default=0)


def _read(record: Conversation) -> int:
    return min((mark.read for mark in record.marks), default=0)


def _derived_id(conversation_id: bytes, number: int, line: int, what: str) -> bytes:
    """The same row makes the same line, however often it is taken."""
    text = conversation_id + number.to_bytes(8, "big") + line.to_bytes(2, "big") + what.encode()
    return hashlib.sha256(text).digest()[:16]
