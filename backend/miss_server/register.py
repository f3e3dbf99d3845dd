"""The national register of health professionals as this server keeps it: who practises what, where."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, exists, func, select

from miss_server import register_tables as t
from miss_server.extracts import MAILBOXES, PEOPLE
from miss_server.names import fold

STUDENT = "E"
_HOMONYMS_MAX = 20


@dataclass(frozen=True)
class Activity:
    """One thing a person does: profession and specialty as codes and labels, at a place that may be unknown."""

    profession_code: str
    profession: str
    category: str
    specialty: str
    place: str
    postcode: str
    town: str
    telephone: str

    def profession_text(self) -> str:
        """The specialty where there is one, else the profession; a student is said to be one."""
        text = self.specialty or self.profession
        return f"{text} (étudiant)" if self.category == STUDENT else text

    def place_text(self) -> str:
        """The establishment as it calls itself, and its town, as far as known."""
        town = " ".join(_capitalised(word) for word in self.town.split())
        return ", ".join(part for part in (self.place, town) if part)


@dataclass(frozen=True)
class Mailbox:
    """A personal MSSanté mailbox, and its owner's name as that list has it."""

    address: str
    family_name: str
    given_name: str


@dataclass(frozen=True)
class Entry:
    """All that the register holds on one person."""

    rpps: str
    title: str
    family_name: str
    given_name: str
    gone_since_ms: int | None  # not in the newest extract: no longer practising
    activities: tuple[Activity, ...]
    mailboxes: tuple[Mailbox, ...]

    def display_name(self) -> str:
        """The name with its title: "Dr Camille Lefèvre"."""
        return display_name(self.title, self.given_name, self.family_name)

    def activity_as(self, profession_code: str) -> Activity | None:
        """The first activity of that profession, or None where the person practises another."""
        return next((a for a in self.activities if a.profession_code == profession_code), None)

    def telephones(self) -> tuple[str, ...]:
        """The numbers of the places where this person works."""
        return tuple(dict.fromkeys(a.telephone for a in self.activities if a.telephone))


def display_name(title: str, given_name: str, family_name: str) -> str:
    """A name as people read it; the register writes family names in capitals."""
    words = (_capitalised(word) for name in (given_name, family_name) for word in name.split())
    return " ".join(part for part in (title, *words) if part)


def current(connection: Connection, kind: str) -> int | None:
    """The load in use of a kind of extract, or None where none was ever loaded."""
    loads = t.register_loads
    in_use: int | None = connection.scalar(
        select(func.max(loads.c.load_id)).where(loads.c.kind == kind, loads.c.state == "current")
    )
    return in_use


def loaded_at_ms(connection: Connection) -> int | None:
    """When the people in use were loaded, milliseconds since 1970, or None where nobody ever was."""
    loads = t.register_loads
    at_ms: int | None = connection.scalar(
        select(func.max(loads.c.touched_at_ms)).where(loads.c.kind == PEOPLE, loads.c.state == "current")
    )
    return at_ms


def look_up(connection: Connection, rpps: str) -> Entry | None:
    """The register's entry for a number, tombstones included; None where it never had one."""
    load_id = current(connection, PEOPLE)
    if load_id is None:
        return None
    p = t.register_people
    person = connection.execute(select(p).where(p.c.load_id == load_id, p.c.rpps == rpps)).first()
    if person is None:
        return None
    return Entry(
        rpps,
        person.title,
        person.family_name,
        person.given_name,
        person.gone_since_ms,
        activities_of(connection, load_id, [rpps]).get(rpps, ()),
        _mailboxes(connection, rpps),
    )


def activities_of(connection: Connection, load_id: int, numbers: Sequence[str]) -> dict[str, tuple[Activity, ...]]:
    """The activities of some people of one load, in the register's order."""
    a, p, s = t.register_activities, t.register_professions, t.register_places
    query = (
        select(a.c.rpps, p.c.code, p.c.label, p.c.category, p.c.specialty)
        .add_columns(s.c.name, s.c.postcode, s.c.town, s.c.telephone)
        .join(p, and_(p.c.load_id == a.c.load_id, p.c.profession_id == a.c.profession_id))
        .outerjoin(s, and_(s.c.load_id == a.c.load_id, s.c.place_id == a.c.place_id))
        .where(a.c.load_id == load_id, a.c.rpps.in_(numbers))
        .order_by(a.c.rpps, a.c.line)
    )
    found: dict[str, tuple[Activity, ...]] = {}
    for rpps, *values in connection.execute(query):
        found[rpps] = (*found.get(rpps, ()), Activity(*(value or "" for value in values)))
    return found


def homonyms(connection: Connection, entry: Entry, profession_code: str) -> list[str]:
    """The numbers of other people who practise that profession under that very name (20 at most)."""
    p, a, f = t.register_people, t.register_activities, t.register_professions
    practises = exists().where(
        a.c.load_id == p.c.load_id,
        a.c.rpps == p.c.rpps,
        f.c.load_id == a.c.load_id,
        f.c.profession_id == a.c.profession_id,
        f.c.code == profession_code,
    )
    query = select(p.c.rpps).where(
        p.c.load_id == current(connection, PEOPLE),
        p.c.family_folded == fold(entry.family_name),
        p.c.given_folded == fold(entry.given_name),
        p.c.rpps != entry.rpps,
        p.c.gone_since_ms.is_(None),
        practises,
    )
    return list(connection.scalars(query.limit(_HOMONYMS_MAX)))


def _mailboxes(connection: Connection, rpps: str) -> tuple[Mailbox, ...]:
    m = t.register_mailboxes
    load_id = current(connection, MAILBOXES)
    query = select(m.c.address, m.c.family_name, m.c.given_name).where(m.c.load_id == load_id, m.c.rpps == rpps)
    return tuple(Mailbox(*row) for row in connection.execute(query.order_by(m.c.line)))


def _capitalised(word: str) -> str:
    """Capitals as a name is written ("LE-GOFF" as "Le-Goff"); a word in mixed case is left as it is."""
    return word.title() if word.isupper() and len(word) > 1 else word
