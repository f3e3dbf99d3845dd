"""Lines of the store as they go into a parcel, and how many of them a handover will take."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from miss_app.engine import records
from miss_app.engine.conversations import Conversations
from miss_app.engine.model import QUEUED_PLACE, SPOKEN, Message
from miss_app.engine.people import People
from miss_app.engine.store import Row, Store
from miss_protocol.parcel import Known, Line, Pinned, Reached, Sheet

LINES_MAX = 400
LINE_BYTES_MAX = 384 * 1024  # of the records read for one parcel


@dataclass(frozen=True)
class Span:
    """Which lines of a conversation: places between two others, nothing older, and whether grey lines come along."""

    conversation: bytes
    above: int
    below: int
    since_ms: int
    notices: bool


@dataclass(frozen=True)
class Batch:
    """Some lines, newest first; ``below`` is where the next batch goes on, ``end`` that there is none."""

    messages: tuple[tuple[int, Message], ...]
    below: int
    end: bool


class Packing:
    """Reads the store for parcels; changes nothing."""

    def __init__(self, store: Store, conversations: Conversations, people: People) -> None:
        self._store = store
        self._conversations = conversations
        self._people = people

    def batch(self, span: Span, below: int) -> Batch:
        """The next lines below a place."""
        rows = self._store.last_rows("messages", span.conversation, below=below, limit=LINES_MAX)
        taken: list[tuple[int, Message]] = []
        size = 0
        for row in reversed(rows):
            message = records.decode(Message, row.body)
            if row.place <= span.above or self._is_before(message, span):
                return Batch(tuple(taken), row.place, True)
            if size > LINE_BYTES_MAX:
                return Batch(tuple(taken), below, False)
            below, size = row.place, size + len(row.body)
            if self._goes(row, message, span):
                taken.append((row.place, message))
        return Batch(tuple(taken), below, len(rows) < LINES_MAX)

    @staticmethod
    def _is_before(message: Message, span: Span) -> bool:
        return message.at_ms < span.since_ms and message.kind in SPOKEN

    @staticmethod
    def _goes(row: Row, message: Message, span: Span) -> bool:
        if row.place >= QUEUED_PLACE or message.failed or message.at_ms < span.since_ms:
            return False
        return message.kind in SPOKEN or (span.notices and message.kind != "unreadable")

    async def count(self, span: Span) -> tuple[int, int]:
        """How many lines, and photos and documents among them, a span holds."""
        lines = photos = 0
        below = span.below
        while True:
            batch = self.batch(span, below)
            lines += len(batch.messages)
            photos += sum(message.attached is not None for _, message in batch.messages)
            if batch.end:
                return lines, photos
            below = batch.below
            await asyncio.sleep(0)  # a long history must not hold up everything else

    @staticmethod
    def line(place: int, message: Message, gone: frozenset[bytes]) -> Line:
        """One line; ``gone`` are the blobs that are neither here nor on the server."""
        photo_gone = message.attached is not None and message.attached.blob in gone
        return Line(message.message_id, place, message.author, photo_gone, records.encode(message))

    def known(self, messages: Iterable[Message]) -> tuple[Known, ...]:
        """Who is named in these lines."""
        persons = {person for one in messages for person in _persons(one) if person}
        return tuple(self._known(one) for one in sorted(persons))

    def everybody(self) -> tuple[Known, ...]:
        return tuple(self._known(one) for one in self._people.known())

    def _known(self, person_id: bytes) -> Known:
        view = self._people.view(person_id)
        return Known(
            person_id, view.display_name, view.profession, view.place, view.checked_how, max(0, view.checked_at_ms)
        )

    def pins(self) -> tuple[Pinned, ...]:
        return tuple(Pinned(pin.certificate, pin.trusted) for pin in self._people.pins())

    def sheet(self, conversation_id: bytes) -> Sheet | None:
        """The conversation as it stands on this device."""
        record = self._conversations.get(conversation_id)
        if record is None:
            return None
        # What the siblings were not told yet they hear by its row, or never: where this device is ended before.
        read = record.read_said if record.active else record.read
        return Sheet(
            record.direct,
            record.peer,
            record.title,
            record.patient,
            record.active,
            record.reason,
            record.at_ms,
            read,
            tuple(Reached(mark.person_id, mark.delivered, mark.read) for mark in record.marks),
        )


def _persons(message: Message) -> tuple[bytes, ...]:
    """Everybody a line names."""
    reacted = (one.person_id for one in message.reactions)
    charged = (one.person_id for one in message.charges)
    answered = (one.person_id for one in message.answers)
    return (message.author, message.handed_by, *message.mentions, *reacted, *charged, *answered)
