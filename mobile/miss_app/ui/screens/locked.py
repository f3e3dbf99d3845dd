"""The lock: everything is closed until the PIN is typed."""

from kivy.properties import NumericProperty

from miss_app.engine.events import Event
from miss_app.engine.lock_events import Waiting
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules


class LockedScreen(GatePage):
    """Asks for the PIN; says how many messages wait behind it."""

    waiting = NumericProperty(0)

    def entered(self) -> None:
        """Put the cursor in the field."""
        self.ids.pin.focus()

    def hear(self, event: Event) -> None:
        """Messages arrive while the vault is closed."""
        if isinstance(event, Waiting):
            self.waiting = event.count

    def go(self) -> None:
        """Open the vault."""
        pin = self.ids.pin.text.strip()
        if not pin:
            self.complain("pin-empty")
        elif not self.busy:
            self.ids.pin.text = ""
            self.ask(self.app.client.unlock(pin))


load_rules(__file__)
