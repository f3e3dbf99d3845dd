"""A message bubble: a pure measuring step, then a widget whose canvas pieces are made once and only moved."""

from dataclasses import dataclass

from kivy.metrics import dp, sp

from miss_app.engine.events import MessageView, PhotoView, Tick
from miss_app.ui import dates
from miss_app.ui.measure import Paragraph, word_size, wrap
from miss_app.ui.texts import words
from miss_app.ui.tokens import BODY_SP, BUBBLE_DP, PHOTO_DP, SMALL_SP, TINY_SP

PAD_X_DP = 12
PAD_Y_DP = 7
AVATAR_DP = 32
EDGE_DP = 14
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


def photo_pill(photo: PhotoView) -> str:
    """What the pill on a photo says: reduced or full definition, and its size."""
    key = "photo.reduced" if photo.original_bytes > photo.size_bytes else "photo.full"
    if not photo.original_bytes:
        key = "photo.size"
    return str(words.say(key, size=dates.size(photo.size_bytes)))


def shape_of(message: MessageView, text: str, width: float, *, group: bool, first: bool, named: bool) -> BubbleShape:
    """The shape of one message in a list ``width`` pixels wide."""
    aside = dp(EDGE_DP + AVATAR_DP + 8) if group and not message.mine else dp(EDGE_DP)
    widest = min((width - aside - dp(EDGE_DP)) * (0.92 if group and not message.mine else 0.84), dp(BUBBLE_DP))
    inner = widest - 2 * dp(PAD_X_DP)
    time = dates.hour(message.at_ms)
    time_width = word_size(time, sp(TINY_SP))[0] + (sp(20) if message.mine else 0)
    content, height = 0.0, dp(PAD_Y_DP)
    name = None
    if named and message.author is not None:
        name = wrap(author_line(message), sp(SMALL_SP), inner, bold=True)
        content, height = name.width, height + name.height + dp(2)
    photo = None
    if message.photo is not None:
        photo = _photo_size(message.photo, widest)
        inner = photo[0] - 2 * dp(PAD_X_DP)
        content = max(content, inner)
        height += photo[1] - (0 if name else dp(PAD_Y_DP - 4)) + dp(4)
    paragraph, over = None, False
    if text:
        paragraph = wrap(text, sp(BODY_SP), inner)
        content, height = max(content, paragraph.width), height + paragraph.height
        if paragraph.last + time_width + dp(14) <= inner:
            content = max(content, paragraph.last + time_width + dp(14))
        else:
            height += sp(TINY_SP) * 1.25
        height += dp(PAD_Y_DP)
    elif photo is not None:
        over = True
    content = max(content, time_width)
    retry = None
    if message.tick is Tick.FAILED:
        retry = wrap(
            words.say(
                "chat.failed",
                why=words.problem(message.problem if words.knows(f"problem.{message.problem}") else "failed"),
            ),
            sp(SMALL_SP),
            inner,
        )
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
    )


def author_line(message: MessageView) -> str:
    """ "Dr Camille Lefèvre · Dermatologue"."""
    if message.author is None:
        return ""
    return " · ".join(part for part in (message.author.display_name, message.author.profession) if part)


def _photo_size(photo: PhotoView, widest: float) -> tuple[float, float]:
    """The box of a photo: as wide as allowed, its own proportions, neither a ribbon nor a tower."""
    width = min(widest, dp(PHOTO_DP))
    ratio = photo.height / photo.width if photo.width > 0 and photo.height > 0 else 0.75
    return width, width * min(1.25, max(0.5, ratio))
