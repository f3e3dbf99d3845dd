"""This device was removed by its owner or by the registrar."""

from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules


class RevokedScreen(GatePage):
    """Says that nothing more arrives here, and how to begin again."""

    def start_over(self) -> None:
        """Register this device anew."""
        if not self.busy:
            self.ask(self.app.client.start_over())


load_rules(__file__)
