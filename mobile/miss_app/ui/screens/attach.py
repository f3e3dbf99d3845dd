"""The panel files are chosen from: the folders of this machine with their photos in small, or with their documents."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kivy.metrics import dp, sp
from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from miss_app.ui import dates
from miss_app.ui.controls import Sheet
from miss_app.ui.glyphs import ICONS, icon, texture
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.measure import elide
from miss_app.ui.navigator import Navigator
from miss_app.ui.picking import files_in
from miss_app.ui.preview import preview
from miss_app.ui.sprites import Box, Mark, Picture
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_app.ui.tokens import SMALL_SP
from miss_app.ui.virtual_list import VirtualList
from miss_protocol import limits

TILE_DP = 112
WHITE = (1, 1, 1, 1)


class TileRow:
    """One row of tiles: folders first, then photos; ``first`` is the number of its first one."""

    def __init__(self, first: int, paths: list[tuple[Path, bool]], columns: int) -> None:
        self.first, self.paths, self.columns = first, paths, columns
        self.height = 0.0


class Tile(ButtonBehavior, Widget):
    """A photo in small, or a folder with its name."""

    test_id = StringProperty("")
    text = StringProperty("")
    state_name = StringProperty("")

    def __init__(self, sheet: "AttachSheet") -> None:
        super().__init__()
        self._sheet = sheet
        self.path: Path | None = None
        self._folder = False
        self._small: Any = None  # the photo's picture, once it is there
        self._blank, self._photo, self._sign = Box(self.canvas), Picture(self.canvas), Mark(self.canvas)
        self._name, self._veil, self._badge = Mark(self.canvas), Box(self.canvas), Box(self.canvas)
        self._number = Mark(self.canvas)
        self.fbind("pos", self._draw)
        self.fbind("size", self._draw)

    def show(self, number: int, found: tuple[Path, bool] | None, folders: int) -> None:
        """Draw this file, or nothing."""
        self.path, self._folder = found if found is not None else (None, False)
        self._small, wanted = None, self.path
        self.disabled = found is None
        self.text = "" if self.path is None else self.path.name
        self.test_id = ""
        if self.path is not None:
            self.test_id = f"photo-folder-{number}" if self._folder else f"photo-file-{number - folders}"
        self._draw()

        def ready(small: Any) -> None:
            if self.path == wanted and small is not None:
                self._small = small
                self._draw()

        if wanted is not None and not self._folder:
            preview(wanted, ready)

    def on_release(self) -> None:
        """Enter the folder, or choose the photo."""
        if self.path is not None:
            self._sheet.tapped(self.path, folder=self._folder)

    def _draw(self, *_args: object) -> None:
        for piece in (self._blank, self._photo, self._sign, self._name, self._veil, self._badge, self._number):
            piece.hide()
        if self.path is None:
            return
        place = self._sheet.place_of(self.path)
        self.state_name = f"chosen {place}" if place else ""
        gap = dp(3)
        x, y, side, high = self.x + gap, self.y + gap, self.width - 2 * gap, self.height - 2 * gap
        self._blank.put(look.field, x, y, side, high, dp(12))
        if self._folder:
            sign = texture(icon("folder-outline"), sp(34), look.accent, font=ICONS)
            self._sign.put(sign, self.center_x - sign.width / 2, self.center_y - sign.height / 2 + sp(9))
            name = texture(elide(self.path.name, sp(SMALL_SP), side - dp(12)), sp(SMALL_SP), look.text)
            self._name.put(name, self.center_x - name.width / 2, y + dp(10))
            return
        if self._small is None:
            sign = texture(icon("image-outline"), sp(30), look.meta, font=ICONS)
            self._sign.put(sign, self.center_x - sign.width / 2, self.center_y - sign.height / 2)
        else:
            self._photo.put(_square(self._small, side / high), x, y, side, high, *[dp(12)] * 4)
        if place:
            self._veil.put((*look.brand[:3], 0.38), x, y, side, high, dp(12))
            disc = dp(28)
            self._badge.put(look.brand, x + side - disc - dp(6), y + high - disc - dp(6), disc, disc, disc / 2)
            number = texture(str(place), sp(14), WHITE, bold=True)
            middle = x + side - disc / 2 - dp(6), y + high - disc / 2 - dp(6)
            self._number.put(number, middle[0] - number.width / 2, middle[1] - number.height / 2)


class Tiles(BoxLayout):
    """The widget of a ``TileRow``."""

    def __init__(self, sheet: "AttachSheet", columns: int) -> None:
        super().__init__(size_hint=(None, None))
        self.tiles = [Tile(sheet) for _ in range(columns)]
        self._sheet = sheet
        for tile in self.tiles:
            self.add_widget(tile)

    def show(self, row: TileRow) -> None:
        """Draw the row."""
        for place, tile in enumerate(self.tiles):
            found = row.paths[place] if place < len(row.paths) else None
            tile.show(row.first + place, found, self._sheet.folders)


class AttachSheet(Sheet):
    """Chooses photos, or one document with ``documents``, and hands them to ``taker``."""

    path = StringProperty("")
    folder_name = StringProperty("")
    above = BooleanProperty(False)  # there is a folder above
    documents = BooleanProperty(False)
    count = NumericProperty(0)
    ready = BooleanProperty(False)  # something is chosen or typed

    def __init__(
        self, app: Navigator, conversation_id: bytes, taker: Any, *, documents: bool = False, **options: Any
    ) -> None:
        self.app, self.conversation_id, self._taker = app, conversation_id, taker
        self.chosen: list[Path] = []
        self.folders = 0
        options.setdefault("title", words.say("document.title" if documents else "photo.title"))
        super().__init__(documents=documents, **options)
        self.panel_height = app.shell.height * 0.9
        self._folder = app.device.documents_folder() if documents else app.device.pictures_folder()
        room = min(app.shell.width, dp(480)) if app.shell.wide else app.shell.width
        self._columns = max(3, int((room - dp(16)) / dp(TILE_DP)))
        if documents:
            self._list = VirtualList(lambda: ListRow(self._line_tapped), measure_item)
        else:
            self._list = VirtualList(lambda: Tiles(self, self._columns), self._measure)
        self.ids.place.add_widget(self._list)
        look.bind(dark=self._repaint)  # weakly: the panel goes when it is closed
        self._show_folder()

    def _repaint(self, *_args: object) -> None:
        self._list.repaint()

    def on_path(self, *_args: object) -> None:
        """A path is typed."""
        self._choose()

    def _choose(self) -> None:
        self.ready = bool(self.count or self.path.strip())

    def go(self) -> None:
        """Go on with what was chosen or typed."""
        typed = self.path.strip()
        paths = [Path(typed).expanduser()] if typed else list(self.chosen)
        if paths:
            self.close()
            self._taker.take(paths)

    def paste(self) -> None:
        """Take the picture in the clipboard instead."""
        self.close()
        self._taker.paste()

    def up(self) -> None:
        """Show the folder above."""
        self._folder = self._folder.parent
        self._show_folder()

    def tapped(self, path: Path, *, folder: bool) -> None:
        """Enter a folder; choose a file, or leave it out again."""
        if folder:
            self._folder = path
            self._show_folder()
            return
        if path in self.chosen:
            self.chosen.remove(path)
        elif len(self.chosen) < limits.PHOTOS_AT_ONCE_MAX:
            self.chosen.append(path)
        self.count = len(self.chosen)
        self._choose()
        self._list.redraw()

    def place_of(self, path: Path) -> int:
        """Which of the chosen photos this is, counted from 1; 0 for none."""
        return self.chosen.index(path) + 1 if path in self.chosen else 0

    def _line_tapped(self, item: ListItem) -> None:
        path: Path = item.item
        if path.is_dir():
            self.tapped(path, folder=True)
        else:
            self.close()
            self._taker.take([path])

    def _measure(self, row: Any, width: float) -> None:
        row.height = width / row.columns

    def _show_folder(self) -> None:
        folders, files = files_in(self._folder, documents=self.documents)
        self.folders = len(folders)
        self.folder_name = self._folder.name or str(self._folder)
        self.above = self._folder.parent != self._folder
        self.ids.nothing.text = "" if folders or files else words.say("picker.nothing")
        if self.documents:
            self._list.set_rows([*(_folder_line(one) for one in folders), *map(_file_line, enumerate(files))])
            return
        tiles = [*((one, True) for one in folders), *((one, False) for one in files)]
        step = self._columns
        self._list.set_rows([TileRow(at, tiles[at : at + step], step) for at in range(0, len(tiles), step)])


def _folder_line(path: Path) -> ListItem:
    return ListItem("", path.name, item=path, lead_icon="folder-outline", mark="chevron-right")


def _file_line(numbered: tuple[int, Path]) -> ListItem:
    number, path = numbered
    name = "file-pdf-box" if path.suffix.lower() == ".pdf" else "file-document-outline"
    try:
        found = path.stat()
        when = dates.date(datetime.fromtimestamp(found.st_mtime, UTC).astimezone())
        facts = f"{dates.size(found.st_size)} · {when}"
    except OSError:
        facts = ""
    return ListItem(f"document-file-{number}", path.name, facts, item=path, lead_icon=name)


def _square(small: Any, ratio: float) -> Any:
    """The middle of a picture, in the proportions of its tile."""
    width, height = small.width, small.height
    if width / height > ratio:
        part = round(height * ratio)
        return small.get_region((width - part) // 2, 0, part, height)
    part = round(width / ratio)
    return small.get_region(0, (height - part) // 2, width, part)


load_rules(__file__)
