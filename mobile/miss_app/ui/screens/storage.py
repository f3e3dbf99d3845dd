"""How much room each conversation's photos and documents take on this device, and making it free."""

from kivy.properties import StringProperty

from miss_app.engine.events import StorageView
from miss_app.ui import dates
from miss_app.ui.confirm import confirm
from miss_app.ui.controls import SettingRow
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.question import question_sheet
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast


class StorageScreen(Page):
    """The conversations that take most stand first."""

    total = StringProperty("")

    def entered(self) -> None:
        """Count."""
        self.total = words.say("storage.counting")
        self.ask(self.app.client.storage.used(), self._show)

    def spoken_again(self) -> None:
        """The same in the other language."""
        self.entered()

    def _show(self, used: list[StorageView]) -> None:
        size = sum(one.file_bytes for one in used)
        self.total = words.say("storage.total", size=dates.size(size)) if used else words.say("storage.nothing")
        rows = self.ids.rows
        rows.clear_widgets()
        for place, one in enumerate(used):
            row = SettingRow(
                icon="image-multiple-outline",
                title=one.conversation.title or words.say("list.untitled"),
                subtitle=words.say("storage.files", one.files),
                value=dates.size(one.file_bytes),
                test_id=f"storage-{place}",
            )
            row.bind(on_release=lambda _row, one=one: self.ask_to_free(one))
            rows.add_widget(row)

    def ask_to_free(self, one: StorageView) -> None:
        """Say what will be deleted and what stays; then ask once more."""
        title = words.say("storage.free_title", title=one.conversation.title or words.say("list.untitled"))

        def surely() -> None:
            confirm(
                self.app,
                title,
                words.say("storage.surely", count=one.files),
                words.say("storage.delete", size=dates.size(one.file_bytes)),
                "storage-yes",
                lambda: self.ask(self.app.client.storage.free(one.conversation.conversation_id), self._freed),
            )

        sheet = question_sheet(
            title, words.say("storage.explain"), words.say("storage.go"), "storage-go", surely, kind="tonal"
        )
        self.app.shell.show_sheet(sheet)

    def _freed(self, freed: int) -> None:
        show_toast(self.app.shell, words.say("storage.freed", size=dates.size(freed)))
        self.entered()


load_rules(__file__)
