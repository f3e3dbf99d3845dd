"""How somebody's identity was checked: when, by whom, and what each of their devices shows of it."""

from typing import Any

from kivy.properties import StringProperty

from miss_app.engine.events import PersonView, ProofView
from miss_app.ui import dates
from miss_app.ui.controls import SettingRow
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.texts import words


class IdentityScreen(Page):
    """One person's badge, explained."""

    title = StringProperty("")
    what = StringProperty("")
    key = StringProperty("")
    how = StringProperty("")
    by = StringProperty("")
    doubt = StringProperty("")

    def __init__(self, app: Any, person: PersonView, **options: Any) -> None:
        self.person = person
        super().__init__(app, **options)

    def entered(self) -> None:
        """Draw what is known."""
        person = self.person
        self.title, self.key = person.display_name, person.person_id.hex()
        self.what = " · ".join(part for part in (person.profession, person.place) if part)
        proofs = self.app.client.proof.proofs(person.person_id)
        first = next((one for one in reversed(proofs) if one.how != "linked"), None)
        how, at_ms = (first.how, first.at_ms) if first else (person.checked_how, person.checked_at_ms)
        linked = next((one for one in proofs if one.first_how), None)
        if first is None and linked is not None:
            how, at_ms = linked.first_how, linked.first_at_ms
        self.how, self.by = when(how, at_ms), by(how)
        self.doubt = words.problem("person-unconfirmed") if person.doubtful else ""
        rows = self.ids.rows
        rows.clear_widgets()
        for place, proof in enumerate(proofs):
            rows.add_widget(
                SettingRow(
                    icon="devices",
                    title=described(proof),
                    subtitle=words.say("identity.certificate", begin=day(proof.from_ms), end=day(proof.until_ms)),
                    danger=not proof.trusted,
                    test_id=f"proof-{place}",
                )
            )

    def spoken_again(self) -> None:
        """The same in the other language."""
        self.entered()


def described(proof: ProofView) -> str:
    """What a device shows: checked how and when, or linked from a device that was."""
    if not proof.trusted:
        return str(words.say("identity.unconfirmed", date=day(proof.from_ms)))
    if proof.first_how:
        return str(words.say("identity.linked", date=day(proof.at_ms), how=when(proof.first_how, proof.first_at_ms)))
    return when(proof.how, proof.at_ms)


def when(how: str, at_ms: int) -> str:
    """ "Identité vérifiée par Pro Santé Connect le 12 mai 2026"."""
    key = f"checked.{how or 'unknown'}"
    said = str(words.say(key if words.knows(key) else "checked.unknown"))
    return str(words.say("checked.on", how=said, date=day(at_ms))) if at_ms else said


def by(how: str) -> str:
    """Who looked, and at what."""
    key = f"checked.by.{how or 'unknown'}"
    return str(words.say(key if words.knows(key) else "checked.by.unknown"))


def day(at_ms: int) -> str:
    """A date."""
    return dates.date(dates.local(at_ms))


load_rules(__file__)
