"""Tells a person who looks elsewhere that something waits: a notification without content, a number, a sound."""

import time
from typing import Any

from kivy.core.window import Window

from miss_app.engine import alerts
from miss_app.engine.alerts import Alert
from miss_app.engine.events import ConversationChanged, ConversationView, Event, MessageAdded, Stage, StageChanged
from miss_app.engine.lock_events import Waiting
from miss_app.ports.interfaces import Notifier, Shown
from miss_app.ui.texts import words

ATTEND_SECONDS = 20.0


class Alerts:
    """The notifications of one window.

    Args:
        app: the application.
        notifier: of this machine; None where there is none.
    """

    def __init__(self, app: Any, notifier: Notifier | None) -> None:
        self._app = app
        self._notifier = notifier
        self._unread: dict[bytes, int] = {}
        self._urgent_in: set[bytes] = set()
        self._waiting = (0, 0)
        self._since = 0  # alerts since somebody looked
        self._urgent = False
        self._wanted: Alert | None = None  # tapped behind the lock: where to go once it is open
        self._attended = -ATTEND_SECONDS
        self._shown = False
        Window.bind(focus=self._looked, on_touch_down=self._touched, on_key_down=self._touched)

    def close(self) -> None:
        """The window closes."""
        Window.unbind(focus=self._looked, on_touch_down=self._touched, on_key_down=self._touched)

    def hear(self, event: Event) -> None:
        """An engine event, on the main thread."""
        if isinstance(event, MessageAdded) and event.message.blocked:
            return  # nothing is wanted of them: neither sound nor count
        if isinstance(event, MessageAdded):
            client = self._app.client
            conversation = client.conversation(event.message.conversation_id)
            quiet = client.reach.quiet_now()
            self._tell(alerts.of_message(event.message, conversation, quiet=quiet, now_ms=self._app.now_ms()))
        elif isinstance(event, ConversationChanged):
            one = event.conversation
            self._follow(one)
            self._count()
        elif isinstance(event, Waiting):
            quiet = self._app.client.reach.quiet_now()
            before, self._waiting = self._waiting, (event.count, event.urgent)
            self._tell(alerts.of_waiting(event.count, event.urgent, before, quiet=quiet))
            self._count()
        elif isinstance(event, StageChanged):
            self._turn(event.stage)

    def _turn(self, stage: Stage) -> None:
        """The vault opens or closes."""
        self._waiting, self._unread, self._urgent_in = (0, 0), {}, set()
        if stage is Stage.OPEN:
            for one in self._app.client.conversations():
                self._follow(one)
            self._clear()
        self._count()

    def _follow(self, one: ConversationView) -> None:
        self._unread[one.conversation_id] = alerts.unread([] if one.blocked else [one], self._app.now_ms())
        if one.urgent and self._unread[one.conversation_id]:
            self._urgent_in.add(one.conversation_id)
        else:
            self._urgent_in.discard(one.conversation_id)

    def elsewhere(self, conversation_id: bytes) -> tuple[int, bool]:
        """How many messages wait unread in other conversations than this one, and whether one of those is urgent."""
        count = sum(unread for one, unread in self._unread.items() if one != conversation_id)
        return count, bool(self._urgent_in - {conversation_id})

    def opened_home(self) -> None:
        """The list is shown: a notification that was tapped behind the lock leads on."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._go(wanted)

    def _tell(self, alert: Alert | None) -> None:
        if alert is None or self._notifier is None or Window.focus:
            return
        self._since += 1
        self._urgent = self._urgent or alert.urgent
        if self._urgent:
            text = words.say("alert.urgent", self._since)
        else:
            text = words.say("alert.messages", self._since)
        sound = alert.urgent and self._app.client.reach.sound()
        what = Shown("MiSS", str(text), urgent=self._urgent, sound=sound)
        self._shown = True
        # A tap is heard on the engine's loop; the bridge brings it to the screen's thread.
        self._app.bridge.ask(self._notifier.show(what, lambda: self._app.bridge.later(lambda: self._tapped(alert))))

    def _tapped(self, alert: Alert) -> None:
        """The person tapped the notification: the window comes up, at the conversation once the vault is open."""
        Window.restore()
        Window.raise_window()
        if self._app.stage is Stage.OPEN:
            self._go(alert)
        else:
            self._wanted = alert
        self._clear()

    def _go(self, alert: Alert) -> None:
        client = self._app.client
        found = [one for one in client.conversations() if one.unread]
        wanted = alert.conversation_id or (max(found, key=_newest).conversation_id if found else b"")
        if wanted and client.conversation(wanted) is not None:
            self._app.go_chat(wanted)

    def _clear(self) -> None:
        self._since, self._urgent = 0, False
        if self._notifier is not None and self._shown:
            self._shown = False
            self._app.bridge.ask(self._notifier.clear())

    def _count(self) -> None:
        """The number in the window's title, and on the icon."""
        count = self._waiting[0] or sum(self._unread.values())
        Window.set_title(f"({count}) MiSS" if count else "MiSS")
        if self._notifier is not None:
            self._app.bridge.ask(self._notifier.badge(count))

    # Being in front of it.

    def _looked(self, _window: Any, focus: bool) -> None:
        if focus:
            self._clear()
            self._touched()
            self.hurry()

    def hurry(self) -> None:
        """Somebody is here again: what is offline tries to connect at once."""
        if self._app.client is not None:
            self._app.bridge.ask(self._app.client.hurry(), failed=lambda _failure: None)

    def _touched(self, *_args: Any) -> bool:
        now = time.monotonic()
        if self._app.stage is Stage.OPEN and now - self._attended >= ATTEND_SECONDS:
            self._attended = now
            self._app.bridge.ask(self._app.client.reach.attend(), failed=lambda _failure: None)
        return False


def _newest(conversation: Any) -> int:
    return 0 if conversation.last is None else int(conversation.last.at_ms)
