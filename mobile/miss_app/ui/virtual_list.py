"""A long list that draws only what is seen: prefix sums, bisect and a pool of reused row widgets."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Protocol

from kivy.clock import Clock
from kivy.effects.scroll import ScrollEffect
from kivy.metrics import dp
from kivy.properties import BooleanProperty, StringProperty
from kivy.uix.relativelayout import RelativeLayout
from kivy.uix.scrollview import ScrollView
from kivy.uix.widget import Widget

PRESSED = "miss_row"  # where a touch carries the row that it came down on


class Row(Protocol):
    """What the list needs of an item: its height in pixels, known before it is drawn."""

    height: float


class _Body(RelativeLayout):
    """Rows are placed by the list itself."""

    def do_layout(self, *_args: object) -> None:
        return


class VirtualList(ScrollView):
    """Rows from top to bottom; ``from_bottom`` keeps the newest in sight, as a chat does.

    ``view`` makes an empty row widget; its ``show(row)`` draws a row once its size is set. ``measure`` gives a row of
    the same item for another width.
    """

    from_bottom = BooleanProperty(False)
    test_id = StringProperty("")

    @property
    def text(self) -> str:
        """Every row in sight, a line each."""
        return "\n".join(str(getattr(view, "text", "")) for view in self.live_views)

    def __init__(
        self, view: Callable[[], Widget], measure: Callable[[Row, float], None] | None = None, **options: object
    ) -> None:
        self._view = view
        self._measure = measure
        self.rows: list[Row] = []
        self._pad = float(dp(8))  # above the first row and below the last
        self._tops: list[float] = [self._pad]
        self._live: dict[int, Widget] = {}
        self._pool: list[Widget] = []
        self._measured_for = 0.0
        options.setdefault("bar_width", dp(4))
        super().__init__(do_scroll_x=False, effect_cls=ScrollEffect, scroll_type=["bars", "content"], **options)
        self._body = _Body(size_hint_y=None)
        super().add_widget(self._body)
        self._sync_soon = Clock.create_trigger(self._sync, -1)
        self.fbind("scroll_y", self._sync_soon)
        self.fbind("size", self._resized)

    @property
    def content_height(self) -> float:
        """The height of all rows in pixels."""
        return self._tops[-1] + self._pad

    @property
    def live_views(self) -> list[Widget]:
        """The widgets drawn now, from top to bottom."""
        return [self._live[index] for index in sorted(self._live)]

    def at_bottom(self) -> bool:
        """Whether the last row is in sight."""
        return bool(self._hidden() * self.scroll_y < dp(24))

    def hidden_below(self) -> float:
        """How much lies below what is in sight, in pixels."""
        return float(self._hidden() * max(0.0, self.scroll_y))

    def at_top(self) -> bool:
        """Whether the first row is nearly in sight, so that older ones may be fetched."""
        return self._top() < self.height

    def set_rows(self, rows: Sequence[Row], *, keep_place: bool = False) -> None:
        """Replace all rows; ``keep_place`` leaves the scroll where it is, else it goes to the first or newest row."""
        bottom, top = self.at_bottom(), self._top()
        self.rows = list(rows)
        self._remeasure_all()
        if not keep_place:
            self.scroll_y = 0.0 if self.from_bottom else 1.0
        elif self.from_bottom and bottom:
            self.scroll_y = 0.0
        else:
            self._go(top)
        self._sync_soon()

    def clear(self) -> None:
        """Drop every row and every widget that drew one."""
        self.rows = []
        for index in list(self._live):
            self._release(index)
        self._pool = []
        self._remeasure_all()

    def append(self, rows: Sequence[Row], *, follow: bool = True) -> None:
        """Add rows at the end; the view follows only if the end was in sight, and not where it is not to ``follow``."""
        stick, top = follow and self.at_bottom(), self._top()
        for row in rows:
            self._fit(row)
            self.rows.append(row)
            self._tops.append(self._tops[-1] + row.height)
        self._grow()
        if stick and self.from_bottom:
            self.scroll_y = 0.0
        else:
            self._go(top)
        self._sync_soon()

    def prepend(self, rows: Sequence[Row]) -> None:
        """Add older rows at the beginning; what is in sight does not move by a pixel."""
        top = self._top()
        for row in rows:
            self._fit(row)
        self.rows[0:0] = rows
        self._tops = list(accumulate((row.height for row in self.rows), initial=self._pad))
        self._live = {index + len(rows): widget for index, widget in self._live.items()}
        self._grow()
        self._go(top + self._tops[len(rows)] - self._pad)
        self._sync_soon()

    def cut(self, first: int, end: int) -> None:
        """Keep the rows from ``first`` to before ``end``; what is in sight of them does not move."""
        top, above = self._top(), self._tops[first] - self._pad
        for index in [index for index in self._live if not first <= index < end]:
            self._release(index)
        self.rows = self.rows[first:end]
        self._tops = list(accumulate((row.height for row in self.rows), initial=self._pad))
        self._live = {index - first: widget for index, widget in self._live.items()}
        self._grow()
        self._go(top - above)
        self._sync_soon()

    def replace(self, index: int, row: Row) -> None:
        """Draw another row in the place of one; rows below it move if its height differs."""
        stick, top, old = self.at_bottom(), self._top(), self.rows[index]
        self._fit(row)
        self.rows[index] = row
        if row.height != old.height:
            self._tops = list(accumulate((each.height for each in self.rows), initial=self._pad))
            self._grow()
            if stick and self.from_bottom:
                self.scroll_y = 0.0
            else:
                self._go(top)
        if index in self._live:
            self._release(index)
        self._sync_soon()

    def repaint(self) -> None:
        """Measure and draw every row again: the theme, the language or the text size changed."""
        self._measured_for = 0.0
        self._resized()

    def show_row(self, index: int, at: float = 0.5) -> None:
        """Bring a row into sight, its middle at that share of the height, from the top; nothing where it is gone."""
        if index >= len(self.rows):
            return  # the list was emptied since this was asked for: its page is closed
        self._go(self._tops[index] + self.rows[index].height / 2 - self.height * at)
        self._sync_soon()

    def bring(self, index: int) -> None:
        """Bring a row into sight, no further than it takes."""
        top, end = self._tops[index], self._tops[index + 1]
        if top < self._top():
            self._go(top - self._pad)
        elif end > self._top() + self.height:
            self._go(end - self.height + self._pad)
        self._sync_soon()

    def redraw(self) -> None:
        """Draw what is in sight again, as it is: what is marked has changed."""
        for index, widget in self._live.items():
            widget.show(self.rows[index])

    def scroll_to_end(self) -> None:
        """Bring the last row into sight."""
        self.scroll_y = 0.0
        self._sync_soon()

    def on_touch_down(self, touch: Any) -> bool:
        """Note on what the finger came down: Kivy tells the row below it of a tap only once it is lifted."""
        if self.collide_point(*touch.pos):
            x, y = self._body.to_local(*self.to_local(*touch.pos))
            for index, widget in self._live.items():
                if widget.x <= x <= widget.right and widget.y <= y <= widget.top:
                    touch.ud[PRESSED] = self.rows[index]
        return bool(super().on_touch_down(touch))

    def on_touch_move(self, touch: Any) -> bool:
        """A finger that goes sideways is for the row under it: Kivy would keep it for a quarter of a second."""
        across, along = abs(touch.x - touch.ox), abs(touch.y - touch.oy)
        if touch is self._touch and across > max(dp(14), 2 * along):
            self._change_touch_mode()
        return bool(super().on_touch_move(touch))

    def _fit(self, row: Row) -> None:
        if self._measure is not None:
            self._measure(row, self.width)

    def _remeasure_all(self) -> None:
        self._measured_for = self.width
        for row in self.rows:
            self._fit(row)
        self._tops = list(accumulate((row.height for row in self.rows), initial=self._pad))
        for index in list(self._live):
            self._release(index)
        self._grow()

    def _resized(self, *_args: object) -> None:
        if self.width != self._measured_for:
            stick = self.from_bottom and self.at_bottom()
            first = max(0, bisect_right(self._tops, self._top()) - 1)
            self._remeasure_all()
            if stick:
                self.scroll_y = 0.0
            elif self.rows:
                self._go(self._tops[min(first, len(self.rows) - 1)])
        self._grow()
        self._sync_soon()

    def _grow(self) -> None:
        self._body.height = max(self.content_height, self.height)

    def _hidden(self) -> float:
        return max(0.0, float(self._body.height - self.height))

    def _top(self) -> float:
        return (1 - min(1.0, max(0.0, self.scroll_y))) * self._hidden()

    def _go(self, top: float) -> None:
        hidden = self._hidden()
        self.scroll_y = 1 - min(1.0, max(0.0, top / hidden)) if hidden else 1.0

    def _release(self, index: int) -> None:
        widget = self._live.pop(index)
        self._body.remove_widget(widget)
        self._pool.append(widget)

    def _sync(self, *_args: object) -> None:
        if not self.rows:
            for index in list(self._live):
                self._release(index)
            return
        slack = self._body.height - self.content_height if self.from_bottom else 0.0
        top = self._top() - slack
        first = max(0, bisect_right(self._tops, top) - 1)
        last = min(len(self.rows) - 1, bisect_right(self._tops, top + self.height) - 1)
        for index in [index for index in self._live if not first <= index <= last]:
            self._release(index)
        ceiling: float = self.content_height if self.from_bottom else self._body.height
        for index in range(first, last + 1):
            widget, row = self._live.get(index), self.rows[index]
            fresh = widget is None
            if widget is None:
                widget = self._live[index] = self._pool.pop() if self._pool else self._view()
            place = (0, ceiling - self._tops[index] - row.height)
            size = (self.width, row.height)
            if fresh or tuple(widget.pos) != place or tuple(widget.size) != size:
                widget.size_hint = (None, None)
                widget.size, widget.pos = size, place
                widget.show(row)
            if fresh:
                self._body.add_widget(widget)
