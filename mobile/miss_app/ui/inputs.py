"""Where a person types: one line or several, emoji in colour, nothing of it left behind after the lock."""

from typing import Any

from kivy.cache import Cache
from kivy.core.text import Label as CoreLabel
from kivy.core.text.markup import MarkupLabel
from kivy.properties import BooleanProperty, ColorProperty, StringProperty
from kivy.uix.textinput import TextInput

from miss_app.ui.glyphs import EMOJI, EMOJI_ONE, EMOJI_RUN, marked
from miss_app.ui.measure import elide, measuring_label
from miss_app.ui.mending import mended
from miss_app.ui.theme import look


class MissInput(TextInput):
    """A text input without a frame of its own. ``ink`` is the colour of the text; emoji keep theirs.

    Kivy tints what it draws with ``foreground_color``; that stays white here and the ink is drawn into the line, or
    emoji would be one dark silhouette.
    """

    test_id = StringProperty("")
    ink = ColorProperty((0, 0, 0, 1))
    slanted = BooleanProperty(False)  # the hint is written so that nobody takes an example for what was entered

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        look.bind(dark=self._repaint)  # weakly: the theme must not keep what was typed
        self.bind(ink=self._repaint)

    def on_text(self, *_args: object) -> None:
        """Something was typed, or taken out."""
        mended(self)

    def keyboard_on_key_down(self, window: Any, keycode: Any, text: str, modifiers: list[str]) -> bool:
        """Backspace after an emoji takes the whole of it, not its last invisible part."""
        if keycode[1] == "backspace" and not self.selection_text and self._take_cluster():
            return True
        return bool(super().keyboard_on_key_down(window, keycode, text, modifiers))

    def _repaint(self, *_args: object) -> None:
        self._trigger_refresh_text()

    def _take_cluster(self) -> bool:
        before = self.text[: self.cursor_index()]
        last = None
        for last in EMOJI_ONE.finditer(before):  # noqa: B007  # only the last match is wanted
            pass
        if last is None or last.end() != len(before) or last.end() - last.start() < 2:
            return False
        for _ in range(last.end() - last.start()):
            self.do_backspace()
        return True

    def _create_line_label(self, text: str, hint: bool = False) -> Any:
        if hint and not self.multiline:
            text = elide(text, self.font_size, self.width - self.padding[0] - self.padding[2])
        if hint and self.slanted and text.strip():
            return self._slanted_label(text)
        if hint or self.password or not text.strip("\n"):
            return super()._create_line_label(text, hint=hint)
        options = self._get_line_options()
        plain = text.replace("\n", "").replace("\t", " " * self.tab_width)
        key = f"{plain}\0{options}\0{tuple(self.ink)}\0{look.dark}"
        drawn = Cache.get("textinput.label", key)
        if drawn is None:
            options.pop("color", None)
            label = MarkupLabel(text=marked(plain, look.dark), markup=True, color=tuple(self.ink), **options)
            label.refresh()
            drawn = label.texture
            Cache.append("textinput.label", key, drawn)
        return drawn

    def _slanted_label(self, text: str) -> Any:
        options = {**self._get_line_options(), "italic": True}
        key = f"{text}\0{options}"
        drawn = Cache.get("textinput.label", key)
        if drawn is None:
            label = CoreLabel(text=text, **options)
            label.refresh()
            drawn = label.texture
            Cache.append("textinput.label", key, drawn)
        return drawn

    def _get_text_width(self, text: str, tab_width: int, label: Any) -> float:
        if self.password or not EMOJI_RUN.search(text):
            return float(super()._get_text_width(text, tab_width, label))
        label = label or self._label_cached
        width = 0.0
        for place, part in enumerate(EMOJI_RUN.split(text.replace("\t", " " * tab_width))):
            if part:
                source = measuring_label(EMOJI, self.font_size, False) if place % 2 else label
                width += source.get_extents(part)[0]
        return width


def forget_inputs() -> None:
    """Drop what Kivy keeps of every text that was typed or drawn in an input."""
    Cache.remove("textinput.label")
    Cache.remove("textinput.width")
