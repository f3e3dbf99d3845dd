"""The integrated directory: who practises what where, by the register, and who of them can be reached on MiSS.

Names are found by the first letters of any of their words; professions, specialties, towns and establishments by those
of theirs. All words must fit. Words that are nobody's name together ("dermatologue lyon") may each be a name, a
profession or a place. People on MiSS come first, then by name; a page continues after the last person of the one
before.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    case,
    exists,
    false,
    literal,
    or_,
    select,
    tuple_,
)

from miss_protocol.limits import DIRECTORY_PAGE_PEOPLE_MAX
from miss_server import register
from miss_server.extracts import PEOPLE
from miss_server.names import fold
from miss_server.refusals import Refusal
from miss_server.register import Activity
from miss_server.register_tables import (
    people,
    register_activities,
    register_name_words,
    register_people,
    register_place_words,
    register_professions,
)
from miss_server.tables import devices

LETTERS_MIN = 2
WORDS_MAX = 8
# "dermatologue" finds "dermatologie", "infirmière" finds "infirmier": how many last letters a long word may differ in.
_ENDING_LETTERS_MAX = 4
_STEM_LETTERS_MIN = 5
_PAST_EVERY_LETTER = "{"  # folded words have only a-z and 0-9, which all come before it


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

    @property
    def reachable(self) -> bool:
        return bool(self.person_id)


@dataclass(frozen=True)
class Page:
    """At most 20 people; ``more`` continues, and is empty at the end."""

    people: tuple[Found, ...]
    more: str


def search(connection: Connection, query: Query) -> Page | Refusal:
    """The people who fit all of a query, or a refusal where it says too little or continues nothing."""
    words, profession, place = (fold(part).split()[:WORDS_MAX] for part in (query.words, query.profession, query.place))
    if not any(len(word) >= LETTERS_MIN for word in (*words, *profession, *place)):
        return Refusal("search-too-short")
    try:
        mark = _read_mark(query.after)
    except (ValueError, TypeError):
        return Refusal("malformed")
    load_id = register.current(connection, PEOPLE)
    if load_id is None:
        return Page((), "")
    p = register_people
    fits: list[ColumnElement[bool]] = [p.c.load_id == load_id, p.c.gone_since_ms.is_(None)]
    if profession or place:
        fits.append(p.c.rpps.in_(_active(connection, load_id, profession, place)))
    named: list[ColumnElement[bool]] = [p.c.rpps.in_(_named(load_id, word)) for word in words]
    if words and connection.execute(select(p.c.rpps).where(*fits, *named).limit(1)).first() is None:
        named = [_anyhow(connection, load_id, word) for word in words]
    return _page(connection, load_id, [*fits, *named], mark, (profession, place))


def _page(
    connection: Connection,
    load_id: int,
    conditions: list[ColumnElement[bool]],
    mark: tuple[int, str, str, str] | None,
    filters: tuple[list[str], list[str]],
) -> Page:
    p = register_people
    reached = exists().where(devices.c.person_id == people.c.person_id, devices.c.revoked_at_ms.is_(None))
    not_on_miss = case((reached, 0), else_=1)
    order = (not_on_miss, p.c.family_folded, p.c.given_folded, p.c.rpps)
    if mark is not None:
        conditions = [*conditions, tuple_(*order) > tuple_(*(literal(value) for value in mark))]
    statement = (
        select(p, not_on_miss.label("not_on_miss"))
        .add_columns(people.c.person_id, people.c.checked_how, people.c.checked_at_ms)
        .outerjoin(people, people.c.rpps == p.c.rpps)
        .where(*conditions)
        .order_by(*order)
        .limit(DIRECTORY_PAGE_PEOPLE_MAX + 1)
    )
    rows = connection.execute(statement).all()
    page = rows[:DIRECTORY_PAGE_PEOPLE_MAX]
    activities = register.activities_of(connection, load_id, [row.rpps for row in page])
    found = tuple(_found(row, _told(activities.get(row.rpps, ()), *filters)) for row in page)
    return Page(found, _mark(page[-1]) if len(rows) > len(page) else "")


def _found(row: Row[Any], activity: Activity | None) -> Found:
    known = (b"", "", 0) if row.not_on_miss else (bytes(row.person_id), row.checked_how, row.checked_at_ms)
    name = register.display_name(row.title, row.given_name, row.family_name)
    where = (activity.profession_text(), activity.place_text()) if activity else ("", "")
    return Found(known[0], name, *where, known[1], known[2])


def _told(activities: Sequence[Activity], profession: list[str], place: list[str]) -> Activity | None:
    """The activity to show: the first that was asked for, else the first."""

    def asked(activity: Activity) -> bool:
        labels = fold(f"{activity.profession} {activity.specialty}").split()
        where = fold(f"{activity.place} {activity.postcode} {activity.town}").split()
        is_code = profession == [activity.profession_code]
        return (is_code or all(_among(word, labels) for word in profession)) and all(
            any(part.startswith(word) for part in where) for word in place
        )

    return next((a for a in activities if asked(a)), activities[0] if activities else None)


def _named(load_id: int, word: str) -> Select[tuple[str]]:
    """The numbers of people one word of whose names begins so."""
    return select(register_name_words.c.rpps).where(_begins(register_name_words, load_id, word))


def _active(connection: Connection, load_id: int, profession: list[str], place: list[str]) -> Select[tuple[str]]:
    """The numbers of people with one activity of that profession at that place."""
    a = register_activities
    active = select(a.c.rpps).where(a.c.load_id == load_id)
    if profession:
        active = active.where(a.c.profession_id.in_(_professions(connection, load_id, profession)))
    for word in place:
        there = select(register_place_words.c.place_id).where(_begins(register_place_words, load_id, word))
        active = active.where(a.c.place_id.in_(there))
    return active


def _anyhow(connection: Connection, load_id: int, word: str) -> ColumnElement[bool]:
    """A word as somebody's name, profession or place."""
    rpps = register_people.c.rpps
    return or_(
        rpps.in_(_named(load_id, word)),
        rpps.in_(_active(connection, load_id, [word], [])) if len(word) > LETTERS_MIN else false(),
        rpps.in_(_active(connection, load_id, [], [word])),
    )


def _professions(connection: Connection, load_id: int, words: list[str]) -> list[int]:
    """The professions and specialties that fit; the register has a few hundred of them, so they are read each time."""
    p = register_professions
    rows = connection.execute(select(p.c.profession_id, p.c.code, p.c.folded).where(p.c.load_id == load_id))
    return [
        row.profession_id
        for row in rows
        if words == [row.code] or all(_among(word, row.folded.split()) for word in words)
    ]


def _begins(table: Table, load_id: int, word: str) -> ColumnElement[bool]:
    return and_(table.c.load_id == load_id, table.c.word >= word, table.c.word < word + _PAST_EVERY_LETTER)


def _among(word: str, labels: Sequence[str]) -> bool:
    """Whether a word begins one of a label's words, or differs from it in its ending only."""
    stem = word[: max(_STEM_LETTERS_MIN, len(word) - _ENDING_LETTERS_MAX)]
    return any(
        label.startswith(word) or (len(stem) >= _STEM_LETTERS_MIN and label.startswith(stem)) for label in labels
    )


def _mark(row: Row[Any]) -> str:
    """Where a page ended, in letters that need no escaping in a URL."""
    place = json.dumps([row.not_on_miss, row.family_folded, row.given_folded, row.rpps], ensure_ascii=False)
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read_mark(text: str) -> tuple[int, str, str, str] | None:
    """Raises ValueError or TypeError where ``text`` is not a page's end."""
    if not text:
        return None
    try:
        not_on_miss, *rest = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except binascii.Error as error:
        raise ValueError(text) from error
    family, given, rpps = rest
    if type(not_on_miss) is not int or not_on_miss not in (0, 1):
        raise ValueError(text)
    if not all(isinstance(value, str) for value in rest):
        raise TypeError(text)
    return not_on_miss, family, given, rpps
