"""What a machine can see to be wrong with a picture: each check returns a sentence a finding."""

from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

import kivy
from kivy.metrics import dp
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.label import Label
from kivy.uix.widget import Widget
from PIL import Image

from miss_app.ui import driver
from miss_app.ui.bubble_view import MissBubble
from miss_app.ui.glyphs import ASSETS, EMOJI_RUN
from miss_app.ui.sight import box_of
from miss_app.ui.tokens import TOUCH_DP
from ui import spoken
from ui.cmap import characters
from ui.drawn import Box, Drawn, clipped

CONTRAST_MIN, ICON_CONTRAST_MIN = 4.5, 3.0  # WCAG 2.2: 1.4.3 and 1.4.11
SHARE_MIN = 0.2  # a colour that fills less of a text's box is no ground
INK_SHARE_MAX = 0.35  # letters never fill more of their box
ICON_SHARE_MAX = 0.7  # a filled sign in a button does, and what is around the button may have its colour
# These lie over other things on purpose: the button back to the newest line, a sentence that goes by itself, the edge
# between two panes.
FLOATING = frozenset({"chat-end", "toast", "pane-handle"})
# The first is as wide as the bar between its icons; reactions, quotes and links in a text are a second way to what the
# bubble's menu does.
SMALL_ON_PURPOSE = frozenset({"chat-title"})
SMALL_PARTS = frozenset({"reactions", "quote", "span"})
_ROBOTO = Path(kivy.__file__).parent / "data/fonts"
PRIVATE = 0xF0000  # from here on: icons, in a text as well
_INVISIBLE = frozenset("\n\t\ufe0f\u200d")


def look_over(image: Image.Image, drawn: list[Drawn], language: str, content: set[str], *, finger: bool) -> list[str]:
    """Everything that is wrong with one picture of the window as it is now.

    Args:
        content: what people wrote, which is not translated.
        finger: whether it is touched, so that targets have to be large.
    """
    found = [*too_wide(drawn), *overlapping(drawn), *pale(image, drawn), *without_glyph(drawn)]
    found += [*overlapping_parts(), *untranslated(drawn, language, content)]
    return found + (list(small_targets()) if finger else [])


def too_wide(drawn: Iterable[Drawn]) -> Iterator[str]:
    """Texts wider or higher than the box they belong in."""
    for one in drawn:
        room = _room(one)
        if one.typed or room is None:
            continue
        over = max(room[0] - one.box[0], one.box[2] - room[2]), max(room[1] - one.box[1], one.box[3] - room[3])
        if over[0] > dp(1) or over[1] > dp(1):
            yield f"does not fit by {over[0]:.0f}, {over[1]:.0f}: {one.name}"


def _room(one: Drawn) -> Box | None:
    owner = one.owner
    left, bottom = owner.to_window(*owner.pos)
    aside = getattr(owner, "shift", 0)  # as far as a finger has pulled the row
    box = (left + min(aside, 0), bottom, left + owner.width + max(aside, 0), bottom + owner.height)
    if isinstance(owner, Label) and one.icon:
        return None  # a glyph's texture is larger than the glyph
    if isinstance(owner, MissBubble) and owner.row is not None and owner.row.shape is not None:
        inner = left + owner._left(owner.row.shape) - owner.x
        if one.box[0] >= inner:  # else it stands in the avatar beside
            return (inner, box[1] - dp(2), inner + owner.row.shape.width, box[3])
    return box


def overlapping(drawn: list[Drawn]) -> Iterator[str]:
    """Texts drawn over each other."""
    for one, other in combinations(drawn, 2):
        if one.owner is other.owner and "\n" in one.text + other.text:
            continue  # the hour stands beside a bubble's last line, which is shorter than its box
        across, along = _common(_tight(one), _tight(other))
        if across > dp(2) and along > dp(2):
            yield f"overlaps {other.name}: {one.name}"


def _tight(one: Drawn) -> Box:
    """The box without the space above and below its letters."""
    left, bottom, right, top = one.shown
    spare = min((top - bottom) * 0.2, dp(6))
    return (left, bottom + spare, right, top - spare)


def _common(one: Box, other: Box) -> tuple[float, float]:
    return min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])


def overlapping_parts() -> Iterator[str]:
    """Parts with a ``test_id`` that lie over each other without one being inside the other."""
    parts = []
    for name, widget in driver.in_sight():
        box = box_of(widget)
        assert box is not None
        middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
        if name not in FLOATING and driver.covering(widget, middle) is None:
            parts.append((name, widget, box))
    for (name, widget, box), (other_name, other, other_box) in combinations(parts, 2):
        across, along = _common(box, other_box)
        if across > dp(2) and along > dp(2) and not _inside(widget, other) and not _inside(other, widget):
            yield f"{name} and {other_name} overlap by {across:.0f}, {along:.0f}"


def _inside(widget: Widget, other: Widget) -> bool:
    parent = widget.parent
    while isinstance(parent, Widget):
        if parent is other:
            return True
        parent = parent.parent
    return False


def pale(image: Image.Image, drawn: Iterable[Drawn]) -> Iterator[str]:
    """Texts and icons too weak on what is really behind them."""
    for one in drawn:
        if _disabled(one.owner) or (not one.icon and not one.letters.strip()):
            continue
        least = min(
            (contrast(_over(one.colour, one.opacity, ground), ground) for ground in grounds(image, one)), default=21.0
        )
        if least < (ICON_CONTRAST_MIN if one.icon else CONTRAST_MIN) - 0.05:
            yield f"contrast {least:.1f}: {one.name}"


def _disabled(widget: Widget | None) -> bool:
    return isinstance(widget, Widget) and bool(widget.disabled)


def grounds(image: Image.Image, one: Drawn) -> list[tuple[int, int, int]]:
    """The colours behind a text, from the pixels of its box: the commonest, and others that fill much of it."""
    left, bottom, right, top = one.shown
    margin = (top - bottom) * 0.3 if one.icon else dp(1)
    area = (
        max(0, round(left - margin)),
        max(0, round(image.height - top - margin)),
        min(image.width, round(right + margin)),
        min(image.height, round(image.height - bottom + margin)),
    )
    if area[2] - area[0] < 2 or area[3] - area[1] < 2:
        return []
    pixels = image.crop(area).point(lambda value: value & 0xFC)
    counted = sorted(pixels.getcolors(pixels.width * pixels.height) or [], reverse=True)
    whole = pixels.width * pixels.height
    ink = tuple(round(value * 255) for value in one.colour[:3])
    most = ICON_SHARE_MAX if one.icon else INK_SHARE_MAX
    if counted[0][0] < whole * most and _distance(counted[0][1], ink) < 60:
        del counted[0]  # on a photo no colour of the ground is as common as the letters' own
    others = [one for count, one in counted[1:4] if count > whole * SHARE_MIN and _distance(one, ink) > 60]
    return [counted[0][1], *others] if counted else []


def _distance(one: Iterable[int], other: Iterable[int]) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=False))


def _over(colour: tuple[float, ...], opacity: float, ground: tuple[int, int, int]) -> tuple[float, ...]:
    alpha = (colour[3] if len(colour) > 3 else 1.0) * opacity
    return tuple(255 * value * alpha + under * (1 - alpha) for value, under in zip(colour[:3], ground, strict=True))


def contrast(one: Iterable[float], other: Iterable[float]) -> float:
    """WCAG's ratio of two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Iterable[float]) -> float:
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def without_glyph(drawn: Iterable[Drawn]) -> Iterator[str]:
    """Texts with a character that their font cannot draw."""
    for one in drawn:
        signs = characters(str(ASSETS / "icons.ttf"))
        missing = [sign for sign in one.text if ord(sign) >= PRIVATE and ord(sign) not in signs]
        if not one.icon:
            roboto = characters(str(_ROBOTO / ("Roboto-Bold.ttf" if one.bold else "Roboto-Regular.ttf")))
            plain = [sign for sign in one.letters if ord(sign) < PRIVATE and sign not in _INVISIBLE]
            missing += [sign for sign in plain if ord(sign) not in roboto]
            emoji = characters(str(ASSETS / "emoji.ttf"))
            runs = "".join(EMOJI_RUN.findall(one.text))
            missing += [sign for sign in runs if ord(sign) not in emoji and sign not in _INVISIBLE]
        if missing:
            yield f"no glyph for {' '.join(f'U+{ord(sign):04X}' for sign in missing)}: {one.name}"


def untranslated(drawn: Iterable[Drawn], language: str, content: set[str]) -> Iterator[str]:
    """Words that neither the catalogue of this language said nor a person wrote."""
    for one in drawn:
        if one.icon or one.typed or _initials(one.text):
            continue
        for piece in spoken.strangers(one.text, language, content):
            yield f"not from the {language} catalogue: {piece!r} in {one.name}"


def _initials(text: str) -> bool:
    return len(text) <= 2 and text.isupper()


def small_targets() -> Iterator[str]:
    """What a finger is asked to hit and is smaller than 48 dp."""
    least = dp(TOUCH_DP) - 1
    for name, widget in driver.in_sight():
        left, bottom = widget.to_window(*widget.pos)
        box = (left, bottom, left + widget.width, bottom + widget.height)
        whole = clipped(widget, box)
        if isinstance(widget, MissBubble):
            for part, _x, _y, width, height in widget._pen.hits:
                if part.partition("-")[0] not in SMALL_PARTS and min(width, height) < least:
                    yield f"{part} in {name} is {width / dp(1):.0f} x {height / dp(1):.0f} dp"
            continue
        small = isinstance(widget, ButtonBehavior) and min(widget.width, widget.height) < least
        if small and name not in SMALL_ON_PURPOSE and whole is not None:
            yield f"{name} is {widget.width / dp(1):.0f} x {widget.height / dp(1):.0f} dp"
