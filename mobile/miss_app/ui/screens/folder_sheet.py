"""The panel a folder of this machine is chosen from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kivy.properties import BooleanProperty, StringProperty

from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.navigator import Navigator
from miss_app.ui.picking import files_in
from miss_app.ui.texts import words
from miss_app.ui.virtual_list import VirtualList


class FolderSheet(Sheet):
    """Hands the folder in sight to ``act`` when its button is tapped; ``go`` is what the button says."""

    folder_name = StringProperty("")
    above = BooleanProperty(False)  # there is a folder above
    go = StringProperty("")

    def __init__(self, app: Navigator, folder: Path, go: str, act: Callable[[Path], object], **options: Any) -> None:
        self._folder, self._act = folder, act
        super().__init__(title=words.say("folder.title"), go=go, **options)
        self.panel_height = app.shell.height * 0.8
        self._list = VirtualList(lambda: ListRow(self._entered), measure_item)
        self.ids.place.add_widget(self._list)
        self._show()

    def up(self) -> None:
        """Show the folder above."""
        self._folder = self._folder.parent
        self._show()

    def choose(self) -> None:
        """This one."""
        self.close()
        self._act(self._folder)

    def _entered(self, item: ListItem) -> None:
        self._folder = item.item
        self._show()

    def _show(self) -> None:
        folders, _ = files_in(self._folder)
        self.folder_name = self._folder.name or str(self._folder)
        self.above = self._folder.parent != self._folder
        self._list.set_rows(
            [
                ListItem(f"folder-{number}", path.name, item=path, lead_icon="folder-outline", mark="chevron-right")
                for number, path in enumerate(folders)
            ]
        )


load_rules(__file__)
