"""The integrated directory: who practises what where, by the register, and who of them can be reached on MiSS.

Names are found by the first letters of any of their words; professions, specialties, towns and establishments by those
of theirs. All words must fit. Where names alone do not fill a page, each word may be a name, a profession or a place
("dermatologue lyon"); where even so fewer than three people fit, a word may be one letter away from a name. People on
MiSS come first, then by name; a page continues after the last person of the one before.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, exists, func, select, tuple_

from miss_protocol.limits import DIRECTORY_PAGE_PEOPLE_MAX
from miss_server import outside_search, register, wishes
from miss_server.extracts import PEOPLE
from miss_server.names import distance, fold
from miss_server.refusals import Refusal
from miss_server.register import Activity, Entry
from miss_server.register_rows import SLIP_LETTERS_MIN, slips_of
from miss_server.register_tables import people, register_names, register_people, register_professions
from miss_server.register_words import Lists, Term, called, named, placed, practising
from miss_server.tables import devices

LETTERS_MIN = 2
WORDS_MAX = 8
# "dermatologue" finds "dermatologie", "infirmière" finds "infirmier": how many last letters a long word may differ in.
_ENDING_LETTERS_MAX = 4
_STEM_LETTERS_MIN = 5
# Fewer than so many people, and a word may be misspelt.
_ENOUGH_PEOPLE = 3
# So many people on MiSS are put before all others who fit; when more are on MiSS, they are looked for among the first
# so many who fit, for a search must not read half the country.
_FIRST_PEOPLE_MAX = 1_000
_CHECKED_AT_ONCE = 64
_CHECKED_MAX = 2_000  # people who fit by their lists, but perhaps not in one activity
_NAMES, _ANYHOW = 0, 1


@dataclass(frozen=True)
class Query:
    """What is looked for; each part may be empty, ``after`` continues an earlier page."""

    words: str = ""
    profession: str = ""  # label, specialty, or the register's code
    place: str = ""  # town, postcode or establishment
    after: str = ""


@dataclass(frozen=True)
class Found:
    """A person of the directory; ``person_id`` is empty for who is not on MiSS."""

    person_id: bytes
    display_name: str
    profession: str
    place: str
    checked_how: str
    checked_at_ms: int
    rpps: str = ""  # of who is not on MiSS; never told as it is

    @property
    def reachable(self) -> bool:
        return bool(self.person_id)

    def told(self, invite: str = "") -> dict[str, object]:
        """What a client is told; ``invite`` stands for who is not on MiSS."""
        return {
            "person": self.person_id.hex(),
            "display_name": self.display_name,
            "profession": self.profession,
            "place": self.place,
            "reachable": self.reachable,
            "checked_how": self.checked_how,
            "checked_at_ms": self.checked_at_ms,
            "invite": invite,
        }


@dataclass(frozen=True)
class Page:
    """At most 20 people; ``more`` continues, and is empty at the end."""

    people: tuple[Found, ...]
    more: str


@dataclass(frozen=True)
class _Mark:
    """Where a page ended: in which of the ways to fit, in which part, after whom."""

    way: int
    not_on_miss: int
    family: str
    given: str
    rpps: str


@dataclass(frozen=True)
class _Hit:
    no: int
    not_on_miss: int
    family: str
    given: str
    entry: Entry


def search(connection: Connection, query: Query, asker: bytes = b"") -> Page | Refusal:
    """The people who fit all of a query, or a refusal where it says too little or continues nothing.

    Args:
        asker: the person who asks: who does not wish to be found is shown to those who know them only.
    """
    words, profession, place = (fold(part).split()[:WORDS_MAX] for part in (query.words, query.profession, query.place))
    if not any(len(word) >= LETTERS_MIN for word in (*words, *profession, *place)):
        return Refusal("search-too-short")
    try:
        mark = _read_mark(query.after)
    except (ValueError, TypeError):
        return Refusal("malformed")
    outside: tuple[Found, ...] = ()
    if mark is None:  # few, and on the first page: the rest of it is the register's
        found_outside = outside_search.search(connection, words, profession, place, asker)
        outside = tuple(_outside(row) for row in found_outside)
    load_id = register.current(connection, PEOPLE)
    if load_id is None:
        return Page(outside, "")
    search = _Search(connection, load_id, words, profession, place, asker)
    wanted = DIRECTORY_PAGE_PEOPLE_MAX + 1
    if mark is not None:
        return search.page([(mark.way, hit) for hit in search.hits(mark.way, wanted, mark)])
    found = [(_NAMES, hit) for hit in search.hits(_NAMES, wanted)]
    if words and len(found) < wanted:
        found += [(_ANYHOW, hit) for hit in search.hits(_ANYHOW, wanted - len(found))]
    if words and len(found) < _ENOUGH_PEOPLE:
        known = {hit.no for _, hit in found}
        near = search.hits_near(wanted - 1)
        found += [(_ANYHOW, hit) for hit in near if hit.no not in known][: wanted - 1 - len(found)]
    return search.page(found, outside)


def _outside(row: Row[Any]) -> Found:
    """Somebody whom an establishment vouches for."""
    return Found(bytes(row.person_id), row.display_name, row.profession, row.place, row.checked_how, row.checked_at_ms)


class _Search:
    """One query on one load of the register."""

    def __init__(
        self,
        connection: Connection,
        load_id: int,
        words: list[str],
        profession: list[str],
        place: list[str],
        asker: bytes,
    ) -> None:
        self._connection = connection
        self._asker = asker
        self._load_id = load_id
        self._lists = Lists(connection, load_id)
        self._words = words
        self._asked = (profession, place)
        self._filters = [placed(word) for word in place]
        if profession:
            self._filters.append(practising(self._professions(profession)))

    def hits(self, way: int, wanted: int, mark: _Mark | None = None) -> list[_Hit]:
        """The first people, after a mark, who fit in one way but not in an earlier one."""
        by_name = [*(named(word) for word in self._words), *self._filters]
        if way == _NAMES:
            return self._first(by_name, wanted, mark, lambda numbers: numbers)
        anyhow = [*(self._anyhow(word) for word in self._words), *self._filters]

        def but_not_by_name(numbers: list[int]) -> list[int]:
            earlier = set(self._lists.among(by_name, numbers))
            return [no for no in numbers if no not in earlier]

        return self._first(anyhow, wanted, mark, but_not_by_name)

    def hits_near(self, wanted: int) -> list[_Hit]:
        """People one of whose names is a letter away from what was typed."""
        terms, changed = [], False
        for word in self._words:
            near: list[str] = []
            if len(word) >= SLIP_LETTERS_MIN:
                candidates = self._lists.words_near(sorted(slips_of(word)))
                near = [one for one in candidates if distance(one, word, 1) <= 1]
            changed = changed or bool(near)
            terms.append(named(word) | called(near))
        if not changed:
            return []
        return self._first([*terms, *self._filters], wanted, None, lambda numbers: numbers)

    def page(self, found: Sequence[tuple[int, _Hit]], first: tuple[Found, ...] = ()) -> Page:
        """What is shown of the people found, one more than a page holds where there are more, after the first ones."""
        shown = found[: DIRECTORY_PAGE_PEOPLE_MAX - len(first)]
        known = self._on_miss([hit.entry.rpps for _, hit in shown])
        told = (*first, *(self._told(hit, known.get(hit.entry.rpps)) for _, hit in shown))
        if len(found) == len(shown):
            return Page(told, "")
        way, last = shown[-1]
        return Page(told, _write_mark(_Mark(way, last.not_on_miss, last.family, last.given, last.entry.rpps)))

    def _told(self, hit: _Hit, known: tuple[bytes, str, int] | None) -> Found:
        activity = _told(hit.entry.activities, *self._asked)
        where = (activity.profession_text(), activity.place_text()) if activity else ("", "")
        person_id, checked_how, checked_at_ms = known or (b"", "", 0)
        rpps = "" if person_id else hit.entry.rpps
        return Found(person_id, hit.entry.display_name(), *where, checked_how, checked_at_ms, rpps)

    def _first(
        self, terms: list[Term], wanted: int, mark: _Mark | None, but: Callable[[list[int]], list[int]]
    ) -> list[_Hit]:
        """The first people who fit: those on MiSS, then the others, each in the order of their names."""
        first = self._on_miss_first(terms)
        after = self._number(mark) if mark else 0
        early = [no for no in first if no > after] if mark is None or mark.not_on_miss == 0 else []
        late_after = after if mark is not None and mark.not_on_miss else 0
        known = set(first)
        late = (no for no in self._lists.fitting(terms, late_after) if no not in known)
        found: list[_Hit] = []
        numbers = islice(chain(early, late), _CHECKED_MAX)
        while len(found) < wanted and (some := list(islice(numbers, _CHECKED_AT_ONCE))):
            kept = set(but(sorted(some)))
            found += self._checked([no for no in some if no in kept], known) if kept else []
        return found[:wanted]

    def _on_miss_first(self, terms: list[Term]) -> list[int]:
        """The numbers, ascending, of the people on MiSS who fit and are to come before the others."""
        if self._few_on_miss:
            return self._lists.among(terms, self._numbers_on_miss)
        candidates = list(islice(self._lists.fitting(terms), _FIRST_PEOPLE_MAX))
        n = register_names.c
        query = select(n.no).join(people, people.c.rpps == n.rpps)
        query = query.where(n.load_id == self._load_id, n.no.in_(candidates), _reached())
        return sorted(self._connection.scalars(query))

    @cached_property
    def _few_on_miss(self) -> bool:
        few = select(people.c.rpps).limit(_FIRST_PEOPLE_MAX + 1).subquery()
        return (self._connection.scalar(select(func.count()).select_from(few)) or 0) <= _FIRST_PEOPLE_MAX

    @cached_property
    def _numbers_on_miss(self) -> list[int]:
        """Of each person on MiSS, looked up one by one: a join was planned from the wrong end."""
        n, p = register_names, register_people
        number = select(n.c.no).where(
            n.c.load_id == p.c.load_id,
            n.c.family_folded == p.c.family_folded,
            n.c.given_folded == p.c.given_folded,
            n.c.rpps == p.c.rpps,
        )
        on_miss = select(people.c.rpps).where(_reached())
        numbers = select(number.correlate(p).scalar_subquery()).where(
            p.c.load_id == self._load_id, p.c.rpps.in_(on_miss)
        )
        return sorted(no for no in self._connection.scalars(numbers) if no is not None)

    def _on_miss(self, numbers: list[str]) -> dict[str, tuple[bytes, str, int]]:
        """Who of these can be reached: person id, how and when they were checked."""
        q = people.c
        query = select(q.rpps, q.person_id, q.checked_how, q.checked_at_ms).where(q.rpps.in_(numbers), _reached())
        return {row[0]: (bytes(row[1]), row[2], row[3]) for row in self._connection.execute(query)}

    def _checked(self, numbers: list[int], on_miss: set[int]) -> list[_Hit]:
        """Those of some people who fit in one activity, where more than one thing is asked of it."""
        n = register_names.c
        query = select(n.no, n.family_folded, n.given_folded, n.rpps)
        rows = self._connection.execute(query.where(n.load_id == self._load_id, n.no.in_(numbers))).all()
        entries = register.entries(self._connection, self._load_id, [row.rpps for row in rows], mailboxes=False)
        unseen = wishes.hidden_numbers(self._connection, self._asker, list(entries))
        profession, place = self._asked
        together = len(place) + bool(profession) > 1
        named = {row.no: row for row in rows}
        found = []
        for no in numbers:
            row, entry = named[no], entries[named[no].rpps]
            if row.rpps in unseen:
                continue
            if not together or any(_fits(activity, profession, place) for activity in entry.activities):
                found.append(_Hit(no, 0 if no in on_miss else 1, row.family_folded, row.given_folded, entry))
        return found

    def _anyhow(self, word: str) -> Term:
        """A word as somebody's name, profession or place."""
        term = named(word) | placed(word)
        if len(word) > LETTERS_MIN:
            term |= practising(self._professions([word]))
        return term

    def _professions(self, words: list[str]) -> list[int]:
        """The professions and specialties that fit."""
        return [
            profession_id
            for profession_id, code, folded in self._all_professions
            if words == [code] or all(_among(word, folded.split()) for word in words)
        ]

    @cached_property
    def _all_professions(self) -> list[tuple[int, str, str]]:
        """The register has a few hundred of them, so they are read each time."""
        p = register_professions.c
        rows = self._connection.execute(select(p.profession_id, p.code, p.folded).where(p.load_id == self._load_id))
        return [(row.profession_id, row.code, row.folded) for row in rows]

    def _number(self, mark: _Mark) -> int:
        """The number of a mark's person, or of who would stand before, for the register may be another today."""
        n = register_names.c
        names = tuple_(n.family_folded, n.given_folded, n.rpps)
        query = select(n.no).where(n.load_id == self._load_id, names <= (mark.family, mark.given, mark.rpps))
        ordered = query.order_by(n.family_folded.desc(), n.given_folded.desc(), n.rpps.desc())
        return self._connection.scalar(ordered.limit(1)) or 0


def _reached() -> ColumnElement[bool]:
    return exists().where(devices.c.person_id == people.c.person_id, devices.c.revoked_at_ms.is_(None))


def _told(activities: Sequence[Activity], profession: list[str], place: list[str]) -> Activity | None:
    """The activity to show: the first that was asked for, else the first."""
    return next((a for a in activities if _fits(a, profession, place)), activities[0] if activities else None)


def _fits(activity: Activity, profession: list[str], place: list[str]) -> bool:
    """Whether an activity is of that profession and at that place."""
    labels = fold(f"{activity.profession} {activity.specialty}").split()
    where = fold(f"{activity.place} {activity.sign} {activity.postcode} {activity.town}").split()
    is_code = profession == [activity.profession_code]
    return (is_code or all(_among(word, labels) for word in profession)) and all(
        any(part.startswith(word) for part in where) for word in place
    )


def _among(word: str, labels: Sequence[str]) -> bool:
    """Whether a word begins one of a label's words, or differs from it in its ending only."""
    stem = word[: max(_STEM_LETTERS_MIN, len(word) - _ENDING_LETTERS_MAX)]
    return any(
        label.startswith(word) or (len(stem) >= _STEM_LETTERS_MIN and label.startswith(stem)) for label in labels
    )


def _write_mark(mark: _Mark) -> str:
    """Where a page ended, in letters that need no escaping in a URL."""
    place = json.dumps([mark.way, mark.not_on_miss, mark.family, mark.given, mark.rpps], ensure_ascii=False)
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read_mark(text: str) -> _Mark | None:
    """Raises ValueError or TypeError where ``text`` is not a page's end."""
    if not text:
        return None
    try:
        way, not_on_miss, *rest = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except binascii.Error as error:
        raise ValueError(text) from error
    family, given, rpps = rest
    if any(type(value) is not int or value not in (0, 1) for value in (way, not_on_miss)):
        raise ValueError(text)
    if not all(isinstance(value, str) and "\0" not in value for value in rest):
        raise TypeError(text)
    return _Mark(way, not_on_miss, family, given, rpps)
