"""A message bubble: a pure measuring step, then a widget whose canvas pieces are made once and only moved."""

from dataclasses import dataclass, replace

from kivy.metrics import dp, sp

from miss_app.engine.events import MessageView, PhotoView, Tick
from miss_app.ui import dates
from miss_app.ui.bubble_acts import head_of, tail_of
from miss_app.ui.bubble_parts import GAP_DP, Part, buttons
from miss_app.ui.measure import Paragraph, word_size, wrap
from miss_app.ui.rich_text import Span, spans_in
from miss_app.ui.texts import words
from miss_app.ui.tokens import BODY_SP, BUBBLE_DP, PHOTO_DP, SMALL_SP, TINY_SP

PAD_X_DP = 12
PAD_Y_DP = 7
AVATAR_DP = 32
EDGE_DP = 14
REACTIONS_DP = 26
REACTIONS_SHOWN = 6
FOLD_LINES = 18  # a longer text shows its beginning, and the rest at a tap
TICKS = {
    Tick.QUEUED: "clock-outline",
    Tick.ACCEPTED: "check",
    Tick.DELIVERED: "check-all",
    Tick.READ: "check-all",
    Tick.FAILED: "alert-circle-outline",
}


@dataclass(frozen=True)
class BubbleShape:
    """Where everything in a bubble goes, in pixels; heights are measured from the bubble's own top."""

    width: float
    height: float
    gap: float  # above the bubble
    text: Paragraph | None
    name: Paragraph | None
    photo: tuple[float, float] | None
    time: str
    time_width: float
    over: bool  # time and ticks stand on the photo
    retry: Paragraph | None
    head: tuple[Part, ...] = ()  # above the photo and the text
    tail: tuple[Part, ...] = ()  # below them
    reactions: str = ""  # hangs from the bubble's lower edge
    folded: bool = False
    spans: tuple[Span, ...] = ()  # links and mentions in the text


def photo_pill(photo: PhotoView) -> str:
    """What the pill on a photo says: reduced or full definition, and its size."""
    key = "photo.reduced" if photo.original_bytes > photo.size_bytes else "photo.full"
    if not photo.original_bytes:
        key = "photo.size"
    return str(words.say(key, size=dates.size(photo.size_bytes)))


def shape_of(
    message: MessageView,
    text: str,
    width: float,
    *,
    group: bool,
    first: bool,
    named: bool,
    me: bytes = b"",
    unfolded: bool = False,
    late: bool = False,
) -> BubbleShape:
    """The shape of one message in a list ``width`` pixels wide."""
    hidden = message.blocked and not unfolded
    if hidden:
        message, text = stripped(message), str(words.say("block.folded"))
    aside = dp(EDGE_DP + AVATAR_DP + 8) if group and not message.mine else dp(EDGE_DP)
    widest = min((width - aside - dp(EDGE_DP)) * (0.92 if group and not message.mine else 0.84), dp(BUBBLE_DP))
    photo = None if message.photo is None else _photo_size(message.photo, widest)
    inner = (widest if photo is None else photo[0]) - 2 * dp(PAD_X_DP)
    time = time_line(message)
    time_width = word_size(time, sp(TINY_SP))[0] + (sp(20) if message.mine else 0)
    content, height = time_width if photo is None else inner, dp(PAD_Y_DP)
    name = None
    if named and message.author is not None:
        name = wrap(author_line(message), sp(SMALL_SP), inner, bold=True)
        content, height = max(content, name.width), height + name.height + dp(2)
    head, tail = tuple(head_of(message, inner, me=me)), tuple(tail_of(message, inner, late=late))
    for part in head:
        content, height = max(content, part.width), height + part.height + dp(GAP_DP)
    if photo is not None:
        height += photo[1] - (0 if name or head else dp(PAD_Y_DP - 4)) + dp(4)
    paragraph, folded = _folded(text, inner, unfolded)
    folded = folded or hidden
    if folded:
        tail = (buttons([("unfold", str(words.say("chat.unfold")))], inner), *tail)
    if paragraph is not None:
        content, height = max(content, paragraph.width), height + paragraph.height
    for part in tail:
        content, height = max(content, part.width), height + part.height + dp(GAP_DP)
    over = photo is not None and paragraph is None and not tail
    beside = paragraph is not None and not tail and paragraph.last + time_width + dp(14) <= inner
    if beside and paragraph is not None:
        content = max(content, paragraph.last + time_width + dp(14))
    elif not over:
        height += sp(TINY_SP) * 1.25
    if not over:
        height += dp(PAD_Y_DP)
    retry = _retry(message, inner)
    if retry is not None:
        content, height = max(content, retry.width), height + retry.height + dp(8)
    return BubbleShape(
        width=min(content + 2 * dp(PAD_X_DP), widest),
        height=height,
        gap=dp(8) if first else dp(3),
        text=paragraph,
        name=name,
        photo=photo,
        time=time,
        time_width=time_width,
        over=over,
        retry=retry,
        head=head,
        tail=tail,
        reactions="" if message.deleted_ms else reactions_line(message),
        folded=folded,
        spans=() if paragraph is None else _spans(message, paragraph.text, text, me),
    )


def stripped(message: MessageView) -> MessageView:
    """What is left of a message of somebody who is blocked, until it is unfolded: who and when."""
    bare = MessageView(message.message_id, message.conversation_id, "text", False, message.author, message.at_ms)
    return replace(bare, blocked=True)


def time_line(message: MessageView) -> str:
    """The hour, and what else is to be known about the message: pinned, edited."""
    marks = []
    if message.pinned:
        marks.append(str(words.say("chat.pinned")))
    if message.versions and not message.deleted_ms:
        marks.append(str(words.say("chat.edited")))
    return " · ".join([*marks, dates.hour(message.at_ms)])


def reactions_line(message: MessageView) -> str:
    """ "👍 2  🙏": each emoji, counted where several chose it."""
    found = [(one.emoji, len(one.people)) for one in message.reactions]
    return "  ".join(f"{emoji} {count}" if count > 1 else emoji for emoji, count in found[:REACTIONS_SHOWN])


def _spans(message: MessageView, broken: str, text: str, me: bytes) -> tuple[Span, ...]:
    """Links and mentions, where there can be any."""
    if message.deleted_ms or not ("@" in text or "://" in text or "www." in text.casefold()):
        return ()
    people = [(one.display_name, one.person_id.hex(), one.person_id == me) for one in message.mentions]
    return spans_in(broken, text, people)


def _folded(text: str, inner: float, unfolded: bool) -> tuple[Paragraph | None, bool]:
    """The text as it is shown, and whether some of it is hidden."""
    if not text:
        return None, False
    paragraph = wrap(text, sp(BODY_SP), inner)
    if unfolded or paragraph.lines <= FOLD_LINES:
        return paragraph, False
    return wrap("\n".join(paragraph.text.split("\n")[: FOLD_LINES - 4]) + "…", sp(BODY_SP), inner), True


def _retry(message: MessageView, inner: float) -> Paragraph | None:
    if message.tick is not Tick.FAILED:
        return None
    reason = message.problem if words.knows(f"problem.{message.problem}") else "failed"
    return wrap(words.say("chat.failed", why=words.problem(reason)), sp(SMALL_SP), inner)


def author_line(message: MessageView) -> str:
    """ "Dr Camille Lefèvre · Dermatologue", and who handed it over where that was somebody else."""
    if message.author is None:
        return ""
    parts = [message.author.display_name, message.author.profession]
    if message.handed_by is not None and not message.mine:
        parts.append(words.say("chat.handed_by", name=message.handed_by.display_name))
    return " · ".join(part for part in parts if part)


def _photo_size(photo: PhotoView, widest: float) -> tuple[float, float]:
    """The box of a photo: as wide as allowed, its own proportions, neither a ribbon nor a tower."""
    width = min(widest, dp(PHOTO_DP))
    ratio = photo.height / photo.width if photo.width > 0 and photo.height > 0 else 0.75
    return width, width * min(1.25, max(0.5, ratio))
