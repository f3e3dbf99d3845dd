"""The banner under a chat's title that says which patient it is about; it folds to one line."""

from typing import Any

from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import ConversationView
from miss_app.engine.patients import Patient
from miss_app.ui import patient_words
from miss_app.ui.kv import load_rules
from miss_app.ui.screens.patient_sheet import SubjectSheet
from miss_app.ui.texts import words


class PatientStrip(ButtonBehavior, BoxLayout):
    """Takes no room where the conversation is about nobody in particular."""

    screen: Any = ObjectProperty(None)
    test_id = StringProperty("")
    text = StringProperty("")
    number = StringProperty("")
    homonyms = StringProperty("")
    others = StringProperty("")
    opened = BooleanProperty(False)
    may = BooleanProperty(False)  # complete what is known of the patient

    def follow(self, conversation: ConversationView) -> None:
        """The conversation as it stands now."""
        if not conversation.patient:
            self.text = self.number = self.homonyms = self.others = ""
            return
        app = self.screen.app
        admin = any(one.me and one.admin for one in conversation.members)
        self.may = admin and conversation.active and not conversation.direct
        self.text = described(conversation, app.now_ms())
        self.number = patient_words.numbered(conversation.identifier)
        patient = Patient(conversation.patient, conversation.birth_date, conversation.identifier)
        found = app.client.teams.about(patient, but=conversation.conversation_id)
        named = [one.conversation for one in found if one.homonym]
        others = sum(not one.homonym for one in found)
        whom = ", ".join(dict.fromkeys(patient_words.known(one.patient, one.birth_date) for one in named))
        self.homonyms = words.say("patient.homonym", names=whom) if named else ""
        self.others = words.say("patient.others", others) if others else ""

    def on_touch_down(self, touch: Any) -> bool:
        """What is not shown takes no touch meant for its neighbours."""
        return bool(self.text and super().on_touch_down(touch))

    def on_release(self) -> None:
        """Fold or unfold."""
        self.opened = not self.opened

    def complete(self) -> None:
        """Write what is missing of the patient."""
        app = self.screen.app
        app.shell.show_sheet(SubjectSheet(app, self.screen.conversation_id, lambda: None))

    def show_others(self) -> None:
        """The conversations about the same patient are on the conversation's own page."""
        self.screen.app.go_info(self.screen.conversation_id)


def described(conversation: ConversationView, now_ms: int) -> str:
    """ "Mme T. · 7 mars 1941 · 85 ans"."""
    years = patient_words.age(conversation.birth_date, now_ms)
    parts = [conversation.patient, patient_words.born(conversation.birth_date)]
    parts.append("" if years is None else str(words.say("patient.age", years)))
    return " · ".join(part for part in parts if part)


load_rules(__file__)
