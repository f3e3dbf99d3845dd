"""What a parcel holds, written into the store: lines in their places, none twice, and what is needed to show them."""

from dataclasses import replace

from miss_app.engine import documents, photos, records
from miss_app.engine.conversations import Conversations
from miss_app.engine.events import HistoryArrived, MessageChanged
from miss_app.engine.messages import Messages
from miss_app.engine.model import SPOKEN, Card, Conversation, Mark, Message, PhotoPart, place_of
from miss_app.engine.people import People
from miss_app.engine.problems import Problem
from miss_app.engine.state_sync import StateSync
from miss_app.engine.store import Step
from miss_app.engine.traces import Traces
from miss_protocol.errors import RemoteError
from miss_protocol.frames import ID_BYTES
from miss_protocol.identity import DeviceCertificate
from miss_protocol.parcel import Contents, Known, Line, Sheet


class Unpacking:
    """Writes into one open store."""

    def __init__(
        self, conversations: Conversations, messages: Messages, people: People, states: StateSync, traces: Traces
    ) -> None:
        self._traces = traces
        self._conversations = conversations
        self._messages = messages
        self._people = people
        self._states = states

    def unpack(self, step: Step, parcel: Contents, giver: bytes) -> list[bytes]:
        """Everything a parcel holds.

        Args:
            giver: the person who handed it over; empty where it was a device of one's own, which may say more.

        Returns:
            the ids of the lines whose photos and documents are to be fetched.
        """
        for known in parcel.people:
            self._introduce(step, known, giver)
        record = self._conversations.get(parcel.conversation)
        if not giver:
            self._take_own(step, parcel)
            record = self._take_sheet(step, parcel.conversation, record, parcel.sheet)
        if record is None or record.own:
            return []
        wanted: list[bytes] = []
        newest = 0
        for line in parcel.lines:
            message = self._read(record, line, giver)
            if message is None:
                continue
            self._write(step, message, line.place)
            if not giver:
                self._replace(step, message)
            newest = max(newest, message.at_ms if message.kind in SPOKEN else 0)
            if message.attached is not None and not line.photo_gone:
                wanted.append(line.message_id)
        record = self._conversations.get(parcel.conversation) or record
        if newest > record.at_ms:
            self._conversations.save(step, replace(record, at_ms=newest))
        if parcel.last and not giver:
            self._recount(step, parcel.conversation)
        self._messages.tell_conversation(step, parcel.conversation)
        step.tell(HistoryArrived(parcel.conversation))
        return wanted

    def _introduce(self, step: Step, known: Known, giver: bytes) -> None:
        # Another person's word of who somebody is holds only until a certificate says it.
        checked_at_ms = 0 if giver else known.checked_at_ms
        card = Card(known.person, known.display_name, known.profession, known.place, known.checked_how, checked_at_ms)
        if known.display_name and (not giver or not self._people.name(known.person)):
            self._people.adopt(step, card)

    def _take_own(self, step: Step, parcel: Contents) -> None:
        for pinned in parcel.pins:
            try:
                certificate = DeviceCertificate.parse(pinned.certificate)
            except RemoteError:
                continue
            self._people.adopt_pin(step, certificate, pinned.trusted)
        self._states.heard(step, parcel.entries)

    def _take_sheet(
        self, step: Step, conversation_id: bytes, record: Conversation | None, sheet: Sheet | None
    ) -> Conversation | None:
        """The conversation as the sibling knew it; one that had ended there is kept to be read here."""
        if sheet is None:
            return record
        if record is None:
            if sheet.active:
                return None
            record = Conversation(conversation_id, sheet.direct, sheet.peer, active=False, reason=sheet.reason)
        reached = {one.person: one for one in sheet.reached}
        marks = tuple(
            Mark(mark.person_id, max(mark.delivered, one.delivered), max(mark.read, one.read))
            if (one := reached.get(mark.person_id)) is not None
            else mark
            for mark in record.marks
        )
        record = replace(
            record,
            title=record.title or sheet.title,
            patient=record.patient or sheet.patient,
            peer=record.peer or sheet.peer,
            at_ms=max(record.at_ms, sheet.at_ms),
            read=max(record.read, sheet.read),
            read_said=max(record.read_said, sheet.read),
            marks=marks,
        )
        self._conversations.save(step, record)
        return record

    def _read(self, record: Conversation, line: Line, giver: bytes) -> Message | None:
        """A line as this device may keep it; None for what is not one, or not the giver's to give."""
        if record.active and line.number > record.position:
            return None  # of a row that has not come yet: it will come by itself
        try:
            message = records.decode(Message, line.record)
        except RemoteError:
            return None
        if message.message_id != line.message_id or (message.number or line.number) != line.number:
            return None
        if giver and (message.kind not in SPOKEN or len(message.author) != ID_BYTES):
            return None
        return replace(
            message,
            conversation_id=record.conversation_id,
            mine=message.author == self._people.me,
            failed=False,
            photo=None if message.photo is None else checked_part(message.photo),
            document=None if message.document is None else documents.checked_part(message.document),
            handed_by=giver or message.handed_by,
        )

    def _write(self, step: Step, message: Message, place: int) -> None:
        """A line in its place, unless it is here."""
        if self._messages.find(message.conversation_id, message.message_id) is None:
            self._messages.adopt(step, self._traces.adopt(step, message), place)

    def _replace(self, step: Step, message: Message) -> None:
        """The line that stood for a row this device could not open gives way to what a sibling read there."""
        conversation_id = message.conversation_id
        stood = self._messages.notice_id(conversation_id, message.number, 0, "unreadable")
        placeholder = self._messages.find(conversation_id, stood)
        if placeholder is not None and message.kind in SPOKEN:
            self._messages.remove(step, placeholder)

    def _recount(self, step: Step, conversation_id: bytes) -> None:
        record = self._conversations.get(conversation_id)
        if record is not None:
            unread = self._messages.unread_above(conversation_id, record.read)
            self._conversations.save(step, replace(record, unread=unread))

    def fill_gap(self, step: Step, conversation_id: bytes, last: int) -> None:
        """The rows that were missing are here: the line that said so says that now."""
        message_id = self._messages.notice_id(conversation_id, last, 0, "gap")
        message = self._messages.find(conversation_id, message_id)
        if message is not None:
            self._messages.adopt(step, replace(message, notice="gap-filled"), place_of(last, 1))
            self.tell_changed(step, replace(message, notice="gap-filled"))

    def tell_changed(self, step: Step, message: Message) -> None:
        """A line looks different now."""
        step.after(lambda: step.tell(MessageChanged(self._messages.view(message))))


def checked_part(part: PhotoPart) -> PhotoPart:
    """A photo's part without a thumbnail that is hostile or broken: the chat shows a grey square then."""
    try:
        photos.check_received(part.thumbnail, thumbnail=True)
    except Problem:
        return replace(part, thumbnail=b"")
    return part
