"""What every screen shares: its application, what it hears, and how it says that something went wrong."""

from collections.abc import Callable, Coroutine
from typing import Any

from kivy.properties import BooleanProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import Event
from miss_app.ui.bridge import Failure
from miss_app.ui.mending import keep_room
from miss_app.ui.navigator import Navigator
from miss_app.ui.texts import words


class Page(BoxLayout):
    """A screen, or one pane of a wide window.

    ``busy`` while the engine works for it; ``problem`` is the sentence its problem line shows; it changes with the
    language.
    """

    name = StringProperty("")
    busy = BooleanProperty(False)
    problem = StringProperty("")
    wide = BooleanProperty(False)

    def __init__(self, app: Navigator, **options: Any) -> None:
        self.app = app
        self._failure = Failure("")
        options.setdefault("orientation", "vertical")
        super().__init__(**options)
        words.bind(say=self._speak_again)

    def entered(self) -> None:
        """The page came into sight."""

    def left(self) -> None:
        """The page went out of sight for good."""
        words.unbind(say=self._speak_again)

    def hear(self, event: Event) -> None:
        """The engine says that something changed."""

    def back(self) -> bool:
        """Escape or the back button; True when the page itself had something to close."""
        return False

    def ask(self, coroutine: Coroutine[Any, Any, Any], done: Callable[[Any], None] | None = None) -> None:
        """Ask the engine, busy meanwhile; a problem is shown in the page's problem line."""
        self.busy = True
        self.complain("")

        def answered(result: Any) -> None:
            self.busy = False
            if done is not None:
                done(result)

        def failed(failure: Failure) -> None:
            self.busy = False
            self.fail(failure)

        self.app.bridge.ask(coroutine, answered, failed)

    def complain(self, reason: str) -> None:
        """Show the sentence for ``reason``, or none for ""."""
        self.fail(Failure(reason))

    def fail(self, failure: Failure) -> None:
        """Show the sentence for what the engine could not do."""
        self._failure = failure
        shown = words.problem(failure.reason, failure.sentence, failure.seconds) if failure.reason else ""
        if failure.reason and failure.tries_left is not None:
            shown = f"{shown} {words.say('tries.left', failure.tries_left)}"
        self.problem = shown

    def mend(self) -> None:
        """Something was changed: the sentence is perhaps not true any more."""
        if self.problem:
            keep_room(self)
            self.complain("")

    def spoken_again(self) -> None:
        """The language changed; rows drawn by hand are drawn anew here."""

    def _speak_again(self, *_args: object) -> None:
        self.fail(self._failure)
        self.spoken_again()
