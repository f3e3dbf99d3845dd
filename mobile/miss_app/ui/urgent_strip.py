"""The strip above every page that says that an urgent message came into another conversation, and leads there."""

from typing import Any

from kivy.properties import BooleanProperty, ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine import alerts
from miss_app.engine.events import ConversationChanged, Event, MessageAdded, MessageView, Stage, StageChanged
from miss_app.ui.headline import headline
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words


class UrgentStrip(BoxLayout):
    """Stays until the message is seen, here or on another device, or put aside; says no more than the list would.

    ``here`` is the conversation in sight: what comes there needs no strip; ``listed`` while the list alone is in sight.
    """

    app: Any = ObjectProperty(None)
    text = StringProperty("")
    who = StringProperty("")
    here = ObjectProperty(b"")
    listed = BooleanProperty(True)
    silent = BooleanProperty(False)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._came: dict[bytes, MessageView] = {}  # by conversation, the newest last
        for name in ("here", "listed", "silent"):
            self.fbind(name, lambda *_args: self._show())
        words.fbind("say", lambda *_args: self._show())

    def hear(self, event: Event) -> None:
        """An urgent message came, was read, or nothing is open any more."""
        if isinstance(event, MessageAdded):
            self._take(event.message)
        elif isinstance(event, ConversationChanged):
            if not event.conversation.unread:
                self._came.pop(event.conversation.conversation_id, None)
        elif isinstance(event, StageChanged) and event.stage is not Stage.OPEN:
            self._came.clear()
        else:
            return
        self._show()

    def _take(self, message: MessageView) -> None:
        conversation = self.app.client.conversation(message.conversation_id)
        alert = alerts.of_message(message, conversation, quiet=False, now_ms=self.app.now_ms())
        if alert is not None and alert.urgent and not message.blocked:
            self._came.pop(message.conversation_id, None)
            self._came[message.conversation_id] = message

    def on_open(self) -> None:
        """Show the newest of them, above what is open: the way back leads to it again."""
        if self._came:
            conversation_id, message = self._came.popitem()
            self._show()
            self.app.go_above(conversation_id, message.message_id)

    def put_aside(self) -> None:
        """The list still shows that they wait."""
        self._came.clear()
        self._show()

    def _show(self) -> None:
        self._came.pop(self.here, None)
        if self.silent or self.listed or not self._came:
            self.text = self.who = ""
            return
        conversation_id, message = next(reversed(self._came.items()))
        conversation = self.app.client.conversation(conversation_id)
        name = "" if message.author is None else message.author.display_name
        title = name if conversation is None or conversation.direct else headline(conversation)
        self.who = "" if name == title else name
        others = len(self._came) - 1
        self.text = (
            words.say("urgent.came", title=title) if not others else words.say("urgent.came_more", others, title=title)
        )


load_rules(__file__)
