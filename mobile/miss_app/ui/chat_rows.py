"""A conversation's messages as rows to draw: days between them, runs of one author together, sentences for notices."""

from collections.abc import Sequence
from dataclasses import dataclass

from kivy.metrics import dp, sp

from miss_app.engine.events import MessageView, Tick
from miss_app.ui import dates, patient_words
from miss_app.ui.bubble import REACTIONS_DP, BubbleShape, shape_of
from miss_app.ui.bubble_acts import answer_text, corrected, dosage_line
from miss_app.ui.measure import wrap
from miss_app.ui.texts import words
from miss_app.ui.tokens import BUBBLE_DP, SMALL_SP
from miss_protocol.acts import Level, Taking

LATE_MS, LATE_URGENT_MS = 15 * 60_000, 2 * 60_000
RUN_MS = 5 * 60_000  # messages of one author closer than this are drawn as one run


@dataclass
class ChatRow:
    """One row of a chat. ``kind`` is "day", "notice", "warning", "new" or "message".

    ``first`` opens a run of one author; ``named`` shows who that is. ``shape`` is filled when the row is measured.
    """

    key: bytes
    kind: str
    text: str
    message: MessageView | None = None
    first: bool = True
    named: bool = False
    height: float = 0.0
    unfolded: bool = False
    at_ms: int = 0  # of a day: a time in it
    late: bool = False  # one's own, and nobody's device has it after so long
    shape: BubbleShape | None = None


def rows_of(
    messages: Sequence[MessageView], *, direct: bool, now_ms: int, first_unread: bytes | None = None
) -> list[ChatRow]:
    """The rows of ``messages``, oldest first; ``first_unread`` stands under a line "new messages"."""
    rows: list[ChatRow] = []
    before: MessageView | None = None
    for message in messages:
        rows += rows_after(before, message, direct=direct, now_ms=now_ms, fresh=message.message_id == first_unread)
        before = message
    return rows


def rows_after(
    before: MessageView | None, message: MessageView, *, direct: bool, now_ms: int, fresh: bool = False
) -> list[ChatRow]:
    """The rows one message adds below ``before``: perhaps a day, perhaps "new messages", then itself."""
    rows: list[ChatRow] = []
    day = dates.local(message.at_ms).date()
    another_day = before is None or dates.local(before.at_ms).date() != day
    if another_day:
        rows.append(ChatRow(f"day {day}".encode(), "day", dates.day(message.at_ms, now_ms), at_ms=message.at_ms))
    if fresh:
        rows.append(ChatRow(b"new", "new", words.say("chat.new")))
    if message.kind in ("notice", "warning"):
        rows.append(ChatRow(message.message_id, message.kind, notice(message), message))
        return rows
    first = another_day or fresh or before is None or not _same_run(before, message)
    rows.append(
        ChatRow(
            message.message_id,
            "message",
            body(message),
            message,
            first=first,
            named=first and not direct and not message.mine,
            late=is_late(message, now_ms),
        )
    )
    return rows


def measure_row(row: ChatRow, width: float, *, group: bool, me: bytes = b"") -> None:
    """Fill ``row.height`` and, for a bubble, ``row.shape``, for a list ``width`` pixels wide."""
    if row.kind != "message" or row.message is None:
        room = min(width - dp(64), dp(BUBBLE_DP))
        paragraph = wrap(row.text, sp(SMALL_SP), max(dp(80), room))
        row.height = paragraph.height + dp(12) + dp(16 if row.kind in ("day", "new") else 8)
        row.shape = BubbleShape(
            paragraph.width + dp(24), paragraph.height + dp(12), dp(8), paragraph, None, None, "", 0, False, None
        )
        return
    row.shape = shape_of(
        row.message,
        row.text,
        width,
        group=group,
        first=row.first,
        named=row.named,
        me=me,
        unfolded=row.unfolded,
        late=row.late,
    )
    row.height = row.shape.height + row.shape.gap + (dp(REACTIONS_DP - 8) if row.shape.reactions else 0)


def body(message: MessageView) -> str:
    """What stands in the bubble: the text, or why it cannot be read."""
    if message.kind == "unreadable":
        return str(words.say("chat.unreadable", why=why(message.problem, "unreadable")))
    if message.deleted_ms:
        return str(words.say("chat.deleted"))
    if message.request is not None and message.request.dosage is not None:
        asked = message.request.dosage
        line = dosage_line(asked)
        if corrected(message) is not None:
            line = str(words.say("request.instead_of", what=f"{asked.drug} {line}"))
        return f"{line}\n{message.text}" if message.text else line
    if message.answer is not None:
        return answer_text(message.answer)
    if message.taking is not None:
        return taking_text(message)
    return message.text


def taking_text(message: MessageView) -> str:
    """ "Camille prend en charge."; what is taken in charge stands in the quote above it."""
    key = {Taking.TAKE: "take", Taking.RELEASE: "release", Taking.TAKE_OVER: "over"}[message.taking or Taking.TAKE]
    return str(words.say(f"charge.said_{key}"))


def why(reason: str, otherwise: str) -> str:
    """The sentence for ``reason`` where there is one; a technical reason is said as ``otherwise``."""
    return words.problem(reason if words.knows(f"problem.{reason}") else otherwise)


def notice(message: MessageView) -> str:
    """The sentence of a notice or a warning; one this version does not know shows its own text or its name."""
    key = f"notice.{message.notice}"
    if not words.knows(key):
        return message.text or str(words.say("notice", name=message.notice))
    names = patient_words.told(message.notice, message.names or ("",))
    whom = names[1] if len(names) > 1 else ""
    return str(words.say(key, who=names[0], whom=whom, names=", ".join(names[1:]), last=names[-1]))


def preview(message: MessageView | None, *, direct: bool) -> str:
    """One line for the conversation list: "Vous : …", "Camille : …", "Photo"."""
    if message is None:
        return str(words.say("list.empty_conversation"))
    if message.kind in ("notice", "warning"):
        return notice(message)
    text = body(message)
    if message.blocked:
        return str(words.say("block.folded"))
    if message.request is not None and message.request.dosage is not None:
        text = str(words.say("list.request", text=f"{message.request.dosage.drug} {text}"))
    if message.kind == "photo" and not message.deleted_ms:
        text = str(words.say("list.photo_with", text=text)) if text else str(words.say("list.photo"))
    if message.document is not None:
        text = str(words.say("list.document", name=text or message.document.name))
    text = " ".join(text.split())
    if message.mine:
        return str(words.say("list.mine", text=text))
    if direct or message.author is None:
        return text
    return str(words.say("list.theirs", name=message.author.display_name, text=text))


def is_late(message: MessageView, now_ms: int) -> bool:
    """Whether a message of one's own should have reached everybody by now."""
    limit_ms = LATE_URGENT_MS if message.level is Level.URGENT else LATE_MS
    waits = message.mine and message.tick is Tick.ACCEPTED and not message.deleted_ms
    return waits and now_ms - message.at_ms >= limit_ms


def failed(message: MessageView) -> bool:
    """Whether the person may ask for this message to be sent again."""
    return message.mine and message.tick is Tick.FAILED


def _same_run(before: MessageView, message: MessageView) -> bool:
    if before.kind in ("notice", "warning") or before.mine != message.mine:
        return False
    same = before.mine or (
        before.author is not None and message.author is not None and before.author.person_id == message.author.person_id
    )
    handed = before.handed_by == message.handed_by
    return same and handed and message.at_ms - before.at_ms < RUN_MS
