"""A QR code drawn sharp at any size, dark on white in both themes, with its quiet zone."""

import segno
from kivy.graphics.texture import Texture
from kivy.properties import NumericProperty, ObjectProperty, StringProperty
from kivy.uix.widget import Widget

from miss_app.ui.kv import load_rules

QUIET_MODULES = 3


class QrCode(Widget):
    """Shows what ``text`` says; nothing where it is empty."""

    text = StringProperty("")
    test_id = StringProperty("")
    picture = ObjectProperty(None, allownone=True)
    side = NumericProperty(0)

    def on_text(self, *_args: object) -> None:
        """Another code."""
        self.picture = texture_of(self.text) if self.text else None


def texture_of(text: str) -> Texture:
    """One pixel a module, the quiet zone around them."""
    edge = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix]
    quiet = bytes(QUIET_MODULES)
    blank = [bytes(len(edge) + 2 * QUIET_MODULES)] * QUIET_MODULES
    rows = [*blank, *(quiet + row + quiet for row in edge), *blank]
    side = len(rows)
    texture = Texture.create(size=(side, side), colorfmt="rgba")  # four bytes a pixel: rows stay aligned
    dark, light = bytes((20, 26, 26, 255)), bytes((255, 255, 255, 255))
    pixels = b"".join(dark if module else light for row in reversed(rows) for module in row)
    texture.blit_buffer(pixels, colorfmt="rgba", bufferfmt="ubyte")
    texture.mag_filter = texture.min_filter = "nearest"
    return texture


load_rules(__file__)
