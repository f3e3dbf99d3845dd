"""The files in which the national register is published: their kinds, columns, encodings and lines.

One header line, ``|`` between fields, no quotes, and in some years a ``|`` after the last field. Columns are found by
name, for newer files have more of them. A file is read twice, never kept: once for its encoding, once for its rows.
"""

import codecs
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PEOPLE = "people"
MAILBOXES = "mailboxes"

PEOPLE_COLUMNS = {
    "type": "Type d'identifiant PP",
    "rpps": "Identifiant PP",
    "title": "Libellé civilité d'exercice",
    "family_name": "Nom d'exercice",
    "given_name": "Prénom d'exercice",
    "profession_code": "Code profession",
    "profession": "Libellé profession",
    "category": "Code catégorie professionnelle",
    "specialty_code": "Code savoir-faire",
    "specialty": "Libellé savoir-faire",
    "finess": "Numéro FINESS site",
    "legal_finess": "Numéro FINESS établissement juridique",
    "place": "Raison sociale site",
    "sign": "Enseigne commerciale site",
    "postcode": "Code postal (coord. structure)",
    "town": "Libellé commune (coord. structure)",
    "cedex": "Bureau cedex (coord. structure)",
    "telephone": "Téléphone (coord. structure)",
    "telephone_2": "Téléphone 2 (coord. structure)",
}
MAILBOX_COLUMNS = {
    "kind": "Type de BAL",
    "address": "Adresse BAL",
    "type": "Type identifiant PP",
    "rpps": "Identifiant PP",
    "family_name": "Nom",
    "given_name": "Prénom",
}
_COLUMNS = {PEOPLE: PEOPLE_COLUMNS, MAILBOXES: MAILBOX_COLUMNS}
# A column that only this kind of file has, to tell the kinds apart.
_MARKS = {PEOPLE: "Raison sociale site", MAILBOXES: "Adresse BAL"}
# Files of the same archive that hold nothing this server asks for.
_KNOWN_AND_UNUSED = ("Libellé type diplôme", "Libellé type savoir-faire", "Numéro carte")

_CHUNK_BYTES = 1 << 20
_LINE_BYTES_MAX = 64 * 1024
_BROKEN_LINES_PER_THOUSAND_MAX = 1
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u00a0": " "})


class ExtractError(Exception):
    """A file that cannot be loaded: a reason that ``operator_texts`` words, and what fills the sentence."""

    def __init__(self, reason: str, **fields: object) -> None:
        super().__init__(f"{reason} {fields}")
        self.reason = reason
        self.fields = fields


@dataclass
class Extract:
    """One published file, opened as often as needed."""

    name: str
    size_bytes: int
    kind: str  # PEOPLE | MAILBOXES
    encoding: str
    columns: dict[str, int]
    width: int
    _open: Callable[[], IO[bytes]]
    broken_lines: int = 0
    read_bytes: int = 0

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """The line number and the needed fields of each row, in order, stripped.

        Raises:
            ExtractError: the last line is cut off, or more than one line in a thousand has too few or too many fields.
        """
        self.broken_lines, self.read_bytes = 0, 0
        number, broken_last = 1, False
        with self._open() as stream:
            for number, line in enumerate(_lines(stream), 1):
                self.read_bytes += len(line)
                if number == 1 or not line.strip():
                    continue
                fields = line.replace(b"\0", b"").decode(self.encoding).rstrip("\r\n").split("|")  # no text has NUL
                broken_last = not self._fits(fields)
                if broken_last:
                    self.broken_lines += 1
                    continue
                yield number, {name: fields[column].strip() for name, column in self.columns.items()}
        if broken_last:
            raise ExtractError("extract-cut-off", file=self.name, line=number)
        if self.broken_lines * 1000 > number * _BROKEN_LINES_PER_THOUSAND_MAX:
            raise ExtractError(
                "extract-lines-broken", file=self.name, broken=self.broken_lines, lines=number, width=self.width
            )

    def _fits(self, fields: list[str]) -> bool:
        if len(fields) == self.width + 1:
            return fields[-1].strip() == ""  # the `|` after the last field
        return len(fields) == self.width


def open_extracts(path: Path) -> list[Extract]:
    """The extracts in a file, or in a zip archive of them; files known to hold nothing we need are left out.

    Raises:
        ExtractError: the file is missing, empty, of no known kind, or lacks a needed column.
    """
    try:
        if zipfile.is_zipfile(path):
            return _open_archive(path)
        found = _open_one(path.name, path.stat().st_size, lambda: path.open("rb"))
    except OSError as error:
        raise ExtractError("extract-unreadable", file=path, why=error.strerror or error) from error
    return [found] if found else []


def _open_archive(path: Path) -> list[Extract]:
    found = []
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.infolist() if m.filename.lower().endswith(".txt")]
    for member in members:

        def open_member(name: str = member.filename) -> IO[bytes]:
            return zipfile.ZipFile(path).open(name)

        extract = _open_one(member.filename, member.file_size, open_member)
        if extract:
            found.append(extract)
    if not found:
        raise ExtractError("archive-empty", file=path.name)
    return found


def _open_one(name: str, size_bytes: int, opened: Callable[[], IO[bytes]]) -> Extract | None:
    encoding = _encoding(opened)
    with opened() as stream:
        first = next(_lines(stream), b"")
    header = [_column(title) for title in first.decode(encoding).lstrip("\ufeff").rstrip("\r\n").split("|")]
    if header and header[-1] == "":
        header.pop()
    kind = next((kind for kind, mark in _MARKS.items() if _column(mark) in header), None)
    if kind is None:
        if any(_column(mark) in header for mark in _KNOWN_AND_UNUSED):
            return None
        raise ExtractError("extract-unknown", file=name)
    missing = [title for title in _COLUMNS[kind].values() if _column(title) not in header]
    if missing:
        raise ExtractError("columns-missing", file=name, columns=", ".join(missing))
    columns = {key: header.index(_column(title)) for key, title in _COLUMNS[kind].items()}
    return Extract(name, size_bytes, kind, encoding, columns, len(header), opened)


def _column(title: str) -> str:
    return " ".join(title.translate(_APOSTROPHES).casefold().split())


def _encoding(opened: Callable[[], IO[bytes]]) -> str:
    """UTF-8 where the whole file is; else Windows-1252, unless it has a byte Windows-1252 leaves undefined: Latin-1."""
    for name in ("utf-8", "cp1252"):
        decoder = codecs.getincrementaldecoder(name)()
        try:
            with opened() as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
            return name
        except UnicodeDecodeError:
            continue
    return "latin-1"


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(_LINE_BYTES_MAX):
        if len(line) == _LINE_BYTES_MAX:
            raise ExtractError("line-too-long")
        yield line


@contextmanager
def named(name: str) -> Iterator[None]:
    """Says which file a failure below came from, whatever it was."""
    try:
        yield
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        raise ExtractError("extract-unreadable", file=name, why=error) from error
