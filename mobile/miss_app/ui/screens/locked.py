"""The lock: everything is closed until the PIN is typed, or another device of the person opens it."""

import math
from dataclasses import replace
from typing import Any

from kivy.clock import Clock
from kivy.properties import BooleanProperty, NumericProperty, StringProperty

from miss_app.engine.events import Event
from miss_app.engine.lock_events import UnlockAnswered, Waiting
from miss_app.engine.vault import Guard
from miss_app.ui.bridge import Failure
from miss_app.ui.confirm import confirm
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words

# What a PIN cannot mend: another device has to.
_BEYOND = ("tries-used-up", "share-unknown", "keystore-emptied")


class LockedScreen(GatePage):
    """Asks for the PIN, or the phrase; says how many messages wait behind it.

    ``code`` are the digits to type on another device, while this one asks to be opened from there; ``wait`` the
    seconds before the next try; ``beyond`` where the PIN does not open it any more.
    """

    waiting = NumericProperty(0)
    urgent = NumericProperty(0)
    phrase = BooleanProperty(False)
    online_only = BooleanProperty(False)
    approvable = BooleanProperty(False)
    several = BooleanProperty(False)
    beyond = BooleanProperty(False)
    shown = StringProperty("")
    code = StringProperty("")
    wait = NumericProperty(0)

    def entered(self) -> None:
        """Show whose lock this is, and put the cursor in the field."""
        door = self.app.client.door
        guard = door.guard()
        self.phrase, self.online_only = guard is Guard.PHRASE, guard is Guard.SERVER
        self.approvable = door.approvable()
        self.several, self.shown = self.app.may_choose(), self.app.shown_name()
        self._until = Clock.get_boottime() + door.wait_seconds()
        self._ticking: Any = Clock.schedule_interval(self._tick, 0.5)
        self._tick(0)
        self.focus()

    def focus(self) -> None:
        """Put the cursor where the secret is typed."""
        (self.ids.phrase if self.phrase else self.ids.pin).focus()

    def left(self) -> None:
        """Nothing counts down any more, and what was typed is gone."""
        self._ticking.cancel()
        self.ids.pin.text = self.ids.phrase.text = ""
        super().left()

    def _tick(self, _dt: float) -> None:
        self.wait = max(0, math.ceil(self._until - Clock.get_boottime()))

    def hear(self, event: Event) -> None:
        """Messages arrive while the vault is closed; another device answers."""
        if isinstance(event, Waiting):
            self.waiting, self.urgent = event.count, event.urgent
        if isinstance(event, UnlockAnswered) and self.code:
            self.code = ""
            self.complain(event.state)

    def waiting_words(self, waiting: int, urgent: int) -> str:
        """How many wait, by class."""
        if not waiting:
            return ""
        said = str(words.say("locked.waiting", count=waiting))
        return f"{said} {words.say('locked.urgent', count=urgent)}" if urgent else said

    def fail(self, failure: Failure) -> None:
        """A wrong PIN counts down where one stands; what a PIN cannot mend is said so."""
        if failure.seconds:
            self._until = Clock.get_boottime() + failure.seconds
            self._tick(0)
        self.beyond = self.beyond or failure.reason in _BEYOND
        super().fail(replace(failure, seconds=0.0))
        if failure.reason and not self.beyond and not self.code:
            (self.ids.phrase if self.phrase else self.ids.pin).focus_soon()

    def go(self) -> None:
        """Open the vault."""
        field = self.ids.phrase if self.phrase else self.ids.pin
        typed = field.text.strip()
        if not typed:
            self.complain("phrase-length" if self.phrase else "pin-empty")
        elif not self.busy and not self.wait:
            field.text = ""
            self.ask(self.app.client.unlock(typed))

    def approve(self) -> None:
        """Ask the person's other devices to open this one."""
        if not self.busy:
            self.ask(self.app.client.door.ask_approval(), self._asked)

    def _asked(self, code: str) -> None:
        self.code = code

    def type_instead(self) -> None:
        """The PIN after all."""
        self.code = ""
        self.app.bridge.ask(self.app.client.door.stop_asking())
        Clock.schedule_once(lambda _dt: self.focus())

    def forgot(self) -> None:
        """There is one way left: register anew. It is said before it is done."""
        title, explain = words.say("forgotten.title"), words.say("forgotten.explain")
        confirm(self.app, title, explain, words.say("forgotten.go"), "forgotten-go", self._erase)

    def _erase(self) -> None:
        self.ask(self.app.client.door.wipe())


load_rules(__file__)
