"""The directory: find a colleague and write to them, or choose who joins a conversation."""

from typing import Any

from kivy.properties import NumericProperty, StringProperty

from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.people_finder import PeopleFinder
from miss_app.ui.texts import words
from miss_app.ui.theme import look

NOW, WEEK_DAYS, EVERYTHING = -1, 7, 0
__all__ = ["PeopleFinder", "PeopleScreen"]


class PeopleScreen(Page):
    """Opens the conversation with the person tapped; with ``add_to``, gathers people for that conversation."""

    title = StringProperty("")
    count = NumericProperty(0)
    days = NumericProperty(NOW)  # how far back newcomers may read

    def __init__(self, app: Any, *, typed: str = "", add_to: bytes = b"", **options: Any) -> None:
        self.add_to = add_to
        super().__init__(app, **options)
        finder = self.ids.finder
        finder.app, finder.several = app, bool(add_to)
        finder.on_person, finder.on_chosen = app.go_person, self._count
        if add_to:
            conversation = app.client.conversation(add_to)
            members = conversation.members if conversation is not None else ()
            self.days = WEEK_DAYS if conversation is not None and conversation.patient else NOW
            finder.excluded = {member.person.person_id for member in members}
        finder.ids.name.text = typed
        look.bind(dark=self._repaint)
        self.spoken_again()
        finder.look_around()

    def entered(self) -> None:
        """Ready to type."""
        if self.app.device.desktop:
            self.ids.finder.ids.name.ids.line.focus = True

    def left(self) -> None:
        """Let go of the theme."""
        look.unbind(dark=self._repaint)
        super().left()

    def add(self) -> None:
        """Add the people gathered."""
        chosen = list(self.ids.finder.chosen)
        days = None if self.days == NOW else int(self.days)
        if chosen and not self.busy:
            self.ask(
                self.app.client.add_people(self.add_to, chosen, days=days), lambda _result: self.app.shell.close(self)
            )

    def spoken_again(self) -> None:
        """The title in the other language."""
        self.title = words.say("people.add_title" if self.add_to else "people.title")
        self.ids.finder.show()

    def _count(self) -> None:
        self.count = len(self.ids.finder.chosen)

    def _repaint(self, *_args: object) -> None:
        self.ids.finder.repaint()


load_rules(__file__)
