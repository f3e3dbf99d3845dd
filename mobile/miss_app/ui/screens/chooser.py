"""Who sits down at a machine that several people use: each by the name they chose to show here, or a number."""

from functools import partial

from miss_app.ui.controls import SettingRow
from miss_app.ui.gate import GatePage
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words


class ChooserScreen(GatePage):
    """A line for each person; nothing else is known of them before their PIN."""

    def entered(self) -> None:
        """Show everybody who has a place here."""
        self.ids.people.clear_widgets()
        for vault in self.app.place.workstation.vaults():
            name = vault.shown or words.say("chooser.number", number=vault.number)
            row = SettingRow(icon="account-outline", title=name, test_id=f"vault-{vault.number}")
            row.bind(on_release=partial(self._chosen, vault.profile))
            self.ids.people.add_widget(row)

    def spoken_again(self) -> None:
        """The numbers in the other language."""
        self.entered()

    def _chosen(self, profile: str, *_args: object) -> None:
        self.app.sit(profile)

    def add(self) -> None:
        """One person more: as on a machine of their own."""
        self.app.sit_anew()


load_rules(__file__)
