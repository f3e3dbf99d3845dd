"""The ring that shows where the keyboard is: moved by Tab over what can be pressed, by arrows over a list's rows."""

from collections.abc import Iterator
from typing import Any

from kivy.clock import Clock, ClockEvent
from kivy.graphics import Color, Line
from kivy.metrics import dp
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.textinput import TextInput
from kivy.uix.widget import Widget

from miss_app.ui.controls import Sheet
from miss_app.ui.sight import box_of, walk
from miss_app.ui.theme import look
from miss_app.ui.virtual_list import VirtualList

_STILL = ("notice", "warning", "new")  # rows of a chat that nothing can be done with


class FocusRing(Widget):
    """Drawn over everything, touched by nothing; hidden until a key moves it, and by the next touch."""

    touch_through = True

    def __init__(self, **options: Any) -> None:
        super().__init__(size_hint=(None, None), **options)
        self.target: Widget | None = None
        self.row: Any = None  # the row where the target is a list
        self._following: ClockEvent | None = None
        with self.canvas:
            self._outer_color = Color(1, 1, 1, 0)
            self._outer = Line(width=dp(2.4))
            self._inner_color = Color(1, 1, 1, 0)
            self._inner = Line(width=dp(1.4))

    def collide_point(self, _x: float, _y: float) -> bool:
        """Everything under it stays within reach."""
        return False

    @property
    def shown(self) -> bool:
        """Whether the keyboard is somewhere else than in a line one types in."""
        return self.target is not None

    def show(self, target: Widget, row: Any = None) -> None:
        """Stand around a widget, or around one row of a list."""
        self.target, self.row = target, row
        over = self.parent
        if over is not None and over.children[0] is not self:
            over.remove_widget(self)  # above panels that were opened since
            over.add_widget(self)
        if self._following is None:
            self._following = Clock.schedule_interval(self._follow, 0)
        self._follow(0)

    def hide(self) -> None:
        """Stand nowhere."""
        self.target = self.row = None
        if self._following is not None:
            self._following.cancel()
            self._following = None
        self._outer_color.a = self._inner_color.a = 0

    def _follow(self, _dt: float) -> None:
        around = self._around()
        box = None if around is None or around.get_root_window() is None else box_of(around)
        if box is None:
            if self.row is None or self.target is None or self.target.get_root_window() is None:
                self.hide()
            return
        left, bottom, right, top = box
        shape = (left + dp(2), bottom + dp(2), right - left - dp(4), top - bottom - dp(4), dp(10))
        self._outer.rounded_rectangle = self._inner.rounded_rectangle = shape
        self._outer_color.rgba, self._inner_color.rgba = look.surface, look.accent

    def _around(self) -> Widget | None:
        if self.row is None or not isinstance(self.target, VirtualList):
            return self.target
        key = key_of(self.row)
        return next((view for view in self.target.live_views if key_of(getattr(view, "row", None)) == key), None)

    # Moving.

    def move(self, root: Widget, by: int) -> None:
        """To the next stop (1) or the one before (-1), around at the ends."""
        stops = list(stops_in(root))
        if not stops:
            return
        here = next((one for one in stops if isinstance(one, TextInput) and one.focus), self.target)
        place = stops.index(here) if here in stops else -1 if by > 0 else 0
        self.stand(stops[(place + by) % len(stops)])

    def stand(self, stop: Widget) -> None:
        """Go to a stop: the cursor into a line, the ring around anything else."""
        for widget in walk(self.parent):
            if isinstance(widget, TextInput) and widget.focus:
                widget.focus = False
        if isinstance(stop, TextInput):
            self.hide()
            stop.focus = True
        elif isinstance(stop, VirtualList):
            self.show(stop, _first_row(stop))
        else:
            self.show(stop)

    def move_in_list(self, by: int) -> bool:
        """To another row of the list the ring is in; False where it is in none."""
        found = self.target
        if not isinstance(found, VirtualList):
            return False
        place = next((at for at, row in enumerate(found.rows) if key_of(row) == key_of(self.row)), None)
        rows = [at for at, row in enumerate(found.rows) if _answers(row)]
        if place is None or not rows:
            self.row = _first_row(found)
            return True
        after = [at for at in rows if (at - place) * by > 0]
        wanted = (min(after) if by > 0 else max(after)) if after else place
        if abs(by) > 1:
            wanted = min(rows, key=lambda at: abs(at - place - by))
        self.row = found.rows[wanted]
        found.bring(wanted)
        return True

    def press(self) -> bool:
        """Press what the ring is around."""
        around = self._around()
        if around is None:
            return False
        if hasattr(around, "activate"):
            around.activate()
        else:
            around.dispatch("on_press")
            around.dispatch("on_release")
        return True

    def ask(self) -> bool:
        """What the right button would ask."""
        around = self._around()
        if around is None or not hasattr(around, "ask"):
            return False
        around.ask()
        return True


def key_of(row: Any) -> Any:
    """What a row is known by, however often it is made anew."""
    return getattr(row, "key", None) or getattr(row, "test_id", None)


def stops_in(root: Widget) -> Iterator[Widget]:
    """Where Tab stops, in reading order: in the panel that lies over everything, if there is one."""
    sheets = [child for child in root.children if isinstance(child, Sheet)]
    pending = [sheets[0] if sheets else root]
    while pending:
        widget = pending.pop()
        if widget.opacity == 0 or widget.disabled:
            continue
        if isinstance(widget, VirtualList):
            if widget.rows and box_of(widget) is not None:
                yield widget
            continue
        named = bool(getattr(widget, "test_id", "")) and box_of(widget) is not None
        if named and isinstance(widget, ButtonBehavior | TextInput):
            yield widget
        pending += widget.children


def _answers(row: Any) -> bool:
    return not getattr(row, "heading", False) and getattr(row, "kind", "") not in _STILL


def _first_row(found: VirtualList) -> Any:
    """The chosen row, else the newest of a chat, else the first in sight."""
    chosen = next((row for row in found.rows if getattr(row, "selected", False)), None)
    seen = [view.row for view in found.live_views if _answers(getattr(view, "row", None))]
    if chosen is not None or not seen:
        return chosen
    return seen[-1] if found.from_bottom else seen[0]
