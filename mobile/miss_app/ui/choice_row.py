"""One of a few choices under each other, with what it means."""

from kivy.properties import BooleanProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout

from miss_app.ui import controls
from miss_app.ui.kv import load_rules
from miss_app.ui.mending import mended

__all__ = ["controls"]  # its classes are named in the rules


class ChoiceRow(ButtonBehavior, BoxLayout):
    """A line with a mark before it."""

    text = StringProperty("")
    explain = StringProperty("")
    test_id = StringProperty("")
    chosen = BooleanProperty(False)
    state_name = StringProperty("")

    def on_chosen(self, *_args: object) -> None:
        """It is this one now, or another."""
        mended(self)


load_rules(__file__)
