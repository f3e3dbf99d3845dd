"""What the keys of a keyboard do, beside typing: the shortcuts, the way with Tab and arrows, Escape."""

from collections.abc import Callable
from typing import Any

from kivy.uix.textinput import TextInput

from miss_app.ui import screens
from miss_app.ui.controls import Sheet
from miss_app.ui.focus_ring import FocusRing
from miss_app.ui.sight import walk
from miss_app.ui.virtual_list import VirtualList

ESCAPE, TAB, ENTER, NUMPAD_ENTER, SPACE = 27, 9, 13, 271, 32
UP, DOWN, HOME, END, PAGE_UP, PAGE_DOWN = 273, 274, 278, 279, 280, 281
F1, F10, MENU = 282, 291, 319
PAGE_ROWS, ALL_ROWS = 8, 1 << 30


class Keys:
    """Hears every key before the line that is typed in.

    Args:
        app: whose shell, pages and verbs the keys reach.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.ring: FocusRing = app.shell.ids.ring
        self._shortcuts: dict[tuple[str, int], Callable[[], object]] = {
            ("ctrl", ord("k")): self._search,
            ("ctrl", ord("n")): lambda: app.go_people(),
            ("ctrl shift", ord("n")): app.go_new_group,
            ("ctrl", ord("f")): self._find,
            ("ctrl", ord("o")): lambda: app.go_open_ones(),
            ("ctrl", ord("l")): app.lock,
            ("ctrl", ord(",")): app.go_settings,
            ("ctrl", ord("/")): app.show_shortcuts,
            ("", F1): app.show_shortcuts,
            ("alt", UP): lambda: self._other_conversation(-1),
            ("alt", DOWN): lambda: self._other_conversation(1),
        }

    def press(self, key: int, modifiers: list[str]) -> bool:
        """Whether the key was for something here; else it is typed."""
        if key == ESCAPE:
            self._escape()
            return True  # else Kivy would close the window
        held = {"ctrl" if one == "meta" else one for one in modifiers} & {"ctrl", "alt", "shift"}
        act = self._shortcuts.get((" ".join(sorted(held)), key))
        if act is not None and self._home:
            self.ring.hide()
            act()
            return True
        if held - {"shift"}:
            return False
        writing = self._writing()
        if key == TAB:
            if writing is not None and getattr(getattr(writing, "panel", None), "shown", False):
                return False  # somebody is being mentioned
            self.ring.move(self._app.shell, -1 if held else 1)
            return True
        if writing is not None:
            return self._leave_line(writing, key)
        return self._go(key, shifted=bool(held))

    @property
    def _home(self) -> bool:
        return self._app.shell.gate is None and self._app.shell.side is not None

    def _writing(self) -> TextInput | None:
        return next((one for one in walk(self._app.shell) if isinstance(one, TextInput) and one.focus), None)

    def _escape(self) -> None:
        """Close what is on top; with nothing to close, let go of the ring."""
        if any(isinstance(child, Sheet) for child in self._app.shell.children):
            self._app.back()  # the ring stays where it was before the panel
            return
        on_list = isinstance(self._app.shell.front, screens.ChatScreen) and self.ring.target is self._chat().list
        if self.ring.shown and on_list:
            self.ring.hide()
            self._chat().ids.composer.focus = True
            return
        self.ring.hide()
        self._app.back()

    def _leave_line(self, writing: TextInput, key: int) -> bool:
        """Down from the search into what it found, up from an empty message to those above it."""
        found: VirtualList | None = None
        if (key == DOWN and not writing.multiline) or (key == UP and writing.multiline and not writing.text):
            found = self._list_of(self._page_of(writing))
        if found is None or not found.rows:
            return False
        self.ring.stand(found)
        return True

    def _go(self, key: int, *, shifted: bool) -> bool:
        ring = self.ring
        steps = {UP: -1, DOWN: 1, PAGE_UP: -PAGE_ROWS, PAGE_DOWN: PAGE_ROWS, HOME: -ALL_ROWS, END: ALL_ROWS}
        if key in steps:
            if ring.shown and ring.move_in_list(steps[key]):
                return True
            found = self._list_of(self._app.shell.front)
            if found is None or not found.rows:
                return False
            ring.stand(found)
            return True
        if not ring.shown:
            return False
        if key in (ENTER, NUMPAD_ENTER, SPACE):
            return ring.press()
        if key == MENU or (key == F10 and shifted):
            return ring.ask()
        return False

    @staticmethod
    def _list_of(page: Any) -> VirtualList | None:
        return None if page is None else next((one for one in walk(page) if isinstance(one, VirtualList)), None)

    def _page_of(self, widget: Any) -> Any:
        pages = self._app.shell.pages
        while widget is not None and widget not in pages:
            widget = widget.parent if hasattr(widget, "parent") else None
        return widget

    def _chat(self) -> Any:
        return self._app.shell.front

    # Shortcuts.

    def _search(self) -> None:
        """The cursor into the search above the conversations."""
        if not self._app.shell.wide:
            self._app.go_home()
        self._app.shell.close_sheets()
        self._app.shell.side.ids.search.focus_line()

    def _find(self) -> None:
        """Find words in the open conversation."""
        front = self._app.shell.front
        if isinstance(front, screens.ChatScreen):
            front.ids.search.shown = not front.ids.search.shown

    def _other_conversation(self, by: int) -> None:
        """The conversation above or below the open one in the list."""
        order = self._app.shell.side.order()
        if not order:
            return
        here = next((getattr(page, "conversation_id", None) for page in self._app.shell.stack), None)
        place = order.index(here) + by if here in order else 0
        if 0 <= place < len(order):
            self._app.go_chat(order[place])
