"""The line under a chat's title that finds words in the chat: up to older places, down to newer ones."""

from typing import Any

from kivy.clock import Clock
from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words

PAUSE_S = 0.2


class ChatSearch(BoxLayout):
    """Finds words in the chat of ``screen``, the newest place first; takes no room while it is not ``shown``."""

    shown = BooleanProperty(False)
    screen: Any = None
    said = StringProperty("")
    place = NumericProperty(0)
    count = NumericProperty(0)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._found: list[bytes] = []
        self._look_soon = Clock.create_trigger(lambda _dt: self.look(), PAUSE_S)

    def on_touch_down(self, touch: Any) -> bool:
        """What is not shown takes no touch meant for its neighbours."""
        return bool(self.shown and super().on_touch_down(touch))

    def on_shown(self, *_args: object) -> None:
        """Empty at each opening, ready to be typed into."""
        self.ids.wanted.text = ""
        self._found, self.count, self.said = [], 0, ""
        if self.shown:
            Clock.schedule_once(lambda _dt: self.ids.wanted.focus_line())

    def typed(self) -> None:
        """Look once typing rests a moment."""
        self._look_soon()

    def look(self) -> None:
        """Find the words, and go to the newest place."""
        text = self.ids.wanted.text.strip()
        screen = self.screen
        found = screen.app.client.search(text, inside=screen.conversation_id).messages if text else ()
        self._found = [one.message_id for one in found]
        self.count, self.place = len(self._found), 0
        self.said = "" if self._found or not text else words.say("chat.search_nothing")
        self._go()

    def move(self, by: int) -> None:
        """To the next older place (1) or newer one (-1)."""
        if self._found:
            self.place = (self.place + by) % len(self._found)
            self._go()

    def _go(self) -> None:
        if self._found:
            self.said = words.say("chat.search_place", place=self.place + 1, count=self.count)
            self.screen.go_to(self._found[self.place])


load_rules(__file__)
