"""The line a message is written in, which grows to a few lines; where there is a keyboard, Enter sends."""

from typing import Any

from kivy.core.clipboard import Clipboard
from kivy.properties import BooleanProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label

from miss_app.ui.inputs import MissInput


class Composer(MissInput):
    """Enter dispatches ``on_send`` when ``enter_sends``; Shift+Enter begins a line."""

    enter_sends = BooleanProperty(True)
    panel: Any = ObjectProperty(None, allownone=True)  # of mentions: it takes some keys first
    __events__ = ("on_send", "on_paste_picture")

    def on_paste_picture(self) -> None:
        """What is pasted is no text: perhaps a picture."""

    def paste(self) -> None:
        """Paste the text of the clipboard; where there is none, it may hold a picture."""
        if Clipboard.paste():
            super().paste()
        else:
            self.dispatch("on_paste_picture")

    def on_send(self) -> None:
        """The message is to be sent."""

    def keyboard_on_key_down(self, window: Any, keycode: Any, text: str, modifiers: list[str]) -> bool:
        """Send on Enter; everything else is typed."""
        if self.panel is not None and not modifiers and self.panel.press(keycode[1]):
            return True
        if self.enter_sends and keycode[1] in ("enter", "numpadenter") and "shift" not in modifiers:
            self.dispatch("on_send")
            return True
        return super().keyboard_on_key_down(window, keycode, text, modifiers)


class WaitingChip(ButtonBehavior, Label):
    """How many messages wait for somebody; a tap goes to the first of them."""

    test_id = StringProperty("")
    count = NumericProperty(0)
    urgent = BooleanProperty(False)  # one of them is: only then it is red
    wide = BooleanProperty(False)


class ChatNames(ButtonBehavior, BoxLayout):
    """Title and members above a chat; a tap shows who they are."""

    test_id = StringProperty("")
    text = StringProperty("")
