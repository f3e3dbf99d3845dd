"""Loading an extract of the national register, so that it is in use as a whole or not at all.

A new extract is written beside the one in use, in short transactions that let the running server write between them,
and put in use at the end by one: until then nothing has changed, and after a failure nothing has. Somebody who was in
the register and is not in the new extract stays as a tombstone: no longer practising.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, Table, and_, delete, exists, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from miss_server import register_tables as t
from miss_server import rpps as rpps_number
from miss_server.extracts import MAILBOXES, PEOPLE, Extract, ExtractError, named, open_extracts
from miss_server.names import fold
from miss_server.register import current

Transaction = Callable[[], AbstractContextManager[Connection]]
Row = dict[str, object]

_RPPS_TYPE = "8"
_PERSONAL_MAILBOX = "PER"
_TITLES = {"docteur": "Dr", "professeur": "Pr", "dr": "Dr", "pr": "Pr"}
_BATCH_ROWS = 2_000
# A new extract that lacks more than this share of the people in use is more likely half a download than a strike.
_GONE_SHARE_MAX = 0.2
_GONE_PEOPLE_ALWAYS_ALLOWED = 50
_ABANDONED_AFTER_MS = 3_600_000
_TABLES = {
    PEOPLE: (
        (t.register_activities, t.register_activities.c.rpps),
        (t.register_name_words, t.register_name_words.c.word),
        (t.register_people, t.register_people.c.rpps),
        (t.register_professions, t.register_professions.c.profession_id),
        (t.register_place_words, t.register_place_words.c.word),
        (t.register_places, t.register_places.c.place_id),
    ),
    MAILBOXES: ((t.register_mailboxes, t.register_mailboxes.c.rpps),),
}


@dataclass
class Progress:
    """How far a load has come; given again and again to the ``progress`` callback."""

    file: str = ""
    read_bytes: int = 0
    total_bytes: int = 0
    rows: int = 0
    people: int = 0
    mailboxes: int = 0
    left_out: int = 0  # rows without an RPPS number, and mailboxes that are not one person's
    broken_lines: int = 0
    gone: int = 0  # people who are not in the new extract any more, earlier tombstones included
    encodings: dict[str, str] = field(default_factory=dict)


def load(
    transaction: Transaction,
    files: Sequence[Path],
    progress: Callable[[Progress], None] = lambda _: None,
    *,
    shrink: bool = False,
) -> Progress:
    """Replaces the register's people, its mailboxes, or both, by what the files hold.

    Args:
        transaction: opens one transaction of the database; called many times.
        files: extracts, or zip archives of them, in any order.
        progress: told after each batch.
        shrink: accept an extract that lacks more than a fifth of the people in use.

    Raises:
        ExtractError: a file is not what it should be. The register in use is then as it was.
    """
    extracts = [extract for path in files for extract in open_extracts(path)]
    if not extracts:
        raise ExtractError("nothing-to-load")
    state = Progress(total_bytes=sum(extract.size_bytes for extract in extracts))
    loads: dict[str, int] = {}
    try:
        for extract in extracts:
            if extract.kind not in loads:
                source = ", ".join(e.name for e in extracts if e.kind == extract.kind)
                with transaction() as connection:
                    loads[extract.kind] = _begin(connection, extract.kind, source)
            with named(extract.name):
                _read(transaction, extract, loads[extract.kind], state, progress)
        if PEOPLE in loads:
            _bury(transaction, loads[PEOPLE], state, shrink=shrink)
        with transaction() as connection:
            _put_in_use(connection, loads, state)
    except BaseException:
        for kind, load_id in loads.items():
            _remove(transaction, kind, load_id)
        raise
    _remove_unused(transaction)
    progress(state)
    return state


def insert_missing(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Inserts the rows whose key is not there yet."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), list(rows))
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), list(rows))


def _begin(connection: Connection, kind: str, source: str) -> int:
    now = _now_ms()
    row = {"kind": kind, "state": "loading", "source": source, "started_at_ms": now, "touched_at_ms": now}
    key = connection.execute(insert(t.register_loads).values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _read(
    transaction: Transaction, extract: Extract, load_id: int, state: Progress, progress: Callable[[Progress], None]
) -> None:
    state.file, state.encodings[extract.name] = extract.name, extract.encoding
    read_before, broken_before = state.read_bytes, state.broken_lines
    enter = _enter_people if extract.kind == PEOPLE else _enter_mailboxes
    loads = t.register_loads
    rows = extract.rows()
    while batch := list(islice(rows, _BATCH_ROWS)):
        with transaction() as connection:
            enter(connection, load_id, batch, state)
            connection.execute(update(loads).where(loads.c.load_id == load_id).values(touched_at_ms=_now_ms()))
        state.rows += len(batch)
        state.read_bytes = read_before + extract.read_bytes
        state.broken_lines = broken_before + extract.broken_lines
        progress(state)


class _People:
    """The rows of one batch of lines, each only once."""

    def __init__(self, load_id: int) -> None:
        self.load_id = load_id
        self.people: dict[str, Row] = {}
        self.name_words: dict[tuple[str, str], Row] = {}
        self.professions: dict[int, Row] = {}
        self.places: dict[int, Row] = {}
        self.place_words: dict[tuple[str, int], Row] = {}
        self.activities: dict[tuple[str, int, int], Row] = {}

    def add(self, line: int, row: dict[str, str], number: str) -> None:
        """Enters one line of the extract: one activity of the person with that number."""
        self._person(row, number)
        profession_id, place_id = self._profession(row), self._place(row)
        self.activities.setdefault(
            (number, profession_id, place_id),
            {
                "load_id": self.load_id,
                "rpps": number,
                "profession_id": profession_id,
                "place_id": place_id,
                "line": line,
            },
        )

    def _person(self, row: dict[str, str], number: str) -> None:
        if number in self.people:
            return
        family, given = fold(row["family_name"]), fold(row["given_name"])
        self.people[number] = {
            "load_id": self.load_id,
            "rpps": number,
            "title": _TITLES.get(fold(row["title"]), ""),
            "family_name": row["family_name"],
            "given_name": row["given_name"],
            "family_folded": family,
            "given_folded": given,
        }
        for word in f"{family} {given}".split():
            self.name_words[word, number] = {"load_id": self.load_id, "word": word, "rpps": number}

    def _profession(self, row: dict[str, str]) -> int:
        kept = {
            "code": row["profession_code"],
            "label": row["profession"],
            "category": row["category"],
            "specialty_code": row["specialty_code"],
            "specialty": row["specialty"],
        }
        profession_id = _stable_id(*kept.values())
        folded = fold(f"{row['profession']} {row['specialty']}")
        self.professions[profession_id] = {
            "load_id": self.load_id,
            "profession_id": profession_id,
            **kept,
            "folded": folded,
        }
        return profession_id

    def _place(self, row: dict[str, str]) -> int:
        kept = {
            "name": row["place"] or row["sign"],
            "postcode": row["postcode"],
            "town": row["town"] or row["cedex"],
            "telephone": row["telephone"] or row["telephone_2"],
        }
        if not any(kept.values()):
            return 0
        place_id = _stable_id(*kept.values())
        self.places[place_id] = {"load_id": self.load_id, "place_id": place_id, **kept}
        text = fold(" ".join((row["place"], row["sign"], row["town"], row["cedex"], row["postcode"])))
        for word in text.split():
            self.place_words[word, place_id] = {"load_id": self.load_id, "word": word, "place_id": place_id}
        return place_id


def _enter_people(
    connection: Connection, load_id: int, batch: list[tuple[int, dict[str, str]]], state: Progress
) -> None:
    rows = _People(load_id)
    for line, row in batch:
        number = rpps_number.parse(row["rpps"])
        if row["type"] != _RPPS_TYPE or number is None or not row["family_name"]:
            state.left_out += 1
        else:
            rows.add(line, row, number)
    p = t.register_people
    known = select(func.count()).select_from(p).where(p.c.load_id == load_id, p.c.rpps.in_(list(rows.people)))
    state.people += len(rows.people) - (connection.scalar(known) or 0)
    insert_missing(connection, t.register_people, list(rows.people.values()))
    insert_missing(connection, t.register_name_words, list(rows.name_words.values()))
    insert_missing(connection, t.register_professions, list(rows.professions.values()))
    insert_missing(connection, t.register_places, list(rows.places.values()))
    insert_missing(connection, t.register_place_words, list(rows.place_words.values()))
    insert_missing(connection, t.register_activities, list(rows.activities.values()))


def _enter_mailboxes(
    connection: Connection, load_id: int, batch: list[tuple[int, dict[str, str]]], state: Progress
) -> None:
    found: dict[tuple[str, str], Row] = {}
    for line, row in batch:
        number = rpps_number.parse(row["rpps"])
        if row["kind"] != _PERSONAL_MAILBOX or number is None or not _is_address(row["address"]):
            state.left_out += 1
            continue
        found.setdefault(
            (number, row["address"]),
            {
                "load_id": load_id,
                "rpps": number,
                "address": row["address"],
                "family_name": row["family_name"],
                "given_name": row["given_name"],
                "line": line,
            },
        )
    insert_missing(connection, t.register_mailboxes, list(found.values()))
    state.mailboxes += len(found)


def _is_address(text: str) -> bool:
    """Whether mail may be sent there: printable ASCII without spaces, one @, so that nothing can end a header line."""
    local, at, domain = text.partition("@")
    plain = text.isascii() and text.isprintable() and not any(c in ' ,;:<>()[]"\\' for c in text)
    return bool(local and at and domain) and plain and "@" not in domain and len(text) <= 254


def _bury(transaction: Transaction, load_id: int, state: Progress, *, shrink: bool) -> None:
    """Copies into the new load, as tombstones, the people of the load in use that it lacks."""
    new, old = t.register_people.alias("new"), t.register_people.alias("old")
    with transaction() as connection:
        in_use = current(connection, PEOPLE)
        if in_use is None:
            return
        lacking = and_(
            old.c.load_id == in_use,
            ~exists().where(new.c.load_id == load_id, new.c.rpps == old.c.rpps),
        )
        practising = func.count().filter(old.c.gone_since_ms.is_(None))
        gone = connection.scalar(select(practising).select_from(old).where(lacking)) or 0
        before = connection.scalar(select(practising).select_from(old).where(old.c.load_id == in_use)) or 0
        if gone > max(_GONE_PEOPLE_ALWAYS_ALLOWED, before * _GONE_SHARE_MAX) and not shrink:
            raise ExtractError("register-shrinks", gone=gone, before=before)
        copied = [c for c in t.register_people.c if c.name not in ("load_id", "gone_since_ms")]
        tombstones = select(
            literal(load_id),
            func.coalesce(old.c.gone_since_ms, _now_ms()),
            *(old.c[column.name] for column in copied),
        ).where(lacking)
        names = ["load_id", "gone_since_ms", *(column.name for column in copied)]
        state.gone = connection.execute(insert(t.register_people).from_select(names, tombstones)).rowcount


def _put_in_use(connection: Connection, loads: dict[str, int], state: Progress) -> None:
    table = t.register_loads
    for kind, load_id in loads.items():
        if kind == PEOPLE and not state.people:
            raise ExtractError("nobody-in-extract")
        connection.execute(update(table).where(table.c.kind == kind, table.c.state == "current").values(state="past"))
        counts = {"rows": state.rows, "people": state.people}
        connection.execute(
            update(table).where(table.c.load_id == load_id).values(state="current", touched_at_ms=_now_ms(), **counts)
        )


def _remove_unused(transaction: Transaction) -> None:
    """Removes loads that were replaced, and those whose process died an hour ago or more."""
    table = t.register_loads
    unused = (table.c.state == "past") | (
        (table.c.state == "loading") & (table.c.touched_at_ms < _now_ms() - _ABANDONED_AFTER_MS)
    )
    with transaction() as connection:
        found = [(row.kind, row.load_id) for row in connection.execute(select(table).where(unused))]
    for kind, load_id in found:
        _remove(transaction, kind, load_id)


def _remove(transaction: Transaction, kind: str, load_id: int) -> None:
    """Deletes a load's rows in short transactions, the load itself last."""
    for table, key in _TABLES[kind]:
        while True:
            with transaction() as connection:
                in_load = select(key).where(table.c.load_id == load_id)
                last = connection.scalars(in_load.order_by(key).offset(_BATCH_ROWS).limit(1)).first()
                upto = () if last is None else (key <= last,)
                connection.execute(delete(table).where(table.c.load_id == load_id, *upto))
            if last is None:
                break
    with transaction() as connection:
        connection.execute(delete(t.register_loads).where(t.register_loads.c.load_id == load_id))


def _stable_id(*values: str) -> int:
    """A number below 2⁶³ that equal values share, so that a batch need not read what earlier ones wrote."""
    return int.from_bytes(hashlib.sha256("|".join(values).encode()).digest()[:8], "big") >> 1 or 1


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
