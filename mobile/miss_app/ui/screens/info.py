"""Who is in a conversation, how each was checked and who decides; its title, patient and keeping; adding, leaving."""

from dataclasses import replace
from typing import Any

from kivy.properties import BooleanProperty, StringProperty

from miss_app.engine.events import ConversationChanged, ConversationView, Event, MemberView, PersonView
from miss_app.engine.patients import Patient
from miss_app.ui import dates, patient_words
from miss_app.ui.checks import checked_words
from miss_app.ui.confirm import confirm
from miss_app.ui.controls import SettingRow
from miss_app.ui.kept import choose_kept
from miss_app.ui.kv import load_rules
from miss_app.ui.member_row import MemberRow
from miss_app.ui.page import Page
from miss_app.ui.patient_strip import described
from miss_app.ui.screens.conversations import avatar_key
from miss_app.ui.screens.patient_sheet import SubjectSheet
from miss_app.ui.texts import words


class InfoScreen(Page):
    """One conversation's members and settings."""

    title = StringProperty("")
    patient = StringProperty("")
    key = StringProperty("")
    team = BooleanProperty(False)
    admin = BooleanProperty(False)
    active = BooleanProperty(True)
    number = StringProperty("")
    homonyms = StringProperty("")
    kept = StringProperty("")
    resigns = BooleanProperty(False)  # an admin beside whom there is another one
    favourite = BooleanProperty(False)

    def __init__(self, app: Any, conversation_id: bytes, **options: Any) -> None:
        self.conversation_id = conversation_id
        super().__init__(app, **options)

    def entered(self) -> None:
        """Draw the members."""
        other = self._other()
        favourites = self.app.client.presence.favourites() if other is not None else []
        self.favourite = other is not None and any(one.person_id == other.person_id for one in favourites)
        self.refresh()

    def hear(self, event: Event) -> None:
        """Members or title changed."""
        if isinstance(event, ConversationChanged) and event.conversation.conversation_id == self.conversation_id:
            self._follow(event.conversation)

    def spoken_again(self) -> None:
        """Members in the other language."""
        self.refresh()

    def refresh(self) -> None:
        """Draw the conversation as it stands."""
        conversation = self.app.client.conversation(self.conversation_id)
        if conversation is not None:
            self._follow(conversation)

    def edit(self) -> None:
        """Change title and patient."""
        self.app.shell.show_sheet(SubjectSheet(self.app, self.conversation_id, self.refresh))

    def choose_kept(self) -> None:
        """How long devices keep the messages."""
        conversation = self.app.client.conversation(self.conversation_id)
        if conversation is not None and self.admin and not self.busy:
            keep = self.app.client.teams.keep
            choose_kept(self.app, conversation.retention_days, lambda days: self.ask(keep(self.conversation_id, days)))

    def ask_to_resign(self) -> None:
        """Confirm, then be an admin no more."""
        confirm(
            self.app,
            words.say("info.resign_title"),
            words.say("info.resign_explain"),
            words.say("info.resign_go"),
            "resign-yes",
            lambda: self.ask(self.app.client.teams.resign(self.conversation_id)),
        )

    def mark_favourite(self) -> None:
        """Mark the other person as a favourite, or take the mark back."""
        other = self._other()
        if other is not None and not self.busy:
            chosen = not self.favourite
            self.ask(self.app.client.presence.set_favourite(other, chosen), lambda _done: self._marked(chosen))

    def begin_about_patient(self) -> None:
        """A patient is spoken of in a team, be it of two: its members see whom it is about."""
        other = self._other()
        if other is not None:
            self.app.go_new_group(other)

    def _marked(self, chosen: bool) -> None:
        self.favourite = chosen

    def _other(self) -> PersonView | None:
        conversation = self.app.client.conversation(self.conversation_id)
        if conversation is None or not conversation.direct:
            return None
        return next((member.person for member in conversation.members if not member.me), None)

    def ask_to_remove(self, member: MemberView) -> None:
        """Confirm, then remove a person."""
        name = member.person.display_name
        confirm(
            self.app,
            words.say("info.remove_title", name=name),
            words.say("info.remove_explain", name=name),
            words.say("info.remove_go"),
            "remove-yes",
            lambda: self.ask(self.app.client.remove_person(self.conversation_id, member.person.person_id)),
        )

    def ask_to_leave(self) -> None:
        """Confirm, then leave."""
        confirm(
            self.app,
            words.say("info.leave_title"),
            words.say("info.leave_explain"),
            words.say("info.leave_go"),
            "leave-yes",
            lambda: self.ask(self.app.client.leave(self.conversation_id), lambda _result: self.app.go_home()),
        )

    def _follow(self, conversation: ConversationView) -> None:
        self.title = conversation.title or words.say("list.untitled")
        self.team, self.active = not conversation.direct, conversation.active
        self.patient = described(conversation, self.app.now_ms()) if conversation.patient else ""
        self.number = patient_words.numbered(conversation.identifier)
        self.key = avatar_key(conversation)
        self.admin = any(member.me and member.admin for member in conversation.members) and self.active
        others = [one for one in conversation.members if one.admin and not one.me]
        self.resigns = self.admin and self.team and bool(others)
        most = self.app.client.assistance.service().devices_days
        self.kept = words.say("kept.here", kept=patient_words.kept(min(most, conversation.retention_days)))
        self._show_others(conversation)
        rows = self.ids.members
        rows.clear_widgets()
        for place, member in enumerate(conversation.members):
            removable = self.admin and self.team and not member.me
            remove = self.ask_to_remove if removable else None
            # Of two people nobody is the one who decides.
            shown = member if self.team else replace(member, admin=False)
            rows.add_widget(MemberRow(shown, place, checked(member), remove, self.show_identity))

    def _show_others(self, conversation: ConversationView) -> None:
        """The conversations on this device about the same patient, and those about a homonym."""
        rows = self.ids.others
        rows.clear_widgets()
        self.homonyms = ""
        if not conversation.patient:
            return
        patient = Patient(conversation.patient, conversation.birth_date, conversation.identifier)
        for place, one in enumerate(self.app.client.teams.about(patient, but=self.conversation_id)):
            other = one.conversation
            whom = patient_words.known(other.patient, other.birth_date)
            key = "patient.row" if one.certain else "patient.row_perhaps"
            if one.homonym:
                key = "patient.row_homonym"
            row = SettingRow(
                icon="alert-circle-outline" if one.homonym else "message-text-outline",
                title=other.title,
                subtitle=words.say(key, patient=whom),
                test_id=f"patient-talk-{place}",
            )
            row.bind(on_release=lambda _row, other=other: self.app.go_chat(other.conversation_id))
            rows.add_widget(row)

    def show_identity(self, member: MemberView) -> None:
        """Who this member is, how they were checked, and making them an admin."""
        may = self.admin and self.team and not member.me and not member.admin
        self.app.go_identity(member.person, self.conversation_id if may else b"")


def checked(member: MemberView) -> str:
    """How and when a member's identity was checked, and on how many devices they read."""
    person = member.person
    if person.suspended:
        return str(words.say("info.suspended"))
    how = checked_words(person.checked_how, person.place)
    if person.checked_at_ms:
        how = words.say("checked.on", how=how, date=dates.date(dates.local(person.checked_at_ms)))
    return f"{how} · {words.say('info.devices', count=member.devices)}" if member.devices else str(how)


load_rules(__file__)
