"""An establishment's staff as a file that can be imported again: CSV, or XLSX; no cell of it is ever a formula."""

import csv
import io
from collections.abc import Iterator

import xlsxwriter
from sqlalchemy import Connection

from miss_server import staff
from miss_server.staff import record_of
from miss_server.staff_columns import HEADINGS
from miss_server.staff_records import FORMULA_STARTS

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BOM = "\ufeff"  # by which spreadsheets know UTF-8
_COLUMN_CHARACTERS = 24


def to_csv(connection: Connection, finess: str) -> bytes:
    """The staff as CSV, in UTF-8, with semicolons as French spreadsheets want them."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    for row in _rows(connection, finess):
        writer.writerow([defused(cell) for cell in row])
    return (_BOM + out.getvalue()).encode()


def to_xlsx(connection: Connection, finess: str) -> bytes:
    """The staff as a workbook; every cell is written as text."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as workbook:
        sheet = workbook.add_worksheet("Personnel")
        bold = workbook.add_format({"bold": True})
        for line, row in enumerate(_rows(connection, finess)):
            for column, cell in enumerate(row):
                sheet.write_string(line, column, cell, bold if line == 0 else None)
        sheet.set_column(0, len(HEADINGS) - 1, _COLUMN_CHARACTERS)
        sheet.freeze_panes(1, 0)
    return out.getvalue()


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: CSV has no types, so an apostrophe goes before one."""
    return f"'{cell}" if cell.startswith((*FORMULA_STARTS, "\t", "\r")) else cell


def _rows(connection: Connection, finess: str) -> Iterator[list[str]]:
    yield [headings[0] for headings in HEADINGS.values()]
    for row in staff.everyone(connection, finess).values():
        record = record_of(row)
        yield [getattr(record, "profession" if field == "profession" else field) for field in HEADINGS]
