"""The conversation list, newest first, with a line to find one or to look in the directory."""

from typing import Any

from kivy.clock import Clock

from miss_app.engine.events import (
    ConversationChanged,
    ConversationView,
    Event,
    MessageAdded,
    MessageChanged,
    PersonView,
)
from miss_app.engine.folding import fold
from miss_app.ui import chat_rows, dates
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.page import Page
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_app.ui.virtual_list import VirtualList


class ConversationsScreen(Page):
    """The home of a phone, the left pane of a wide window."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._list = VirtualList(lambda: ListRow(self._open), measure_item)
        self.ids.place.add_widget(self._list)
        self._refresh_soon = Clock.create_trigger(lambda _dt: self.refresh())
        look.bind(dark=self._repaint)

    def entered(self) -> None:
        """Draw the list."""
        self.refresh()

    def left(self) -> None:
        """Let go of the theme and every word."""
        self._list.clear()
        look.unbind(dark=self._repaint)
        super().left()

    def hear(self, event: Event) -> None:
        """A conversation changed: draw the list again, once a frame at most."""
        if isinstance(event, ConversationChanged | MessageAdded | MessageChanged):
            self._refresh_soon()

    def spoken_again(self) -> None:
        """Days and previews in the other language."""
        self._refresh_soon()

    def refresh(self) -> None:
        """Draw the conversations that match what is typed."""
        wanted = fold(self.ids.search.text).split()
        shown = [each for each in self.app.client.conversations() if matches(each, wanted)]
        open_id = next((getattr(page, "conversation_id", None) for page in self.app.shell.stack), None)
        now = self.app.now_ms()
        double = homonyms(self.app.client.conversations())
        items = [
            line(
                f"conversation-{place}",
                each,
                now,
                selected=self.wide and each.conversation_id == open_id,
                double=double,
            )
            for place, each in enumerate(shown)
        ]
        if wanted:
            title = words.say("list.in_directory", text=self.ids.search.text.strip())
            items.append(ListItem("list-directory", title, lead_icon="account-search-outline", mark="chevron-right"))
        self.ids.nothing.text = "" if items else words.say("list.nothing")
        self._list.set_rows(items, keep_place=True)

    def on_wide(self, *_args: object) -> None:
        """The open conversation is marked only beside it."""
        self._refresh_soon()

    def _open(self, item: ListItem) -> None:
        if item.item is None:
            self.app.go_people(self.ids.search.text.strip())
            return
        self.app.go_chat(item.item.conversation_id)
        self._refresh_soon()

    def _repaint(self, *_args: object) -> None:
        self._list.repaint()


def matches(conversation: ConversationView, wanted: list[str]) -> bool:
    """Whether every folded word is found in the title, the patient or a member's name."""
    names = " ".join(member.person.display_name for member in conversation.members)
    text = fold(f"{conversation.title} {conversation.patient} {names}")
    return all(word in text for word in wanted)


def homonyms(conversations: list[ConversationView]) -> dict[str, str]:
    """For people one writes to who share their name: what tells each apart, by conversation id in hexadecimal."""
    others = [(each, other) for each in conversations if (other := _other(each)) is not None]
    told: dict[str, str] = {}
    for each, other in others:
        same = [one for _, one in others if one.display_name == other.display_name and one.person_id != other.person_id]
        if same:
            alike = all(one.profession == other.profession for one in same)
            told[each.conversation_id.hex()] = (other.place if alike else other.profession) or other.place
    return told


def line(
    test_id: str,
    conversation: ConversationView,
    now_ms: int,
    *,
    selected: bool = False,
    double: dict[str, str] | None = None,
) -> ListItem:
    """A conversation as a line of the list; ``double`` are ``homonyms``."""
    last = conversation.last
    title = conversation.title or words.say("list.untitled")
    if conversation.patient and not conversation.direct:
        title = words.say("list.about", title=title, patient=conversation.patient)
    what = (double or {}).get(conversation.conversation_id.hex())
    if what:
        title = words.say("list.homonym", name=title, what=what)
    return ListItem(
        test_id,
        title,
        chat_rows.preview(last, direct=conversation.direct),
        item=conversation,
        avatar_key=avatar_key(conversation),
        team=not conversation.direct,
        meta=dates.brief(last.at_ms, now_ms) if last is not None else "",
        badge=conversation.unread,
        tick=last.tick if last is not None and last.mine else None,
        selected=selected,
        faded=not conversation.active,
    )


def avatar_key(conversation: ConversationView) -> str:
    """What the colour of a conversation's avatar follows: the other person, or the team itself."""
    other = _other(conversation)
    return conversation.conversation_id.hex() if other is None else other.person_id.hex()


def _other(conversation: ConversationView) -> PersonView | None:
    """The other person of a conversation of two."""
    members = conversation.members if conversation.direct else ()
    return next((member.person for member in members if not member.me), None)


load_rules(__file__)
