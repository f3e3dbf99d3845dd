"""This new device shows its codes and waits until the trusted one accepts it."""

from kivy.factory import Factory
from kivy.properties import StringProperty

from miss_app.engine.events import Event, LinkRequested, RegistrationChanged
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules
from miss_app.ui.qr_code import QrCode


def spaced(code: str) -> str:
    """A code in groups of four, easier to read aloud."""
    bare = "".join(part for part in code if part.isalnum())
    return " ".join(bare[start : start + 4] for start in range(0, len(bare), 4))


class LinkingScreen(GatePage):
    """Shows the QR code, and the typed code as large as it can be read."""

    code = StringProperty("")
    qr = StringProperty("")

    def entered(self) -> None:
        """Ask for the code when the screen was reached without one."""
        shown = self.app.client.link_code()
        if shown:
            self._show(shown)
        else:
            self.ask(self.app.client.start_linking(), self._show)

    def hear(self, event: Event) -> None:
        """The code is here."""
        if isinstance(event, LinkRequested) and event.code:
            self._show(event.code)
        elif isinstance(event, RegistrationChanged) and event.registration.problem:
            self.code = self.qr = ""  # nobody should type or scan what serves no more
            self.complain(f"{event.registration.problem}-here")

    def again(self) -> None:
        """The code expired: another."""
        if not self.busy:
            self.ask(self.app.client.start_linking(), self._show)

    def start_over(self) -> None:
        """Register instead of linking."""
        if not self.busy:
            self.ask(self.app.client.start_over())

    def _show(self, code: str) -> None:
        self.complain("")
        self.code = spaced(code)
        self.qr = self.app.client.link_qr()


Factory.register("QrCode", cls=QrCode)
load_rules(__file__)
