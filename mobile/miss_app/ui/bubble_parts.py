"""What a bubble may hold besides its text: bands, quotes, notes, buttons and reactions, measured first, then drawn.

A part is frozen and knows its size; a ``Pen`` draws it with canvas pieces that are made once a bubble and only moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kivy.graphics import InstructionGroup
from kivy.metrics import dp, sp

from miss_app.ui.glyphs import ICONS, icon, texture
from miss_app.ui.measure import Paragraph, elide, word_size, wrap
from miss_app.ui.sprites import Box, Mark
from miss_app.ui.theme import look
from miss_app.ui.tokens import BODY_SP, SMALL_SP, TOUCH_DP

BOXES, MARKS = 12, 22
GAP_DP = 5
QUIET = ("release", "unfold")  # buttons that do not call for the finger
ICON_SP = 16
QUOTE_PAD_DP = 8
FILE_DP = 60
BUTTON_DP = 36  # drawn; the finger may hit TOUCH_DP


class Pen:
    """The canvas pieces of one bubble's parts, and what in them answers to a finger."""

    def __init__(self, canvas: InstructionGroup) -> None:
        self._boxes = [Box(canvas) for _ in range(BOXES)]
        self._marks = [Mark(canvas) for _ in range(MARKS)]
        self.hits: list[tuple[str, float, float, float, float]] = []  # name, left, bottom, width, height
        self._used = [0, 0]

    def clear(self) -> None:
        """Draw nothing."""
        for box in self._boxes:
            box.hide()
        for mark in self._marks:
            mark.hide()
        self.hits, self._used = [], [0, 0]

    def box(self, color: Sequence[float], x: float, y: float, width: float, height: float, *radii: float) -> None:
        """A filled box."""
        if self._used[0] < BOXES:
            self._boxes[self._used[0]].put(color, x, y, width, height, *radii)
            self._used[0] += 1

    def text(
        self,
        text: str,
        size: float,
        color: Sequence[float],
        x: float,
        top: float,
        *,
        bold: bool = False,
        font: str = "",
    ) -> float:
        """A text whose upper left corner is given; its height."""
        drawn = texture(text, size, color, bold=bold, font=font, dark=look.dark)
        if self._used[1] < MARKS:
            self._marks[self._used[1]].put(drawn, x, top - drawn.height)
            self._used[1] += 1
        return float(drawn.height)

    def centred(self, text: str, size: float, color: Sequence[float], x: float, y: float, *, font: str = "") -> None:
        """A text around a point."""
        drawn = texture(text, size, color, bold=not font, font=font, dark=look.dark)
        self.text(text, size, color, x - drawn.width / 2, y + drawn.height / 2, bold=not font, font=font)


class Part(Protocol):
    """Something in a bubble."""

    @property
    def width(self) -> float:
        """In pixels."""

    @property
    def height(self) -> float:
        """In pixels."""

    def draw(self, pen: Pen, x: float, top: float, room: float) -> None:
        """Draw it with its upper left corner there, in a column ``room`` pixels wide."""


@dataclass(frozen=True)
class Band:
    """A coloured line across the bubble: urgent, for today, a demand of confirmation."""

    text: Paragraph
    name: str
    tone: str

    @property
    def width(self) -> float:
        return self.text.width + sp(ICON_SP) + dp(24)

    @property
    def height(self) -> float:
        return self.text.height + dp(10)

    def draw(self, pen: Pen, x: float, top: float, room: float) -> None:
        soft = {"danger": look.danger_soft, "caution": look.caution_soft, "accent": look.quote}[self.tone]
        ink = {"danger": look.danger, "caution": look.caution, "accent": look.text}[self.tone]
        pen.box(soft, x, top - self.height, room, self.height, dp(9))
        pen.text(icon(self.name), sp(ICON_SP), ink, x + dp(8), top - dp(5), font=ICONS)
        pen.text(self.text.text, sp(SMALL_SP), ink, x + dp(14) + sp(ICON_SP), top - dp(5), bold=True)


def band(text: str, name: str, tone: str, room: float) -> Band:
    """A band no wider than ``room`` pixels."""
    return Band(wrap(text, sp(SMALL_SP), room - sp(ICON_SP) - dp(24), bold=True), name, tone)


@dataclass(frozen=True)
class Note:
    """A small line with an icon: where a message comes from, who is in charge, what was answered."""

    text: Paragraph
    name: str
    strong: bool = False

    @property
    def width(self) -> float:
        return self.text.width + sp(ICON_SP) + dp(6)

    @property
    def height(self) -> float:
        return float(self.text.height)

    def draw(self, pen: Pen, x: float, top: float, _room: float) -> None:
        ink = look.text if self.strong else look.meta
        pen.text(icon(self.name), sp(ICON_SP), look.accent if self.strong else look.meta, x, top, font=ICONS)
        pen.text(self.text.text, sp(SMALL_SP), ink, x + sp(ICON_SP) + dp(6), top, bold=self.strong)


def note(text: str, name: str, room: float, *, strong: bool = False) -> Note:
    """A note no wider than ``room`` pixels."""
    return Note(wrap(text, sp(SMALL_SP), room - sp(ICON_SP) - dp(6), bold=strong), name, strong)


@dataclass(frozen=True)
class Strong:
    """A word that must be read first: the drug of a dosage."""

    text: Paragraph

    @property
    def width(self) -> float:
        return self.text.width

    @property
    def height(self) -> float:
        return float(self.text.height)

    def draw(self, pen: Pen, x: float, top: float, _room: float) -> None:
        pen.text(self.text.text, sp(BODY_SP), look.text, x, top, bold=True)


@dataclass(frozen=True)
class Quote:
    """The message that is replied to, on one line under its author's name; a tap goes there."""

    name: str
    text: str
    color: str  # of the author, as ``look.person`` knows it; "" for one's own
    width: float
    line: float

    @property
    def height(self) -> float:
        return 2 * self.line + 2 * dp(QUOTE_PAD_DP)

    def draw(self, pen: Pen, x: float, top: float, room: float) -> None:
        ink = look.person(self.color)[1] if self.color else look.accent
        pen.box(look.quote, x, top - self.height, room, self.height, dp(8))
        pen.box(ink, x, top - self.height, dp(4), self.height, dp(2))
        left = x + dp(12)
        pen.text(self.name, sp(SMALL_SP), look.text, left, top - dp(QUOTE_PAD_DP), bold=True)
        pen.text(self.text, sp(SMALL_SP), look.text, left, top - dp(QUOTE_PAD_DP) - self.line)
        pen.hits.append(("quote", x, top - self.height, room, self.height))


def quote(name: str, text: str, color: str, room: float) -> Quote:
    """A quote no wider than ``room`` pixels."""
    inner = room - dp(22)
    name, text = elide(name, sp(SMALL_SP), inner, bold=True), elide(text, sp(SMALL_SP), inner)
    widest = max(_width(name, bold=True), _width(text))
    return Quote(name, text, color, min(room, widest + dp(24)), word_size("Ég", sp(SMALL_SP), True)[1])


@dataclass(frozen=True)
class FileCard:
    """A document: what it is called, what it is and how large, how far it has come; a tap opens it."""

    name: str
    facts: str
    icon: str
    share: float  # 0…1 of its way, 0 where it does not move
    width: float
    line: float

    @property
    def height(self) -> float:
        return max(dp(FILE_DP), 2 * self.line + dp(16))

    def draw(self, pen: Pen, x: float, top: float, room: float) -> None:
        bottom, side = top - self.height, dp(FILE_DP - 16)
        pen.box(look.quote, x, bottom, room, self.height, dp(10))
        pen.box(look.brand, x + dp(8), top - self.height / 2 - side / 2, side, side, dp(8))
        pen.centred(icon(self.icon), sp(24), look.brand_ink, x + dp(8) + side / 2, top - self.height / 2, font=ICONS)
        left, upper = x + side + dp(18), top - (self.height - 2 * self.line) / 2
        pen.text(self.name, sp(BODY_SP), look.text, left, upper, bold=True)
        pen.text(self.facts, sp(SMALL_SP), look.text, left, upper - self.line)
        if 0 < self.share < 1:
            pen.box(look.accent, x + dp(8), bottom, max(dp(6), (room - dp(16)) * self.share), dp(3), dp(1.5))
        pen.hits.append(("document", x, bottom, room, self.height))


def file_card(name: str, facts: str, icon_name: str, share: float, room: float) -> FileCard:
    """A document's card no wider than ``room`` pixels; a long name keeps its ending."""
    inner = room - dp(FILE_DP + 14)
    line = word_size("Ég", sp(BODY_SP), True)[1]
    shown = elide(name, sp(BODY_SP), inner, bold=True)
    stem, dot, ending = name.rpartition(".")
    if shown != name and dot and len(ending) <= 4:
        shown = elide(stem, sp(BODY_SP), inner - word_size(f".{ending}", sp(BODY_SP), True)[0], bold=True) + ending
    widest = max(word_size(shown, sp(BODY_SP), True)[0], word_size(facts, sp(SMALL_SP), False)[0])
    return FileCard(shown, facts, icon_name, share, min(room, widest + dp(FILE_DP + 14)), line)


@dataclass(frozen=True)
class Buttons:
    """What may be done at once, side by side, or below each other where they are too wide."""

    rows: tuple[tuple[tuple[str, str], ...], ...]  # rows of (name, words); the first of all is filled
    width: float

    @property
    def height(self) -> float:
        return len(self.rows) * dp(TOUCH_DP) - dp(TOUCH_DP - BUTTON_DP) + dp(4)

    def draw(self, pen: Pen, x: float, top: float, room: float) -> None:
        first = self.rows[0][0]
        bottom = top - dp(2) - dp(BUTTON_DP)
        for row in self.rows:
            own = [_button_width(label) for _, label in row]
            spare_width = (room - dp(6) * (len(row) - 1) - sum(own)) / len(row)
            left = x
            for one, needed in zip(row, own, strict=True):
                each = needed + spare_width
                filled = one is first and one[0] not in QUIET
                pen.box(look.brand if filled else look.quote, left, bottom, each, dp(BUTTON_DP), dp(BUTTON_DP / 2))
                ink = look.brand_ink if filled else look.accent
                pen.centred(one[1], sp(SMALL_SP), ink, left + each / 2, bottom + dp(BUTTON_DP) / 2)
                spare = dp(TOUCH_DP - BUTTON_DP) / 2
                pen.hits.append((one[0], left, bottom - spare, each, dp(TOUCH_DP)))
                left += each + dp(6)
            bottom -= dp(TOUCH_DP)


def buttons(wanted: Sequence[tuple[str, str]], room: float) -> Buttons:
    """Buttons in as few rows as ``room`` pixels allow."""
    widths = [_button_width(label) for _, label in wanted]
    together = sum(widths) + dp(6) * (len(wanted) - 1)
    if together <= room:
        return Buttons((tuple(wanted),), together)
    below = sum(widths[1:]) + dp(6) * (len(wanted) - 2)
    if len(wanted) > 2 and below <= room:
        return Buttons((tuple(wanted[:1]), tuple(wanted[1:])), max(below, widths[0]))
    return Buttons(tuple((one,) for one in wanted), min(room, max(widths)))


def _button_width(label: str) -> float:
    return max(float(dp(TOUCH_DP)), _width(label, bold=True) + dp(26))


def _width(text: str, *, bold: bool = False) -> float:
    return sum(word_size(word, sp(SMALL_SP), bold)[0] for word in _tokens(text))


def _tokens(text: str) -> list[str]:
    words: list[str] = []
    for place, word in enumerate(text.split(" ")):
        words += ([" "] if place else []) + ([word] if word else [])
    return words
