"""What waits for somebody, over all conversations or in one: charges to take, demands to answer, one's own of both."""

from collections.abc import Iterator
from typing import Any

from kivy.clock import Clock
from kivy.properties import StringProperty

from miss_app.engine.events import ConversationChanged, Event, MessageAdded, MessageChanged, MessageRemoved, MessageView
from miss_app.ui import chat_rows, dates
from miss_app.ui.headline import headline
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.page import Page
from miss_app.ui.texts import words
from miss_app.ui.theme import look
from miss_app.ui.virtual_list import VirtualList
from miss_protocol.acts import Level


class OpenOnesScreen(Page):
    """A tap leads to the message.

    Args:
        conversation_id: the one conversation to list; all of them where it is empty.
    """

    title = StringProperty("")
    nothing = StringProperty("")

    def __init__(self, app: Any, conversation_id: bytes = b"", **options: Any) -> None:
        self._only = conversation_id
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
        """Something was asked, answered or taken charge of."""
        if isinstance(event, ConversationChanged | MessageAdded | MessageChanged | MessageRemoved):
            self._refresh_soon()

    def spoken_again(self) -> None:
        """The headings in the other language."""
        self._refresh_soon()

    def refresh(self) -> None:
        """Read what is open, and what this person is in charge of."""
        passages = self.app.client.passages
        waiting = [one for one in passages.open_ones() if not self._only or one.conversation_id == self._only]
        held = [one for one in passages.in_charge() if not self._only or one.conversation_id == self._only]
        here = self.app.client.conversation(self._only) if self._only else None
        self.title = words.say("open.title") if here is None else words.say("open.title_in", title=here.title)
        items = list(self._items(waiting, held))
        self.nothing = "" if items else words.say("open.nothing")
        self._list.set_rows(items, keep_place=True)

    def _items(self, waiting: list[MessageView], held: list[MessageView]) -> Iterator[ListItem]:
        urgent = [one for one in waiting if one.level is Level.URGENT and one.charge is None]
        asked = [one for one in waiting if one not in urgent and not one.mine]
        asking = [one for one in waiting if one not in urgent and one.mine]
        titles = {one.conversation_id: headline(one) for one in self.app.client.conversations()}
        number = 0
        for key, heading, found in (
            ("urgent", words.say("open.urgent"), urgent),
            ("asked", words.say("open.asked"), asked),
            ("asking", words.say("open.asking"), asking),
            ("held", words.say("open.held"), held),
        ):
            if not found:
                continue
            yield ListItem("", heading, heading=True)
            for message in found:
                yield self._item(number, key, message, titles.get(message.conversation_id, ""))
                number += 1

    def _item(self, number: int, key: str, message: MessageView, title: str) -> ListItem:
        name = "alert" if key == "urgent" else "hand-front-right-outline" if key == "held" else "help-circle-outline"
        if message.request is not None and message.request.dosage is not None:
            name = "pill"
        who = words.say("list.me") if message.mine or message.author is None else message.author.display_name
        at_ms = message.charge.at_ms if key == "held" and message.charge is not None else message.at_ms
        return ListItem(
            f"open-{number}",
            what(message),
            str(who) if self._only or title in ("", who) else f"{title} · {who}",
            item=message,
            lead_icon=name,
            lead_alarm=key == "urgent",
            meta=dates.brief(at_ms, self.app.now_ms()),
        )

    def _open(self, item: ListItem) -> None:
        message = item.item
        stack = self.app.shell.stack
        below = stack[-2] if len(stack) > 1 else None
        if getattr(below, "conversation_id", None) == message.conversation_id and hasattr(below, "go_to"):
            self.app.back()  # the chat is under this page, with what is being written in it
        self.app.go_chat(message.conversation_id, message.message_id)

    def _repaint(self, *_args: object) -> None:
        self._list.repaint()


def what(message: MessageView) -> str:
    """What is asked, in one line: the reason first where it is urgent, the drug first where it is a dosage."""
    said = " ".join(chat_rows.body(message).split())
    if message.request is not None and message.request.dosage is not None:
        return f"{message.request.dosage.drug} {said}"
    if message.level is Level.URGENT:
        return f"{message.reason} · {said}" if said else message.reason
    return said or str(words.say("list.photo"))


load_rules(__file__)
