"""Imports of an establishment's directory: a dry run, its differences, its quarantine, and then all of it or nothing.

    lines ─► sort ─► dry ─────────── apply ─────────────► applied
                      │  └─ the staff has changed: refused, look again
                      ├── removes too many: waiting ── a manager's yes ──► applied
                      └── drop ──► dropped

A line in quarantine changes nothing: who it is about stays as they are. An import that removes more than 5 % of the
staff, or that has a line nobody can tell whose it is, is never applied unasked. Differences are computed again in the
transaction that applies them, from the records that were kept; where the staff is not what it was, nothing is done.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from miss_server import acts, establishments, staff
from miss_server.establishment_tables import directory_imports
from miss_server.refusals import DecisionError
from miss_server.rpps import is_national
from miss_server.staff import Record, record_of
from miss_server.staff_records import Bad, Sorted

DRY, WAITING, APPLIED, DROPPED = "dry", "waiting", "applied", "dropped"
LDAP = "ldap"
REMOVED_SHARE_MAX = 0.05
KEPT_DAYS = 30
LISTED_MAX = 50


@dataclass(frozen=True)
class Change:
    """What would become of one person: ``added``, ``changed``, ``removed`` or ``back``."""

    what: str
    key: str
    name: str
    fields: tuple[str, ...] = ()  # which ones change


@dataclass(frozen=True)
class Import:
    """An import as it stands."""

    row: Row[Any]
    changes: tuple[Change, ...]
    quarantine: tuple[Bad, ...]
    unchanged: int

    @property
    def import_id(self) -> int:
        return int(self.row.import_id)

    @property
    def state(self) -> str:
        return str(self.row.state)

    def count(self, what: str) -> int:
        """How many people it would add, change, remove or bring back."""
        return sum(change.what == what for change in self.changes)


@dataclass(frozen=True)
class _Differences:
    changes: tuple[Change, ...]
    bad: tuple[Bad, ...]
    unchanged: int
    needs_yes: bool


def stage(connection: Connection, finess: str, source: str, found_lines: Sorted, *, who: str, now_ms: int) -> Import:
    """A dry run: what sorted lines would change, kept until it is applied or dropped; nothing of the staff changes.

    Args:
        source: ``csv``, ``xlsx`` or ``ldap``.

    Raises:
        DecisionError: the establishment is unknown or closed.
    """
    sheet = establishments.find(connection, finess)
    found = _compare(connection, finess, found_lines.records, found_lines.bad)
    values = {
        "finess": finess,
        "source": source,
        "who": who[: acts.WHO_CHARACTERS_MAX],
        "made_at_ms": now_ms,
        "state": DRY,
        "version": sheet.version,
        "records": _packed(found_lines.records),
        "quarantine": _packed(found.bad),
        "differences": json.dumps({"changes": [asdict(c) for c in found.changes], "unchanged": found.unchanged}),
        "needs_yes": found.needs_yes,
    }
    key = connection.execute(insert(directory_imports).values(values)).inserted_primary_key
    assert key is not None
    return find(connection, finess, int(key[0]))


def find(connection: Connection, finess: str, import_id: int) -> Import:
    """An import of that establishment.

    Raises:
        DecisionError: ``import-unknown``; another establishment's is as unknown as none.
    """
    i = directory_imports.c
    row = connection.execute(select(directory_imports).where(i.import_id == import_id, i.finess == finess)).first()
    if row is None:
        raise DecisionError("import-unknown")
    return _import(row)


def listing(connection: Connection, finess: str) -> list[Import]:
    """The establishment's latest imports, newest first."""
    i = directory_imports.c
    query = select(directory_imports).where(i.finess == finess).order_by(i.import_id.desc()).limit(LISTED_MAX)
    return [_import(row) for row in connection.execute(query)]


def apply(connection: Connection, finess: str, import_id: int, *, who: str, now_ms: int, yes: bool = False) -> Import:
    """Writes what an import says, where the staff still is what it was compared with.

    Args:
        yes: a manager has seen how many are removed, and wants it.

    Raises:
        DecisionError: ``import-unknown``, ``import-decided``, ``import-stale``, ``import-needs-yes``; the establishment
            is closed.
    """
    found = find(connection, finess, import_id)
    sheet = establishments.find(connection, finess)
    if found.state not in (DRY, WAITING):
        raise DecisionError("import-decided")
    records = tuple(Record(**one) for one in json.loads(found.row.records))
    kept_back = tuple(bad for bad in found.quarantine if bad.reason in _OF_ONE_IMPORT)
    again = _compare(connection, finess, records, tuple(b for b in found.quarantine if b not in kept_back))
    if sheet.version != found.row.version or again.changes != found.changes:
        raise DecisionError("import-stale")
    if again.needs_yes and not yes:
        raise DecisionError("import-needs-yes", removed=found.count("removed"))
    _decide(connection, import_id, APPLIED, who, now_ms)
    present, by_key = staff.everyone(connection, finess, removed=True), {one.key: one for one in records}
    for change in again.changes:
        if change.what == "removed":
            staff.remove(connection, present[change.key], now_ms)
        elif change.key in present:
            staff.change(connection, present[change.key], by_key[change.key], now_ms)
    staff.add_many(connection, finess, [by_key[c.key] for c in again.changes if c.what == "added"], now_ms)
    done = find(connection, finess, import_id)
    counts = " ".join(f"{what} {done.count(what)}" for what in ("added", "changed", "removed", "back"))
    about = f"{finess} import {import_id} ({found.row.source}) {counts} quarantined {len(found.quarantine)}"
    acts.record(connection, who=who, what="directory-imported", about=about, now_ms=now_ms)
    return done


def apply_or_wait(connection: Connection, finess: str, import_id: int, *, who: str, now_ms: int) -> Import:
    """What a machine may do: apply an import, or leave it for a manager's yes; an older one that waits is dropped."""
    found = find(connection, finess, import_id)
    i = directory_imports.c
    waiting = select(i.import_id).where(i.finess == finess, i.state == WAITING, i.import_id != import_id)
    for older in connection.scalars(waiting).all():
        _decide(connection, older, DROPPED, who, now_ms)
    if not found.row.needs_yes:
        return apply(connection, finess, import_id, who=who, now_ms=now_ms)
    connection.execute(update(directory_imports).where(i.import_id == import_id).values(state=WAITING))
    about = f"{finess} import {import_id} would remove {found.count('removed')}"
    acts.record(connection, who=who, what="import-waits", about=about, now_ms=now_ms)
    return find(connection, finess, import_id)


def drop(connection: Connection, finess: str, import_id: int, *, who: str, now_ms: int) -> None:
    """Ends an import without doing any of it.

    Raises:
        DecisionError: ``import-unknown`` or ``import-decided``.
    """
    if find(connection, finess, import_id).state not in (DRY, WAITING):
        raise DecisionError("import-decided")
    _decide(connection, import_id, DROPPED, who, now_ms)
    acts.record(connection, who=who, what="import-dropped", about=f"{finess} import {import_id}", now_ms=now_ms)


def forget(connection: Connection, before_ms: int) -> int:
    """Deletes the imports made before then; the acts stay."""
    i = directory_imports.c
    return connection.execute(directory_imports.delete().where(i.made_at_ms < before_ms)).rowcount


# Reasons that come of the comparison with the staff, and are found again by it.
_OF_ONE_IMPORT = ("number-changed", "rpps-known")


def _compare(connection: Connection, finess: str, records: Sequence[Record], bad: tuple[Bad, ...]) -> _Differences:
    """What the records would change of the staff, sorted by key; some of them join the quarantine here."""
    present = staff.everyone(connection, finess, removed=True)
    numbers = {row.number: row.staff_key for row in present.values() if row.removed_at_ms is None}
    changes: list[Change] = []
    more: list[Bad] = []
    unchanged, told = 0, {one.key for one in bad if one.key}
    for record in records:
        told.add(record.key)
        before = present.get(record.key)
        if (reason := _identity(connection, record, before, numbers)) is not None:
            more.append(Bad("", record.key, reason, record.rpps))
        elif before is None:
            changes.append(Change("added", record.key, record.display_name()))
        elif before.removed_at_ms is not None:
            changes.append(Change("back", record.key, record.display_name()))
        elif fields := _changed(record_of(before), record):
            changes.append(Change("changed", record.key, record.display_name(), fields))
        else:
            unchanged += 1
    live = {key: row for key, row in present.items() if row.removed_at_ms is None}
    gone = [key for key in live if key not in told]
    changes += [Change("removed", key, record_of(live[key]).display_name()) for key in gone]
    nameless = bool(gone) and any(not one.key for one in bad)
    many = len(gone) > len(live) * REMOVED_SHARE_MAX
    return _Differences(
        tuple(sorted(changes, key=lambda c: (c.what, c.key))),
        (*bad, *more),
        unchanged,
        bool(gone) and (many or nameless),
    )


def _identity(connection: Connection, record: Record, before: Row[Any] | None, numbers: dict[str, str]) -> str | None:
    """Why a record cannot be the person it says: a key's person never becomes another unasked."""
    if record.rpps and numbers.get(record.rpps, record.key) != record.key:
        return "rpps-known"
    if before is None:
        return None
    if is_national(before.number):
        return "number-changed" if record.rpps != before.number else None
    return "number-changed" if record.rpps and staff.is_registered(connection, before.number) else None


def _changed(before: Record, after: Record) -> tuple[str, ...]:
    old, new = asdict(before), asdict(after)
    return tuple(field for field in new if new[field] != old[field])


def _import(row: Row[Any]) -> Import:
    told = json.loads(row.differences)
    changes = (replace(Change(**one), fields=tuple(one["fields"])) for one in told["changes"])
    quarantine = (Bad(**one) for one in json.loads(row.quarantine))
    return Import(row, tuple(changes), tuple(quarantine), told["unchanged"])


def _packed(found: Sequence[Record] | Sequence[Bad]) -> str:
    return json.dumps([asdict(one) for one in found], ensure_ascii=False)


def _decide(connection: Connection, import_id: int, state: str, who: str, now_ms: int) -> None:
    i = directory_imports.c
    values = {"state": state, "decided_by": who[: acts.WHO_CHARACTERS_MAX], "decided_at_ms": now_ms}
    decided = connection.execute(
        update(directory_imports).where(i.import_id == import_id, i.state.in_((DRY, WAITING))).values(values)
    )
    if decided.rowcount != 1:
        raise DecisionError("import-decided")
