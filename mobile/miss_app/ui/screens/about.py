"""What this program is, which server it talks to, and whose work it is made of."""

from importlib import metadata

from kivy.properties import StringProperty

from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.policy_words import policy_words
from miss_app.ui.screens.reading import licences


class AboutScreen(Page):
    """Nothing can be changed here."""

    version = StringProperty("")
    server = StringProperty("")
    fingerprint = StringProperty("")
    issuer = StringProperty("")
    policy = StringProperty("")

    def entered(self) -> None:
        """Show what is known."""
        server = self.app.client.server()
        self.policy = policy_words(self.app.policy)
        self.version = metadata.version("miss")
        if server is not None:
            self.server, self.fingerprint, self.issuer = server.name, server.fingerprint, server.issuer

    def read_licences(self) -> None:
        """The list of works and licences."""
        self.app.shell.open(licences(self.app))


load_rules(__file__)
