"""Somebody's profile: who they are by the register, how they were checked, whether they are away; writing to them."""

from typing import Any

from kivy.properties import BooleanProperty, StringProperty

from miss_app.engine.events import AvailabilityView, Event, PersonView, ProofView, StateChanged
from miss_app.ui import dates
from miss_app.ui.away_strip import told_of
from miss_app.ui.confirm import confirm
from miss_app.ui.controls import SettingRow
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.screens.safety import worth
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast


class IdentityScreen(Page):
    """One person's badge, explained."""

    title = StringProperty("")
    what = StringProperty("")
    key = StringProperty("")
    how = StringProperty("")
    by = StringProperty("")
    doubt = StringProperty("")
    away = StringProperty("")
    delegate = StringProperty("")
    writable = BooleanProperty(False)
    nameable = BooleanProperty(False)  # may be made an admin of the conversation one comes from
    me = BooleanProperty(False)
    safety = StringProperty("")
    blocked = BooleanProperty(False)

    def __init__(self, app: Any, person: PersonView, name_in: bytes = b"", **options: Any) -> None:
        self.person = person
        self._name_in = name_in
        self._seen: AvailabilityView | None = None
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
        me = self.app.client.me()
        self.writable = person.reachable and (me is None or me.person_id != person.person_id)
        self.nameable = bool(self._name_in)
        self.app.bridge.ask(self.app.client.availability.of([person.person_id]), self._told, lambda _failure: None)
        self.me = me is not None and me.person_id == person.person_id
        if not self.me:
            self.safety = worth(self.app.client.safety.verified(person.person_id))
            self.blocked = self.app.client.preferences.is_blocked(person.person_id)
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

    def _told(self, found: dict[bytes, AvailabilityView]) -> None:
        self._seen = seen = found.get(self.person.person_id)
        self.away = "" if seen is None else told_of(self.person, seen, self.app.now_ms())
        named = seen.delegate if seen is not None and seen.delegate_available else None
        self.delegate = "" if named is None else words.say("away.write", name=named.display_name)

    def write(self) -> None:
        """The conversation with them."""
        if not self.busy:
            self.ask(self.app.client.open_direct(self.person), self.app.go_chat)

    def write_to_delegate(self) -> None:
        """The conversation with who answers instead."""
        if self._seen is not None and self._seen.delegate is not None and not self.busy:
            self.ask(self.app.client.open_direct(self._seen.delegate), self.app.go_chat)

    def name_admin(self) -> None:
        """Make them an admin too."""

        def named(_done: object) -> None:
            self.nameable, self._name_in = False, b""
            show_toast(self.app.shell, words.say("identity.named", name=self.person.display_name))

        if self._name_in and not self.busy:
            self.ask(self.app.client.teams.name_admin(self._name_in, self.person.person_id), named)

    def hear(self, event: Event) -> None:
        """Compared or blocked on another device."""
        if isinstance(event, StateChanged) and event.name.endswith(self.person.person_id.hex()):
            self.entered()

    def ask_to_block(self) -> None:
        """Want nothing of this person, once that is confirmed; or something again, at once."""
        if self.blocked:
            self._block(False)
            return
        confirm(
            self.app,
            words.say("block.title", name=self.title),
            words.say("block.explain"),
            words.say("block.go"),
            "block-yes",
            lambda: self._block(True),
        )

    def _block(self, on: bool) -> None:
        self.ask(self.app.client.preferences.block(self.person.person_id, on), lambda _done: self.entered())

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
