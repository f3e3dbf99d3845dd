"""The panel that asks before documents are sent: what they are called, how large they are, what is said with them."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kivy.properties import BooleanProperty

from miss_app.engine.problems import Problem
from miss_app.ui import dates
from miss_app.ui.bridge import Failure
from miss_app.ui.controls import SettingRow, Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.navigator import Navigator
from miss_app.ui.other_patient import ask_first
from miss_app.ui.picking import read_document
from miss_app.ui.texts import words


class DocumentSheet(Sheet):
    """Sends documents, one message each; the caption goes with the first."""

    busy = BooleanProperty(False)

    def __init__(self, app: Navigator, conversation_id: bytes, paths: Sequence[Path], **options: Any) -> None:
        self.app, self.conversation_id, self._paths = app, conversation_id, list(paths)
        options.setdefault("title", words.say("document.send_title"))
        super().__init__(**options)
        for number, path in enumerate(self._paths):
            name = "file-pdf-box" if path.suffix.lower() == ".pdf" else "file-document-outline"
            row = SettingRow(icon=name, title=path.name, subtitle=_size(path))
            row.test_id = f"document-line-{number}"
            self.ids.lines.add_widget(row)
        self.fit()

    def send(self, *, sure: bool = False) -> None:
        """Read the files and hand them to the engine; the panel closes when they are in the chat.

        Args:
            sure: the person was asked whose patient the caption, or a file's name, names.
        """
        if self.busy:
            return
        if not sure:
            said = "\n".join((self.ids.caption.text, *(_spoken(one) for one in self._paths)))
            ask_first(self.app, self.conversation_id, said, lambda: self.send(sure=True))
            return
        self.busy, self.problem = True, ""
        self.app.bridge.ask(self._send(self.ids.caption.text.strip()), lambda _sent: self.close(), self._failed)

    async def _send(self, caption: str) -> None:
        while self._paths:
            path = self._paths[0]
            data = await asyncio.to_thread(read_document, path)
            wish = self.app.client.attachments.send_document
            await wish(self.conversation_id, data, file_name=path.name, caption=caption)
            caption = ""
            del self._paths[0]  # what was sent is not sent again where the next one is refused

    def _failed(self, failure: Failure) -> None:
        self.busy = False
        said = words.problem(failure.reason, failure.sentence, failure.seconds)
        self.problem = f"{self._paths[0].name} — {said}" if self._paths else said


def _spoken(path: Path) -> str:
    """A file's name as words, in which a patient's name can be found."""
    return re.sub(r"[_.\-]+", " ", path.stem)


def _size(path: Path) -> str:
    try:
        return dates.size(path.stat().st_size)
    except OSError:
        return str(words.problem(Problem("photo-file-missing").reason))


load_rules(__file__)
