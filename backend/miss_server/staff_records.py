"""A line of somebody's directory becomes a checked record of staff, or goes to quarantine with its reason.

The same checks hold for a line of CSV or XLSX and for an entry of an LDAP directory: whatever they came from, lines are
mappings of our field names to text.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from miss_server import names, outside_professions, register
from miss_server import rpps as rpps_number
from miss_server.addresses import is_address
from miss_server.extracts import PEOPLE
from miss_server.register import Entry
from miss_server.staff import Record

REQUIRED = ("key", "family_name", "given_name")
FIELDS = (*REQUIRED, "title", "rpps", "profession", "service", "telephone", "mailbox")
CHARACTERS_MAX = {"key": 64, "title": 32, "rpps": 40, "telephone": 40, "mailbox": 254}
TEXT_CHARACTERS_MAX = 120
# What a spreadsheet takes for the beginning of a formula.
FORMULA_STARTS = ("=", "+", "-", "@")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 .()/-]{1,38}")
_TITLES = {"dr": "Dr", "docteur": "Dr", "pr": "Pr", "professeur": "Pr", "m": "", "mr": "", "mme": "", "monsieur": "",
           "madame": "", "mlle": "", "": ""}  # fmt: skip
_RPPS_AT_ONCE = 500


@dataclass(frozen=True)
class Line:
    """One line of a directory: where it stands (a line's number, or an entry's name) and what it says."""

    where: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Bad:
    """A line in quarantine: where it stands, the key it has, why (``quarantine-`` texts), and what it is about."""

    where: str
    key: str
    reason: str
    about: str = ""


@dataclass(frozen=True)
class Sorted:
    """The good and the bad of a directory."""

    records: tuple[Record, ...]
    bad: tuple[Bad, ...]


def sort(connection: Connection, lines: Sequence[Line]) -> Sorted:
    """Every line as a record, or in quarantine; where two have one key or one RPPS number, neither is a record."""
    keys = Counter(_text(line, "key") for line in lines)
    numbers = Counter(filter(None, (rpps_number.parse(_text(line, "rpps")) for line in lines)))
    known = _known(connection, sorted(numbers))
    records: list[Record] = []
    bad: list[Bad] = []
    for line in lines:
        found = _read(line, known)
        if isinstance(found, Record) and keys[found.key] > 1:
            found = Bad(line.where, found.key, "key-twice", found.key)
        if isinstance(found, Record) and found.rpps and numbers[found.rpps] > 1:
            found = Bad(line.where, found.key, "rpps-twice", found.rpps)
        if isinstance(found, Record):
            records.append(found)
        else:
            bad.append(found)
    return Sorted(tuple(records), tuple(bad))


def one(connection: Connection, fields: Mapping[str, str]) -> Record | Bad:
    """A record typed by hand, checked as an imported one."""
    found = sort(connection, [Line("", fields)])
    return found.records[0] if found.records else found.bad[0]


def _text(line: Line, field: str) -> str:
    """What a line says in a field; the apostrophe that our own export puts before a formula's sign is taken off."""
    text = line.fields.get(field, "").strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text


def _read(line: Line, known: Mapping[str, Entry]) -> Record | Bad:
    """What a line says, where all of it is fit to be kept."""
    values = {field: _text(line, field) for field in FIELDS}
    for field, reason in _unfit(values):
        key = values["key"] if values["key"].isprintable() else ""
        return Bad(line.where, key[: CHARACTERS_MAX["key"]], reason, field)
    title = _TITLES.get(names.fold(values["title"]))
    if title is None:
        return Bad(line.where, values["key"], "title", values["title"])
    if values["rpps"]:
        return _of_register(line, values, title, known)
    code = outside_professions.code_of(values["profession"])
    if code is None:
        reason = "profession" if values["profession"] else "profession-empty"
        return Bad(line.where, values["key"], reason, values["profession"])
    return _record(values, "", title, code, outside_professions.OUTSIDE[code])


def _of_register(line: Line, values: Mapping[str, str], title: str, known: Mapping[str, Entry]) -> Record | Bad:
    """A line with an RPPS number, beside what the register says of it."""
    number = rpps_number.parse(values["rpps"])
    if number is None:
        return Bad(line.where, values["key"], "rpps", values["rpps"])
    entry = known.get(number)
    if entry is None:
        return Bad(line.where, values["key"], "rpps-unknown", number)
    if entry.gone_since_ms is not None or not entry.activities:
        return Bad(line.where, values["key"], "rpps-gone", number)
    pairs = ((values["family_name"], entry.family_name), (values["given_name"], entry.given_name))
    if not all(names.same(*pair) or names.near(*pair) for pair in pairs):
        return Bad(line.where, values["key"], "rpps-name", number)
    wanted = names.fold(values["profession"])
    practised = (a for a in entry.activities if wanted in (names.fold(a.profession), names.fold(a.specialty)))
    activity = next(practised, entry.activities[0])
    return _record(values, number, title or entry.title, activity.profession_code, activity.profession_text())


def _record(values: Mapping[str, str], rpps: str, title: str, code: str, profession: str) -> Record:
    return Record(
        values["key"],
        rpps,
        title,
        _one_line(values["family_name"]),
        _one_line(values["given_name"]),
        code,
        profession,
        _one_line(values["service"]),
        values["telephone"],
        values["mailbox"],
    )


def _unfit(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each field that cannot be kept, with the reason."""
    for field, value in values.items():
        if not value:
            if field in REQUIRED:
                yield field, "empty"
            continue
        if len(value) > CHARACTERS_MAX.get(field, TEXT_CHARACTERS_MAX):
            yield field, "too-long"
        elif not value.isprintable():  # line ends, NUL, and what turns the direction of writing
            yield field, "characters"
        elif value.startswith(FORMULA_STARTS) and field != "telephone":
            yield field, "formula"
        elif field == "telephone" and not _TELEPHONE.fullmatch(value):
            yield field, "telephone"
        elif field == "mailbox" and not is_address(value):
            yield field, "mailbox"
        elif field in ("family_name", "given_name") and not names.fold(value):
            yield field, "characters"


def _known(connection: Connection, numbers: Sequence[str]) -> dict[str, Entry]:
    """What the register holds of these numbers."""
    load_id = register.current(connection, PEOPLE)
    found: dict[str, Entry] = {}
    for at in range(0, len(numbers), _RPPS_AT_ONCE):
        found |= register.entries(connection, load_id, numbers[at : at + _RPPS_AT_ONCE], mailboxes=False)
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())
