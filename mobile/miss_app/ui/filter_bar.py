"""The filters above the conversation list: all, unread, about a patient, waiting for somebody, archived."""

from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout
from kivy.uix.label import Label
from kivy.uix.scrollview import ScrollView

from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words

CHOICES = ("all", "unread", "patient", "open", "archived")


class FilterChip(ButtonBehavior, Label):
    """One filter."""

    test_id = StringProperty("")
    name = StringProperty("")
    chosen = BooleanProperty(False)


class FilterBar(ScrollView):
    """Dispatches ``on_choice`` with the name of the filter that is tapped; the archive shows when it holds some."""

    chosen = StringProperty("all")
    archived = NumericProperty(0)
    shown = BooleanProperty(True)
    __events__ = ("on_choice",)

    def __init__(self, **options: object) -> None:
        self._line = BoxLayout(size_hint=(None, 1), spacing="8dp", padding=("16dp", 0))
        self._line.bind(minimum_width=self._line.setter("width"))
        super().__init__(do_scroll_y=False, bar_width=0, **options)
        self.add_widget(self._line)
        for name in ("chosen", "archived", "shown"):
            self.fbind(name, self._show)
        words.bind(say=self._show)
        self._show()

    def on_choice(self, _name: str) -> None:
        """A filter was tapped."""

    def _show(self, *_args: object) -> None:
        self._line.clear_widgets()
        if not self.shown:
            return
        for name in CHOICES:
            if name == "archived" and not self.archived and self.chosen != "archived":
                continue
            chip = FilterChip(name=name, chosen=name == self.chosen, test_id=f"filter-{name}")
            chip.text = words.say(f"filter.{name}")
            chip.bind(on_release=lambda tapped: self.dispatch("on_choice", tapped.name))
            self._line.add_widget(chip)


load_rules(__file__)
