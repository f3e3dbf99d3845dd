"""The border between the list and the conversation, which may be moved."""

from typing import Any

from kivy.core.window import Window
from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.widget import Widget


class PaneHandle(Widget):
    """``shell`` has the width of the list; only in a wide window."""

    shell: Any = ObjectProperty(None)
    shown = BooleanProperty(False)
    test_id = StringProperty("")
    touch_through = True

    def __init__(self, **options: Any) -> None:
        super().__init__(size_hint=(None, None), **options)
        self._over = False
        Window.bind(mouse_pos=self._hover)

    def on_touch_down(self, touch: Any) -> bool:
        """Take hold of the border."""
        if not self.shown or not self.collide_point(*touch.pos) or getattr(touch, "button", None) == "right":
            return False
        touch.grab(self)
        return True

    def on_touch_move(self, touch: Any) -> bool:
        """The list gets as wide as the pointer is far."""
        if touch.grab_current is not self:
            return False
        self.shell.widen(touch.x - self.shell.ids.side.x)
        return True

    def on_touch_up(self, touch: Any) -> bool:
        """The width is kept for the next time."""
        if touch.grab_current is not self:
            return False
        touch.ungrab(self)
        self.shell.keep_width()
        return True

    def _hover(self, _window: Any, place: tuple[float, float]) -> None:
        over = self.shown and self.get_root_window() is not None and self.collide_point(*place)
        if over != self._over:
            self._over = over
            Window.set_system_cursor("size_we" if over else "arrow")
