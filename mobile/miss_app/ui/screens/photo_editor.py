"""Photos before they are sent: cropped, turned, pointed at, written on, blurred; and how much of them goes."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kivy.core.window import Window
from kivy.metrics import dp
from kivy.properties import BooleanProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.widget import Widget

from miss_app.engine.retouching import LINE_CHARACTERS_MAX, AnyEdit, Point, Turn
from miss_app.engine.retouching import Label as Lettering
from miss_app.ui import consent, consent_sheet, dates, easel
from miss_app.ui.consent_sheet import UNABLE, ask_consent
from miss_app.ui.darkroom import Darkroom, Negative
from miss_app.ui.kv import load_rules
from miss_app.ui.other_patient import ask_first
from miss_app.ui.page import Page
from miss_app.ui.picking import read_photo
from miss_app.ui.sprites import Box, Picture
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_protocol import limits
from miss_protocol.content import Consent

__all__ = ["consent", "easel"]  # their classes are named in the rules


class Tool(ButtonBehavior, BoxLayout):
    """One tool: its icon above its name."""

    icon = StringProperty("")
    text = StringProperty("")
    chosen = BooleanProperty(False)
    test_id = StringProperty("")
    state_name = StringProperty("")


class Frame(ButtonBehavior, Widget):
    """A small picture of one of several photos; the one shown has a border."""

    test_id = StringProperty("")
    state_name = StringProperty("")

    def __init__(self, **options: Any) -> None:
        super().__init__(size_hint=(None, None), size=(dp(52), dp(52)), **options)
        self._border, self._blank, self._photo = Box(self.canvas), Box(self.canvas), Picture(self.canvas)

    def show(self, negative: Negative, *, chosen: bool) -> None:
        """Draw it."""
        self.state_name = "chosen" if chosen else ""
        edge = dp(3)
        self._border.put(look.accent if chosen else (0, 0, 0, 0), self.x, self.y, self.width, self.height, dp(10))
        inner = (self.x + edge, self.y + edge, self.width - 2 * edge, self.height - 2 * edge)
        self._blank.put(look.soft, *inner, dp(8))
        if negative.texture is not None:
            self._photo.put(negative.texture, *inner, *[dp(8)] * 4)
        else:
            self._photo.hide()


class PhotoEditor(Page):
    """Works on the photos of ``sources``: paths, or bytes with the name they are to go by."""

    tool = StringProperty("")
    cropping = BooleanProperty(False)
    writing = BooleanProperty(False)
    drawing = BooleanProperty(False)
    title = StringProperty("")
    patient = StringProperty("")  # whom the conversation is about: they are asked first
    consent: Any = ObjectProperty(Consent.NONE)  # what they said, or who was consulted in their place
    unable = StringProperty("")  # the latter, in words
    full = BooleanProperty(False)
    reduced_size = StringProperty("")
    full_size = StringProperty("")
    full_possible = BooleanProperty(True)
    edited = BooleanProperty(False)  # there is something to undo
    count = NumericProperty(0)

    def __init__(
        self, app: Any, conversation_id: bytes, sources: Sequence[Path | tuple[bytes, str]], **options: Any
    ) -> None:
        self.conversation_id = conversation_id
        self.negatives: list[Negative] = []
        self.index = 0
        self._sources = list(sources)[: limits.PHOTOS_AT_ONCE_MAX]
        self._too_many = len(sources) > limits.PHOTOS_AT_ONCE_MAX
        self._frames: list[Frame] = []
        self._place: Point | None = None
        super().__init__(app, **options)
        self.room = Darkroom(self._failed_to_draw)
        conversation = app.client.conversation(conversation_id)
        self.patient = "" if conversation is None else conversation.patient
        Window.fbind("on_drop_file", self._dropped)

    def entered(self) -> None:
        """Read the photos."""
        sources, self._sources = self._sources, []
        if sources:
            self.ask(_read_all(sources), self._opened)
        if self._too_many:
            self.complain("photos-too-many")

    def left(self) -> None:
        """Forget what was not sent."""
        self.room.close()
        Window.funbind("on_drop_file", self._dropped)
        self.negatives, self.ids.easel.picture = [], None
        self.ids.caption.text = self.ids.lettering.text = ""
        super().left()

    def back(self) -> bool:
        """Put the tool down before leaving."""
        if self.tool:
            self.tool = ""
            return True
        return False

    def on_tool(self, *_args: object) -> None:
        """Show what goes with the tool."""
        self.cropping, self.writing = self.tool == "crop", self.tool == "text"
        self.drawing = self.tool in ("arrow", "blur")

    @property
    def negative(self) -> Negative | None:
        """The photo in sight."""
        return self.negatives[self.index] if self.negatives else None

    # Several photos.

    def _opened(self, found: list[Negative]) -> None:
        self.negatives += found
        self._show(len(self.negatives) - len(found))
        for negative in found:
            if negative is not self.negative:
                self.room.show(negative, self._draw_frames)

    def _show(self, index: int) -> None:
        self._keep_caption()
        self.index, self.tool = index, ""
        negative = self.negative
        self.count = len(self.negatives)
        if negative is None:
            self.app.back()
            return
        self.title = (
            words.say("editor.title_of", number=index + 1, count=self.count)
            if self.count > 1
            else words.say("photo.title")
        )
        self.ids.caption.text, self.full = negative.caption, negative.full
        self._make_frames()
        self._develop()

    def choose(self, index: int) -> None:
        """Work on another of the photos."""
        if index != self.index:
            self._show(index)

    def drop(self) -> None:
        """Leave the photo in sight out."""
        if len(self.negatives) > 1:
            del self.negatives[self.index]
            self.ids.caption.text = ""
            self.index = min(self.index, len(self.negatives) - 1)
            self.ids.caption.text = self.negatives[self.index].caption
            self._show(self.index)

    def _make_frames(self) -> None:
        strip = self.ids.strip
        strip.clear_widgets()
        self._frames = []
        for place in range(self.count if self.count > 1 else 0):
            frame = Frame(test_id=f"photo-frame-{place}")
            frame.fbind("on_release", lambda _frame, place=place: self.choose(place))
            frame.fbind("pos", lambda *_args: self._draw_frames())
            strip.add_widget(frame)
            self._frames.append(frame)
        self._draw_frames()

    def _draw_frames(self) -> None:
        for place, (frame, negative) in enumerate(zip(self._frames, self.negatives, strict=False)):
            frame.show(negative, chosen=place == self.index)

    def _keep_caption(self) -> None:
        if self.negative is not None:
            self.negative.caption = self.ids.caption.text.strip()

    # Tools.

    def take(self, tool: str) -> None:
        """Take a tool in hand, or put it down; turning is done at once."""
        if tool == "rotate":
            self.edit(Turn())
        else:
            self.tool = "" if self.tool == tool else tool

    def edit(self, edit: AnyEdit) -> None:
        """One thing more is done to the photo."""
        negative = self.negative
        if negative is not None:
            negative.edits = (*negative.edits, edit)
            self._develop()

    def undo(self) -> None:
        """Take the last thing back."""
        negative = self.negative
        if negative is not None and negative.edits:
            negative.edits = negative.edits[:-1]
            self._develop()

    def crop(self) -> None:
        """Keep what is in the frame."""
        edit, self.tool = self.ids.easel.crop(), ""
        self.edit(edit)

    def place(self, point: Point) -> None:
        """Words are to stand there: ask which."""
        self._place = point
        self.ids.lettering.focus = True

    def write(self) -> None:
        """Write what was typed, where the finger pointed, or in the middle."""
        text = self.ids.lettering.text.strip()[:LINE_CHARACTERS_MAX]
        place, self._place = self._place or (0.5, 0.12), None
        self.tool, self.ids.lettering.text = "", ""
        if text:
            self.edit(Lettering(place, text))

    def _develop(self) -> None:
        negative = self.negative
        if negative is None:
            return
        self.edited = bool(negative.edits)
        self._show_sizes()

        def drawn() -> None:
            if self.negative is negative:
                self.ids.easel.picture = negative.texture
                self.ids.easel.state_name = f"{len(negative.edits)}"
            self._draw_frames()

        if negative.texture is not None:
            self.ids.easel.picture = negative.texture
        self.room.show(negative, drawn)
        self.room.weigh(negative, self._show_sizes)

    def _show_sizes(self) -> None:
        negative = self.negative
        if negative is None:
            return
        reduced, full = negative.weighed or (None, None)
        self.full_possible = negative.weighed is None or full is not None
        if not self.full_possible:
            negative.full = self.full = False
        self.reduced_size = "…" if reduced is None else dates.size(len(reduced.jpeg))
        self.full_size = dates.size(len(full.jpeg)) if full is not None else "…" if self.full_possible else "—"

    def set_full(self, full: bool) -> None:
        """How much of the photo in sight goes."""
        if self.negative is not None and (self.full_possible or not full):
            self.negative.full = self.full = full

    # Sending.

    def agree(self, checked: bool) -> None:
        """The patient was informed and agrees, or the tick is taken back."""
        if checked:
            self.consent = Consent.AGREED
        elif self.consent == Consent.AGREED:
            self.consent = Consent.NONE

    def ask_unable(self) -> None:
        """The patient cannot agree: who was consulted?"""
        ask_consent(self.app, words.say("consent.unable_explain", patient=self.patient), self._unable, UNABLE)

    def _unable(self, consent: Consent) -> None:
        self.consent = consent

    def on_consent(self, *_args: object) -> None:
        """Show which it is."""
        self.mend()
        self.ids.consent.checked = self.consent == Consent.AGREED
        self.unable = consent_sheet.said(self.consent) if self.consent in UNABLE else ""

    def send(self, *, sure: bool = False) -> None:
        """Send all of them, with what is written under each. ``sure``: the person was asked whose patient it names."""
        if self.busy or not self.negatives:
            return
        self._keep_caption()
        if self.patient and not self.consent:
            self.complain("consent-missing")
            return
        if not sure:
            said = "\n".join(one.caption for one in self.negatives)
            ask_first(self.app, self.conversation_id, said, lambda: self.send(sure=True))
            return
        drafts = [one.draft() for one in self.negatives]
        wish = self.app.client.attachments.send_photos(self.conversation_id, drafts, consent=self.consent)
        self.ask(wish, lambda _sent: self.app.shell.close(self))

    def _dropped(self, _window: Any, name: bytes, *_place: Any) -> None:
        """One photo more."""
        if self.parent is not None and not self.busy:
            if len(self.negatives) >= limits.PHOTOS_AT_ONCE_MAX:
                self.complain("photos-too-many")
                return
            self.ask(_read_all([Path(name.decode("utf-8", "replace"))]), self._opened)

    def _failed_to_draw(self, reason: str) -> None:
        self.complain(reason)


async def _read_all(sources: Sequence[Path | tuple[bytes, str]]) -> list[Negative]:
    """The files, read in a thread. Raises Problem as ``read_photo``."""
    found = []
    for source in sources:
        if isinstance(source, Path):
            found.append(Negative(await asyncio.to_thread(read_photo, source), source.name))
        else:
            found.append(Negative(*source))
    return found


load_rules(__file__)
