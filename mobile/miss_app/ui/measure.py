"""How wide and high a text will be, known before it is drawn: line breaks come from here and are drawn as they are."""

import re
from dataclasses import dataclass

from kivy.core.text import Label as CoreLabel

from miss_app.ui.glyphs import EMOJI, EMOJI_RUN, visible
from miss_app.ui.tokens import LEADING

_TOKEN = re.compile("[ \t]+|[^ \t]+")  # no-break spaces stay inside their word, which French ? ! : need
# A space before these is kept with them: a French question mark must not begin a line.
# And a number is never parted from its unit: "1 / g" is misread.
_UNITS = "mg|g|kg|µg|mcg|ng|ml|mL|cl|dl|l|L|UI|U|mmol|mol|mEq|kcal|cm|mm|cp|gtt|h|min|j|bpm|mmHg"
_HELD = re.compile(rf" (?=[?!:;»%€°](?:\s|$))|(?<=«) |(?<=\d) (?=(?:{_UNITS})(?:$|[^\w]))")
_WORDS_KEPT = 60_000

_labels: dict[tuple[str, float, bool], CoreLabel] = {}
_words: dict[tuple[str, float, bool], tuple[float, int]] = {}


@dataclass(frozen=True)
class Paragraph:
    """A text broken into lines: what to draw, and its size in pixels. ``last`` is the width of its last line."""

    text: str
    width: float
    height: int
    last: float
    lines: int


def word_size(word: str, size: float, bold: bool = False) -> tuple[float, int]:
    """The width and line height in pixels of one word at ``size`` pixels, emoji measured in their own font."""
    key = (word, size, bold)
    found = _words.get(key)
    if found is None:
        width, height = 0.0, 0
        for place, part in enumerate(EMOJI_RUN.split(word)):
            if part:
                part_width, part_height = measuring_label(EMOJI if place % 2 else "", size, bold).get_extents(part)
                width, height = width + part_width, max(height, part_height)
        if len(_words) > _WORDS_KEPT:
            _words.clear()
        found = _words[key] = (width, int(height * LEADING))
    return found


def wrap(text: str, size: float, width: float, bold: bool = False) -> Paragraph:
    """Break ``text`` so that no line is wider than ``width`` pixels; a word longer than a line is cut."""
    floor = word_size("Ég", size, bold)[1]
    lines: list[str] = []
    widest, last, height = 0.0, 0.0, 0
    for paragraph in _HELD.sub("\u00a0", visible(text)).split("\n"):
        for line, line_width, line_height in _break(paragraph, size, width, bold):
            lines.append(line)
            widest, last = max(widest, line_width), line_width
            height += max(line_height, floor)
    return Paragraph("\n".join(lines), widest, height, last, len(lines))


def elide(text: str, size: float, width: float, bold: bool = False) -> str:
    """One line of ``text``, cut and ended by "…" when it is wider than ``width`` pixels."""
    line = " ".join(visible(text).split("\n"))
    if line_width(line, size, bold) <= width:
        return line
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        if line_width(line[:middle].rstrip() + "…", size, bold) <= width:
            low = middle
        else:
            high = middle - 1
    return line[:low].rstrip() + "…"


def line_width(line: str, size: float, bold: bool = False) -> float:
    """How wide a text on one line is, in pixels."""
    return sum(word_size(token, size, bold)[0] for token in _TOKEN.findall(line))


def forget_words() -> None:
    """Drop every measured word: what was read must not outlive the lock."""
    _words.clear()


def measuring_label(font: str, size: float, bold: bool) -> CoreLabel:
    key = (font, size, bold)
    label = _labels.get(key)
    if label is None:
        label = CoreLabel(font_size=size, bold=bold, **({"font_name": font} if font else {}))
        label.resolve_font_name()
        _labels[key] = label
    return label


def _break(paragraph: str, size: float, room: float, bold: bool) -> list[tuple[str, float, int]]:
    """One paragraph's lines as (text, width, height); at least one, perhaps empty."""
    lines: list[tuple[str, float, int]] = []
    line, width, height = "", 0.0, 0
    for token in _TOKEN.findall(paragraph):
        token_width, token_height = word_size(token, size, bold)
        if token.isspace():
            if width + token_width <= room:
                line, width = line + token, width + token_width
            continue
        if line.strip() and width + token_width > room:
            lines.append(_closed(line, width, height, size, bold))
            line, width, height = "", 0.0, 0
        while width + token_width > room and len(token) > 1:
            fits = _fitting(token, size, room - width, bold)
            lines.append(
                (line + token[:fits], width + word_size(token[:fits], size, bold)[0], max(height, token_height))
            )
            token, line, width, height = token[fits:], "", 0.0, 0
            token_width, token_height = word_size(token, size, bold)
        line, width, height = line + token, width + token_width, max(height, token_height)
    lines.append(_closed(line, width, height, size, bold))
    return lines


def _closed(line: str, width: float, height: int, size: float, bold: bool) -> tuple[str, float, int]:
    kept = line.rstrip(" \t")
    return kept, width - word_size(line[len(kept) :], size, bold)[0] if kept != line else width, height


def _fitting(token: str, size: float, room: float, bold: bool) -> int:
    """How many characters of a long word fit, at least one."""
    low, high = 1, len(token) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if word_size(token[:middle], size, bold)[0] <= room:
            low = middle
        else:
            high = middle - 1
    return low
