"""The line under a chat's title with what is pinned: a tap goes there, the next one to the pin before it."""

from typing import Any

from kivy.properties import NumericProperty, ObjectProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import MessageView
from miss_app.ui import chat_rows
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words


class PinnedBar(ButtonBehavior, BoxLayout):
    """Takes no room while nothing is pinned."""

    screen: Any = ObjectProperty(None)
    test_id = StringProperty("")
    title = StringProperty("")
    text = StringProperty("")
    count = NumericProperty(0)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pinned: list[MessageView] = []
        self._place = 0

    def look(self) -> None:
        """Read what is pinned; the newest is shown."""
        screen = self.screen
        self._pinned = screen.app.client.passages.pinned(screen.conversation_id)
        self._place = 0
        self._show()

    def hear(self, message: MessageView) -> None:
        """A message changed: was it pinned, or is it now?"""
        known = any(one.message_id == message.message_id for one in self._pinned)
        if message.pinned or known:
            self.look()

    def on_touch_down(self, touch: Any) -> bool:
        """What is not shown takes no touch meant for its neighbours."""
        return bool(self.count and super().on_touch_down(touch))

    def on_release(self) -> None:
        """Go there, and offer the one pinned before it."""
        if self._pinned:
            self.screen.go_to(self._pinned[-1 - self._place].message_id)
            self._place = (self._place + 1) % len(self._pinned)
            self._show()

    def _show(self) -> None:
        self.count = len(self._pinned)
        if not self._pinned:
            self.title = self.text = ""
            return
        message = self._pinned[-1 - self._place]
        self.title = words.say("pinned.title", count=self.count, place=self.count - self._place)
        self.text = chat_rows.preview(message, direct=False)


load_rules(__file__)
