"""Loading an extract of the national register, so that it is in use as a whole or not at all.

A new extract is written beside the one in use, in short transactions that let the running server write between them,
and put in use at the end by one: until then nothing has changed, and after a failure nothing has. Somebody who was in
the register and is not in the new extract stays as a tombstone: no longer practising.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, exists, func, insert, literal, select, update

from miss_server import bulk, register_changes, register_places, register_rows
from miss_server import register_tables as t
from miss_server import rpps as rpps_number
from miss_server.addresses import is_address
from miss_server.bulk import insert_missing as insert_missing
from miss_server.establishment_tables import register_establishments
from miss_server.extracts import MAILBOXES, PEOPLE, Extract, ExtractError, named, open_extracts
from miss_server.register import current
from miss_server.register_changes import Changes
from miss_server.spool import Spool

Transaction = Callable[[], AbstractContextManager[Connection]]
Row = dict[str, object]

_RPPS_TYPE = "8"
_PERSONAL_MAILBOX = "PER"
_BATCH_ROWS = 2_000
_TOUCH_BATCHES = 50
# A new extract that lacks more than this share of the people in use is more likely half a download than a strike.
_GONE_SHARE_MAX = 0.2
_GONE_PEOPLE_ALWAYS_ALLOWED = 50
_ABANDONED_AFTER_MS = 3_600_000
_TABLES = {
    PEOPLE: (
        (t.register_slips, t.register_slips.c.slip),
        (t.register_words, t.register_words.c.word),
        (t.register_names, t.register_names.c.no),
        (t.register_people, t.register_people.c.rpps),
        (register_establishments, register_establishments.c.finess),
        (t.register_professions, t.register_professions.c.profession_id),
    ),
    MAILBOXES: ((t.register_mailboxes, t.register_mailboxes.c.rpps),),
}
# Of what there is to do: reading people, then writing them, their names, words and slips.
_STEPS = 5


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
    changes: Changes = field(default_factory=Changes)  # for the people on MiSS


def load(
    transaction: Transaction,
    files: Sequence[Path],
    progress: Callable[[Progress], None] = lambda _: None,
    *,
    shrink: bool = False,
    folder: Path | None = None,
) -> Progress:
    """Replaces the register's people, its mailboxes, or both, by what the files hold.

    Args:
        transaction: opens one transaction of the database; called many times.
        files: extracts, or zip archives of them, in any order.
        progress: told after each batch.
        shrink: accept an extract that lacks more than a fifth of the people in use.
        folder: for what is sorted on disk meanwhile, about as much as the files; the system's own where none is given.

    Raises:
        ExtractError: a file is not what it should be. The register in use is then as it was.
    """
    extracts = [extract for path in files for extract in open_extracts(path)]
    if not extracts:
        raise ExtractError("nothing-to-load")
    state = Progress(total_bytes=sum(extract.size_bytes * _steps(extract) for extract in extracts))
    loads: dict[str, int] = {}
    try:
        with ExitStack() as spools:
            by_number = spools.enter_context(Spool(folder))
            for extract in extracts:
                if extract.kind not in loads:
                    source = ", ".join(e.name for e in extracts if e.kind == extract.kind)
                    with transaction() as connection:
                        loads[extract.kind] = _begin(connection, extract.kind, source)
                with named(extract.name):
                    _read(transaction, extract, loads[extract.kind], by_number, state, progress)
            if PEOPLE in loads:
                _write_people(_Writing(transaction, loads[PEOPLE], state, progress), by_number, folder)
                _bury(transaction, loads[PEOPLE], state, shrink=shrink)
                _spare(transaction, loads[PEOPLE], shrink=shrink)
        with transaction() as connection:
            bulk.settle(connection, [table for kind in loads for table, _ in _TABLES[kind]])
        with transaction() as connection:
            _put_in_use(connection, loads, state)
    except BaseException:
        for kind, load_id in loads.items():
            _remove(transaction, kind, load_id)
        raise
    if PEOPLE in loads:
        state.changes = register_changes.follow(transaction, _now_ms())
    _remove_unused(transaction)
    state.read_bytes = state.total_bytes
    progress(state)
    return state


def _begin(connection: Connection, kind: str, source: str) -> int:
    now = _now_ms()
    row = {"kind": kind, "state": "loading", "source": source, "started_at_ms": now, "touched_at_ms": now}
    key = connection.execute(insert(t.register_loads).values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _steps(extract: Extract) -> int:
    return _STEPS if extract.kind == PEOPLE else 1


def _read(
    transaction: Transaction,
    extract: Extract,
    load_id: int,
    by_number: Spool,
    state: Progress,
    progress: Callable[[Progress], None],
) -> None:
    state.file, state.encodings[extract.name] = extract.name, extract.encoding
    read_before, broken_before = state.read_bytes, state.broken_lines
    places = register_places.Establishments(load_id)
    rows = extract.rows()
    while batch := list(islice(rows, _BATCH_ROWS)):
        if extract.kind == PEOPLE:
            _sort_people(by_number, batch, state)
            places.write(transaction, (row for _, row in batch))
        else:
            with transaction() as connection:
                _enter_mailboxes(connection, load_id, batch, state)
        state.rows += len(batch)
        state.read_bytes = read_before + extract.read_bytes
        state.broken_lines = broken_before + extract.broken_lines
        _touch(transaction, load_id)
        progress(state)


def _touch(transaction: Transaction, load_id: int) -> None:
    """Says that the load goes on, so that no other clears it away."""
    loads = t.register_loads
    with transaction() as connection:
        connection.execute(update(loads).where(loads.c.load_id == load_id).values(touched_at_ms=_now_ms()))


def _sort_people(by_number: Spool, batch: list[tuple[int, dict[str, str]]], state: Progress) -> None:
    for at, (_, row) in enumerate(batch, state.rows):
        number = rpps_number.parse(row["rpps"])
        if row["type"] != _RPPS_TYPE or number is None or not row["family_name"]:
            state.left_out += 1
        else:
            by_number.add(register_rows.line_of(number, at, row))


@dataclass
class _Writing:
    """Where the rows of a load go, a batch and a short transaction at a time."""

    transaction: Transaction
    load_id: int
    state: Progress
    progress: Callable[[Progress], None]

    def rows(self, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> int:
        """Writes them all; returns how many there were."""
        of_load, written = iter(rows), 0
        while batch := [(self.load_id, *row) for row in islice(of_load, _BATCH_ROWS)]:
            with self.transaction() as connection:
                bulk.write(connection, table, ("load_id", *columns), batch)
            written += len(batch)
            if written % (_BATCH_ROWS * _TOUCH_BATCHES) == 0:
                _touch(self.transaction, self.load_id)
            self.progress(self.state)
        return written

    def step_done(self, step_bytes: int) -> None:
        self.state.read_bytes += step_bytes
        _touch(self.transaction, self.load_id)
        self.progress(self.state)


def _write_people(writing: _Writing, by_number: Spool, folder: Path | None) -> None:
    """Writes what was sorted by number: people, then names, words and slips, each in the order of its table's key."""
    step_bytes = (writing.state.total_bytes - writing.state.read_bytes) // (_STEPS - 1)
    with Spool(folder) as slips:
        with Spool(folder) as by_word:
            with Spool(folder) as by_name:
                people = register_rows.People(by_name)
                rows = people.rows(by_number.sorted())
                writing.state.people = writing.rows(t.register_people, register_rows.PEOPLE_COLUMNS, rows)
                columns = register_rows.PROFESSIONS_COLUMNS
                writing.rows(t.register_professions, columns, people.professions())
                writing.step_done(step_bytes)
                rows = register_rows.names(by_name.sorted(), by_word)
                writing.rows(t.register_names, register_rows.NAMES_COLUMNS, rows)
            writing.step_done(step_bytes)
            writing.rows(t.register_words, register_rows.WORDS_COLUMNS, register_rows.words(by_word.sorted(), slips))
        writing.step_done(step_bytes)
        writing.rows(t.register_slips, register_rows.SLIPS_COLUMNS, register_rows.slip_rows(slips.sorted()))
        writing.step_done(step_bytes)


def _enter_mailboxes(
    connection: Connection, load_id: int, batch: list[tuple[int, dict[str, str]]], state: Progress
) -> None:
    found: dict[tuple[str, str], Row] = {}
    for line, row in batch:
        number = rpps_number.parse(row["rpps"])
        if row["kind"] != _PERSONAL_MAILBOX or number is None or not is_address(row["address"]):
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
        copied = [c for c in t.register_people.c if c.name not in ("load_id", "gone_since_ms", "activities")]
        tombstones = select(
            literal(load_id),
            func.coalesce(old.c.gone_since_ms, _now_ms()),
            literal(""),
            *(old.c[column.name] for column in copied),
        ).where(lacking)
        names = ["load_id", "gone_since_ms", "activities", *(column.name for column in copied)]
        state.gone = connection.scalar(select(func.count()).select_from(old).where(lacking)) or 0
        connection.execute(insert(t.register_people).from_select(names, tombstones))


def _spare(transaction: Transaction, load_id: int, *, shrink: bool) -> None:
    """Refuses a load that would suspend too many of the people on MiSS at once."""
    with transaction() as connection:
        gone, before = register_changes.to_suspend(connection, load_id)
    if gone > max(_GONE_PEOPLE_ALWAYS_ALLOWED, before * _GONE_SHARE_MAX) and not shrink:
        raise ExtractError("register-shrinks", gone=gone, before=before)


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


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
