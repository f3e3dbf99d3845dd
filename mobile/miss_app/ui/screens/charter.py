"""A charter that this person has not accepted yet: to read and accept, or to be asked about at the next connection."""

from typing import Any

from kivy.properties import StringProperty

from miss_app.engine.events import CharterView
from miss_app.ui import consent
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page

__all__ = ["consent"]


class CharterScreen(Page):
    """Never holds up a message: who is in a hurry accepts later."""

    text = StringProperty("")

    def __init__(self, app: Any, charter: CharterView, **options: Any) -> None:
        self.charter = charter
        super().__init__(app, **options)
        self.text = charter.text

    def accept(self) -> None:
        """Accept the version shown."""
        if not self.busy:
            self.ask(
                self.app.client.presence.accept_charter(self.charter.version), lambda _done: self.app.shell.close(self)
            )


load_rules(__file__)
