"""Reading a long text and agreeing to it: a line to tick, a pane to scroll, a sheet that holds one."""

from kivy.properties import BooleanProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.scrollview import ScrollView

from miss_app.ui import controls
from miss_app.ui.controls import Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.mending import mended

__all__ = ["controls"]


class CheckRow(ButtonBehavior, BoxLayout):
    """A sentence that is ticked by a tap anywhere on it."""

    text = StringProperty("")
    checked = BooleanProperty(False)
    test_id = StringProperty("")
    state_name = StringProperty("")

    def on_release(self) -> None:
        """Tick, or take the tick back."""
        self.checked = not self.checked

    def on_checked(self, *_args: object) -> None:
        """It was ticked, or is not any more."""
        mended(self)


class ReadingPane(ScrollView):
    """A long text, scrolled."""

    text = StringProperty("")
    test_id = StringProperty("")


def reading_sheet(title: str, text: str, test_id: str, height: float) -> Sheet:
    """A sheet with a long text to read."""
    sheet = Sheet(title=title, panel_height=height)
    sheet.add_widget(ReadingPane(text=text, test_id=test_id))
    return sheet


load_rules(__file__)
