"""The PIN that will open this device."""

from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules

PIN_DIGITS_MIN = 6


class ChoosePinScreen(GatePage):
    """Asks twice; at least six digits."""

    def go(self) -> None:
        """Make the vault."""
        pin, again = self.ids.pin.text.strip(), self.ids.again.text.strip()
        if len(pin) < PIN_DIGITS_MIN or not pin.isdigit():
            self.complain("pin-too-short")
        elif len(set(pin)) == 1 or pin in "01234567890" or pin in "09876543210":
            self.complain("pin-too-simple")
        elif pin != again:
            self.complain("pin-differs")
        elif not self.busy:
            self.ask(self.app.client.choose_pin(pin), self._chosen)

    def _chosen(self, _result: object) -> None:
        self.ids.pin.text = self.ids.again.text = ""


load_rules(__file__)
