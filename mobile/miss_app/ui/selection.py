"""Several messages of a chat taken together: copied, forwarded, taken back."""

from typing import Any

from kivy.properties import BooleanProperty, NumericProperty, ObjectProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import MessageView
from miss_app.ui import chat_rows, clipping, dates
from miss_app.ui.confirm import confirm
from miss_app.ui.forwarding import Forwarding
from miss_app.ui.kv import load_rules
from miss_app.ui.screens.choices import choose_conversation
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast

CHOSEN_MAX = 100


class SelectionBar(BoxLayout):
    """Stands in the place of a chat's title while messages are chosen; ``count`` of them."""

    screen: Any = ObjectProperty(None)
    shown = BooleanProperty(False)
    count = NumericProperty(0)
    copies = BooleanProperty(False)
    forwards = BooleanProperty(False)
    deletes = BooleanProperty(False)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._chosen: dict[bytes, MessageView] = {}

    def on_touch_down(self, touch: Any) -> bool:
        """What is not shown takes no touch meant for its neighbours."""
        return bool(self.shown and super().on_touch_down(touch))

    def chosen(self, message_id: bytes) -> bool:
        """Whether this message is among them."""
        return message_id in self._chosen

    def begin(self, message: MessageView) -> None:
        """Choose a first message."""
        self._chosen = {message.message_id: message}
        self.shown = True
        self._look()

    def toggle(self, message: MessageView) -> None:
        """Choose one more, or one less; without any, choosing is over."""
        if self._chosen.pop(message.message_id, None) is None and len(self._chosen) < CHOSEN_MAX:
            self._chosen[message.message_id] = message
        self.shown = bool(self._chosen)
        self._look()

    def end(self) -> None:
        """Choose none."""
        self._chosen = {}
        self.shown = False
        self._look()

    def _in_order(self) -> list[MessageView]:
        return sorted(self._chosen.values(), key=lambda one: one.at_ms)

    def _look(self) -> None:
        found = list(self._chosen.values())
        self.count = len(found)
        self.copies = any(chat_rows.body(one) for one in found)
        self.forwards = bool(found) and all(one.kind in ("text", "photo") and not one.deleted_ms for one in found)
        self.deletes = bool(found) and all(one.mine and not one.deleted_ms for one in found)
        self.screen.list.redraw()

    def copy(self) -> None:
        """All texts, in the order they were said, each with its author and hour."""
        found = [one for one in self._in_order() if chat_rows.body(one)]
        lines = [_signed(one) for one in found] if len(found) > 1 else [chat_rows.body(one) for one in found]
        clipping.copy("\n".join(lines))
        show_toast(self.screen.app.shell, str(words.say("select.copied", count=len(found))))
        self.end()

    def delete(self) -> None:
        """Take all of them back, once that was confirmed."""
        found = self._in_order()
        confirm(
            self.screen.app,
            str(words.say("select.delete", count=len(found))),
            str(words.say("delete.explain")),
            str(words.say("delete.go")),
            "delete-yes",
            lambda: self._delete(found),
        )

    def _delete(self, found: list[MessageView]) -> None:
        deeds, here = self.screen.app.client.deeds, self.screen.conversation_id
        for one in found:
            self.screen.app.bridge.ask(deeds.delete(here, one.message_id), failed=self.screen.fail)
        self.end()

    def forward(self) -> None:
        """All of them to another conversation, one after the other."""
        found, app, here = self._in_order(), self.screen.app, self.screen.conversation_id
        others = [one for one in app.client.conversations() if one.conversation_id != here]

        def arrived(target: bytes) -> None:
            self.end()
            app.go_chat(target)

        choose_conversation(
            app, others, lambda target: Forwarding(self.screen, found, target, lambda: arrived(target)).go()
        )


def _signed(message: MessageView) -> str:
    who = words.say("list.me") if message.mine or message.author is None else message.author.display_name
    said = chat_rows.body(message)
    return str(
        words.say(
            "select.line",
            date=dates.date(dates.local(message.at_ms)),
            hour=dates.hour(message.at_ms),
            who=who,
            text=said,
        )
    )


load_rules(__file__)
