"""What stands where there is nothing yet: an icon, a sentence that teaches, perhaps the way to begin."""

from kivy.properties import StringProperty

from miss_app.ui.controls import ColumnBody
from miss_app.ui.kv import load_rules


class EmptyNote(ColumnBody):
    """Takes no room while ``text`` is empty; ``action`` names the button that dispatches ``on_go``."""

    icon = StringProperty("message-text-outline")
    text = StringProperty("")
    action = StringProperty("")
    action_id = StringProperty("")
    __events__ = ("on_go",)

    def on_go(self) -> None:
        """The button was tapped."""


load_rules(__file__)
