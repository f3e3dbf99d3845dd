"""How files come to a chat: chosen, dropped on it, or pasted into it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kivy.clock import Clock
from kivy.core.window import Window

from miss_app.policy import DOCUMENTS, PHOTOS
from miss_app.ui.picking import is_document, is_photo, pasted, taken_name
from miss_app.ui.screens.attach import AttachSheet
from miss_app.ui.screens.document_sheet import DocumentSheet
from miss_app.ui.screens.photo_editor import PhotoEditor

DROP_PAUSE_S = 0.2  # files dropped together come one after the other


class Attaching:
    """The files of one chat screen."""

    def __init__(self, screen: Any) -> None:
        self._screen = screen
        self._waiting: list[Path] = []
        self._dropped_soon = Clock.create_trigger(lambda _dt: self._take_dropped(), DROP_PAUSE_S)
        Window.fbind("on_drop_file", self._dropped)

    def close(self) -> None:
        """Hear of no file any more."""
        self._dropped_soon.cancel()
        Window.funbind("on_drop_file", self._dropped)

    def choose(self) -> None:
        """Show the photos of this machine, or have its system ask for one."""
        if not self._allowed(PHOTOS):
            return
        if (picker := self._screen.app.device.photo_picker()) is not None:
            picker.pick(self._given, self._given_up)
        else:
            self._show(AttachSheet(self._screen.app, self._screen.conversation_id, self))

    def choose_document(self) -> None:
        """Show the documents of this machine."""
        if self._allowed(DOCUMENTS):
            self._show(AttachSheet(self._screen.app, self._screen.conversation_id, self, documents=True))

    def photograph(self) -> None:
        """Have the camera take a photo, which no gallery ever sees."""
        if self._allowed(PHOTOS) and (camera := self._screen.app.device.camera()) is not None:
            camera.take(self._given, self._given_up)

    def _given(self, data: bytes) -> None:
        """The system answers on a thread of its own: the screen's own takes it from there."""
        Clock.schedule_once(lambda _dt: self.edit([(data, taken_name(data))]))

    @staticmethod
    def _given_up() -> None:
        """Nothing was chosen: the chat is as it was."""

    def take(self, paths: Sequence[Path]) -> None:
        """Go on with files that somebody chose: photos to the editor, documents to be confirmed."""
        if any(is_document(path) for path in paths) and not self._allowed(DOCUMENTS):
            return
        if all(is_document(path) for path in paths):
            self._show(DocumentSheet(self._screen.app, self._screen.conversation_id, paths))
        elif not any(is_document(path) for path in paths):
            self.edit(list(paths))  # what is no photo is refused there, with its reason
        else:
            self._screen.complain("files-mixed")

    def edit(self, sources: Sequence[Path | tuple[bytes, str]]) -> None:
        """Open the editor on photos."""
        if self._screen.active and sources and self._allowed(PHOTOS):
            self._screen.app.shell.open(PhotoEditor(self._screen.app, self._screen.conversation_id, sources))

    def paste(self) -> None:
        """Take the picture in the clipboard."""
        if self._screen.active:
            self._screen.ask(asyncio.to_thread(pasted), self.edit)

    def _allowed(self, feature: str) -> bool:
        """Whether this machine's policy lets this go out; else the chat says so."""
        allowed = bool(self._screen.app.policy.allows(feature))
        if not allowed:
            self._screen.complain(f"policy-{feature}")
        return allowed

    def _show(self, sheet: Any) -> None:
        if self._screen.active:
            self._screen.app.shell.show_sheet(sheet)

    def _dropped(self, _window: Any, name: bytes, *_place: Any) -> None:
        if self._screen.parent is not None and self._screen.active:
            self._waiting.append(Path(name.decode("utf-8", "replace")))
            self._dropped_soon()

    def _take_dropped(self) -> None:
        paths, self._waiting = self._waiting, []
        unfit = [path for path in paths if not is_photo(path) and not is_document(path)]
        if unfit:
            self._screen.complain("file-kind")
        elif paths:
            self._screen.app.shell.close_sheets()
            self.take(paths)
