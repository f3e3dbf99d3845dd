"""The panel that reads a QR code from a picture file: a screenshot, or a photo of another screen."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kivy.properties import BooleanProperty, StringProperty

from miss_app.ui.bridge import Failure
from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.navigator import Navigator
from miss_app.ui.picking import files_in, read_photo
from miss_app.ui.texts import words
from miss_app.ui.virtual_list import VirtualList


class QrSheet(Sheet):
    """Chooses a picture and gives what its QR code says to ``on_read``."""

    path = StringProperty("")
    busy = BooleanProperty(False)

    def __init__(self, app: Navigator, on_read: Callable[[str], None], **options: Any) -> None:
        self.app = app
        self._on_read = on_read
        options.setdefault("title", words.say("qr.title"))
        super().__init__(**options)
        self.panel_height = app.shell.height * 0.8
        self._folder = app.device.pictures_folder()
        self._list = VirtualList(lambda: ListRow(self._chosen), measure_item)
        self.ids.place.add_widget(self._list)
        self._show_folder()

    def read(self) -> None:
        """Look for the code in the file named above."""
        if self.busy:
            return
        if not self.path.strip():
            self.problem = words.problem("photo-none")
            return
        self.busy, self.problem = True, ""
        self.app.bridge.ask(self._read(Path(self.path.strip()).expanduser()), self._found, self._failed)

    async def _read(self, path: Path) -> str:
        data = await asyncio.to_thread(read_photo, path)
        return await asyncio.to_thread(self.app.device.read_qr, data, path.name)

    def _found(self, text: str) -> None:
        self.busy = False
        self.close()
        self._on_read(text)

    def _failed(self, failure: Failure) -> None:
        self.busy = False
        self.problem = words.problem(failure.reason, failure.sentence, failure.seconds)

    def _chosen(self, item: ListItem) -> None:
        path: Path = item.item
        if path.is_dir():
            self._folder = path
            self._show_folder()
        else:
            self.path = str(path)
            self.read()

    def _show_folder(self) -> None:
        folders, photos = files_in(self._folder)
        items = []
        if self._folder.parent != self._folder:
            up, above = words.say("photo.up"), self._folder.parent
            items.append(ListItem("qr-up", up, str(self._folder), item=above, lead_icon="folder-outline"))
        items += [ListItem("", one.name, item=one, lead_icon="folder-outline", mark="chevron-right") for one in folders]
        items += [
            ListItem(f"qr-file-{place}", one.name, item=one, lead_icon="file-image-outline")
            for place, one in enumerate(photos)
        ]
        self._list.set_rows(items)


load_rules(__file__)
