"""Who one is here, one's devices, how the screens look and speak, the lock, and what this program is."""

from importlib import metadata

from kivy.properties import StringProperty

from miss_app.ui.checks import checked_words
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page


class SettingsScreen(Page):
    """Everything but the profile can be changed; the profile is the register's."""

    who = StringProperty("")
    what = StringProperty("")
    how = StringProperty("")
    key = StringProperty("")
    theme = StringProperty("auto")
    server = StringProperty("")
    fingerprint = StringProperty("")
    version = StringProperty("")

    def entered(self) -> None:
        """Show what is set."""
        client = self.app.client
        me, server = client.me(), client.server()
        if me is not None:
            self.who, self.key = me.display_name, me.person_id.hex()
            self.what = " · ".join(part for part in (me.profession, me.place) if part)
            self.how = checked_words(me.checked_how, me.place)
        if server is not None:
            self.server, self.fingerprint = server.name, server.fingerprint
        self.theme = client.settings().get("theme", "auto")
        self.version = metadata.version("miss")

    def spoken_again(self) -> None:
        """The check in the other language."""
        self.entered()

    def choose_theme(self, name: str) -> None:
        """Change the theme at once."""
        self.theme = name
        self.app.set_theme(name)


load_rules(__file__)
