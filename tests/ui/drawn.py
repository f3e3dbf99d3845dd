"""Every text that a window shows: where its pixels are, in which colour and font, and whose it is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kivy.core.window import Window
from kivy.graphics import Canvas, Rectangle
from kivy.graphics.instructions import InstructionGroup
from kivy.uix.label import Label
from kivy.uix.scrollview import ScrollView
from kivy.uix.textinput import TextInput
from kivy.uix.widget import Widget

from miss_app.ui import driver, glyphs
from miss_app.ui.glyphs import EMOJI_RUN, ICONS

Box = tuple[float, float, float, float]  # left, bottom, right, top, in pixels of the window
_TAGS = re.compile(r"\[/?(?:b|i|u|s|font|color|size|ref|anchor|sub|sup)(?:=[^\]]*)?\]")
_ESCAPES = {"&bl;": "[", "&br;": "]", "&amp;": "&"}


@dataclass(frozen=True)
class Drawn:
    """One text in sight. ``box`` is where it is drawn, ``shown`` what of it is not cut off by a list's edge."""

    text: str
    box: Box
    shown: Box
    colour: tuple[float, ...]
    opacity: float
    font: str  # "" for the running text's
    bold: bool
    owner: Widget
    typed: bool = False  # by the person, in a field

    @property
    def icon(self) -> bool:
        return self.font == ICONS

    @property
    def letters(self) -> str:
        """The text without its emoji, which have colours and a font of their own."""
        return "" if self.icon else EMOJI_RUN.sub("", self.text)

    @property
    def name(self) -> str:
        """What to call it in a finding."""
        here: Widget | None = self.owner
        while isinstance(here, Widget):
            if getattr(here, "test_id", ""):
                return f"{here.test_id}: {self.text!r}"
            here = here.parent
        return f"{type(self.owner).__name__}: {self.text!r}"


def texts() -> Iterator[Drawn]:
    """Every text in sight that nothing covers, from the bottom of the tree of widgets up."""
    for root in reversed(Window.children):
        for widget, opacity in _walk(root, 1.0):
            yield from (one for one in _of(widget, opacity) if not covered(one))


def covered(drawn: Drawn) -> bool:
    """Whether something else is drawn over its middle: what is under a sheet is not read."""
    left, bottom, right, top = drawn.shown
    return driver.covering(drawn.owner, ((left + right) / 2, (bottom + top) / 2)) is not None


def _walk(widget: Widget, opacity: float) -> Iterator[tuple[Widget, float]]:
    opacity *= widget.opacity
    if opacity < 0.02:
        return
    yield widget, opacity
    for child in reversed(widget.children):
        yield from _walk(child, opacity)


def _of(widget: Widget, opacity: float) -> Iterator[Drawn]:
    if isinstance(widget, Label):
        yield from _label(widget, opacity)
    elif isinstance(widget, TextInput):
        yield from _input(widget, opacity)
    aside = getattr(widget, "shift", 0)  # a row that a finger holds aside; what lies under it stays
    under = list(_rectangles(widget.canvas.before)) if aside else []
    by_texture = {id(texture): key for key, texture in glyphs._textures.items()}
    for rectangle in _rectangles(widget.canvas):
        key = by_texture.get(id(rectangle.texture))
        if key is None or rectangle.size[0] < 1:
            continue
        text, _size, colour, bold, font, _dark = key
        left, bottom = widget.to_window(*rectangle.pos)
        if aside and rectangle not in under:
            left += aside
        box = (left, bottom, left + rectangle.size[0], bottom + rectangle.size[1])
        shown = clipped(widget, box)
        if str(text).strip() and shown is not None:
            yield Drawn(str(text), box, shown, tuple(colour), opacity, str(font), bool(bold), widget)


def _label(label: Label, opacity: float) -> Iterator[Drawn]:
    text = label.text
    if label.markup:
        text = _TAGS.sub("", text)
        for escape, sign in _ESCAPES.items():
            text = text.replace(escape, sign)
    if not text.strip() or label.texture is None:
        return
    width, height = label.texture_size
    x, y = label.to_window(label.center_x, label.center_y)
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    shown = clipped(label, box)
    if shown is not None:
        font = ICONS if label.font_name == ICONS else ""
        colour = label.disabled_color if label.disabled else label.color
        yield Drawn(text, box, shown, tuple(colour), opacity, font, label.bold, label)


def _input(line: TextInput, opacity: float) -> Iterator[Drawn]:
    text = line.text or line.hint_text
    x, y = line.to_window(*line.pos)
    box = (x, y, x + line.width, y + line.height)
    shown = clipped(line, box)
    if not text or shown is None:
        return
    ink = getattr(line, "ink", line.foreground_color)
    colour = line.hint_text_color if not line.text else line.foreground_color if line.password else ink
    text = "" if line.password and line.text else text
    if text:
        yield Drawn(text, box, shown, tuple(colour), opacity, "", False, line, typed=bool(line.text))


def clipped(widget: Widget, box: Box) -> Box | None:
    """The part of a box inside the window and inside every list that holds the widget; None where nothing is left."""
    left, bottom, right, top = box
    clips: list[Box] = [(0.0, 0.0, float(Window.width), float(Window.height))]
    parent = widget.parent
    while isinstance(parent, Widget):
        if isinstance(parent, ScrollView):
            clips.append((*parent.to_window(*parent.pos), *parent.to_window(parent.right, parent.top)))
        parent = parent.parent
    for clip in clips:
        left, bottom = max(left, clip[0]), max(bottom, clip[1])
        right, top = min(right, clip[2]), min(top, clip[3])
    return (left, bottom, right, top) if right - left > 1 and top - bottom > 1 else None


def _rectangles(group: InstructionGroup) -> Iterator[Rectangle]:
    for one in group.children:
        if isinstance(one, Rectangle):
            yield one
        elif isinstance(one, InstructionGroup) and not isinstance(one, Canvas):  # a canvas is a child's own
            yield from _rectangles(one)
