"""The screens before the conversation list: one question at a time, in a column, on a card when the window is wide."""

from typing import Any

from kivy.properties import BooleanProperty, StringProperty

from miss_app.ui import controls
from miss_app.ui.controls import ColumnBody
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page

__all__ = ["controls"]


class Fold(ColumnBody):
    """A part of a column that is there or not; what is folded away takes no room and no touch."""

    shown = BooleanProperty(True)

    def on_touch_down(self, touch: Any) -> bool:
        """Nothing of what is folded away can be touched."""
        return self.shown and bool(super().on_touch_down(touch))


class GatePage(Page):
    """A question with its title and explanation. ``crest`` is the icon above it."""

    crest = StringProperty("shield-check")


load_rules(__file__)
