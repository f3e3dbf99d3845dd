"""One's own profile: what the register says, which cannot be changed here, and being busy or away, which can."""

from datetime import datetime, timedelta
from typing import Any

from kivy.properties import BooleanProperty, StringProperty

from miss_app.engine.availability import AVAILABLE, AWAY, BUSY
from miss_app.engine.events import AvailabilityView, PersonView
from miss_app.engine.problems import Problem
from miss_app.ui import dates
from miss_app.ui.away_strip import until
from miss_app.ui.checks import checked_words
from miss_app.ui.choice_row import ChoiceRow
from miss_app.ui.consent import reading_sheet
from miss_app.ui.kv import load_rules
from miss_app.ui.page import Page
from miss_app.ui.people_finder import PeopleFinder
from miss_app.ui.texts import words

__all__ = ["ChoiceRow", "DelegateScreen", "PeopleFinder", "ProfileScreen"]

_EVENING = 20  # "until this evening" ends then
_MINUTE_MS = 60_000
_TERMS = {"hour": timedelta(hours=1), "week": timedelta(days=7), "fortnight": timedelta(days=14)}


class ProfileScreen(Page):
    """Nothing can be chosen before it is known what holds."""

    who = StringProperty("")
    what = StringProperty("")
    how = StringProperty("")
    key = StringProperty("")
    known = BooleanProperty(False)
    state = StringProperty(AVAILABLE)
    apart = BooleanProperty(False)  # busy or away
    term = StringProperty("")  # of the choices under "until when"; "date" is what is typed, "" what holds already
    delegate = StringProperty("")
    told = StringProperty("")  # what others read now
    changed = BooleanProperty(False)

    def __init__(self, app: Any, **options: Any) -> None:
        self._delegate: PersonView | None = None
        self._held = AvailabilityView()
        super().__init__(app, **options)

    def entered(self) -> None:
        """Show the register's lines; ask what holds, unless something is being chosen."""
        me = self.app.client.me()
        if me is not None:
            self.who, self.key = me.display_name, me.person_id.hex()
            self.what = "\n".join(part for part in (me.profession, me.place) if part)
            self.how = checked_words(me.checked_how, me.place)
        if not self.changed and not self.busy:
            self.ask(self.app.client.availability.mine(), self._show)

    def on_state(self, *_args: object) -> None:
        """Until when, and who answers, are asked for where one is not available."""
        self.apart = self.state != AVAILABLE

    def spoken_again(self) -> None:
        """The same in the other language."""
        self._tell()
        self.entered()

    def choose(self, state: str) -> None:
        """Available, busy or away; the first needs nothing else."""
        if not self.known or self.busy:
            return
        self.state, self.changed = state, True
        self.term = "fortnight" if state == AWAY else "hour"
        if state == AVAILABLE:
            self.save()

    def choose_term(self, term: str) -> None:
        """Until when."""
        self.term, self.changed = term, True

    def choose_delegate(self) -> None:
        """Who answers instead."""
        self.app.shell.open(DelegateScreen(self.app, self._named))

    def drop_delegate(self) -> None:
        """Nobody answers instead."""
        self._delegate, self.delegate, self.changed = None, "", True

    def _named(self, person: PersonView) -> None:
        self._delegate, self.delegate, self.changed = person, person.display_name, True

    def save(self) -> None:
        """Say it to the server."""
        if self.busy or not self.known:
            return
        try:
            until_ms = 0 if self.state == AVAILABLE else self._until_ms()
        except Problem as problem:
            self.complain(problem.reason)
            return
        named = self._delegate if self.state != AVAILABLE else None
        wish = self.app.client.availability.set(self.state, until_ms, b"" if named is None else named.person_id)
        self.ask(wish, self._show)

    def _until_ms(self) -> int:
        now = dates.local(self.app.now_ms())
        if not self.term:
            return self._held.until_ms
        if self.term == "date":
            try:
                day = datetime.strptime(self.ids.date.text.strip(), "%d/%m/%Y")  # noqa: DTZ007 (this machine's zone)
            except ValueError as error:
                raise Problem("until-wrong") from error
            end = day.replace(hour=23, minute=59).astimezone()
        elif self.term == "evening":
            end = now.replace(hour=_EVENING, minute=0, second=0, microsecond=0)
            end = end if end > now else now.replace(hour=23, minute=59)
        else:
            end = now + _TERMS[self.term]
        until_ms = int(end.timestamp() * 1000) // _MINUTE_MS * _MINUTE_MS
        if until_ms <= self.app.now_ms():
            raise Problem("until-wrong")
        return until_ms

    def _show(self, held: AvailabilityView) -> None:
        self._held, self.term = held, ""
        self.known, self.changed, self.state = True, False, held.state
        self._delegate = held.delegate
        self.delegate = "" if held.delegate is None else held.delegate.display_name
        self._tell()

    def _tell(self) -> None:
        held = self._held
        if held.state == AVAILABLE:
            self.told = words.say("profile.told_available")
            return
        when = until(held.until_ms, self.app.now_ms())
        key = "profile.told_busy" if held.state == BUSY else "profile.told_away"
        self.told = words.say(key, until=when)

    def read_wrong(self) -> None:
        """What to do where the register is mistaken."""
        text = words.say("profile.wrong_text")
        self.app.shell.show_sheet(
            reading_sheet(words.say("profile.wrong"), text, "profile-wrong-text", self.height * 0.6)
        )


class DelegateScreen(Page):
    """Finds one colleague in the directory."""

    def __init__(self, app: Any, named: Any, **options: Any) -> None:
        self._named = named
        super().__init__(app, **options)
        finder = self.ids.finder
        finder.app, finder.on_person = app, self._chosen
        finder.look_around()

    def spoken_again(self) -> None:
        """Headings in the other language."""
        self.ids.finder.show()

    def _chosen(self, person: PersonView) -> None:
        self._named(person)
        self.app.back()


load_rules(__file__)
