"""The colleagues a person marked, to find them without searching; all devices of the person share them."""

from miss_app.engine import records
from miss_app.engine.events import PersonView
from miss_app.engine.model import Card
from miss_app.engine.people import People
from miss_app.engine.state_sync import StateSync
from miss_app.engine.store import Step
from miss_protocol.errors import RemoteError

PREFIX = "favourite/"


class Favourites:
    """The favourites of one open store."""

    def __init__(self, states: StateSync, people: People) -> None:
        self._states = states
        self._people = people

    def all(self) -> list[PersonView]:
        """By name, as last seen here or in the directory; who has left MiSS is not among them."""
        found = []
        for name in self._states.names(PREFIX):
            try:
                found.append(self._view(records.decode(Card, self._states.get(PREFIX + name))))
            except RemoteError:
                continue  # written by a later version, which shows it
        return sorted((one for one in found if one.reachable), key=lambda one: one.display_name.casefold())

    def set(self, step: Step, person: PersonView, chosen: bool) -> None:
        """Mark somebody, or take the mark back."""
        what = (person.display_name, person.profession, person.place, person.checked_how, person.checked_at_ms)
        value = records.encode(Card(person.person_id, *what)) if chosen else b""
        self._states.set(step, PREFIX + person.person_id.hex(), value)

    def _view(self, card: Card) -> PersonView:
        known = self._people.view(card.person_id)
        if known.display_name:
            return known
        what = (card.display_name, card.profession, card.place)
        return PersonView(card.person_id, *what, True, card.checked_how, card.checked_at_ms)
