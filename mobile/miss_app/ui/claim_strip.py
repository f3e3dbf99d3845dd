"""The red strip that says that somebody registers in one's own name: "Ce n’est pas moi" ends it."""

from typing import Any

from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import ClaimView, Event, IdentityClaimed
from miss_app.ui import dates
from miss_app.ui.confirm import confirm
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast


class ClaimStrip(BoxLayout):
    """Stays until the registration was refused, or has taken effect."""

    app: Any = ObjectProperty(None)
    text = StringProperty("")
    silent = BooleanProperty(False)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.claims: tuple[ClaimView, ...] = ()
        words.bind(say=self._show)  # weakly: the words outlive every screen

    def hear(self, event: Event) -> None:
        """Show the first to take effect."""
        if isinstance(event, IdentityClaimed):
            self.claims = event.claims
            self._show()

    def on_silent(self, *_args: object) -> None:
        """Before the vault is open nothing is told."""
        self._show()

    def on_refused(self) -> None:
        """Ask once more, then refuse."""
        if self.claims:
            explain = words.say("claimed.explain", device=self.claims[0].device_name)
            confirm(
                self.app, words.say("claimed.title"), explain, words.say("claimed.refuse"), "claim-yes", self._refuse
            )

    def _refuse(self) -> None:
        asked = self.app.client.proof.refuse_claim(self.claims[0].registration_id)
        self.app.bridge.ask(
            asked,
            lambda _done: show_toast(self.app.shell, words.say("claimed.refused")),
            lambda failure: show_toast(self.app.shell, words.problem(failure.reason, failure.sentence)),
        )

    def _show(self, *_args: object) -> None:
        if self.silent or not self.claims:
            self.text = ""
            return
        first = self.claims[0]
        at = dates.local(first.until_ms)
        hour = dates.hour(first.until_ms)
        self.text = words.say("claimed.text", device=first.device_name, date=dates.date(at), hour=hour)


load_rules(__file__)
