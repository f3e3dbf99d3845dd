"""A sentence that shows for a while above everything and goes by itself."""

from kivy.animation import Animation
from kivy.clock import Clock
from kivy.properties import StringProperty
from kivy.uix.floatlayout import FloatLayout

from miss_app.ui.kv import load_rules
from miss_app.ui.tokens import LEAVE_S, TOAST_S


class Toast(FloatLayout):
    """Takes no touch: what is under it stays within reach."""

    text = StringProperty("")
    test_id = StringProperty("toast")
    touch_through = True

    def on_touch_down(self, _touch: object) -> bool:
        """Let every touch through."""
        return False


def show_toast(over: FloatLayout, text: str) -> None:
    """Show ``text`` over a screen; a newer one replaces the one shown."""
    for child in list(over.children):
        if isinstance(child, Toast):
            over.remove_widget(child)
    toast = Toast(text=text)
    over.add_widget(toast)

    def gone(*_args: object) -> None:
        if toast.parent is not None:
            toast.parent.remove_widget(toast)

    def fade(_dt: float) -> None:
        away = Animation(opacity=0, duration=LEAVE_S)
        away.bind(on_complete=gone)
        away.start(toast)

    Clock.schedule_once(fade, TOAST_S)


load_rules(__file__)
