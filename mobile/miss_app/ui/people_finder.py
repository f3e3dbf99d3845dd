"""Looking people up in the directory by name, profession and place, one to write to or several to gather."""

from collections.abc import Callable
from typing import Any

from kivy.clock import Clock
from kivy.properties import BooleanProperty, NumericProperty, StringProperty
from kivy.uix.boxlayout import BoxLayout

from miss_app.engine.events import PersonView
from miss_app.ui.bridge import Failure
from miss_app.ui.kv import load_rules
from miss_app.ui.list_row import ListItem, ListRow, measure_item
from miss_app.ui.mending import mended
from miss_app.ui.navigator import Navigator
from miss_app.ui.question import question_sheet
from miss_app.ui.texts import words
from miss_app.ui.toast import show_toast
from miss_app.ui.virtual_list import VirtualList

PAUSE_S = 0.3  # of typing, before the server is asked
LETTERS_MIN = 2
COLLEAGUES_MAX = 50


class PeopleFinder(BoxLayout):
    """Three lines to type in and the people found. With ``several``, taps gather people in ``chosen``.

    ``on_person`` is called with the person tapped; ``on_chosen`` when ``chosen`` changed.
    """

    several = BooleanProperty(False)
    problem = StringProperty("")
    hint = StringProperty("")
    count = NumericProperty(0)

    def __init__(self, **options: Any) -> None:
        self.app: Navigator | None = None
        self.on_person: Callable[[PersonView], None] = lambda _person: None
        self.on_chosen: Callable[[], None] = lambda: None
        self.excluded: set[bytes] = set()
        self.chosen: list[PersonView] = []
        self._found: list[PersonView] = []
        self._asked = 0
        self._searched = False
        self._favourites: list[PersonView] = []
        self._near: list[PersonView] = []
        self._colleagues: list[PersonView] = []
        self.recent: list[PersonView] = []  # with whom one has written lately, where they are worth a heading
        super().__init__(**options)
        self._list = VirtualList(lambda: ListRow(self._tapped), measure_item)
        self._search_soon = Clock.create_trigger(lambda _dt: self.search(), PAUSE_S)

    def on_kv_post(self, _base: Any) -> None:
        """The rules are in force: the list has its place."""
        self.ids.place.add_widget(self._list)

    def look_around(self) -> None:
        """Whom one may want without searching: favourites at once, the others once the server has said."""
        if self.app is None:
            return
        presence = self.app.client.presence
        self._favourites = presence.favourites()

        def near(people: list[PersonView]) -> None:
            self._near = people
            self.show()

        self.app.bridge.ask(presence.new_near(), near, lambda _failure: None)
        self._ask_colleagues("")
        self.show()

    def _ask_colleagues(self, typed: str) -> None:
        """The establishment's own list, which also holds who is in no national register."""
        if self.app is None:
            return
        asked = self._asked

        def found(people: list[PersonView]) -> None:
            if asked == self._asked:
                self._colleagues = [each for each in people if not each.person_id or each.person_id != self._me()]
                self.show()

        self.app.bridge.ask(self.app.client.presence.colleagues(typed), found, lambda _failure: None)

    def _me(self) -> bytes:
        me = self.app.client.me() if self.app is not None else None
        return b"" if me is None else bytes(me.person_id)

    def typed(self) -> None:
        """Something was typed: search after a pause."""
        self._search_soon()

    def search(self) -> None:
        """Ask the directory; an answer that comes after a newer question is dropped."""
        if self.app is None:
            return
        name, profession, place = (self.ids[field].text.strip() for field in ("name", "profession", "place_name"))
        self._asked += 1
        asked = self._asked
        if len(name) + len(profession) + len(place) < LETTERS_MIN:
            self._found, self._searched, self.problem = [], False, ""
            self._ask_colleagues("")
            self.show()
            return

        def found(people: list[PersonView]) -> None:
            if asked == self._asked:
                own = self._me()
                self._found = [each for each in people if not own or each.person_id != own]
                self._searched, self.problem = True, ""
                self.show()

        def failed(failure: Failure) -> None:
            if asked == self._asked:
                self._found, self._searched = [], False
                self.problem = words.problem(failure.reason, failure.sentence, failure.seconds)
                self.show()

        self.app.bridge.ask(self.app.client.search_people(name, profession=profession, place=place), found, failed)
        if place:
            self._colleagues = []  # they all work in the same place
        else:
            self._ask_colleagues(f"{name} {profession}".strip())

    def show(self) -> None:
        """Draw the people found, then those already chosen."""
        taken = {identity(person) for person in self.chosen}
        found = [person for person in self._found if not self.several or identity(person) not in taken]
        items = [self._line(f"person-{place}", person) for place, person in enumerate(found)]
        if self.several and self.chosen:
            if items:
                items.insert(0, ListItem("", words.say("people.found"), heading=True))
            items.append(ListItem("", words.say("people.chosen", count=len(self.chosen)), heading=True))
            items += [self._line(f"chosen-{place}", person) for place, person in enumerate(self.chosen)]
        if not found and not self._searched:
            items = self._around(taken) + items
        else:
            known = taken | {identity(person) for person in found}
            items += self._staff(known)
        self._list.set_rows(items, keep_place=True)
        self.count = len(items)
        if items or self.problem:
            self.hint = ""
        else:
            self.hint = words.say("people.nobody" if self._searched else "people.hint")

    def _around(self, taken: set[bytes]) -> list[ListItem]:
        """What stands there while nothing is typed."""
        shown = taken | {identity(person) for person in self._favourites}
        lately = [person for person in self.recent if identity(person) not in shown]
        shown |= {identity(person) for person in lately}
        near = [person for person in self._near if identity(person) not in shown]
        items: list[ListItem] = []
        marked = [person for person in self._favourites if identity(person) not in taken]
        if marked:
            items.append(ListItem("", words.say("people.favourites"), heading=True))
            items += [self._line(f"favourite-{place}", person) for place, person in enumerate(marked)]
        if lately:
            items.append(ListItem("", words.say("people.recent"), heading=True))
            items += [self._line(f"recent-{place}", person) for place, person in enumerate(lately)]
        if near:
            items.append(ListItem("", words.say("people.new"), heading=True))
            items += [self._line(f"nearby-{place}", person) for place, person in enumerate(near)]
        return items + self._staff(shown | {identity(person) for person in near})

    def _staff(self, shown: set[bytes]) -> list[ListItem]:
        """The establishment's own correspondents, but for those who stand there already."""
        fresh = [person for person in self._colleagues if identity(person) not in shown][:COLLEAGUES_MAX]
        if not fresh:
            return []
        lines = [self._line(f"colleague-{place}", person) for place, person in enumerate(fresh)]
        return [ListItem("", words.say("people.colleagues"), heading=True), *lines]

    def repaint(self) -> None:
        """The theme or the language changed."""
        self.show()
        self._list.repaint()

    def _line(self, test_id: str, person: PersonView) -> ListItem:
        picked = person in self.chosen
        inside = person.person_id in self.excluded and bool(person.person_id)
        double = any(one.display_name == person.display_name for one in self._found if one is not person)
        place = _town_first(person.place) if double else person.place
        where = " · ".join(part for part in (person.profession, place) if part)
        if inside:
            where = words.say("people.already")
        elif not person.reachable and not person.invite:
            where = words.say("people.away", where=where)
        mark = ("check-circle" if picked else "checkbox-blank-circle-outline") if self.several else "chevron-right"
        return ListItem(
            test_id,
            person.display_name,
            where,
            item=person,
            avatar_key=person.person_id.hex() or person.display_name,
            name_icon="shield-check" if person.reachable else "",
            faded=not person.reachable or inside,
            meta=words.say("people.invite") if person.invite else "",
            meta_strong=True,
            mark=mark if person.reachable and not inside else "",
            mark_strong=picked,
        )

    def _tapped(self, item: ListItem) -> None:
        person: PersonView = item.item
        if not person.reachable:
            self._ask_to_invite(person)
            return
        if person.person_id in self.excluded:
            return
        self.problem = ""
        if not self.several:
            self.on_person(person)
            return
        if person in self.chosen:
            self.chosen.remove(person)
        else:
            self.chosen.append(person)
            self.ids.name.text, self._found = "", []  # found: the next name is another one
        self.show()
        self.on_chosen()
        mended(self)

    def _ask_to_invite(self, person: PersonView) -> None:
        """Say what an invitation is, then send it."""
        if self.app is None or not person.invite:
            self.problem = words.problem("person-not-reachable")
            return
        app = self.app
        self.problem = ""

        def invited(state: str) -> None:
            key = "people.mailed" if state == "mailed" else "people.noted"
            show_toast(app.shell, words.say(key, name=person.display_name))

        def failed(failure: Failure) -> None:
            self.problem = words.problem(failure.reason, failure.sentence, failure.seconds)

        title = words.say("people.invite_title", name=person.display_name)
        explain = words.say("people.invite_explain")
        sheet = question_sheet(
            title,
            explain,
            words.say("people.invite_go"),
            "invite-go",
            lambda: app.bridge.ask(app.client.presence.invite(person), invited, failed),
        )
        app.shell.show_sheet(sheet)


def _town_first(place: str) -> str:
    """ "Lille, CHU de Lille": what tells people of one name apart must not be the part that is cut."""
    where, comma, town = place.rpartition(", ")
    return f"{town}, {where}" if comma else place


def identity(person: PersonView) -> bytes:
    """What tells people apart: their id, or their name and place when they are not on MiSS."""
    return person.person_id or f"{person.display_name}|{person.place}".encode()


load_rules(__file__)
