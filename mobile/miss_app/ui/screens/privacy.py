"""Whether one is found in the directory and who may write; the charter again; the way out of MiSS."""

from kivy.properties import BooleanProperty, StringProperty

from miss_app.engine.events import CharterView, Event, StateChanged, WishesView
from miss_app.ui.choice_row import ChoiceRow
from miss_app.ui.consent import reading_sheet
from miss_app.ui.controls import SettingRow
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.texts import words

__all__ = ["ChoiceRow", "PrivacyScreen"]


class PrivacyScreen(Page):
    """Shows what the server holds; nothing can be chosen before that is known."""

    known = BooleanProperty(False)
    unlisted = BooleanProperty(False)
    contact = StringProperty("")
    nobody = BooleanProperty(True)

    def entered(self) -> None:
        """Ask what is wished now."""
        self._show_blocked()
        self.ask(self.app.client.presence.wishes(), self._show)

    def hear(self, event: Event) -> None:
        """Somebody was blocked, or not any more, here or on another device."""
        if isinstance(event, StateChanged) and event.name.startswith("block/"):
            self._show_blocked()

    def _show_blocked(self) -> None:
        rows = self.ids.blocked
        rows.clear_widgets()
        found = self.app.client.preferences.blocked_people()
        self.nobody = not found
        for place, person in enumerate(found):
            name = person.display_name or words.say("list.untitled")
            row = SettingRow(icon="account-outline", title=name, subtitle=person.profession, test_id=f"blocked-{place}")
            row.bind(on_release=lambda _row, person=person: self.app.go_identity(person))
            rows.add_widget(row)

    def choose(self, contact: str) -> None:
        """Who may write."""
        if self.known and not self.busy and contact != self.contact:
            self._keep(WishesView(self.unlisted, contact))

    def hide_or_show(self) -> None:
        """Be found in the directory, or not."""
        if self.known and not self.busy:
            self._keep(WishesView(not self.unlisted, self.contact))

    def read_charter(self) -> None:
        """The charter in force."""
        if not self.busy:
            self.ask(self.app.client.presence.charter_standing(), self._show_charter)

    def _keep(self, wanted: WishesView) -> None:
        self.ask(self.app.client.presence.set_wishes(wanted), self._show)

    def _show(self, found: WishesView) -> None:
        self.known, self.unlisted, self.contact = True, found.unlisted, found.contact

    def _show_charter(self, found: CharterView) -> None:
        sheet = reading_sheet(words.say("charter.title"), found.text, "charter-text", self.height * 0.85)
        self.app.shell.show_sheet(sheet)


load_rules(__file__)
