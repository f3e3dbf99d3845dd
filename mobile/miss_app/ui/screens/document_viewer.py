"""A document opened on demand: a text, or the pages of a PDF, drawn from memory; nothing of it is written to disk."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from kivy.clock import Clock
from kivy.graphics.texture import Texture
from kivy.metrics import dp, sp
from kivy.properties import BooleanProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.widget import Widget

from miss_app.engine import pdf_pages
from miss_app.engine.documents import PDF, TABLE, TEXT, text_of
from miss_app.engine.events import MessageView
from miss_app.engine.pdf_pages import PageImage, PdfPages
from miss_app.engine.problems import Problem
from miss_app.policy import COPIES
from miss_app.ui import zoom_stage
from miss_app.ui.bridge import Failure
from miss_app.ui.bubble_acts import document_facts
from miss_app.ui.glyphs import texture
from miss_app.ui.kv import load_rules
from miss_app.ui.measure import wrap
from miss_app.ui.page import Page
from miss_app.ui.question import question_sheet
from miss_app.ui.screens.folder_sheet import FolderSheet
from miss_app.ui.sprites import Box, Mark, Picture
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_app.ui.toast import show_toast
from miss_app.ui.tokens import BODY_SP
from miss_app.ui.virtual_list import VirtualList

__all__ = ["zoom_stage"]  # its class is named in the rules

TEXT_CHARACTERS_MAX = 400_000  # shown; the copy has all
LINE_CHARACTERS_MAX = 4_000
PAGES_KEPT = 8
NEAR_PIXELS = 2400  # a page's width where it is looked at alone


class Sheet:
    """One row: a page of a PDF, or a line of a text."""

    def __init__(self, number: int, ratio: float = 0.0, text: str = "") -> None:
        self.number, self.ratio, self.text = number, ratio, text
        self.height = 0.0


class LineView(Widget):
    """Draws a line of a text."""

    test_id = StringProperty("")
    text = StringProperty("")

    def __init__(self) -> None:
        super().__init__(size_hint=(None, None))
        self._line = Mark(self.canvas)

    def show(self, row: Sheet) -> None:
        """Draw this line."""
        self.test_id, self.text = f"document-text-{row.number}", row.text
        self._line.hide()
        if row.text.strip():
            paragraph = wrap(row.text, sp(BODY_SP), self.width - dp(40))
            drawn = texture(paragraph.text, sp(BODY_SP), look.text, dark=look.dark)
            self._line.put(drawn, self.x + dp(20), self.top - dp(3) - drawn.height)


class PageView(ButtonBehavior, Widget):
    """Draws a page, white until it is there."""

    test_id = StringProperty("")
    state_name = StringProperty("")

    def __init__(self, viewer: "DocumentViewer") -> None:
        super().__init__(size_hint=(None, None))
        self._viewer = viewer
        self._row: Sheet | None = None
        self._paper, self._picture = Box(self.canvas), Picture(self.canvas)

    def show(self, row: Sheet) -> None:
        """Draw this page."""
        self._row = row
        self._picture.hide()
        self.test_id, self.state_name = f"document-page-{row.number}", "waiting"
        x, y, width = self.x + dp(12), self.y + dp(6), self.width - dp(24)
        self._paper.put((1, 1, 1, 1), x, y, width, width * row.ratio, dp(3))

        def ready(page: Texture) -> None:
            if self._row is row:
                self.state_name = "drawn"
                self._picture.put(page, x, y, width, width * row.ratio, *[dp(3)] * 4)

        self._viewer.draw(row.number, int(width), ready)

    def on_release(self) -> None:
        """Look at a page alone."""
        if self._row is not None:
            self._viewer.look_at(self._row.number)


class DocumentViewer(Page):
    """Opens the document of one message."""

    title = StringProperty("")
    subtitle = StringProperty("")
    note = StringProperty("")  # under the document: that not all of it is shown
    near = NumericProperty(-1)  # the page looked at alone
    picture = ObjectProperty(None, allownone=True)
    unshown = BooleanProperty(False)  # there is nothing to look at: a copy may be saved

    def __init__(self, app: Any, message: MessageView, **options: Any) -> None:
        self.message = message
        self._pages: PdfPages | None = None
        self._drawn: OrderedDict[tuple[int, int], Texture] = OrderedDict()
        self._closed = False
        super().__init__(app, **options)
        document = message.document
        self.title = "" if document is None else document.name
        self.subtitle = "" if document is None else document_facts(document)
        paged = document is not None and document.media_type == PDF
        self.list = VirtualList(lambda: PageView(self) if paged else LineView(), self._measure, bar_width=6)
        self.ids.place.add_widget(self.list)
        look.bind(dark=self._repaint)

    def entered(self) -> None:
        """Open it."""
        if self._pages is None and not self.list.rows:
            wish = self.app.client.attachments.opened(self.message.conversation_id, self.message.message_id)
            self.busy = True
            self.app.bridge.ask(self._read(wish), self._show, self._failed)

    def left(self) -> None:
        """Forget it."""
        self._closed = True
        look.unbind(dark=self._repaint)
        pages, self._pages = self._pages, None
        if pages is not None:
            pdf_pages.drawer.submit(pages.close)
        self._drawn.clear()
        self.list.clear()
        self.picture = None
        super().left()

    def back(self) -> bool:
        """From one page to all of them."""
        if self.near < 0:
            return False
        self.near, self.picture = -1, None
        return True

    async def _read(self, wish: Any) -> Any:
        data: bytes = await wish
        kind = "" if self.message.document is None else self.message.document.media_type
        if kind in (TEXT, TABLE):
            return await asyncio.to_thread(text_of, data)
        if kind == PDF:
            loop = asyncio.get_running_loop()
            pages = await loop.run_in_executor(pdf_pages.drawer, PdfPages, data)
            return pages, await loop.run_in_executor(pdf_pages.drawer, pages.ratios)
        raise Problem("document-unknown")

    def _show(self, found: Any) -> None:
        self.busy = False
        if self._closed:
            if isinstance(found, tuple):
                pdf_pages.drawer.submit(found[0].close)
            return
        if isinstance(found, str):
            lines = found[:TEXT_CHARACTERS_MAX].replace("\t", "    ").splitlines() or [""]
            self.list.set_rows([Sheet(at, text=line[:LINE_CHARACTERS_MAX]) for at, line in enumerate(lines)])
            self.note = str(words.say("document.cut")) if len(found) > TEXT_CHARACTERS_MAX else ""
            return
        self._pages, ratios = found
        self.list.set_rows([Sheet(number, ratio) for number, ratio in enumerate(ratios)])
        self.subtitle = f"{self.subtitle} · {words.say('document.pages', count=len(ratios))}"

    def _failed(self, failure: Failure) -> None:
        self.busy, self.unshown = False, failure.reason in ("pdf-unreadable-here", "pdf-locked", "document-unknown")
        author = self.message.author
        if failure.reason == "document-gone" and author is not None and not self.message.mine:
            self.problem = str(words.say("document.gone_ask", who=author.display_name))
            return
        self.fail(failure)

    def _measure(self, row: Any, width: float) -> None:
        if row.ratio:
            row.height = (width - dp(24)) * row.ratio + dp(12)
        else:
            row.height = wrap(row.text or " ", sp(BODY_SP), width - dp(40)).height + dp(6)

    def _repaint(self, *_args: object) -> None:
        self.list.repaint()

    # Pages.

    def draw(self, number: int, width: int, ready: Callable[[Texture], None]) -> None:
        """Call ``ready`` with a page's picture: at once when it is kept, else on the main thread once drawn."""
        kept = self._drawn.get((number, width))
        if kept is not None:
            self._drawn.move_to_end((number, width))
            ready(kept)
            return
        pages = self._pages
        if pages is None:
            return

        def land(done: "Future[PageImage | None]") -> None:
            Clock.schedule_once(lambda _dt: self._land(number, width, done, ready))

        def page() -> PageImage | None:
            return None if self._closed or not self._wanted(number) else pages.page(number, width)

        pdf_pages.drawer.submit(page).add_done_callback(land)

    def _wanted(self, number: int) -> bool:
        """Whether a page is still in sight, or looked at alone."""
        shown = (getattr(view, "test_id", "") for view in self.list.live_views)
        return self.near == number or f"document-page-{number}" in shown

    def _land(
        self, number: int, width: int, done: "Future[PageImage | None]", ready: Callable[[Texture], None]
    ) -> None:
        if self._closed:
            return
        try:
            image = done.result()
        except Problem as problem:
            self.complain(problem.reason)
            return
        if image is None:
            return
        made = Texture.create(size=(image.width, image.height), colorfmt="rgb")
        made.blit_buffer(image.rgb, colorfmt="rgb", bufferfmt="ubyte")
        made.flip_vertical()  # drawn rows go down, OpenGL's go up
        self._drawn[number, width] = made
        while len(self._drawn) > PAGES_KEPT:
            self._drawn.popitem(last=False)
        ready(made)

    def look_at(self, number: int) -> None:
        """Show one page alone, to come nearer to it."""
        if 0 <= number < len(self.list.rows):
            self.near = number
            self.ids.stage.rest()

            def ready(page: Texture) -> None:
                if self.near == number:
                    self.picture = page

            self.draw(number, NEAR_PIXELS, ready)

    # A copy.

    def ask_copy(self) -> None:
        """Say that a copy leaves MiSS; then ask where it goes."""
        if not self.app.policy.allows(COPIES):
            show_toast(self.app.shell, words.problem("policy-copies"))
            return
        sheet = question_sheet(
            words.say("document.copy_title"),
            words.say("document.copy_explain"),
            words.say("document.copy_go"),
            "document-copy-yes",
            self._choose_folder,
            kind="danger",
        )
        self.app.shell.show_sheet(sheet)

    def _choose_folder(self) -> None:
        folder = self.app.device.documents_folder()
        self.app.shell.show_sheet(FolderSheet(self.app, folder, words.say("document.copy_here"), self._save))

    def _save(self, folder: Path) -> None:
        def saved(path: Path) -> None:
            show_toast(self.app.shell, words.say("document.copied", name=path.name))

        wish = self.app.client.attachments.save_copy(self.message.conversation_id, self.message.message_id, folder)
        self.ask(wish, saved)

    def spoken_again(self) -> None:
        """What is said of it, in the other language."""
        if self.message.document is not None:
            self.subtitle = document_facts(self.message.document)


load_rules(__file__)
