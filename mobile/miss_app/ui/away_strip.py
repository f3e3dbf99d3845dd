"""The calm line above the composer that says who is away until when, and who answers instead."""

from typing import Any

from kivy.properties import ObjectProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.availability import BUSY
from miss_app.engine.events import AvailabilityView, PersonView
from miss_app.ui import dates
from miss_app.ui.kv import load_rules
from miss_app.ui.texts import words

SHOWN_MAX = 2  # people named in a team


class AwayStrip(BoxLayout):
    """Takes no room while everybody is available, or while the server cannot be asked."""

    screen: Any = ObjectProperty(None)
    text = StringProperty("")
    go = StringProperty("")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._delegate: PersonView | None = None

    def look(self) -> None:
        """Ask again who of the others is away."""
        app, here = self.screen.app, self.screen.conversation_id
        conversation = app.client.conversation(here)
        if conversation is None or not conversation.active:
            return
        people = {one.person.person_id: one.person for one in conversation.members if not one.me}

        def told(found: dict[bytes, AvailabilityView]) -> None:
            if self.screen.conversation_id == here:
                self._show([(people[one], found[one]) for one in people if one in found])

        if people:
            app.bridge.ask(app.client.availability.of(list(people)), told, lambda _failure: None)

    def _show(self, away: list[tuple[PersonView, AvailabilityView]]) -> None:
        now_ms = self.screen.app.now_ms()
        lines = [told_of(person, seen, now_ms) for person, seen in away[:SHOWN_MAX]]
        if len(away) > SHOWN_MAX:
            lines.append(str(words.say("away.more", len(away) - SHOWN_MAX)))
        self.text = "\n".join(lines)
        named = [seen.delegate for _, seen in away if seen.delegate is not None and seen.delegate_available]
        me = self.screen.app.client.me()
        named = [one for one in named if me is None or one.person_id != me.person_id]
        self._delegate = named[0] if len(away) == 1 and named else None
        self.go = words.say("away.write", name=self._delegate.display_name) if self._delegate is not None else ""

    def write(self) -> None:
        """The conversation with who answers instead."""
        if self._delegate is not None:
            self.screen.app.go_person(self._delegate)


def told_of(person: PersonView, seen: AvailabilityView, now_ms: int) -> str:
    """ "Dr Robin Modèle : absence jusqu’au 3 décembre. Dr Hugo Fictif répond."."""
    key = "away.busy" if seen.state == BUSY else "away.away"
    text = str(words.say(key, name=person.display_name, until=until(seen.until_ms, now_ms)))
    if seen.delegate is None:
        return text
    key = "away.delegate" if seen.delegate_available else "away.delegate_away"
    return f"{text} {words.say(key, name=seen.delegate.display_name)}"


def until(until_ms: int, now_ms: int) -> str:
    """Until when: today an hour, later a day."""
    moment, now = dates.local(until_ms), dates.local(now_ms)
    if moment.date() == now.date():
        return dates.hour(until_ms)
    return dates.date(moment)


load_rules(__file__)
