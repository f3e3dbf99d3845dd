"""Text as it is drawn: what a person wrote made harmless, emoji in their own font, and a bounded store of textures."""

import re
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from kivy.core.text import Label as CoreLabel
from kivy.core.text import LabelBase
from kivy.core.text.markup import MarkupLabel
from kivy.graphics.texture import Texture
from kivy.utils import escape_markup

from miss_app.ui.icons import GLYPHS
from miss_app.ui.texts import DRAWN
from miss_app.ui.tokens import LEADING

ASSETS = Path(__file__).parents[1] / "assets"
ICONS = "MissIcons"
EMOJI = "MissEmoji"
EMOJI_DARK = "MissEmojiDark"
LabelBase.register(ICONS, str(ASSETS / "icons.ttf"))
LabelBase.register(EMOJI, str(ASSETS / "emoji.ttf"))
LabelBase.register(EMOJI_DARK, str(ASSETS / "emoji-dark.ttf"))

# One run of emoji: flags, or a pictogram with its variation selector, skin tone and joined followers. Letters, digits
# and arrows that Roboto has are left to it.
_ONE = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}"
    "|[\u231a-\u23ff\u25fb-\u27bf\u2b05-\u2b55\u3030\U0001f000-\U0001faff](?:\ufe0f|[\U0001f3fb-\U0001f3ff])?"
    "(?:\u200d[\u2640\u2642\u2695\u2696\u2708\u2764\U0001f300-\U0001faff](?:\ufe0f|[\U0001f3fb-\U0001f3ff])?)*"
    "|[0-9#*]\ufe0f\u20e3|[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa]\ufe0f)"
)
EMOJI_ONE = re.compile(_ONE)
EMOJI_RUN = re.compile(f"({_ONE}+)")

_ROOM = 700  # textures kept; a full screen of chat uses about sixty


# Control characters draw as boxes; the invisible ones that turn the reading direction can make a name read as another.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def icon(name: str) -> str:
    """The glyph of an icon, "" for ""."""
    return GLYPHS[name] if name else ""


def emoji_font(dark: bool) -> str:
    """The emoji font that can be seen on a bubble of this theme."""
    return EMOJI_DARK if dark else EMOJI


def marked(text: str, dark: bool = False) -> str:
    """What a person wrote as Kivy markup: their brackets made harmless, emoji runs set in the emoji font."""
    return EMOJI_RUN.sub(rf"[font={emoji_font(dark)}]\1[/font]", escape_markup(visible(text)))


def visible(text: str) -> str:
    """``text`` without its control characters and direction overrides; line ends and tabs stay.

    A narrow no-break space, which French keyboards type, becomes one that the font can draw.
    """
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).translate(DRAWN)


_textures: OrderedDict[tuple[object, ...], Texture] = OrderedDict()


def texture(
    text: str, size: float, colour: Sequence[float], *, bold: bool = False, font: str = "", dark: bool = False
) -> Texture:
    """A texture of ``text`` at ``size`` pixels, to be drawn under white: tinting it would tint its emoji too.

    ``font`` draws everything in that font.
    """
    key = (text, size, tuple(colour), bold, font, dark)
    found = _textures.get(key)
    if found is not None:
        _textures.move_to_end(key)
        return found
    options: dict[str, object] = {"font_size": size, "bold": bold, "line_height": LEADING, "color": colour}
    if font:
        label = CoreLabel(text=text, font_name=font, **options)
    else:
        label = MarkupLabel(text=marked(text, dark), markup=True, **options)
    label.refresh()
    found = _textures[key] = label.texture
    while len(_textures) > _ROOM:
        _textures.popitem(last=False)
    return found


def forget_textures() -> None:
    """Drop every drawn text: what was read must not outlive the lock."""
    _textures.clear()
