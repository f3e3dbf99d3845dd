"""Messages the server forgot before somebody came: a line for who wrote them, and one for who missed them."""

from miss_app.engine.conversations import Conversations
from miss_app.engine.messages import Messages
from miss_app.engine.people import People
from miss_app.engine.store import Step
from miss_protocol import notices
from miss_protocol.frames import Deliver

NOT_DELIVERED, EXPIRED = "not-delivered", "expired"
_LINE = 300  # beside the lines that the row itself writes; several people may have missed it


class Expiries:
    """The expiries in one open store; the lines stand in the step that takes the notice."""

    def __init__(self, people: People, conversations: Conversations, messages: Messages) -> None:
        self._people = people
        self._conversations = conversations
        self._messages = messages

    def take(self, step: Step, row: Deliver) -> None:
        """A notice of the device's own stream; others than of messages that expired are stepped over."""
        notice = notices.read_expiry(row.body)
        if isinstance(notice, notices.NotDelivered) and notice.numbers:
            words = (self._people.name(notice.person_id), str(len(notice.numbers)), str(row.at_ms))
            self._tell(step, notice.stream_id, max(notice.numbers), notice.person_id, row.at_ms, NOT_DELIVERED, *words)
        elif isinstance(notice, notices.MessagesExpired) and notice.count:
            names = ", ".join(self._people.name(one) for one in notice.senders)
            count = str(notice.count)
            self._tell(step, notice.stream_id, notice.last, bytes(1), row.at_ms, EXPIRED, count, names)

    def _tell(
        self, step: Step, stream_id: bytes, number: int, about: bytes, at_ms: int, notice: str, *words: str
    ) -> None:
        record = self._conversations.get(stream_id)
        if record is None:
            return
        if record.moved_to:
            stream_id = record.moved_to
        self._messages.notice(step, stream_id, number, _LINE + about[0], at_ms, notice, *words)
