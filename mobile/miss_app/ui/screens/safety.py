"""The safety number shared with somebody: compared by QR code or aloud, then marked as verified on all devices."""

from typing import Any

from kivy.properties import BooleanProperty, StringProperty

from miss_app.engine.events import Event, PersonView, SafetyView, StateChanged, Verified
from miss_app.ui import dates
from miss_app.ui.bridge import Failure
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.qr_sheet import QrSheet
from miss_app.ui.texts import words

COLUMNS = 3


class SafetyScreen(Page):
    """One person's and another's number, and what its comparison is worth."""

    person_name = StringProperty("")
    number = StringProperty("")  # three groups a line
    qr = StringProperty("")
    worth = StringProperty("")
    good = BooleanProperty(False)
    bad = BooleanProperty(False)
    known = BooleanProperty(False)

    def __init__(self, app: Any, person: PersonView, **options: Any) -> None:
        self.person = person
        self._view: SafetyView | None = None
        super().__init__(app, **options)
        self.person_name = person.display_name

    def entered(self) -> None:
        """Ask for the number."""
        self.ask(self.app.client.safety.number(self.person.person_id), self._show)

    def hear(self, event: Event) -> None:
        """Compared, or not any more, on another device."""
        if isinstance(event, StateChanged) and event.name == f"verified/{self.person.person_id.hex()}":
            self.entered()

    def spoken_again(self) -> None:
        """The same in the other language."""
        if self._view is not None:
            self._show(self._view)

    def scan(self) -> None:
        """Read the other's QR code from a picture."""
        self.app.shell.show_sheet(QrSheet(self.app, self._scanned))

    def _scanned(self, text: str) -> None:
        self.ask(self.app.client.safety.compare(self.person.person_id, text), self._show)

    def mark(self) -> None:
        """The numbers are the same, as was read aloud; or that is not to hold any more."""
        if not self.busy and self.known:
            self.ask(self.app.client.safety.mark(self.person.person_id, not self.good), self._show)

    def fail(self, failure: Failure) -> None:
        """A number that differs is red until it is compared again."""
        super().fail(failure)
        self.bad = failure.reason == "safety-differs"

    def _show(self, view: SafetyView) -> None:
        self._view, self.known = view, True
        lines = (" ".join(view.groups[at : at + COLUMNS]) for at in range(0, len(view.groups), COLUMNS))
        self.number = "\n".join(lines)
        self.qr, self.worth = view.qr, worth(view.verified, view.compared_ms)
        self.good = view.verified in (Verified.COMPARED, Verified.VOUCHED)


def worth(verified: Verified, compared_ms: int = 0) -> str:
    """What the comparison is worth, in words."""
    date = dates.date(dates.local(compared_ms)) if compared_ms else ""
    return str(words.say(f"verified.{verified}", date=date) if date else words.say(f"verified.{verified}_short"))


load_rules(__file__)
