"""Signing in with Pro Santé Connect goes on in the browser; this waits for it."""

from miss_app.engine.events import Event, RegistrationChanged
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules


class BrowserScreen(GatePage):
    """Says what to do in the browser, and opens it again where its window was lost."""

    def hear(self, event: Event) -> None:
        """What went wrong is said here; that somebody signed in brings the next screen."""
        if isinstance(event, RegistrationChanged) and event.registration.problem:
            self.complain(event.registration.problem)

    def open(self) -> None:
        """Open the browser at the address of this registration."""
        registration = self.app.client.registration()
        if registration is None or not self.app.device.open_browser(registration.authorize):
            self.complain("browser-missing")

    def start_over(self) -> None:
        """Choose another way."""
        if not self.busy:
            self.ask(self.app.client.start_over())


load_rules(__file__)
