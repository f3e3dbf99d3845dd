"""A new care team: its title, perhaps the patient it is about, and who is in it."""

from typing import Any

from kivy.properties import NumericProperty

from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.people_finder import PeopleFinder
from miss_app.ui.theme import look

__all__ = ["NewGroupScreen", "PeopleFinder"]


class NewGroupScreen(Page):
    """Creates the conversation and opens it."""

    count = NumericProperty(0)

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        finder = self.ids.finder
        finder.app, finder.several, finder.on_chosen = app, True, self._count
        look.bind(dark=self._repaint)
        finder.show()

    def left(self) -> None:
        """Let go of the theme."""
        look.unbind(dark=self._repaint)
        super().left()

    def create(self) -> None:
        """Make the group; the conversation opens once it exists."""
        title, patient = self.ids.group_title.text.strip(), self.ids.patient.text.strip()
        chosen = list(self.ids.finder.chosen)
        if not title:
            self.complain("group-title-missing")
        elif not chosen:
            self.complain("group-empty")
        elif not self.busy:
            self.ask(self.app.client.create_group(title, patient, chosen), self.app.go_chat)

    def spoken_again(self) -> None:
        """Headings and hints in the other language."""
        self.ids.finder.show()

    def _count(self) -> None:
        self.count = len(self.ids.finder.chosen)

    def _repaint(self, *_args: object) -> None:
        self.ids.finder.repaint()


load_rules(__file__)
