"""Leaving MiSS for good: what is lost, what stays, and two things to type so that no slip of a finger does it."""

from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.texts import words


class LeavingScreen(Page):
    """Asks for the PIN and a word; the first screen of all follows."""

    def go(self) -> None:
        """Leave, once both are typed."""
        pin = "".join(self.ids.pin.text.split())
        typed = self.ids.typed.text.strip().casefold()
        if not pin:
            self.complain("pin-empty")
        elif typed != words.say("leaving.word").casefold():
            self.complain("leaving-unconfirmed")
        elif not self.busy:
            self.ids.pin.text = ""
            self.ask(self.app.client.presence.leave_miss(pin))


load_rules(__file__)
