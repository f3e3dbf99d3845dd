"""The lock: everything is closed until the PIN is typed."""

from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules


class LockedScreen(GatePage):
    """Asks for the PIN."""

    def entered(self) -> None:
        """Put the cursor in the field."""
        self.ids.pin.focus()

    def go(self) -> None:
        """Open the vault."""
        pin = self.ids.pin.text.strip()
        if not pin:
            self.complain("pin-empty")
        elif not self.busy:
            self.ids.pin.text = ""
            self.ask(self.app.client.unlock(pin))


load_rules(__file__)
