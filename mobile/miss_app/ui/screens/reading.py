"""A page to read: headings with what stands under each."""

from collections.abc import Callable, Sequence
from typing import Any

from kivy.properties import StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.ui.kv import load_rules
from miss_app.ui.licences import works
from miss_app.ui.navigator import Navigator
from miss_app.ui.page import Page
from miss_app.ui.texts import words

Section = tuple[str, str]  # heading, text


class Passage(BoxLayout):
    """One heading and what stands under it."""

    heading = StringProperty("")
    text = StringProperty("")


class ReadingScreen(Page):
    """Shows the sections, in whichever language is spoken."""

    title = StringProperty("")

    def __init__(self, app: Any, read: Callable[[], tuple[str, Sequence[Section]]], **options: Any) -> None:
        self._read = read
        super().__init__(app, **options)

    def entered(self) -> None:
        """Write what is to be read."""
        self.title, sections = self._read()
        column = self.ids.sections
        column.clear_widgets()
        for heading, text in sections:
            column.add_widget(Passage(heading=heading, text=text))

    def spoken_again(self) -> None:
        """The same in the other language."""
        self.entered()


def why_secure(app: Navigator) -> ReadingScreen:
    """Why a message here is no SMS: the law, and what MiSS does."""

    def read() -> tuple[str, list[Section]]:
        return str(words.say("why.title")), [
            (words.say("why.apps"), words.say("why.apps_text")),
            (words.say("why.sealed"), words.say("why.sealed_text")),
            (words.say("why.people"), words.say("why.people_text")),
            (words.say("why.hds"), words.say("why.hds_text")),
            (words.say("why.rgpd"), words.say("why.rgpd_text")),
            (words.say("why.pgssi"), words.say("why.pgssi_text")),
            (words.say("why.record"), words.say("why.record_text")),
            (words.say("why.not"), words.say("why.not_text")),
        ]

    return ReadingScreen(app, read)


def licences(app: Navigator) -> ReadingScreen:
    """Whose work this is."""

    def read() -> tuple[str, list[Section]]:
        found = [(one.name, one.licence or words.say("about.licence_unknown")) for one in works()]
        return str(words.say("about.licences")), [(words.say("about.own"), words.say("about.own_text")), *found]

    return ReadingScreen(app, read)


load_rules(__file__)
