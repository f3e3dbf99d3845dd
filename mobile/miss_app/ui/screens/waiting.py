"""Waiting for an operator, or until one's other devices have had a day to refuse: for whom, and for how long."""

from kivy.properties import StringProperty

from miss_app.engine.events import Event, RegistrationChanged
from miss_app.ui import dates
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words


class WaitingScreen(GatePage):
    """Nothing to do but to know that the window may be closed."""

    server = StringProperty("")
    note = StringProperty("")
    why = StringProperty("")
    until = StringProperty("")
    how_long = StringProperty("")

    def entered(self) -> None:
        """Show who decides."""
        server = self.app.client.server()
        self.server = server.name if server is not None else ""
        self._follow()

    def hear(self, event: Event) -> None:
        """The operator may have written something."""
        if isinstance(event, RegistrationChanged):
            self._follow()

    def start_over(self) -> None:
        """The claim was wrong: back to it."""
        if not self.busy:
            self.ask(self.app.client.start_over())

    def _follow(self) -> None:
        registration = self.app.client.registration()
        if registration is not None:
            self.note = registration.note
            self.why = words.problem(registration.problem) if registration.problem else ""
            self.until = ""
            if registration.until_ms:
                at = dates.local(registration.until_ms)
                self.until = words.say("waiting.until", date=dates.date(at), time=dates.hour(registration.until_ms))
            usual = words.say("waiting.usually", wait=self.note) if self.note else words.say("waiting.how_long")
            self.how_long = self.until or usual

    def spoken_again(self) -> None:
        """The reason in the other language."""
        self._follow()


load_rules(__file__)
