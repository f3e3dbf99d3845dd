"""The red strip above every page: somebody may be certified in one's own name, or the server rewrote its log."""

from typing import Any

from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import Alarm, Event, IdentityAlarm
from miss_app.ui import dates
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words


class AlarmStrip(BoxLayout):
    """Stays until the person has said that the device is theirs, or that they have understood."""

    app: Any = ObjectProperty(None)
    text = StringProperty("")
    device = BooleanProperty(False)  # it is about a device, so there is a list of them to look at
    silent = BooleanProperty(False)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.alarm = Alarm()
        words.bind(say=self._show)  # weakly: the words outlive every screen

    def hear(self, event: Event) -> None:
        """Show what is raised; nothing once it was judged."""
        if isinstance(event, IdentityAlarm):
            self.alarm = event.alarm
            self._show()

    def on_silent(self, *_args: object) -> None:
        """Before the vault is open nothing is told."""
        self._show()

    def on_judged(self) -> None:
        """It is one's own device, or it was understood."""
        self.app.bridge.ask(self.app.client.accept_alarm())

    def _show(self, *_args: object) -> None:
        self.device = bool(self.alarm.unknown)
        if self.silent or not self.alarm.raised:
            self.text = ""
        elif self.alarm.problem:
            self.text = words.problem(self.alarm.problem)
        else:
            newest = self.alarm.unknown[-1]
            moment = dates.local(newest.certified_at_ms)
            self.text = words.say("alarm.device", date=dates.date(moment), hour=dates.hour(newest.certified_at_ms))


load_rules(__file__)
