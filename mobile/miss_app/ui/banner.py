"""The strip above every page: that the server cannot be reached, and why; or how far a handover of messages is."""

from typing import Any

from kivy.clock import Clock
from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import Event, HistoryProgress, Link, LinkChanged
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words

PATIENCE_S = 1.5  # a connection that comes back sooner is not worth a word


class Banner(BoxLayout):
    """Shown while the link is down; a short gap is passed over in silence."""

    app: Any = ObjectProperty(None)
    text = StringProperty("")
    test_id = StringProperty("")
    offline = BooleanProperty(False)
    silent = BooleanProperty(False)  # before the vault is open there is no connection to miss

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.link = Link.ONLINE
        self.reason = ""
        self.history: HistoryProgress | None = None
        self._soon = Clock.create_trigger(lambda _dt: self._show(), PATIENCE_S)
        words.bind(say=self._say_again)  # weakly: the words outlive every screen

    def _say_again(self, *_args: object) -> None:
        if self.text:
            self._show()

    def on_silent(self, *_args: object) -> None:
        """Speak again, after the usual moment, or be quiet at once."""
        if self.silent:
            self._show()
        else:
            self.follow(self.link, self.reason)

    def hear(self, event: Event) -> None:
        """Follow the link."""
        if isinstance(event, LinkChanged):
            self.follow(event.link, event.problem)
        elif isinstance(event, HistoryProgress):
            self.history = None if event.finished or not event.expected else event
            if self.link is Link.ONLINE:
                self._show()

    def follow(self, link: Link, reason: str = "") -> None:
        """Show what ``link`` means: nothing online; connecting or offline after a moment, at once with a reason."""
        self.link, self.reason = link, reason
        if link is Link.ONLINE:
            self._soon.cancel()
            self._show()
        elif self.text or reason:
            self._show()
        else:
            self._soon()

    def _show(self) -> None:
        self.offline = self.link is Link.OFFLINE
        if self.link is Link.ONLINE or self.silent:
            history = None if self.silent else self.history
            self.text = "" if history is None else told(history)
            self.test_id = "" if history is None else "banner-history"
            return
        if self.reason:
            self.text = words.problem(self.reason)
        else:
            self.text = words.say("banner.offline" if self.offline else "banner.connecting")
        self.test_id = "banner"


def told(history: HistoryProgress) -> str:
    """How far a handover is, in words."""
    key = "banner.history_giving" if history.giving else "banner.history_coming"
    return str(words.say(key, done=min(history.done, history.expected), expected=history.expected))


load_rules(__file__)
