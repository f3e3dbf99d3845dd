"""Who one is here, one's devices, how the screens look and speak, the lock, and what this program is."""

from functools import partial
from importlib import metadata

from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout

from miss_app.ui.checks import checked_words
from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem
from miss_app.ui.page import Page
from miss_app.ui.screens.about import AboutScreen
from miss_app.ui.screens.choices import ChoiceSheet
from miss_app.ui.screens.help import HelpScreen
from miss_app.ui.screens.reading import why_secure
from miss_app.ui.screens.storage import StorageScreen
from miss_app.ui.text_size import text_size_of
from miss_app.ui.texts import words


class ProfileCard(ButtonBehavior, BoxLayout):
    """Who one is here, in short; a tap leads to the whole."""

    test_id = StringProperty("")


class ShownNameSheet(Sheet):
    """What a machine of several people calls this one."""

    def __init__(self, page: "SettingsScreen") -> None:
        self._page = page
        super().__init__(title=words.say("chooser.shown"))
        self.ids.shown.text = page.shown
        self.fit()

    def keep(self) -> None:
        """From now on."""
        self._page.set_shown(self.ids.shown.text)
        self.close()


class SettingsScreen(Page):
    """Everything but the profile can be changed; the profile is the register's."""

    who = StringProperty("")
    what = StringProperty("")
    how = StringProperty("")
    key = StringProperty("")
    theme = StringProperty("auto")
    text_size = NumericProperty(100)  # in per cent of what the system says
    version = StringProperty("")
    idle = NumericProperty(0)
    several = BooleanProperty(False)
    shown = StringProperty("")

    def entered(self) -> None:
        """Show what is set."""
        client = self.app.client
        me = client.me()
        if me is not None:
            self.who, self.key = me.display_name, me.person_id.hex()
            self.what = " · ".join(part for part in (me.profession, me.place) if part)
            self.how = checked_words(me.checked_how, me.place)
        self.theme = client.settings().get("theme", "auto")
        self.text_size = text_size_of(client.settings())
        self.version = metadata.version("miss")
        self.idle, self.several = self.app.idle_seconds(), self.app.may_choose()
        self.shown = self.app.shown_name()

    def spoken_again(self) -> None:
        """The check in the other language."""
        self.entered()

    def idle_words(self, seconds: int) -> str:
        """After how long without a touch it locks by itself."""
        return str(words.say("idle.minutes", count=int(seconds) // 60) if seconds else words.say("idle.never"))

    def choose_idle(self) -> None:
        """Choose among what the machine's rule allows."""
        lines = [
            ListItem(
                f"idle-{seconds}",
                self.idle_words(seconds),
                item=partial(self.set_idle, seconds),
                lead_icon="clock-outline" if seconds else "lock-open-outline",
                mark="check" if seconds == self.idle else "",
            )
            for seconds in self.app.idle_choices()
        ]
        self.app.shell.show_sheet(ChoiceSheet(self.app, words.say("idle.title"), lines))

    def set_idle(self, seconds: int) -> None:
        """Lock after that long from now on."""
        self.idle = seconds
        self.app.bridge.ask(self.app.client.set_setting("idle_lock", str(seconds), everywhere=False))

    def choose_shown(self) -> None:
        """Change what this machine's chooser calls the person."""
        self.app.shell.show_sheet(ShownNameSheet(self))

    def set_shown(self, name: str) -> None:
        """Be called this on this machine."""
        self.app.set_shown_name(name)
        self.shown = self.app.shown_name()

    def choose_theme(self, name: str) -> None:
        """Change the theme at once."""
        self.theme = name
        self.app.set_theme(name)

    def choose_text_size(self, percent: int) -> None:
        """Write everything larger, or as before; the page is another one then, with the choice where it stood."""
        if percent != self.text_size:
            top = self.ids.sizes.to_window(0, self.ids.sizes.top)[1]
            self.app.set_text_size(percent)
            anew = self.app.shell.front
            anew.ids.column.hold(anew.ids.sizes, top)

    def show_storage(self) -> None:
        """What takes room on this device."""
        self.app.shell.open(StorageScreen(self.app))

    def show_help(self) -> None:
        """When and how somebody answers."""
        self.app.shell.open(HelpScreen(self.app))

    def show_why(self) -> None:
        """Why a message here is no SMS."""
        self.app.shell.open(why_secure(self.app))

    def show_about(self) -> None:
        """What this program is."""
        self.app.shell.open(AboutScreen(self.app))


load_rules(__file__)
