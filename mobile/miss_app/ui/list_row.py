"""One line of a list, reused as it scrolls: initials or an icon, a name, a quieter line below, a time, a badge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kivy.animation import Animation
from kivy.clock import Clock, ClockEvent
from kivy.graphics import PopMatrix, PushMatrix, Translate
from kivy.metrics import dp, sp
from kivy.properties import NumericProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.widget import Widget
from kivy.utils import get_color_from_hex

from miss_app.engine.events import Tick
from miss_app.ui.avatar import initials
from miss_app.ui.bubble import TICKS
from miss_app.ui.glyphs import ICONS, icon, texture
from miss_app.ui.measure import elide
from miss_app.ui.sprites import Box, Mark
from miss_app.ui.theme import look
from miss_app.ui.tokens import FADED as FADED_HEX
from miss_app.ui.tokens import NAME_SP, TINY_SP
from miss_app.ui.virtual_list import PRESSED

WHITE = (1, 1, 1, 1)
FADED = get_color_from_hex(FADED_HEX)
SUBTITLE_SP = 14
HOLD_SECONDS = 0.45
NOTES_MAX = 3
PULL_DP, PULL_FAR_DP = 76, 176  # how far a row is pulled aside for what is near, and for what is farther


@dataclass(frozen=True)
class Swipe:
    """What a row does that is pulled aside and let go."""

    name: str
    icon: str
    text: str
    color: Sequence[float]


class Swiped(Protocol):
    """The screen whose rows may be pulled aside."""

    def swipes(self, item: "ListItem") -> tuple[Swipe | None, Swipe | None, Swipe | None]:
        """To the right; to the left a little; to the left further."""

    def swiped(self, item: "ListItem", name: str) -> None:
        """A row was let go there."""


@dataclass
class ListItem:
    """What a line shows. ``item`` is whatever the screen needs when the line is tapped.

    ``mark`` is an icon at the end ("chevron-right", "check-circle"…); ``mark_strong`` draws it in the accent colour.
    ``name_icon`` stands after the name (the shield of a checked identity). ``faded`` draws who cannot be reached;
    ``meta_strong`` what is written at the end in the accent colour.
    """

    test_id: str
    title: str
    subtitle: str = ""
    item: Any = None
    avatar_key: str = ""
    team: bool = False
    lead_icon: str = ""
    lead_alarm: bool = False  # draws it in red
    meta: str = ""
    meta_strong: bool = False
    badge: int = 0
    tick: Tick | None = None
    selected: bool = False
    mark: str = ""
    mark_strong: bool = False
    name_icon: str = ""
    faded: bool = False
    heading: bool = False
    alarm: bool = False  # something in it waits for somebody
    named: bool = False  # something in it that is not read names this person
    quiet: bool = False  # its badge does not call: it is muted
    notes: tuple[str, ...] = ()  # icons before the time: pinned, muted
    height: float = 0.0


def measure_item(row: Any, _width: float) -> None:
    """Give a line its height, which follows the reader's text size."""
    if row.heading:
        row.height = max(dp(40), sp(20) + dp(18))
        return
    row.height = max(dp(72), sp(NAME_SP + SUBTITLE_SP) * 1.3 + dp(34))


class ListRow(ButtonBehavior, Widget):
    """The widget of a ``ListItem``."""

    test_id = StringProperty("")
    text = StringProperty("")
    state_name = StringProperty("")
    shift = NumericProperty(0)  # how far it is pulled aside, to the right

    def __init__(
        self,
        on_tap: Callable[[ListItem], None],
        on_ask: Callable[[ListItem], None] | None = None,
        screen: Swiped | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._screen = screen
        self._pulled: Swipe | None = None
        self._aside = False  # this touch pulls
        below = self.canvas.before
        self._under, self._under_icon, self._under_text = Box(below), Mark(below), Mark(below)
        self._moved = Translate()
        below.add(PushMatrix())
        below.add(self._moved)
        self.canvas.after.add(PopMatrix())
        self._sheet = Box(self.canvas)
        self._on_tap = on_tap
        self._on_ask = on_ask  # a right click, or a finger that stays
        self._hold: ClockEvent | None = None
        self._held = False
        self.row: ListItem | None = None
        # What the finger came down on: a message that comes meanwhile may give this widget another line to show.
        self._pressed: ListItem | None = None
        canvas = self.canvas
        self._choice, self._disc, self._letters = Box(canvas), Box(canvas), Mark(canvas)
        self._title, self._name_icon = Mark(canvas), Mark(canvas)
        self._meta, self._tick, self._subtitle = Mark(canvas), Mark(canvas), Mark(canvas)
        self._badge, self._count, self._mark = Box(canvas), Mark(canvas), Mark(canvas)
        self._named = Mark(canvas)
        self._notes = [Mark(canvas) for _ in range(NOTES_MAX)]
        self._pieces = [value for value in vars(self).values() if isinstance(value, Box | Mark)]
        self._pieces += self._notes
        look.bind(dark=self._show_again)  # weakly: the theme outlives every list

    def on_touch_down(self, touch: Any) -> bool:
        """A right click asks at once, a finger that stays asks after a while."""
        if self.collide_point(*touch.pos):
            self._pressed = touch.ud.get(PRESSED, self.row)
        if self._on_ask is None or not self.collide_point(*touch.pos):
            return bool(super().on_touch_down(touch))
        if getattr(touch, "button", "left") == "right":
            self._ask()
            return True
        self._held = False
        self._hold = Clock.schedule_once(self._ask, HOLD_SECONDS)
        return bool(super().on_touch_down(touch))

    def on_touch_move(self, touch: Any) -> bool:
        """A finger that moves does not ask."""
        if abs(touch.x - touch.ox) + abs(touch.y - touch.oy) > dp(16):
            self._let_go()
        if touch.grab_current is self and self._screen is not None and not self._held:
            across, along = touch.x - touch.ox, touch.y - touch.oy
            if self._aside or abs(across) > max(dp(24), 2 * abs(along)):
                self._aside = True
                self._pull(across)
        return bool(super().on_touch_move(touch))

    def on_touch_up(self, touch: Any) -> bool:
        """The finger is gone."""
        self._let_go()
        if touch.grab_current is self and self._aside:
            self._aside, self._held = False, True  # its end is no tap
            self._drop()
        return bool(super().on_touch_up(touch))

    def _pull(self, across: float) -> None:
        """Move with the finger, and show what letting go would do."""
        if self._screen is None or self.row is None or self.row.heading:
            return
        right, near, far = self._screen.swipes(self.row)
        chosen = right if across > 0 else far if far is not None and -across > dp(PULL_FAR_DP) else near
        if chosen is None:
            self.shift, self._pulled = 0, None
            return
        self.shift = max(-0.8 * self.width, min(0.8 * self.width, across))
        self._pulled = chosen if abs(across) > dp(PULL_DP) else None
        fill = chosen.color if self._pulled else look.meta
        self._under.put(fill, self.x, self.y, self.width, self.height, 0)
        glyph = texture(icon(chosen.icon), sp(24), WHITE, font=ICONS)
        said = texture(chosen.text, sp(14), WHITE, bold=True)
        side = self.x + dp(20) if across > 0 else self.right - dp(20) - glyph.width - dp(8) - said.width
        self._under_icon.put(glyph, side, self.center_y - glyph.height / 2)
        self._under_text.put(said, side + glyph.width + dp(8), self.center_y - said.height / 2)

    def _drop(self) -> None:
        pulled, self._pulled = self._pulled, None
        Animation(shift=0, duration=0.14, transition="out_quad").start(self)
        if pulled is not None and self._screen is not None and self._pressed is not None:
            self._screen.swiped(self._pressed, pulled.name)

    def on_shift(self, *_args: object) -> None:
        """What is drawn moves; what lies under it shows only then."""
        self._moved.x = self.shift
        if self.shift:
            self._sheet.put(look.surface, self.x, self.y, self.width, self.height, 0)
        else:
            for piece in (self._under, self._under_icon, self._under_text, self._sheet):
                piece.hide()

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None

    def _ask(self, *_args: object) -> None:
        self._let_go()
        self._held = True
        if self._on_ask is not None and self._pressed is not None and not self._pressed.heading:
            self._on_ask(self._pressed)

    def activate(self) -> None:
        """What a tap does, by the keyboard."""
        self._tap(self.row)

    def ask(self) -> None:
        """What the right button does, by the keyboard."""
        if self._on_ask is not None and self.row is not None and not self.row.heading:
            self._on_ask(self.row)

    def on_release(self) -> None:
        """Tell the screen which line was tapped."""
        if not self._held:
            self._tap(self._pressed)

    def _tap(self, row: ListItem | None) -> None:
        if row is not None and not row.heading:
            self._on_tap(row)

    def _is_pressed(self, row: ListItem) -> bool:
        pressed = self._pressed
        return pressed is not None and (row.title, row.avatar_key) == (pressed.title, pressed.avatar_key)

    def on_state(self, *_args: object) -> None:
        """Show that the finger is on the line."""
        self._show_again()

    def _show_again(self, *_args: object) -> None:
        if self.row is not None and self.height > 1:
            self.show(self.row)

    def show(self, row: ListItem) -> None:
        """Draw ``row`` at the widget's place and size."""
        self.row, self.test_id = row, row.test_id
        self.text = f"{row.title}\n{row.subtitle}" if row.subtitle else row.title
        self.state_name = row.tick.value if row.tick else "selected" if row.selected else ""
        Animation.cancel_all(self, "shift")
        self.shift = 0
        if self._aside and not self._is_pressed(row):  # what was pulled is no more under the finger
            self._aside, self._held, self._pulled = False, True, None
        for piece in self._pieces:
            piece.hide()
        if row.heading:
            drawn = texture(row.title, sp(13.5), look.accent, bold=True)
            self._title.put(drawn, self.x + dp(20), self.y + dp(8))
            return
        if row.selected or (self.state == "down" and self._is_pressed(row)):
            color = look.mine if row.selected else look.field
            self._choice.put(color, self.x + dp(8), self.y + dp(3), self.width - dp(16), self.height - dp(6), dp(16))
        self._show_lead(row)
        left, right = self.x + dp(78), self.right - dp(18)
        middle = self.center_y
        if row.mark:
            drawn = texture(icon(row.mark), sp(24), look.accent if row.mark_strong else look.meta, font=ICONS)
            right -= drawn.width
            self._mark.put(drawn, right, middle - drawn.height / 2)
            right -= dp(8)
        self._show_title(row, left, right, middle + dp(1) if row.subtitle else middle - sp(NAME_SP) * 0.62)
        if row.subtitle:
            self._show_subtitle(row, left, right, middle - sp(2))

    def _show_lead(self, row: ListItem) -> None:
        side, left = dp(48), self.x + dp(18)
        bottom = self.center_y - side / 2
        key = row.avatar_key or row.title
        if row.lead_icon:
            fill = look.danger_soft if row.lead_alarm else look.surface if row.selected else look.field
            self._disc.put(fill, left, bottom, side, side, side / 2)
            ink = look.danger if row.lead_alarm else look.accent
            drawn = texture(icon(row.lead_icon), sp(24), ink, font=ICONS)
        else:
            fill = look.person(key)[0] if not row.faded else FADED
            self._disc.put(fill, left, bottom, side, side, side / 3 if row.team else side / 2)
            drawn = texture(initials(row.title) or "?", dp(16), WHITE, bold=True)
        self._letters.put(drawn, left + side / 2 - drawn.width / 2, bottom + side / 2 - drawn.height / 2)

    def _show_title(self, row: ListItem, left: float, right: float, base: float) -> None:
        if row.meta:
            drawn = texture(row.meta, sp(12), look.accent if row.badge or row.meta_strong else look.meta)
            right -= drawn.width
            self._meta.put(drawn, right, base + sp(1.5))
            right -= dp(8)
        for mark, name in zip(self._notes, (*(("alert",) if row.alarm else ()), *row.notes), strict=False):
            glyph = texture(icon(name), sp(15), look.danger if name == "alert" else look.meta, font=ICONS)
            right -= glyph.width + dp(3)
            mark.put(glyph, right, base + sp(1))
        room = right - left - (sp(20) if row.name_icon else 0)
        ink = look.meta if row.faded else look.text
        drawn = texture(elide(row.title, sp(NAME_SP), room, bold=True), sp(NAME_SP), ink, bold=True, dark=look.dark)
        self._title.put(drawn, left, base)
        if row.name_icon:
            glyph = texture(icon(row.name_icon), sp(16), look.accent, font=ICONS)
            self._name_icon.put(
                glyph, left + min(drawn.width, room) + sp(4), base + drawn.height / 2 - glyph.height / 2
            )

    def _show_subtitle(self, row: ListItem, left: float, right: float, top: float) -> None:
        if row.badge:
            count = texture(str(row.badge) if row.badge < 100 else "99+", sp(TINY_SP), WHITE, bold=True)
            high = sp(TINY_SP) + dp(10)
            wide = max(high, count.width + dp(12))
            right -= wide
            fill = look.meta if row.quiet else look.brand
            ink = look.surface if row.quiet else WHITE
            count = texture(str(row.badge) if row.badge < 100 else "99+", sp(TINY_SP), ink, bold=True)
            self._badge.put(fill, right, top - sp(9) - high / 2, wide, high, high / 2)
            self._count.put(count, right + wide / 2 - count.width / 2, top - sp(9) - count.height / 2)
            right -= dp(8)
        if row.named:
            drawn = texture("@", sp(15), look.accent, bold=True)
            right -= drawn.width
            self._named.put(drawn, right, top - sp(9) - drawn.height / 2)
            right -= dp(8)
        if row.tick is not None:
            color = {Tick.READ: look.read, Tick.FAILED: look.danger}.get(row.tick, look.meta)
            glyph = texture(icon(TICKS[row.tick]), sp(16), color, font=ICONS)
            self._tick.put(glyph, left, top - sp(9) - glyph.height / 2)
            left += glyph.width + dp(4)
        room = max(dp(20), right - left)
        ink = look.text if row.badge and not row.faded else look.meta
        drawn = texture(elide(row.subtitle, sp(SUBTITLE_SP), room), sp(SUBTITLE_SP), ink, dark=look.dark)
        self._subtitle.put(drawn, left, top - sp(9) - drawn.height / 2)
