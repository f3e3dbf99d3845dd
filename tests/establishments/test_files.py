"""Directories' files: the encodings and shapes that offices write are read, and whatever harms is refused with a line."""

import io
import zipfile
from typing import Any

import pytest

from establishments.files import (
    HEADINGS,
    LEMOINE,
    NOBODY_NEW,
    SHEET,
    altered,
    csv,
    sheet_with,
    text_cell,
    xlsx,
)
from miss_server import staff_files
from miss_server.operator_texts import say
from miss_server.staff_columns import CELL_CHARACTERS_MAX, COLUMNS_MAX, LINES_MAX, DirectoryError


def refusal(data: bytes) -> DirectoryError:
    """Why a file is refused; the sentence can be said in both languages."""
    with pytest.raises(DirectoryError) as refused:
        staff_files.read(data)
    error = refused.value
    assert say(error.reason, "fr", **error.fields) != say(error.reason, "en", **error.fields)
    return error


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_what_spreadsheets_save(encoding: str, delimiter: str) -> None:
    source, lines = staff_files.read(csv([*NOBODY_NEW, LEMOINE], encoding=encoding, delimiter=delimiter))
    assert (source, len(lines)) == ("csv", 4)
    assert lines[3].fields["given_name"] == "Zoé"
    assert lines[3].where == "5"


def test_a_workbook_and_its_numbers() -> None:
    rows = [["S-001", "DIALLO", "Aïssatou", 99700002011.0, "", "", "01 99", ""], LEMOINE]
    source, lines = staff_files.read(xlsx(rows))
    assert source == "xlsx"
    assert lines[0].fields["rpps"] == "99700002011"
    assert (lines[1].fields["family_name"], lines[1].where) == ("LEMOINE", "3")


def test_columns_in_any_order_with_others_between() -> None:
    headings = ("Remarque", "PRENOM ", "nom", "Fonction", "n", "Identifiant")
    _, (line,) = staff_files.read(csv([("x", "Zoé", "LEMOINE", "ASH", "", "7")], headings=headings))
    assert dict(line.fields) == {"given_name": "Zoé", "family_name": "LEMOINE", "profession": "ASH", "key": "7"}


def test_empty_lines_keep_their_numbers() -> None:
    _, lines = staff_files.read(csv([("",) * 8, LEMOINE]))
    assert [line.where for line in lines] == ["3"]


@pytest.mark.parametrize(
    ("data", "reason", "fields"),
    [
        (b"", "directory-empty", {}),
        (b"\r\n \r\n", "directory-empty", {}),
        (csv([]), "directory-empty", {}),
        (csv([LEMOINE]).decode().encode("utf-16-le"), "encoding-unknown", {"line": 1}),
        (csv([NOBODY_NEW[0]]) + b"S-9;caf\x81\xe9;x\r\n", "encoding-unknown", {"line": 3}),
        (b"\xff\xfe" + b"a\x00b", "encoding-unknown", {"line": 1}),
        (csv([LEMOINE]) + b'S-2;"never closed;x\r\n', "csv-broken", {"line": 3}),
        (csv([LEMOINE]) + b"S-2;" + b"x" * 200_000 + b";y\r\n", "csv-broken", {"line": 3}),
        (csv([("S-2", "x" * (CELL_CHARACTERS_MAX + 1))]), "cell-long", {"line": 2}),
        (csv([("S-2", *("x" for _ in range(COLUMNS_MAX + 1)))]), "columns-many", {"line": 2}),
        (b";".join([b"Nom"] * 1_000_000), "columns-many", {"line": 1}),
        (csv([LEMOINE], headings=(*HEADINGS[:7], "nom de famille")), "column-twice", {"column": "nom de famille"}),
        (csv([LEMOINE], headings=("a", *HEADINGS[1:])), "columns-missing-here", {"columns": "Matricule"}),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "file-old-excel", {}),
        (b"%PDF-1.7\n", "columns-missing-here", None),
        (b"x" * (staff_files.FILE_BYTES_MAX + 1), "file-large", None),
        (csv([("S", "A", "B")] * (LINES_MAX + 1)), "lines-many", None),
        (xlsx([LEMOINE])[:-200], "sheet-unreadable", {}),
        (b"PK\x03\x04" + bytes(100), "sheet-unreadable", {}),
    ],
    ids=range(19),
)
def test_a_file_that_is_refused_whole(data: bytes, reason: str, fields: dict[str, Any] | None) -> None:
    error = refusal(data)
    assert error.reason == reason
    if fields is not None:
        assert {name: error.fields[name] for name in fields} == fields


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "/") + ".xml", content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (archive(xl__workbook=b"0", bomb=bytes(staff_files.UNPACKED_BYTES_MAX + 1)), "sheet-large"),
        (archive(xl__workbook=bytes(40 << 20), bomb=bytes(40 << 20)), "sheet-large"),
        (archive(xl__workbook=b"", **{f"f{n}": b"" for n in range(600)}), "sheet-large"),
        (archive(word__document=b"<w/>"), "sheet-unreadable"),
        (archive(xl__workbook=b"<workbook/>"), "sheet-unreadable"),
        (altered(xlsx([LEMOINE]), SHEET, b"<worksheet><sheetData>"), "sheet-unreadable"),
        (altered(xlsx([LEMOINE]), SHEET, bytes(10 << 20), told_size=4096), "sheet-unreadable"),
        (
            altered(
                xlsx([LEMOINE]),
                SHEET,
                b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>' + sheet_with(text_cell("A1", "&b;")),
            ),
            "sheet-unreadable",
        ),
        (
            altered(
                xlsx([LEMOINE]),
                SHEET,
                sheet_with(f'<row r="1">{text_cell("A1", "Nom")}</row><row r="1048576">{text_cell("XFD1048576", "x")}</row>'),
            ),
            "sheet-large",
        ),
    ],
    ids=("one large file", "many large files", "many files", "a letter", "no sheet", "cut off", "a size that lies",
         "entities", "two cells far apart"),
)  # fmt: skip
def test_a_workbook_made_to_harm(data: bytes, reason: str) -> None:
    assert refusal(data).reason == reason
