"""Reading the log of acts: a page of those that fit, newest first, or all of them as a table for a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, func, select

from miss_server.register_tables import registrar_acts

PAGE_ACTS = 50
_AT_ONCE = 500
# What a spreadsheet takes for a formula where a cell begins so (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Wanted:
    """Which acts: each part may be empty."""

    who: str = ""  # a part of the operator's name, or "server"
    what: str = ""  # exactly: ``approved``, ``certified``…
    about: str = ""  # a part: a registration's or a person's id, an RPPS number
    since_ms: int | None = None
    until_ms: int | None = None  # this moment not included

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL; what was typed is compared as it is, ``%`` and ``_`` included."""
        a = registrar_acts.c
        found: list[ColumnElement[bool]] = []
        if self.who:
            found.append(func.lower(a.who).contains(self.who.lower(), autoescape=True))
        if self.what:
            found.append(a.what == self.what)
        if self.about:
            found.append(func.lower(a.about).contains(self.about.lower(), autoescape=True))
        if self.since_ms is not None:
            found.append(a.at_ms >= self.since_ms)
        if self.until_ms is not None:
            found.append(a.at_ms < self.until_ms)
        return found


@dataclass(frozen=True)
class Act:
    """One line of the log."""

    act_id: int
    at_ms: int
    who: str
    what: str
    about: str
    chain: bytes


@dataclass(frozen=True)
class Page:
    """Some acts, newest first; ``before`` asks for those that follow, None at the end."""

    acts: tuple[Act, ...]
    before: int | None


def find(connection: Connection, wanted: Wanted, before: int | None = None) -> Page:
    """The newest acts that fit, or those older than the act numbered ``before``; 50 at most."""
    a = registrar_acts.c
    query = select(registrar_acts).where(*wanted.conditions()).order_by(a.act_id.desc()).limit(PAGE_ACTS + 1)
    if before is not None:
        query = query.where(a.act_id < before)
    found = [
        Act(row.act_id, row.at_ms, row.who, row.what, row.about, row.chain or b"") for row in connection.execute(query)
    ]
    shown = tuple(found[:PAGE_ACTS])
    return Page(shown, shown[-1].act_id if len(found) > PAGE_ACTS else None)


def kinds(connection: Connection) -> list[str]:
    """Every ``what`` there is, for a list to choose from."""
    return list(connection.scalars(select(registrar_acts.c.what).distinct().order_by(registrar_acts.c.what)))


def table(connection: Connection, wanted: Wanted) -> Iterator[tuple[str, ...]]:
    """The acts that fit as rows of text, oldest first, header first: number, moment (UTC), who, what, about, chain."""
    yield "number", "at", "who", "what", "about", "chain"
    a, last = registrar_acts.c, 0
    query = select(registrar_acts).where(*wanted.conditions()).order_by(a.act_id).limit(_AT_ONCE)
    while rows := connection.execute(query.where(a.act_id > last)).all():
        for row in rows:
            at = datetime.fromtimestamp(row.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
            yield str(row.act_id), at, cell(row.who), row.what, cell(row.about), bytes(row.chain or b"").hex()
        last = rows[-1].act_id


def as_csv(connection: Connection, wanted: Wanted) -> Iterator[str]:
    """The same as lines of CSV (RFC 4180) that no spreadsheet takes for formulas."""
    for row in table(connection, wanted):
        line = io.StringIO()
        csv.writer(line).writerow(row)
        yield line.getvalue()


def cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
