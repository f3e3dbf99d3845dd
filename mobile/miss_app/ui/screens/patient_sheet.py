"""The panel a patient is written in: name, birth date, INS or record number; and a conversation's title beside them."""

from collections.abc import Callable
from typing import Any

from kivy.properties import BooleanProperty, StringProperty

from miss_app.engine.patients import Patient, birth_date
from miss_app.engine.problems import Problem
from miss_app.ui import dates, patient_words
from miss_app.ui.bridge import Failure
from miss_app.ui.controls import Field, Sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.navigator import Navigator
from miss_app.ui.other_patient import ask_twice
from miss_app.ui.texts import words


class PatientSheet(Sheet):
    """Gathers who the patient is; says so where this device knows somebody of the same name.

    Args:
        patient: what the fields begin with.
        kept: called with what was typed, once it is right; the panel is closed then.
        but: a conversation that is not to be compared with.
        called: what the conversation is called, where that is asked for too.
    """

    titled = BooleanProperty(False)  # a conversation's title is asked for too
    homonyms = StringProperty("")
    others = StringProperty("")
    busy = BooleanProperty(False)

    def __init__(
        self,
        app: Navigator,
        patient: Patient,
        kept: Callable[[Patient], None] | None = None,
        *,
        but: bytes = b"",
        called: str | None = None,
        **options: Any,
    ) -> None:
        self.app = app
        self._kept = kept
        self._but = but
        options.setdefault("title", words.say("patient.title"))
        super().__init__(**options)
        self.titled, self.ids.heading.text = called is not None, called or ""
        self.ids.name.text, self.ids.number.text = patient.name, patient.identifier
        self.ids.born.text = typed_date(patient.birth_date)
        self.compare()
        self.fit()
        self._first_empty().focus_soon()

    def _first_empty(self) -> Field:
        """Where something is still to be written; the name where nothing is."""
        fields: list[Field] = [self.ids[one] for one in ("name", "born", "number")]
        asked = [self.ids.heading, *fields] if self.titled else fields
        return next((one for one in asked if not one.text.strip()), fields[0])

    def patient(self) -> Patient:
        """What is typed."""
        return Patient(self.ids.name.text, self.ids.born.text, self.ids.number.text)

    def compare(self) -> None:
        """Look whether somebody of this name is known here; half a date compares with nothing."""
        try:
            patient = self.app.client.teams.check(self.patient())
        except Problem:
            self.homonyms = self.others = ""
            return
        found = self.app.client.teams.about(patient, but=self._but) if patient.name else []
        named = dict.fromkeys(
            patient_words.known(one.conversation.patient, one.conversation.birth_date) for one in found if one.homonym
        )
        others = [one.conversation.title for one in found if not one.homonym]
        self.homonyms = words.say("patient.homonym", names=", ".join(named)) if named else ""
        self.others = words.say("patient.known_here", names=", ".join(others)) if others else ""

    def write_back(self) -> None:
        """Show how the birth date was understood; what is none stays as it is, and is refused when it is saved."""
        try:
            understood = birth_date(self.ids.born.text.strip(), dates.local(self.app.now_ms()).date())
        except Problem:
            return
        self.ids.born.text = typed_date(understood)

    def save(self) -> None:
        """Hand it over where it is right."""
        self.write_back()
        try:
            patient = self.app.client.teams.check(self.patient())
        except Problem as problem:
            self.problem = words.problem(problem.reason)
            return
        self.keep(patient)

    def keep(self, patient: Patient) -> None:
        """What happens to what is right."""
        self.close()
        if self._kept is not None:
            self._kept(patient)


class SubjectSheet(PatientSheet):
    """Changes what a conversation is called, and whom it is about; another patient is asked about twice.

    Args:
        done: called once it is said.
    """

    def __init__(self, app: Navigator, conversation_id: bytes, done: Callable[[], None]) -> None:
        self._conversation_id = conversation_id
        self._done = done
        found = app.client.conversation(conversation_id)
        patient = Patient() if found is None else Patient(found.patient, found.birth_date, found.identifier)
        self._before = patient_words.known(patient.name, patient.birth_date)
        called = "" if found is None else found.title
        super().__init__(app, patient, but=conversation_id, called=called, title=words.say("info.edit"))

    def keep(self, patient: Patient) -> None:
        """Say it; the engine knows whether it is another patient."""
        title = self.ids.heading.text.strip() or patient.name
        if not title:
            self.problem = words.problem("group-title-missing")
        elif not self.busy:
            self._call(title, patient)

    def _call(self, title: str, patient: Patient, another: bool = False) -> None:
        self.busy, self.problem = True, ""

        def done(_result: object) -> None:
            self.close()
            self._done()

        def failed(failure: Failure) -> None:
            self.busy = False
            if failure.reason != "another-patient":
                self.problem = words.problem(failure.reason, failure.sentence, failure.seconds)
                return
            self.close()
            now = patient_words.known(patient.name, patient.birth_date)
            ask_twice(self.app, self._before, now, lambda: self._call(title, patient, another=True))

        wish = self.app.client.teams.call(self._conversation_id, title, patient, another=another)
        self.app.bridge.ask(wish, done, failed)


def typed_date(birth_date: str) -> str:
    """ "1941-03-07" → "07/03/1941", as it is typed."""
    return "/".join(reversed(birth_date.split("-")))


load_rules(__file__)
