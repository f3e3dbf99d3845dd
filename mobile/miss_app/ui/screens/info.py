"""Who is in a conversation and how each was checked; its title and patient; adding, removing, leaving."""

from typing import Any

from kivy.properties import BooleanProperty, StringProperty

from miss_app.engine.events import ConversationChanged, ConversationView, Event, MemberView, PersonView
from miss_app.engine.patients import Patient
from miss_app.ui import dates
from miss_app.ui.checks import checked_words
from miss_app.ui.confirm import confirm
from miss_app.ui.kv import load_rules
from miss_app.ui.member_row import MemberRow
from miss_app.ui.page import Page
from miss_app.ui.screens.conversations import avatar_key
from miss_app.ui.texts import words


class InfoScreen(Page):
    """One conversation's members and settings."""

    title = StringProperty("")
    patient = StringProperty("")
    key = StringProperty("")
    team = BooleanProperty(False)
    admin = BooleanProperty(False)
    active = BooleanProperty(True)
    editing = BooleanProperty(False)
    favourite = BooleanProperty(False)

    def __init__(self, app: Any, conversation_id: bytes, **options: Any) -> None:
        self.conversation_id = conversation_id
        super().__init__(app, **options)
        # Out of the column while nothing is edited: hidden fields would take the touches meant for their neighbours.
        self._fields = self.ids.edit.__self__
        self._column = self._fields.parent
        self._place = self._column.children.index(self._fields)
        self._column.remove_widget(self._fields)

    def on_editing(self, *_args: object) -> None:
        """The fields come and go."""
        if self.editing:
            self._column.add_widget(self._fields, index=self._place)
        else:
            self._column.remove_widget(self._fields)

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

    def back(self) -> bool:
        """Close the fields before the page."""
        if self.editing:
            self.editing = False
            return True
        return False

    def refresh(self) -> None:
        """Draw the conversation as it stands."""
        conversation = self.app.client.conversation(self.conversation_id)
        if conversation is not None:
            self._follow(conversation)

    def edit(self) -> None:
        """Show the fields for title and patient."""
        self.ids.edit_title.text, self.ids.edit_patient.text = self.title, self.patient
        self.editing = True

    def mark_favourite(self) -> None:
        """Mark the other person as a favourite, or take the mark back."""
        other = self._other()
        if other is not None and not self.busy:
            chosen = not self.favourite
            self.ask(self.app.client.presence.set_favourite(other, chosen), lambda _done: self._marked(chosen))

    def _marked(self, chosen: bool) -> None:
        self.favourite = chosen

    def _other(self) -> PersonView | None:
        conversation = self.app.client.conversation(self.conversation_id)
        if conversation is None or not conversation.direct:
            return None
        return next((member.person for member in conversation.members if not member.me), None)

    def save(self) -> None:
        """Rename."""
        title, patient = self.ids.edit_title.text.strip(), self.ids.edit_patient.text.strip()
        if not title:
            self.complain("group-title-missing")
        elif not self.busy:
            self.ask(self.app.client.teams.call(self.conversation_id, title, Patient(patient)), self._saved)

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

    def _saved(self, _result: object) -> None:
        self.editing = False
        self.refresh()

    def _follow(self, conversation: ConversationView) -> None:
        self.title = conversation.title or words.say("list.untitled")
        self.patient, self.team, self.active = conversation.patient, not conversation.direct, conversation.active
        self.key = avatar_key(conversation)
        self.admin = any(member.me and member.admin for member in conversation.members) and self.active
        rows = self.ids.members
        rows.clear_widgets()
        for place, member in enumerate(conversation.members):
            removable = self.admin and self.team and not member.me
            remove = self.ask_to_remove if removable else None
            rows.add_widget(MemberRow(member, place, checked(member), remove, self.show_identity))

    def show_identity(self, member: MemberView) -> None:
        """How and when this member's identity was checked."""
        self.app.go_identity(member.person)


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
