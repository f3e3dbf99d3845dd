"""The controls every screen is made of: words, icons, buttons, fields, bars and sheets."""

from typing import Any

from kivy.animation import Animation
from kivy.clock import Clock
from kivy.metrics import dp
from kivy.properties import (
    BooleanProperty,
    ColorProperty,
    NumericProperty,
    ObjectProperty,
    StringProperty,
    VariableListProperty,
)
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.label import Label
from kivy.uix.layout import Layout
from kivy.uix.relativelayout import RelativeLayout
from kivy.uix.scrollview import ScrollView
from kivy.uix.widget import Widget

from miss_app.ui import avatar, inputs
from miss_app.ui.kv import load_rules
from miss_app.ui.mending import keep_room, mended
from miss_app.ui.tokens import APPEAR_S, GATE_DP

__all__ = ["avatar", "inputs"]  # their classes are named in the rules

SETTLED_FRAMES = 10  # not seconds: the first in another size may take long


class Words(Label):
    """A text that wraps to its width and is as high as its lines."""

    test_id = StringProperty("")


class Caption(Words):
    """A smaller, quieter text."""


class Icon(Label):
    """One icon, by its name in ``icons``."""

    name = StringProperty("")


class IconButton(ButtonBehavior, Label):
    """An icon that acts; 48 dp for the finger whatever the icon's size."""

    name = StringProperty("")
    test_id = StringProperty("")
    label = StringProperty("")  # what it does, in words
    filled = BooleanProperty(False)
    tint = ColorProperty(None, allownone=True)


class MissButton(ButtonBehavior, Label):
    """A button of words. ``kind`` is "filled", "tonal", "plain" or "danger"."""

    test_id = StringProperty("")
    kind = StringProperty("filled")
    icon = StringProperty("")
    busy = BooleanProperty(False)


class Field(BoxLayout):
    """A label, a line to type in and perhaps a button at its end."""

    label = StringProperty("")
    hint = StringProperty("")
    field_id = StringProperty("")
    text = StringProperty("")
    secret = BooleanProperty(False)
    shown = BooleanProperty(False)
    digits = BooleanProperty(False)
    length_max = NumericProperty(200)
    icon = StringProperty("")
    focused = BooleanProperty(False)
    __events__ = ("on_enter",)

    def on_enter(self) -> None:
        """The return key was pressed."""

    def focus(self) -> None:
        """Put the cursor in the line."""
        self.ids.line.focus = True

    def focus_soon(self) -> None:
        """Put the cursor in the line once the touch that led here has ended: Kivy takes it out of every line then."""
        Clock.schedule_once(self._focus_still_here)

    def _focus_still_here(self, _dt: float) -> None:
        if self.get_root_window() is not None and not self.disabled:
            self.focus()


class ChoiceField(ButtonBehavior, BoxLayout):
    """A label and the value chosen from a sheet."""

    label = StringProperty("")
    value = StringProperty("")
    hint = StringProperty("")
    test_id = StringProperty("")
    text = StringProperty("")

    def on_value(self, *_args: object) -> None:
        """Another was chosen."""
        mended(self)


class SearchBar(BoxLayout):
    """A rounded line with a magnifying glass."""

    def focus_line(self) -> None:
        """Put the cursor into it."""
        self.ids.line.focus = True

    hint = StringProperty("")
    field_id = StringProperty("")
    text = StringProperty("")


class ProblemLine(BoxLayout):
    """The sentence that says what went wrong and the way on; takes no room while there is none.

    ``reserved``: it takes its room always, so that no button below it moves away under a finger; ``keeps``: also once
    the sentence went because something was changed.
    """

    reserved = BooleanProperty(False)
    keeps = BooleanProperty(True)
    kept = NumericProperty(0)
    text = StringProperty("")
    test_id = StringProperty("problem")

    def keep_room(self) -> None:
        """The sentence goes; its room waits for the next one."""
        self.kept = self.height if self.keeps else 0

    def on_text(self, *_args: object) -> None:
        """Another sentence has its own height."""
        if self.text:
            self.kept = 0


class TopBar(BoxLayout):
    """The bar above a page: back, title and what is added to it."""

    title = StringProperty("")
    subtitle = StringProperty("")
    back = BooleanProperty(True)
    __events__ = ("on_back",)

    def on_back(self) -> None:
        """The arrow was tapped."""

    def add_widget(self, widget: Widget, *args: Any, **options: Any) -> None:
        """Actions named in a screen's rules go to the bar's end."""
        if isinstance(widget, IconButton) and "actions" in self.ids:
            self.ids.actions.add_widget(widget, *args, **options)
        else:
            super().add_widget(widget, *args, **options)


class SettingRow(ButtonBehavior, BoxLayout):
    """A line of settings: icon, words, a value at the end."""

    icon = StringProperty("")
    title = StringProperty("")
    subtitle = StringProperty("")
    value = StringProperty("")
    test_id = StringProperty("")
    danger = BooleanProperty(False)
    shown = BooleanProperty(True)
    text = StringProperty("")


class Segment(ButtonBehavior, Label):
    """One of a few choices side by side. ``mends``: it is part of what may be wrong."""

    chosen = BooleanProperty(False)
    mends = BooleanProperty(True)
    test_id = StringProperty("")

    def on_chosen(self, *_args: object) -> None:
        """It is this one now, or another."""
        if self.mends:
            mended(self)


class ColumnBody(Layout):
    """What is stacked in a column, each as high as it wants; what has no height takes no gap either.

    ``card`` draws the column as a sheet of paper on the ground.
    """

    card = BooleanProperty(False)
    spacing = NumericProperty(0)
    padding = VariableListProperty([0, 0, 0, 0])
    minimum_height = NumericProperty(0)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in ("children", "size", "pos", "spacing", "padding"):
            self.fbind(name, self._trigger_layout)

    def do_layout(self, *_args: object) -> None:
        """Place the children from the top."""
        left, above, right, below = self.padding
        shown = [child for child in reversed(self.children) if child.height > 0]
        gaps = self.spacing * max(0, len(shown) - 1)
        self.minimum_height = above + below + gaps + sum(child.height for child in shown)
        top = self.top - above
        for child in reversed(self.children):
            if child.size_hint_x is not None:
                child.width = self.width - left - right
                child.x = self.x + left
            else:
                child.center_x = self.center_x
            child.top = top
            if child.height > 0:
                top -= child.height + self.spacing


class Column(ScrollView):
    """A scrolled column of questions, centred and never wider than is comfortable to read.

    ``card`` sets it on a card of its own in a wide window; ``middle`` centres it in the height.
    """

    width_max = NumericProperty(dp(GATE_DP))
    card = BooleanProperty(False)
    middle = BooleanProperty(False)

    def __init__(self, **options: Any) -> None:
        self.column: ColumnBody | None = None
        super().__init__(do_scroll_x=False, bar_width=dp(4), **options)
        column = ColumnBody(size_hint=(None, None))
        frame = RelativeLayout(size_hint_y=None)
        frame.add_widget(column)
        super().add_widget(frame)
        self.column, self.frame = column, frame
        column.fbind("minimum_height", self._arrange)
        for name in ("size", "width_max", "card", "middle"):
            self.fbind(name, self._arrange)

    def add_widget(self, widget: Widget, *args: Any, **options: Any) -> None:
        """What a screen's rules put in goes to the column."""
        if self.column is None:
            super().add_widget(widget, *args, **options)
        else:
            self.column.add_widget(widget, *args, **options)

    def hold(self, widget: Widget, top: float) -> None:
        """Scroll so that the top of a widget stands that high in the window, while the column finds its heights."""

        def place(*_args: object) -> None:
            hidden = self.frame.height - self.height
            if hidden > 0:
                wanted = self.to_window(*self.pos)[1] + widget.top - top
                self.scroll_y = min(1.0, max(0.0, wanted / hidden))

        frames = iter(range(SETTLED_FRAMES))

        def settled(_dt: float) -> bool:
            if next(frames, None) is not None:
                return True
            widget.funbind("pos", place)
            self.frame.funbind("height", place)
            return False

        widget.fbind("pos", place)
        self.frame.fbind("height", place)
        Clock.schedule_interval(settled, 0)
        place()

    def _arrange(self, *_args: object) -> None:
        column = self.column
        if column is None:
            return
        side = dp(36) if self.card else dp(20)
        column.card = self.card
        column.padding = (side, dp(32) if self.card else dp(20), side, dp(32))
        column.width = min(self.width, self.width_max + 2 * side)
        column.height = column.minimum_height
        self.frame.height = max(column.height + dp(24 if self.card else 0), self.height)
        column.x = (self.width - column.width) / 2
        spare = self.frame.height - column.height
        column.y = spare / 2 if self.middle else spare - (dp(12) if self.card else 0)


class Sheet(FloatLayout):
    """A panel over the screen: from below on a phone, in the middle of a wide window. A tap outside closes it."""

    title = StringProperty("")
    wide = BooleanProperty(False)
    panel_height = NumericProperty(dp(320))
    lift = NumericProperty(0)  # what the keyboard or the bars cover below
    on_closed = ObjectProperty(None, allownone=True)
    problem = StringProperty("")  # the sentence its problem line shows

    def mend(self) -> None:
        """Something was changed: the sentence is perhaps not true any more."""
        if self.problem:
            keep_room(self)
            self.problem = ""

    def add_widget(self, widget: Widget, *args: Any, **options: Any) -> None:
        """What is put in goes to the panel's body."""
        if "body" in self.ids:
            self.ids.body.add_widget(widget, *args, **options)
        else:
            super().add_widget(widget, *args, **options)

    def on_touch_down(self, touch: Any) -> bool:
        """Nothing under the sheet is reached."""
        if not self.ids.panel.collide_point(*touch.pos):
            self.close()
            return True
        super().on_touch_down(touch)
        return True

    def on_touch_move(self, touch: Any) -> bool:
        """Nothing under the sheet is reached."""
        super().on_touch_move(touch)
        return True

    def on_touch_up(self, touch: Any) -> bool:
        """Nothing under the sheet is reached."""
        super().on_touch_up(touch)
        return True

    def fit(self) -> None:
        """Make the panel as high as what is in it."""
        body = self.ids.body
        body.size_hint_y = None
        body.bind(minimum_height=self._fit_body)
        self._fit_body(body, body.minimum_height)

    def _fit_body(self, body: Widget, height: float) -> None:
        body.height = height
        self.panel_height = height + dp(56) + dp(24)

    def open(self, over: Widget) -> None:
        """Show the sheet over ``over``."""
        over.add_widget(self)
        self.ids.panel.opacity = 0
        Animation(opacity=1, duration=APPEAR_S).start(self.ids.panel)

    def close(self) -> None:
        """Take the sheet away."""
        if self.parent is not None:
            self.parent.remove_widget(self)
            if self.on_closed is not None:
                self.on_closed()


load_rules(__file__)
