"""The colleagues a person marked, to find them without searching."""

from miss_app.engine import records
from miss_app.engine.events import PersonView
from miss_app.engine.model import Card
from miss_app.engine.people import People
from miss_app.engine.store import Step, Store

_NAME = b"favourite "


class Favourites:
    """The favourites of one open store."""

    def __init__(self, store: Store, people: People) -> None:
        self._store = store
        self._people = people

    def all(self) -> list[PersonView]:
        """By name, as last seen here or in the directory; who has left MiSS is not among them."""
        rows = [row for row in self._store.all_rows("profile") if row.name.startswith(_NAME)]
        found = [self._view(records.decode(Card, row.body)) for row in rows]
        return sorted((one for one in found if one.reachable), key=lambda one: one.display_name.casefold())

    def set(self, step: Step, person: PersonView, chosen: bool) -> None:
        """Mark somebody, or take the mark back."""
        if not chosen:
            step.delete("profile", _NAME + person.person_id)
            return
        what = (person.display_name, person.profession, person.place, person.checked_how, person.checked_at_ms)
        step.put("profile", _NAME + person.person_id, records.encode(Card(person.person_id, *what)))

    def _view(self, card: Card) -> PersonView:
        known = self._people.view(card.person_id)
        if known.display_name:
            return known
        what = (card.display_name, card.profession, card.place)
        return PersonView(card.person_id, *what, True, card.checked_how, card.checked_at_ms)
