"""The national register of health professionals as this server keeps it: who practises what, where."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from miss_server import register_tables as t
from miss_server.extracts import MAILBOXES, PEOPLE
from miss_server.names import fold

STUDENT = "E"
_HOMONYMS_MAX = 20
_SAME_NAME_MAX = 2_000


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
    sign: str = ""  # what is written over the door, where it is not the name

    def profession_text(self) -> str:
        """The specialty where there is one, else the profession; a student is said to be one."""
        text = self.specialty or self.profession
        return f"{text} (étudiant)" if self.category == STUDENT else text

    def place_text(self) -> str:
        """The establishment as it calls itself, and its town, as far as known."""
        return place_text(self.place, self.town)


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


def place_text(name: str, town: str) -> str:
    """A place as people read it: "CENTRE HOSPITALIER, Lille"."""
    return ", ".join(part for part in (name, " ".join(_capitalised(word) for word in town.split())) if part)


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
    return entries(connection, current(connection, PEOPLE), [rpps]).get(rpps)


def entries(
    connection: Connection, load_id: int | None, numbers: Sequence[str], *, mailboxes: bool = True
) -> dict[str, Entry]:
    """The entries of some people of one load; without ``mailboxes`` they say that nobody has one."""
    p = t.register_people
    rows = connection.execute(select(p).where(p.c.load_id == load_id, p.c.rpps.in_(numbers))).all()
    packed = {row.rpps: json.loads(row.activities) if row.activities else [] for row in rows}
    known = _professions(connection, load_id, {one[0] for activities in packed.values() for one in activities})
    return {
        row.rpps: Entry(
            row.rpps,
            row.title,
            row.family_name,
            row.given_name,
            row.gone_since_ms,
            tuple(Activity(*known[profession_id], *place) for profession_id, *place in packed[row.rpps]),
            _mailboxes(connection, row.rpps) if mailboxes else (),
        )
        for row in rows
    }


def homonyms(connection: Connection, entry: Entry, profession_code: str) -> list[str]:
    """The numbers of other people who practise that profession under that very name (20 at most)."""
    load_id, n = current(connection, PEOPLE), t.register_names
    named = select(n.c.rpps).where(
        n.c.load_id == load_id,
        n.c.family_folded == fold(entry.family_name),
        n.c.given_folded == fold(entry.given_name),
        n.c.rpps != entry.rpps,
    )
    same_name = list(connection.scalars(named.order_by(n.c.rpps).limit(_SAME_NAME_MAX)))
    found = entries(connection, load_id, same_name, mailboxes=False)
    return [rpps for rpps in same_name if found[rpps].activity_as(profession_code)][:_HOMONYMS_MAX]


def _professions(connection: Connection, load_id: int | None, wanted: set[int]) -> dict[int, tuple[str, ...]]:
    """Code, label, category and specialty of each."""
    p = t.register_professions
    query = select(p.c.profession_id, p.c.code, p.c.label, p.c.category, p.c.specialty)
    rows = connection.execute(query.where(p.c.load_id == load_id, p.c.profession_id.in_(wanted)))
    return {row[0]: tuple(row[1:]) for row in rows}


def _mailboxes(connection: Connection, rpps: str) -> tuple[Mailbox, ...]:
    m = t.register_mailboxes
    load_id = current(connection, MAILBOXES)
    query = select(m.c.address, m.c.family_name, m.c.given_name).where(m.c.load_id == load_id, m.c.rpps == rpps)
    return tuple(Mailbox(*row) for row in connection.execute(query.order_by(m.c.line)))


def _capitalised(word: str) -> str:
    """Capitals as a name is written ("LE-GOFF" as "Le-Goff"); a word in mixed case is left as it is."""
    return word.title() if word.isupper() and len(word) > 1 else word
