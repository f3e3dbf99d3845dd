"""A new care team: its title, perhaps the patient it is about, and who is in it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kivy.properties import NumericProperty, StringProperty

from miss_app.engine.events import ConversationView, PatientView, PersonView
from miss_app.engine.patients import Patient
from miss_app.ui import patient_words
from miss_app.ui.kept import choose_kept
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.people_finder import PeopleFinder
from miss_app.ui.question import question_sheet
from miss_app.ui.screens.patient_sheet import PatientSheet
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_protocol import limits

__all__ = ["NewGroupScreen", "PeopleFinder"]
RECENT_MAX = 12


class NewGroupScreen(Page):
    """Creates the conversation and opens it.

    Args:
        people: who is chosen already.
    """

    count = NumericProperty(0)
    days = NumericProperty(limits.RETENTION_DAYS_MAX)
    data = StringProperty("")  # birth date and number of the patient, or that they can be given
    kept = StringProperty("")

    def __init__(self, app: Any, people: Sequence[PersonView] = (), **options: Any) -> None:
        self.about = Patient()
        super().__init__(app, **options)
        self._describe()
        finder = self.ids.finder
        finder.app, finder.several, finder.on_chosen = app, True, self._count
        look.bind(dark=self._repaint)
        finder.chosen = list(people)
        finder.recent = recent(app.client.conversations())
        finder.look_around()
        self._count()

    def left(self) -> None:
        """Let go of the theme."""
        look.unbind(dark=self._repaint)
        super().left()

    def create(self, *, sure: bool = False) -> None:
        """Make the group; the conversation opens once it exists. Without a title it bears its patient's name.

        Args:
            sure: the person has read that this device knows somebody of the same name.
        """
        title, chosen = self.ids.group_title.text.strip(), list(self.ids.finder.chosen)
        patient = replace(self.about, name=self.ids.patient.text.strip())
        title = title or patient.name
        known = self.app.client.teams.about(patient) if patient.name and not sure else []
        if not title:
            self.complain("group-title-missing")
        elif not chosen:
            self.complain("group-empty")
        elif known:
            self._ask_whether_new(known)
        elif not self.busy:
            # What nobody chose is not said in the chat as somebody's decision.
            days = int(self.days) if self.days != limits.RETENTION_DAYS_MAX else None
            self.ask(self.app.client.create_group(title, patient, chosen, days=days), self.app.go_chat)

    def _ask_whether_new(self, known: list[PatientView]) -> None:
        """Somebody of this name has a conversation here already: the same patient, or another one?"""
        first = known[0].conversation
        key = "group.homonym" if known[0].homonym else "group.known"
        whom = patient_words.known(first.patient, first.birth_date)
        sheet = question_sheet(
            words.say("group.known_title"),
            words.say(key, patient=whom, title=first.title),
            words.say("group.create_all_the_same"),
            "group-create-yes",
            lambda: self.create(sure=True),
            kind="tonal",
        )
        self.app.shell.show_sheet(sheet)

    def more(self) -> None:
        """Birth date and number of the patient."""
        patient = replace(self.about, name=self.ids.patient.text.strip())
        self.app.shell.show_sheet(PatientSheet(self.app, patient, self._keep))

    def _keep(self, patient: Patient) -> None:
        self.about, self.ids.patient.text = patient, patient.name
        self._describe()

    def choose_kept(self) -> None:
        """How long devices keep the messages."""
        choose_kept(self.app, int(self.days), self._keep_days)

    def _keep_days(self, days: int) -> None:
        self.days = days
        self._describe()

    def _describe(self) -> None:
        about = self.about
        parts = (patient_words.born(about.birth_date), patient_words.numbered(about.identifier))
        self.data = " · ".join(part for part in parts if part) or words.say("group.patient_more")
        self.kept = words.say("kept.here", kept=patient_words.kept(int(self.days)))

    def spoken_again(self) -> None:
        """Headings and hints in the other language."""
        self.ids.finder.show()
        self._describe()

    def _count(self) -> None:
        self.count = len(self.ids.finder.chosen)

    def _repaint(self, *_args: object) -> None:
        self.ids.finder.repaint()


def recent(conversations: Sequence[ConversationView]) -> list[PersonView]:
    """With whom this person has written lately, the last first: those of two, then of teams."""
    live = [one for one in conversations if one.active and not one.blocked]
    live.sort(key=lambda one: (not one.direct, -(one.last.at_ms if one.last is not None else 0)))
    people = {each.person.person_id: each.person for one in live for each in one.members if not each.me}
    return [one for one in people.values() if one.reachable][:RECENT_MAX]


load_rules(__file__)
