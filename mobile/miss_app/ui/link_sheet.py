"""The question before an address leaves MiSS for a browser: where it really leads, and what that tells whom."""

from kivy.core.clipboard import Clipboard
from kivy.metrics import dp

from miss_app.ui.controls import Caption, MissButton, Sheet, Words
from miss_app.ui.navigator import Navigator
from miss_app.ui.rich_text import address_of, host_of
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast

SHOWN_CHARACTERS = 300


class LinkSheet(Sheet):
    """Shows an address whole, its machine first; opens or copies it, never by itself."""

    def __init__(self, app: Navigator, link: str) -> None:
        self.app = app
        self._link = link
        super().__init__(title=words.say("link.title"))
        self.ids.body.padding = (dp(14), 0, dp(14), dp(12))
        self.ids.body.spacing = dp(12)
        self.add_widget(Words(text=words.say("link.host", host=host_of(link)), bold=True, test_id="link-host"))
        self.add_widget(Words(text=address_of(link)[:SHOWN_CHARACTERS], test_id="link-address"))
        self.add_widget(Caption(text=words.say("link.caution")))
        go = MissButton(text=words.say("link.open"), test_id="link-open")
        go.bind(on_release=lambda _button: self._open())
        copy = MissButton(text=words.say("menu.copy"), kind="tonal", test_id="link-copy")
        copy.bind(on_release=lambda _button: self._copy())
        self.add_widget(go)
        self.add_widget(copy)
        self.fit()

    def _open(self) -> None:
        self.close()
        if not self.app.device.open_browser(address_of(self._link)):
            show_toast(self.app.shell, words.problem("browser-missing"))

    def _copy(self) -> None:
        Clipboard.copy(self._link)
        self.close()
        show_toast(self.app.shell, words.say("menu.copied"))
