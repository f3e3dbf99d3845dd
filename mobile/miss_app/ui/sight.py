"""What is in sight of a person: the widgets that are drawn, and the part of each that no list clips away."""

from collections.abc import Iterator

from kivy.core.window import Window
from kivy.uix.scrollview import ScrollView
from kivy.uix.widget import Widget


def walk(widget: Widget) -> Iterator[Widget]:
    """A widget and all below it that are drawn, in reading order of the tree."""
    if widget.opacity == 0:
        return
    yield widget
    for child in reversed(widget.children):
        yield from walk(child)


def box_of(widget: Widget) -> tuple[float, float, float, float] | None:
    """The part of a widget inside the window and inside every list that clips it: left, bottom, right, top."""
    left, bottom = widget.to_window(*widget.pos)
    right, top = widget.to_window(widget.right, widget.top)
    clips = [(0.0, 0.0, float(Window.width), float(Window.height))]
    parent = widget.parent
    while isinstance(parent, Widget):
        if isinstance(parent, ScrollView):
            clips.append((*parent.to_window(*parent.pos), *parent.to_window(parent.right, parent.top)))
        parent = parent.parent
    for clip in clips:
        left, bottom = max(left, clip[0]), max(bottom, clip[1])
        right, top = min(right, clip[2]), min(top, clip[3])
    return (left, bottom, right, top) if right - left > 1 and top - bottom > 1 else None
