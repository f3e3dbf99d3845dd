"""The registration was refused: why, and what to do."""

from kivy.properties import StringProperty

from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules


class RefusedScreen(GatePage):
    """Shows the operator's reason."""

    note = StringProperty("")

    def entered(self) -> None:
        """Show the reason."""
        registration = self.app.client.registration()
        if registration is not None:
            self.note = registration.note
            if registration.problem:
                self.complain(registration.problem)

    def start_over(self) -> None:
        """Try again with another claim."""
        if not self.busy:
            self.ask(self.app.client.start_over())


load_rules(__file__)
