"""The photos of a conversation, one after the other, each as large as the window allows."""

from typing import Any

from kivy.core.window import Window
from kivy.graphics.texture import Texture
from kivy.properties import BooleanProperty, ObjectProperty, StringProperty

from miss_app.engine.events import Event, MessageChanged, MessageView
from miss_app.ui import dates, pictures, zoom_stage
from miss_app.ui.bridge import Failure
from miss_app.ui.bubble import photo_pill
from miss_app.ui.consent_sheet import shown
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast

__all__ = ["zoom_stage"]  # its class is named in the rules

PAGE_MESSAGES = 200
PAGES_MAX = 25
ON_DEMAND_BYTES = 1_500_000  # a photo beyond is fetched when somebody asks for it
LEFT, RIGHT = 276, 275


class PhotoViewer(Page):
    """Shows the thumbnail at once and the whole photo as soon as it is on this device."""

    photo = ObjectProperty(None, allownone=True)
    title = StringProperty("")
    subtitle = StringProperty("")
    caption = StringProperty("")
    agreed = StringProperty("")
    offer = StringProperty("")  # what fetching the whole photo would cost
    whole = BooleanProperty(False)
    first = BooleanProperty(True)
    last = BooleanProperty(True)

    def __init__(self, app: Any, conversation_id: bytes, message_id: bytes, **options: Any) -> None:
        self.conversation_id, self.message_id = conversation_id, message_id
        self._photos: list[MessageView] = []
        self._before: bytes | None = None  # the oldest line looked at
        self._ended = False
        super().__init__(app, **options)
        Window.fbind("on_key_down", self._key_down)

    def entered(self) -> None:
        """Find the photo among the others, and show it."""
        while not any(one.message_id == self.message_id for one in self._photos) and self._look_further():
            continue
        self._show()

    def left(self) -> None:
        """Let go of the keyboard and of the picture."""
        Window.funbind("on_key_down", self._key_down)
        self.photo, self._photos = None, []
        super().left()

    def hear(self, event: Event) -> None:
        """The photo may have arrived meanwhile, or been taken back."""
        if not isinstance(event, MessageChanged) or event.message.message_id != self.message_id:
            return
        self._photos = [event.message if one.message_id == self.message_id else one for one in self._photos]
        if event.message.photo is None:
            self._show()
        elif event.message.photo.here and not self.whole and not self.busy:
            self._fetch()

    def go(self, step: int) -> None:
        """The photo after this one, or the one before."""
        place = self._place()
        if place == 0 and step < 0:
            count = len(self._photos)
            while len(self._photos) == count and self._look_further():
                continue
            place = len(self._photos) - count
        if 0 <= place + step < len(self._photos):
            self.message_id = self._photos[place + step].message_id
            self._show()

    def explain(self) -> None:
        """Why there is nothing to save a photo with."""
        show_toast(self.app.shell, words.say("photo.stays"))

    def fetch(self) -> None:
        """Fetch the whole photo after all."""
        self.offer = ""
        self._fetch()

    def spoken_again(self) -> None:
        """The facts, in the other language."""
        if self._photos:
            self._describe(self._photos[self._place()])

    def _place(self) -> int:
        return next((place for place, one in enumerate(self._photos) if one.message_id == self.message_id), 0)

    def _look_further(self) -> bool:
        """Read some older lines; False where there are none."""
        if self._ended:
            return False
        found = self.app.client.messages(self.conversation_id, before=self._before, limit=PAGE_MESSAGES)
        self._ended = len(found) < PAGE_MESSAGES
        if found:
            self._before = found[0].message_id
            self._photos[0:0] = [one for one in found if one.photo is not None and not one.deleted_ms]
        return bool(found)

    def _show(self) -> None:
        message = next((one for one in self._photos if one.message_id == self.message_id), None)
        self.complain("")
        self.whole, self.offer = False, ""
        self.ids.stage.rest()
        if message is None or message.photo is None:
            self.photo = None
            self.complain("photo-gone")
            return
        place = self._place()
        self.first, self.last = place == 0 and self._ended, place == len(self._photos) - 1
        self._describe(message)
        self.photo = None
        if message.photo.thumbnail:
            pictures.show(message.message_id, message.photo.thumbnail, self._thumbnail_of(message.message_id))
        if message.photo.here or message.photo.size_bytes <= ON_DEMAND_BYTES:
            self._fetch()
        else:
            self.offer = str(words.say("photo.fetch", size=dates.size(message.photo.size_bytes)))

    def _describe(self, message: MessageView) -> None:
        if message.photo is None:
            return
        self.title = message.author.display_name if message.author is not None else ""
        when = f"{dates.date(dates.local(message.at_ms))}, {dates.hour(message.at_ms)}"
        self.subtitle = f"{when} · {photo_pill(message.photo)}"
        self.caption = message.text
        self.agreed = shown(message.consent)

    def _fetch(self) -> None:
        wanted = self.message_id

        def here(data: bytes) -> None:
            self.busy = False
            pictures.show(b"whole " + wanted, data, whole, pixels_max=pictures.PHOTO_PIXELS_MAX)

        def whole(texture: Texture) -> None:
            if self.message_id == wanted and self.parent is not None:
                self.photo, self.whole = texture, True

        def failed(failure: Failure) -> None:
            self.busy = False
            if self.message_id == wanted:
                self._failed(failure)

        self.busy = True
        self.complain("")
        wish = self.app.client.attachments.opened(self.conversation_id, wanted)
        self.app.bridge.ask(wish, here, failed)

    def _failed(self, failure: Failure) -> None:
        message = self._photos[self._place()] if self._photos else None
        if failure.reason == "photo-gone" and message is not None and message.author is not None and not message.mine:
            self.problem = str(words.say("photo.gone_ask", who=message.author.display_name))
        else:
            self.fail(failure)

    def _thumbnail_of(self, message_id: bytes) -> Any:
        def ready(texture: Texture) -> None:
            if self.message_id == message_id and not self.whole:
                self.photo = texture

        return ready

    def _key_down(self, _window: Any, key: int, *_rest: Any) -> bool:
        if self.parent is None or key not in (LEFT, RIGHT):
            return False
        self.go(-1 if key == LEFT else 1)
        return True


load_rules(__file__)
