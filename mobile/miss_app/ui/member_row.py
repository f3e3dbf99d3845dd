"""A member of a conversation: who they are, what they do, how they were checked, and a way to remove them."""

from collections.abc import Callable
from typing import Any

from kivy.properties import StringProperty
from kivy.uix.behaviors import ButtonBehavior
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import MemberView
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words


class MemberRow(ButtonBehavior, BoxLayout):
    """One member; ``remove`` is called with the member when the cross is tapped, ``show`` when the row is."""

    name = StringProperty("")
    what = StringProperty("")
    how = StringProperty("")
    key = StringProperty("")
    test_id = StringProperty("")
    remove_id = StringProperty("")
    text = StringProperty("")

    def __init__(
        self,
        member: MemberView,
        place: int,
        how: str,
        remove: Callable[[MemberView], None] | None,
        show: Callable[[MemberView], None],
        **options: Any,
    ) -> None:
        person = member.person
        self._member, self._remove, self._show = member, remove, show
        super().__init__(**options)
        name = words.say("info.me", name=person.display_name) if member.me else person.display_name
        self.name = words.say("info.admin", name=name) if member.admin else name
        self.what = " · ".join(part for part in (person.profession, person.place) if part)
        self.how, self.key = how, person.person_id.hex()
        self.test_id = f"member-{place}"
        self.remove_id = f"remove-{place}" if remove is not None else ""
        self.text = "\n".join((self.name, self.what, self.how))

    def on_release(self) -> None:
        """Show how this member's identity was checked."""
        self._show(self._member)

    def remove(self) -> None:
        """Ask to remove this member."""
        if self._remove is not None:
            self._remove(self._member)


load_rules(__file__)
