"""One conversation: its bubbles, and the line to write in."""

from typing import Any

from kivy.clock import Clock
from kivy.properties import BooleanProperty, NumericProperty, StringProperty

from miss_app.engine.events import (
    ConversationChanged,
    ConversationView,
    Event,
    HistoryArrived,
    MessageAdded,
    MessageChanged,
    MessageRemoved,
    MessageView,
    PersonView,
    SomeoneTyping,
)
from miss_app.ui import chat_search
from miss_app.ui.attaching import Attaching
from miss_app.ui.away_strip import AwayStrip
from miss_app.ui.bubble_view import MissBubble
from miss_app.ui.calendar_sheet import CalendarSheet
from miss_app.ui.chat_deeds import ChatDeeds
from miss_app.ui.chat_pages import ChatPages
from miss_app.ui.chat_rows import measure_row
from miss_app.ui.composer import Composer
from miss_app.ui.confirm import confirm
from miss_app.ui.emoji_panel import EmojiPanel
from miss_app.ui.kv import load_rules
from miss_app.ui.measure import elide, wrap
from miss_app.ui.mention_panel import MentionPanel
from miss_app.ui.other_patient import ask_first
from miss_app.ui.page import Page
from miss_app.ui.patient_strip import PatientStrip
from miss_app.ui.pinned_bar import PinnedBar
from miss_app.ui.screens.conversations import avatar_key
from miss_app.ui.selection import SelectionBar
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_app.ui.toast import show_toast
from miss_app.ui.virtual_list import VirtualList

__all__ = [
    "AwayStrip",
    "ChatScreen",
    "Composer",
    "EmojiPanel",
    "MentionPanel",
    "PatientStrip",
    "PinnedBar",
    "SelectionBar",
    "chat_search",
]

TEXT_CHARACTERS_MAX = 16_000
TYPING_SHOWN_S = 6.0
DRAFT_PAUSE_S = 1.5
CLOCK_S = 20.0
TYPING_SAID_S = 3.0


class ChatScreen(Page):
    """Draws the messages the engine has, asks for older ones as the reader goes up, marks as read what is in sight."""

    title = StringProperty("")
    subtitle = StringProperty("")
    key = StringProperty("")
    team = BooleanProperty(False)
    active = BooleanProperty(True)
    blocked = BooleanProperty(False)
    away = BooleanProperty(False)  # the newest message is out of sight
    about_icon = StringProperty("")  # above the composer: what is replied to or edited
    about_title = StringProperty("")
    about_text = StringProperty("")
    level = NumericProperty(0)  # how urgent what is written is
    typing = StringProperty("")  # who is writing
    fresh = NumericProperty(0)  # messages that came out of sight, below
    urgent = BooleanProperty(False)  # one of the waiting is urgent
    waiting = NumericProperty(0)  # messages that nobody has answered or taken charge of
    elsewhere = NumericProperty(0)  # unread messages of other conversations
    elsewhere_urgent = BooleanProperty(False)

    def __init__(self, app: Any, conversation_id: bytes, **options: Any) -> None:
        self.conversation_id = conversation_id
        super().__init__(app, **options)
        conversation = app.client.conversation(conversation_id)
        self.direct = conversation is None or conversation.direct
        self.deeds = ChatDeeds(self)
        me = app.client.me()
        self._me = b"" if me is None else me.person_id
        self.list = VirtualList(
            lambda: MissBubble(not self.direct, self.deeds), self._measure, from_bottom=True, bar_width=6
        )
        self.list.test_id = "messages"
        self.ids.place.add_widget(self.list)
        self.pages = ChatPages(self, self.list)
        self._unread = 0
        self._read_to = b""  # the newest line said to be read
        self.list.fbind("scroll_y", self._scrolled)
        self._read_soon = Clock.create_trigger(lambda _dt: self._mark_read(), 0.2)
        self._typing_ends = Clock.create_trigger(lambda _dt: setattr(self, "typing", ""), TYPING_SHOWN_S)
        self._said_typing = 0.0
        self._clock = Clock.schedule_interval(self._look_at_clock, CLOCK_S)
        look.bind(dark=self._repaint)
        self.attaching = Attaching(self)
        self._draft = "" if conversation is None else conversation.draft
        self._draft_soon = Clock.create_trigger(lambda _dt: self._keep_draft(), DRAFT_PAUSE_S)
        if conversation is not None:
            self._follow(conversation)
            self.pages.open(conversation)
            self.ids.pinned.look()
            self.ids.composer.text = conversation.draft

    def entered(self) -> None:
        """Ready to write, on machines with a keyboard."""
        self._read_soon()
        self._look_elsewhere()
        self.ids.absent.look()
        if self.wide:
            Clock.schedule_once(lambda _dt: setattr(self.ids.composer, "focus", True))

    def on_wide(self, *_args: object) -> None:
        """There is another room for what stands above the chat."""
        self.spoken_again()

    def left(self) -> None:
        """Let go of the theme, the window and every word; what was begun is kept."""
        self._keep_draft()
        self._clock.cancel()
        self.ids.composer.text = ""
        self.pages.clear()
        look.unbind(dark=self._repaint)
        self.attaching.close()
        super().left()

    def hear(self, event: Event) -> None:
        """A message came or changed."""
        if isinstance(event, MessageAdded) and event.message.conversation_id == self.conversation_id:
            self._added(event.message)
        elif isinstance(event, MessageChanged) and event.message.conversation_id == self.conversation_id:
            self.pages.changed(event.message)
            self.ids.pinned.hear(event.message)
        elif isinstance(event, MessageRemoved) and event.conversation_id == self.conversation_id:
            self.pages.removed(event.message_id)
            self.ids.pinned.look()
        elif isinstance(event, SomeoneTyping) and event.conversation_id == self.conversation_id:
            self.typing = words.say("chat.typing", who=event.person.display_name)
            self._typing_ends()
        elif isinstance(event, HistoryArrived) and event.conversation_id == self.conversation_id:
            self.pages.read_again()
        elif isinstance(event, ConversationChanged):
            self._conversation_changed(event.conversation)
            self._look_elsewhere()

    def _look_elsewhere(self) -> None:
        self.elsewhere, self.elsewhere_urgent = self.app.alerts.elsewhere(self.conversation_id)

    def headed(self, title: str, width: float, size: float, wide: bool) -> str:
        """The title as it stands above the chat: on one line of a wide window, on two of a phone where it needs two."""
        lines = wrap(title, size, width, bold=True).text.split("\n") if not wide and width > size else [title]
        first, rest = lines[0], " ".join(lines[1:])
        return f"{first}\n{elide(rest, size, width, bold=True)}" if rest else elide(first, size, width, bold=True)

    def back(self) -> bool:
        """Close the emoji, the search and what is replied to before the conversation."""
        if self.ids.selection.shown:
            self.ids.selection.end()
            return True
        if self.ids.mentions.shown:
            self.ids.mentions.close()
            return True
        shown = bool(self.ids.emoji.shown or self.about_title or self.ids.search.shown)
        self.ids.emoji.shown = self.ids.search.shown = False
        self.deeds.drop()
        return shown

    def spoken_again(self) -> None:
        """Notices, days and sizes in the other language."""
        self.pages.redraw(keep_place=True)
        conversation = self.app.client.conversation(self.conversation_id)
        if conversation is not None:
            self._follow(conversation)

    def on_send(self, *, sure: bool = False) -> None:
        """Send what is written; the engine echoes it at once. ``sure``: the person was asked whose patient it names."""
        text = self.ids.composer.text.strip()
        reason = self.ids.reason.text.strip() if self.level else ""
        if not self.deeds.complete(text, reason):
            return
        if len(text) > TEXT_CHARACTERS_MAX:
            self.complain("text-too-long")
            return
        doubtful = self.app.client.proof.doubtful(self.conversation_id)
        if doubtful:
            self._make_sure(doubtful)  # what is written stays where it is
            return
        if not sure:
            ask_first(self.app, self.conversation_id, text, lambda: self.on_send(sure=True))
            return
        self.deeds.send(text, reason)
        self._keep_draft()
        self.ids.composer.focus = True

    def _make_sure(self, doubtful: list[PersonView]) -> None:
        """Somebody's new device is vouched for by nobody: this person says that they have made sure, then it goes."""
        names = ", ".join(one.display_name for one in doubtful)
        confirm(
            self.app,
            words.say("doubt.title", names=names),
            words.say("doubt.explain", names=names),
            words.say("doubt.confirm"),
            "doubt-yes",
            lambda: self.ask(self.app.client.proof.confirm(doubtful), lambda _done: self.on_send()),
        )

    def on_typed(self) -> None:
        """Tell the others that something is being written, now and then, and keep it."""
        self._draft_soon()
        now = Clock.get_time()
        if self.ids.composer.text and now - self._said_typing > TYPING_SAID_S:
            self._said_typing = now
            self.app.bridge.ask(self.app.client.typing(self.conversation_id), failed=lambda _failure: None)

    def _keep_draft(self) -> None:
        text = "" if self.deeds.editing else self.ids.composer.text.strip()
        self._draft_soon.cancel()
        if text != self._draft and not self.deeds.editing:
            self._draft = text
            wish = self.app.client.preferences.set_draft(self.conversation_id, text)
            self.app.bridge.ask(wish, failed=lambda _failure: None)

    def show_about(self, icon: str, title: str, text: str) -> None:
        """Say above the composer what is replied to or edited; nothing where ``title`` is empty."""
        self.about_icon, self.about_title, self.about_text = icon, title, " ".join(text.split())
        if title:
            self.ids.composer.focus = True

    def on_level(self, *_args: object) -> None:
        """Ask why, where it is urgent; what was written of it already stays."""
        if self.level:
            self.write_reason()

    def write_reason(self) -> None:
        """Put the cursor in the reason once the touch that led here has ended, which would take it out again."""
        Clock.schedule_once(lambda _dt: setattr(self.ids.reason, "focus", bool(self.level and self.parent)))

    def write_text(self) -> None:
        """Put the cursor in the message, as in the reason."""
        Clock.schedule_once(lambda _dt: setattr(self.ids.composer, "focus", bool(self.active and self.parent)))

    def go_to(self, message_id: bytes) -> None:
        """Show a message, wherever in the conversation it stands."""
        if not self.pages.go_to(message_id):
            show_toast(self.app.shell, words.say("quote.gone"))

    def go_to_end(self) -> None:
        """Show the newest message."""
        self.pages.go_to_end()

    def choose_day(self, shown_ms: int = 0) -> None:
        """Show the calendar of this conversation, at the month of a time."""
        first_ms, last_ms = self.app.client.passages.span(self.conversation_id)
        if last_ms:
            sheet = CalendarSheet(self.app, first_ms, last_ms, shown_ms or last_ms, self.pages.go_to_day)
            self.app.shell.show_sheet(sheet)

    def go_to_waiting(self) -> None:
        """Show the message that waits for somebody, or the list of them where there are several."""
        waiting = self.app.client.deeds.open_ones(self.conversation_id)
        if len(waiting) > 1:
            self.app.go_open_ones(self.conversation_id)
        elif waiting:
            self.go_to(waiting[0].message_id)

    def _added(self, message: MessageView) -> None:
        shown = self.pages.added(message)
        if message.mine and message.tick is not None:
            self.go_to_end()
        elif not message.mine and (not shown or self.away):
            self.fresh += 1
        self._read_soon()

    def _look_at_clock(self, _dt: float) -> None:
        self.pages.look_at_clock()

    def _scrolled(self, *_args: object) -> None:
        self.pages.scrolled()
        self.away = not self.pages.whole_below or self.list.hidden_below() > self.list.height
        if not self.away:
            self.fresh = 0
        self._read_soon()

    def _conversation_changed(self, changed: ConversationView) -> None:
        if changed.conversation_id == self.conversation_id:
            self._follow(changed)
            return
        # Two people who wrote to each other at once have one conversation in the end: this one may have become that.
        now = self.app.client.conversation(self.conversation_id)
        if now is not None and now.conversation_id == changed.conversation_id:
            self.conversation_id = now.conversation_id
            self._follow(now)
            self.pages.load_end()

    def _follow(self, conversation: ConversationView) -> None:
        self.ids.patient.follow(conversation)
        self.title = conversation.title or words.say("list.untitled")
        self.team, self.blocked = not conversation.direct, conversation.blocked
        self.active = conversation.active and not conversation.blocked
        self.key, self.waiting = avatar_key(conversation), conversation.open
        self._unread, self.urgent = conversation.unread, conversation.urgent
        if conversation.direct:
            other = next((member.person for member in conversation.members if not member.me), None)
            parts = (other.profession, other.place) if other is not None else ()
            self.subtitle = " · ".join(part for part in parts if part)
        else:
            key = "chat.members" if self.wide else "chat.members_short"
            self.subtitle = words.say(key, count=len(conversation.members))

    def _measure(self, row: Any, width: float) -> None:
        measure_row(row, width, group=not self.direct, me=self._me)

    def _mark_read(self) -> None:
        """Say how far the conversation is read: to its end, or to the newest line in sight."""
        if self.parent is None:
            return
        client, last = self.app.client, None
        if not self.pages.whole_below or not self.list.at_bottom():
            last = self.pages.last_seen()
            if last is None or last.message_id == self._read_to or not self._unread:
                return
            self._read_to = last.message_id
        wish = client.mark_read(self.conversation_id, *([] if last is None else [last.message_id]))
        self.app.bridge.ask(wish, failed=lambda _failure: None)

    def _repaint(self, *_args: object) -> None:
        self.list.repaint()


load_rules(__file__)
