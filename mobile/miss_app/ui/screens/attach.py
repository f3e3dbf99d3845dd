"""The panel a photo is chosen and sent from: its path, or the folders of this machine."""

import asyncio
from pathlib import Path
from typing import Any

from kivy.clock import Clock
from kivy.properties import BooleanProperty, ObjectProperty, StringProperty

from miss_app.engine.problems import Problem
from miss_app.ui import consent
from miss_app.ui.bridge import Failure
from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.navigator import Navigator
from miss_app.ui.preview import preview
from miss_app.ui.texts import words
from miss_app.ui.virtual_list import VirtualList

__all__ = ["consent"]  # its row is named in the rules

PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif")
FILE_BYTES_MAX = 64_000_000
PAUSE_S = 0.25  # of typing, before the file is looked at
ENTRIES_MAX = 2000


class AttachSheet(Sheet):
    """Chooses one photo for a conversation, says what a caption says, and sends it."""

    path = StringProperty("")
    problem = StringProperty("")
    busy = BooleanProperty(False)
    full = BooleanProperty(False)
    patient = StringProperty("")  # whom the conversation is about: they are asked first
    picture = ObjectProperty(None, allownone=True)  # a small texture of the chosen file

    def __init__(self, app: Navigator, conversation_id: bytes, path: str = "", **options: Any) -> None:
        self.app = app
        self.conversation_id = conversation_id
        self._preview_soon: Any = None
        options.setdefault("title", words.say("photo.title"))
        super().__init__(**options)
        conversation = app.client.conversation(conversation_id)
        self.patient = "" if conversation is None else conversation.patient
        self.panel_height = app.shell.height * 0.86
        self._preview_soon = Clock.create_trigger(lambda _dt: self._preview(), PAUSE_S)
        self.path = path
        self._folder = app.device.pictures_folder()
        self._list = VirtualList(lambda: ListRow(self._chosen), measure_item)
        self.ids.place.add_widget(self._list)
        self._show_folder()

    def on_path(self, *_args: object) -> None:
        """Another file: its picture follows once typing rests."""
        self.picture = None
        if self._preview_soon is not None:
            self._preview_soon()

    def send(self) -> None:
        """Read the file and hand it to the engine; the panel closes when the message is in the chat."""
        if self.busy:
            return
        if not self.path.strip():
            self.problem = words.problem("photo-none")
            return
        self.busy, self.problem = True, ""
        coroutine = self._read_and_send(Path(self.path.strip()).expanduser(), self.ids.caption.text.strip(), self.full)
        self.app.bridge.ask(coroutine, lambda _result: self.close(), self._failed)

    async def _read_and_send(self, path: Path, caption: str, full: bool) -> None:
        data = await asyncio.to_thread(read_photo, path)
        agreed = bool(self.ids.consent.checked)
        wish = self.app.client.send_photo
        await wish(self.conversation_id, data, file_name=path.name, caption=caption, full=full, consent=agreed)

    def _preview(self) -> None:
        wanted = self.path

        def ready(texture: Any) -> None:
            if self.path == wanted and self.parent is not None:
                self.picture = texture

        if wanted.strip():
            preview(Path(wanted.strip()).expanduser(), ready)

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

    def _show_folder(self) -> None:
        folders, photos = photos_in(self._folder)
        items = []
        if self._folder.parent != self._folder:
            items.append(
                ListItem(
                    "photo-up",
                    words.say("photo.up"),
                    str(self._folder),
                    item=self._folder.parent,
                    lead_icon="folder-outline",
                )
            )
        items += [
            ListItem("", path.name, item=path, lead_icon="folder-outline", mark="chevron-right") for path in folders
        ]
        items += [
            ListItem(f"photo-file-{place}", path.name, item=path, lead_icon="file-image-outline")
            for place, path in enumerate(photos)
        ]
        self._list.set_rows(items)


def photos_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders and the photos of a folder, by name, hidden ones left out; nothing for one that may not be read."""
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name.casefold())[:ENTRIES_MAX]
        seen = [path for path in entries if not path.name.startswith(".")]
        folders = [path for path in seen if path.is_dir()]
    except OSError:
        return [], []
    return folders, [path for path in seen if path.suffix.lower() in PHOTO_ENDINGS]


def read_photo(path: Path) -> bytes:
    """The file's bytes. Raises Problem("photo-file-missing", "photo-file-unreadable", "photo-too-large")."""
    try:
        if not path.is_file():
            raise Problem("photo-file-missing")
        if path.stat().st_size > FILE_BYTES_MAX:
            raise Problem("photo-too-large")
        return path.read_bytes()
    except OSError as error:
        raise Problem("photo-file-unreadable") from error


load_rules(__file__)
