"""The conversation list, newest first, with a line to find one or to look in the directory."""

from collections.abc import Callable, Sequence
from typing import Any

from kivy.clock import Clock
from kivy.properties import NumericProperty, StringProperty
from kivy.utils import get_color_from_hex

from miss_app.engine.events import (
    ConversationChanged,
    ConversationView,
    Event,
    MessageView,
    PersonView,
    StateChanged,
)
from miss_app.ui import chat_rows, dates, filter_bar
from miss_app.ui.empty_note import EmptyNote
from miss_app.ui.headline import headline
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, Swipe, measure_item
from miss_app.ui.page import Page
from miss_app.ui.screens.choices import choose
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_app.ui.toast import show_toast
from miss_app.ui.virtual_list import VirtualList

__all__ = ["EmptyNote", "filter_bar"]  # their classes are named in the rules
SEARCH_PAUSE_S = 0.12
CAUTION = get_color_from_hex("#8A5300")  # dark enough under white words in both themes
MUTED_MS = 1 << 52  # for ever, as far as a person is concerned
EMPTY_ICONS = {
    "all": "message-text-outline",
    "unread": "check-all",
    "patient": "stethoscope",
    "open": "check-circle-outline",
    "archived": "archive-outline",
}
FILTERS: dict[str, Callable[[ConversationView], bool]] = {
    "all": lambda one: not one.archived and (not one.unsaid or bool(one.draft)),
    "unread": lambda one: one.unread > 0 and not one.archived,
    "patient": lambda one: bool(one.patient) and not one.archived,
    "open": lambda one: one.open > 0,
    "archived": lambda one: one.archived,
}


class ConversationsScreen(Page):
    """The home of a phone, the left pane of a wide window."""

    filter = StringProperty("all")
    archived = NumericProperty(0)

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._list = VirtualList(lambda: ListRow(self._open, self._ask, self), measure_item)
        self._views: list[ConversationView] = []  # as the engine last told them
        self._search_soon = Clock.create_trigger(lambda _dt: self.refresh(), SEARCH_PAUSE_S)
        self.ids.place.add_widget(self._list)
        self._draw_soon = Clock.create_trigger(lambda _dt: self._draw())
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
        if isinstance(event, ConversationChanged):
            self._take(event.conversation)
        elif isinstance(event, StateChanged):
            self._refresh_soon()

    def _take(self, changed: ConversationView) -> None:
        """A conversation as it is now, above the others where something was said in it."""
        place = next((at for at, one in enumerate(self._views) if one.conversation_id == changed.conversation_id), None)
        if place is None or not changed.active or changed.blocked:
            self._refresh_soon()  # it is new, or may have become part of another one
            return
        before = self._views.pop(place)
        news = changed.last is not None and (before.last is None or changed.last.at_ms > before.last.at_ms)
        self._views.insert(0 if news else place, changed)
        self._views.sort(key=lambda one: (one.archived, not one.pinned))
        self._draw_soon()

    def spoken_again(self) -> None:
        """Days and previews in the other language."""
        self._refresh_soon()

    def refresh(self) -> None:
        """Read every conversation anew, and draw."""
        self._views = self.app.client.conversations()
        self._draw()

    def _draw(self) -> None:
        """Draw the conversations that the filter lets through, or what matches the words that are typed."""
        wanted = self.ids.search.text.strip()
        found = self.app.client.search(wanted) if wanted else None
        every = self._views
        self.archived = sum(each.archived for each in every)
        shown = [each for each in every if FILTERS[self.filter](each)] if found is None else found.conversations
        open_id = next((getattr(page, "conversation_id", None) for page in self.app.shell.stack), None)
        now = self.app.now_ms()
        double = homonyms(every)
        items = self._waiting() if found is None else []
        items += [
            line(
                f"conversation-{place}",
                each,
                now,
                selected=self.wide and each.conversation_id == open_id,
                double=double,
            )
            for place, each in enumerate(shown)
        ]
        if found is not None:
            items += message_lines(found.messages, {each.conversation_id: each for each in every}, now)
            title = words.say("list.in_directory", text=wanted)
            items.append(ListItem("list-directory", title, lead_icon="account-search-outline", mark="chevron-right"))
        nothing = self.ids.nothing
        nothing.text = "" if items else words.say(f"nothing.{self.filter}")
        nothing.icon = EMPTY_ICONS[self.filter]
        nothing.action = words.say("nothing.go") if not every and self.filter == "all" else ""
        self._list.set_rows(items, keep_place=True)

    def order(self) -> list[bytes]:
        """The ids of the conversations as they are listed."""
        return [one.conversation_id for one in self._views if FILTERS[self.filter](one)]

    def _waiting(self) -> list[ListItem]:
        """The line that leads to all that waits for somebody, where something does."""
        live = [one for one in self._views if one.active]
        own = sum(one.open_own for one in live)
        count = sum(one.open for one in live) - own
        if not count + own or self.filter not in ("all", "open"):
            return []
        title = words.say("open.title")
        # What this person asked is for others to do: it is counted by itself.
        said = words.say("open.count", count=count) if count else words.say("open.own", count=own)
        urgent = any(one.urgent and not one.urgent_own for one in live)
        return [
            ListItem(
                "list-open",
                title,
                said,
                lead_icon="alert" if urgent else "clipboard-clock-outline",
                lead_alarm=urgent,
                mark="chevron-right",
            )
        ]

    # What a row that is pulled aside does.

    def swipes(self, item: ListItem) -> tuple[Swipe | None, Swipe | None, Swipe | None]:
        """To the right; to the left a little; to the left further. None of them in a wide window."""
        view = item.item
        if self.wide or not isinstance(view, ConversationView):
            return None, None, None
        read = Swipe("read", "email-open-outline", words.say("swipe.read"), look.brand) if view.unread else None
        mute = ("bell-outline", "menu.unmute") if view.muted_until_ms else ("bell-off-outline", "menu.mute")
        put = ("archive-arrow-up-outline", "menu.unarchive") if view.archived else ("archive-outline", "menu.archive")
        return (
            read,
            Swipe("mute", mute[0], words.say(mute[1]), CAUTION),
            Swipe("archive", put[0], words.say(put[1]), look.rail),
        )

    def swiped(self, item: ListItem, name: str) -> None:
        """A row was pulled aside and let go."""
        view = item.item
        kept = self.app.client.preferences
        if name == "read":
            self._do(self.app.client.mark_read(view.conversation_id))
        elif name == "mute":
            self._do(kept.mute(view.conversation_id, 0 if view.muted_until_ms else MUTED_MS))
            key = "list.unmuted" if view.muted_until_ms else "list.muted"
            show_toast(self.app.shell, str(words.say(key)))
        elif name == "archive":
            self._do(kept.archive(view.conversation_id, not view.archived))
            key = "list.unarchived" if view.archived else "list.archived"
            show_toast(self.app.shell, str(words.say(key)))

    def _do(self, wish: Any) -> None:
        self.app.bridge.ask(wish, failed=lambda failure: show_toast(self.app.shell, words.problem(failure.reason)))

    def on_wide(self, *_args: object) -> None:
        """The open conversation is marked only beside it."""
        self._refresh_soon()

    def _open(self, item: ListItem) -> None:
        if item.test_id == "list-open":
            self.app.go_open_ones()
            return
        if item.item is None:
            self.app.go_people(self.ids.search.text.strip())
            return
        if isinstance(item.item, MessageView):
            self.app.go_chat(item.item.conversation_id, item.item.message_id)
        else:
            self.app.go_chat(item.item.conversation_id)
        self._refresh_soon()

    def typed(self) -> None:
        """Search once typing rests a moment."""
        self._search_soon()

    def on_filter(self, *_args: object) -> None:
        """Other conversations, from the first one on."""
        self.refresh()

    def _ask(self, item: ListItem) -> None:
        """What can be done with a conversation."""
        view = item.item
        if not isinstance(view, ConversationView):
            return
        kept = self.app.client.preferences
        until = 0 if view.muted_until_ms else MUTED_MS

        def line_of(test_id: str, icon: str, on: bool, verb: Any, value: Any) -> tuple[str, str, str, Any]:
            key = test_id.replace("-", ".un" if on else ".")
            return test_id, key, icon, lambda: self._do(verb(view.conversation_id, value))

        bell = "bell-off-outline" if until else "bell-outline"
        wanted = [
            line_of("menu-pin", "pin-outline", view.pinned, kept.pin, not view.pinned),
            line_of("menu-mute", bell, not until, kept.mute, until),
            line_of("menu-archive", "archive-outline", view.archived, kept.archive, not view.archived),
        ]
        if view.unread:
            read = ("menu-read", "menu.read", "email-open-outline")
            wanted.insert(0, (*read, lambda: self._do(self.app.client.mark_read(view.conversation_id))))
        choose(self.app, headline(view), wanted)

    def _repaint(self, *_args: object) -> None:
        self._list.repaint()


def message_lines(
    found: Sequence[MessageView], conversations: dict[bytes, ConversationView], now_ms: int
) -> list[ListItem]:
    """Messages that were found, under a heading, each under the name of its conversation."""
    items = [ListItem("", words.say("list.messages"), heading=True)] if found else []
    for place, message in enumerate(found):
        view = conversations.get(message.conversation_id)
        if view is None:
            continue
        items.append(
            ListItem(
                f"found-{place}",
                headline(view),
                chat_rows.preview(message, direct=view.direct),
                item=message,
                avatar_key=avatar_key(view),
                team=not view.direct,
                meta=dates.brief(message.at_ms, now_ms),
            )
        )
    return items


def homonyms(conversations: list[ConversationView]) -> dict[str, str]:
    """For people one writes to who share their name: what tells each apart, by conversation id in hexadecimal."""
    others = [(each, other) for each in conversations if (other := _other(each)) is not None]
    told: dict[str, str] = {}
    named: dict[str, list[PersonView]] = {}
    for _, other in others:
        named.setdefault(other.display_name, []).append(other)
    for each, other in others:
        same = [one for one in named[other.display_name] if one.person_id != other.person_id]
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
    title = headline(conversation)
    what = (double or {}).get(conversation.conversation_id.hex())
    if what:
        title = words.say("list.homonym", name=title, what=what)
    subtitle = chat_rows.preview(last, direct=conversation.direct)
    if conversation.draft:
        subtitle = words.say("list.draft", text=" ".join(conversation.draft.split()))
    notes = (
        *(("help-circle-outline",) if conversation.open and not conversation.urgent else ()),
        *(("pin",) if conversation.pinned else ()),
        *(("bell-off-outline",) if conversation.muted_until_ms else ()),
    )
    return ListItem(
        test_id,
        title,
        subtitle,
        item=conversation,
        avatar_key=avatar_key(conversation),
        team=not conversation.direct,
        meta=dates.brief(last.at_ms, now_ms) if last is not None else "",
        badge=conversation.unread,
        tick=last.tick if last is not None and last.mine and not conversation.draft else None,
        selected=selected,
        faded=not conversation.active,
        alarm=conversation.urgent,
        named=bool(conversation.mentions),
        quiet=bool(conversation.muted_until_ms) and not conversation.mentions,
        notes=notes,
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
