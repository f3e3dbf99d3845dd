"""The window's frame: one page at a time when narrow, rail, list and page side by side when wide."""

from typing import Any

from kivy.core.window import Window
from kivy.metrics import dp
from kivy.properties import BooleanProperty, NumericProperty, StringProperty, VariableListProperty
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.textinput import TextInput

from miss_app.engine.events import Event
from miss_app.ui import controls
from miss_app.ui.alarm import AlarmStrip
from miss_app.ui.banner import Banner
from miss_app.ui.claim_strip import ClaimStrip
from miss_app.ui.controls import Sheet
from miss_app.ui.focus_ring import FocusRing
from miss_app.ui.kv import load_rules
from miss_app.ui.navigator import Navigator
from miss_app.ui.page import Page
from miss_app.ui.pane_handle import PaneHandle
from miss_app.ui.rail import Rail
from miss_app.ui.tokens import LIST_DP, WIDE_DP
from miss_app.ui.urgent_strip import UrgentStrip

__all__ = ["AlarmStrip", "Banner", "ClaimStrip", "FocusRing", "PaneHandle", "Rail", "UrgentStrip", "controls"]

WIDE_UPRIGHT_DP = 840
LIST_MIN_DP = 280
EDGE_DP, BACK_DP = 18, 80


class Shell(FloatLayout):
    """Shows either one ``gate`` (a page that fills the window) or the home: a list and a stack of pages."""

    wide = BooleanProperty(False)
    section = StringProperty("chats")
    insets = VariableListProperty([0, 0, 0, 0])  # left, top, right, bottom: what notch, bars and keyboard cover
    keyboard = NumericProperty(0)  # how high the keyboard on the screen stands
    list_width = NumericProperty(dp(LIST_DP))

    def __init__(self, app: Navigator, **options: Any) -> None:
        self.app = app
        self.gate: Page | None = None
        self.side: Page | None = None
        self.empty: Page | None = None
        self.stack: list[Page] = []
        self._edge: Any = None  # the touch that began at the left edge of a phone
        super().__init__(**options)
        for name in ("size", "keyboard"):
            self.fbind(name, self._measure)
        Window.bind(keyboard_height=self._keyboard_moved)  # weakly: the window outlives every shell
        if app.window_state.list_width:
            self.list_width = dp(app.window_state.list_width)
        self._measure()

    @property
    def pages(self) -> list[Page]:
        """Every page alive, whether in sight or under another."""
        return [page for page in (self.gate, self.side, self.empty, *self.stack) if page is not None]

    @property
    def front(self) -> Page | None:
        """The page a back button speaks to."""
        return self.gate or (self.stack[-1] if self.stack else self.side)

    def show_gate(self, gate: Page) -> None:
        """Fill the window with one page; the home and all its pages are dropped."""
        for page in self.pages:
            page.left()
        self.close_sheets()
        self.gate, self.side, self.empty, self.stack = gate, None, None, []
        self._arrange()
        gate.entered()

    def show_home(self, side: Page, empty: Page) -> None:
        """Show the conversation list, with ``empty`` beside it while no page is open on a wide window."""
        for page in self.pages:
            page.left()
        self.close_sheets()
        self.gate, self.side, self.empty, self.stack = None, side, empty, []
        self.section = "chats"
        self._arrange()
        side.entered()

    def open(self, page: Page, *, instead: bool = False) -> None:
        """Put a page in sight; ``instead`` drops those it covers."""
        self.close_sheets()
        if instead:
            for covered in self.stack:
                covered.left()
            self.stack = []
        self.stack.append(page)
        self._arrange()
        page.entered()

    def back(self) -> bool:
        """Close what is on top: a sheet, something the page itself opened, the page. False when nothing was left."""
        sheets = [child for child in self.children if isinstance(child, Sheet)]
        if sheets:
            sheets[0].close()
            return True
        top = self.front
        if top is not None and top.back():
            return True
        if self.gate is not None or not self.stack:
            return False
        self.stack.pop().left()
        self._arrange()
        if self.stack:
            self.stack[-1].entered()
        return True

    def lift(self, page: Page) -> None:
        """Put a page that others cover in sight; those stay under it."""
        self.close_sheets()
        self.stack.remove(page)
        self.stack.append(page)
        self._arrange()
        page.entered()

    def close(self, page: Page) -> None:
        """Take one page away wherever it lies."""
        if page in self.stack:
            self.stack.remove(page)
            page.left()
            self._arrange()

    def home(self) -> None:
        """Close every page above the list."""
        for page in self.stack:
            page.left()
        self.stack = []
        self.section = "chats"
        self._arrange()

    def show_sheet(self, sheet: Sheet) -> None:
        """Open a panel over everything."""
        sheet.wide, sheet.lift = self.wide, self.insets[3]
        sheet.open(self)

    def close_sheets(self) -> None:
        """Close every panel."""
        for child in list(self.children):
            if isinstance(child, Sheet):
                child.close()

    def hear(self, event: Event) -> None:
        """Pass an event on to the strips and to every page alive."""
        self.ids.banner.hear(event)
        self.ids.alarm.hear(event)
        self.ids.claimed.hear(event)
        self.ids.urgent.hear(event)
        for page in self.pages:
            page.hear(event)

    # The hand at the borders.

    def widen(self, width: float) -> None:
        """Make the list that wide, as far as both panes stay of use."""
        self.list_width = max(dp(LIST_MIN_DP), min(width, self.width / 2))

    def keep_width(self) -> None:
        """Remember it for the next time."""
        self.app.window_state.keep(list_width=self.list_width / dp(1))

    def on_touch_down(self, touch: Any) -> bool:
        """A finger that begins at the left edge may be on its way back; the keyboard's ring is not needed by a hand."""
        self.ids.ring.hide()
        self._edge = touch if self.stack and not self.wide and touch.x - self.x < dp(EDGE_DP) else None
        return bool(super().on_touch_down(touch))

    def on_touch_move(self, touch: Any) -> bool:
        """Far enough to the right from the edge: back."""
        if touch is self._edge and touch.x - touch.ox > max(dp(BACK_DP), 2 * abs(touch.y - touch.oy)):
            self._edge = None
            self.app.back()
            return True
        return bool(super().on_touch_move(touch))

    def _keyboard_moved(self, _window: Any, height: float) -> None:
        self.keyboard = height

    def _measure(self, *_args: object) -> None:
        safe = self.app.device.safe_area()
        self.insets = [safe.left, safe.top, safe.right, max(safe.bottom, self.keyboard)]
        for child in self.children:
            if isinstance(child, Sheet):
                child.lift = self.insets[3]
        # Upright, a tablet shows one pane; a window on a desk shows two as soon as both have room.
        two = self.width >= self.height or (self.app.device.desktop and self.width >= dp(WIDE_UPRIGHT_DP))
        wide = self.width >= dp(WIDE_DP) and two
        if wide != self.wide:
            self.wide = wide
            self._arrange()

    def _arrange(self) -> None:
        side, main, rail = self.ids.side, self.ids.main, self.ids.rail
        writing = next((one for one in self.walk() if isinstance(one, TextInput) and one.focus), None)
        side.clear_widgets()
        main.clear_widgets()
        for page in self.pages:
            page.wide = self.wide
        home = self.gate is None and self.side is not None
        for strip in (self.ids.banner, self.ids.alarm, self.ids.claimed, self.ids.urgent):
            strip.silent = not home
        top = self.stack[-1] if self.stack else None
        self.ids.urgent.here = getattr(top, "conversation_id", b"") if hasattr(top, "go_to") else b""
        self.ids.urgent.listed = top is None
        rail.shown = self.ids.handle.shown = home and self.wide
        rail.section = self.section if self.stack or not self.wide else "chats"
        side.shown = home and self.wide
        if self.gate is not None:
            main.add_widget(self.gate)
        elif self.side is not None and self.wide:
            side.add_widget(self.side)
            main.add_widget(self.stack[-1] if self.stack else self.empty)
        elif self.side is not None:
            main.add_widget(self.stack[-1] if self.stack else self.side)
        for child in self.children:
            if isinstance(child, Sheet):
                child.wide = self.wide
        if home:
            Window.release_all_keyboards()
        if writing is not None and writing.get_root_window() is not None:
            writing.focus = True  # a window that is resized while one types


load_rules(__file__)
