"""One photo as large as the window allows; two fingers or the wheel bring it nearer."""

from typing import Any

from kivy.graphics.texture import Texture
from kivy.properties import BooleanProperty, ListProperty, ObjectProperty, StringProperty
from kivy.uix.widget import Widget

from miss_app.engine.events import Event, MessageChanged, MessageView
from miss_app.ui import dates, pictures
from miss_app.ui.bubble import photo_pill
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page

SCALE_MAX = 6.0


class PhotoFrame(Widget):
    """The photo inside its box, in its own proportions."""

    photo = ObjectProperty(None, allownone=True)
    shown_size = ListProperty([0, 0])
    test_id = StringProperty("")
    state_name = StringProperty("")
    text = StringProperty("")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.fbind("photo", self._fit)
        self.fbind("size", self._fit)

    def _fit(self, *_args: object) -> None:
        if self.photo is not None:
            scale = min(self.width / self.photo.width, self.height / self.photo.height)
            self.shown_size = [self.photo.width * scale, self.photo.height * scale]


class PhotoViewer(Page):
    """Shows the thumbnail at once and the whole photo as soon as it is on this device."""

    photo = ObjectProperty(None, allownone=True)
    title = StringProperty("")
    subtitle = StringProperty("")
    caption = StringProperty("")
    whole = BooleanProperty(False)

    def __init__(self, app: Any, conversation_id: bytes, message_id: bytes, **options: Any) -> None:
        self.conversation_id, self.message_id = conversation_id, message_id
        super().__init__(app, **options)

    def on_kv_post(self, _base: Any) -> None:
        """The photo starts as large as its place, and again when the window changes."""
        self.ids.stage.fbind("pos", self._reset)
        self.ids.stage.fbind("size", self._reset)

    def entered(self) -> None:
        """Show what there is, and fetch the rest."""
        message = self._find()
        if message is None or message.photo is None:
            self.complain("photo-gone")
            return
        self.title = message.author.display_name if message.author is not None else ""
        self.subtitle = (
            f"{dates.date(dates.local(message.at_ms))}, {dates.hour(message.at_ms)} · {photo_pill(message.photo)}"
        )
        self.caption = message.text
        if message.photo.thumbnail:
            pictures.show(message.message_id, message.photo.thumbnail, self._thumbnail)
        self._fetch()

    def hear(self, event: Event) -> None:
        """The photo may have arrived meanwhile."""
        if isinstance(event, MessageChanged) and event.message.message_id == self.message_id and not self.whole:
            photo = event.message.photo
            if photo is not None and photo.here and not self.busy:
                self._fetch()

    def on_touch_down(self, touch: Any) -> bool:
        """The wheel brings the photo nearer."""
        scatter = self.ids.scatter
        if getattr(touch, "is_mouse_scrolling", False) and scatter.collide_point(*scatter.parent.to_widget(*touch.pos)):
            factor = 1.15 if touch.button == "scrolldown" else 1 / 1.15
            scatter.scale = min(SCALE_MAX, max(1.0, scatter.scale * factor))
            return True
        return bool(super().on_touch_down(touch))

    def _reset(self, *_args: object) -> None:
        scatter, stage = self.ids.scatter, self.ids.stage
        scatter.scale, scatter.size, scatter.pos = 1, stage.size, stage.pos

    def _fetch(self) -> None:
        def here(data: bytes) -> None:
            key = b"whole " + self.message_id
            pictures.show(key, data, self._whole, pixels_max=pictures.PHOTO_PIXELS_MAX)

        self.ask(self.app.client.attachments.opened(self.conversation_id, self.message_id), here)

    def _thumbnail(self, texture: Texture) -> None:
        if not self.whole:
            self.photo = texture

    def _whole(self, texture: Texture) -> None:
        self.photo, self.whole = texture, True

    def _find(self) -> MessageView | None:
        for page in self.app.shell.stack:
            for row in getattr(getattr(page, "list", None), "rows", ()):
                message = getattr(row, "message", None)
                if isinstance(message, MessageView) and message.message_id == self.message_id:
                    return message
        return next(
            (each for each in self.app.client.messages(self.conversation_id) if each.message_id == self.message_id),
            None,
        )


load_rules(__file__)
