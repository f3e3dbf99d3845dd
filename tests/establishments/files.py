"""Directories as files: good ones, and ones made to harm."""

import io
import zipfile
from collections.abc import Sequence

import xlsxwriter

from establishments.hospital import AIDE, DOCTOR, PHYSICIAN, SECRETARY
from miss_server.staff import Record

HEADINGS = ("Matricule", "Nom", "Prénom", "RPPS", "Profession", "Service", "Téléphone", "Messagerie")
Row = Sequence[str]


def row(record: Record, **changed: str) -> Row:
    """A line that says what a record does."""
    one = {**vars(record), **changed}
    names = ("key", "family_name", "given_name", "rpps", "profession", "service", "telephone", "mailbox")
    return [one[name] for name in names]


NOBODY_NEW = (row(SECRETARY), row(AIDE), row(PHYSICIAN))
LEMOINE = ("S-010", "LEMOINE", "Zoé", "", "Aide-soignante", "Gériatrie", "+33 1 99 00 02 10", "z.lemoine@ch.example")


def csv(rows: Sequence[Row], *, encoding: str = "utf-8", delimiter: str = ";", headings: Row = HEADINGS) -> bytes:
    """A file as a spreadsheet saves it."""
    lines = (delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in one) for one in (headings, *rows))
    return ("\r\n".join(lines) + "\r\n").encode(encoding)


def xlsx(rows: Sequence[Sequence[object]], *, headings: Sequence[object] = HEADINGS, above: int = 0) -> bytes:
    """A workbook; ``above`` empty rows stand before the headings."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as workbook:
        sheet = workbook.add_worksheet()
        for line, cells in enumerate((headings, *rows), above):
            for column, cell in enumerate(cells):
                sheet.write(line, column, cell)
    return out.getvalue()


def altered(workbook: bytes, member: str, content: bytes, *, told_size: int | None = None) -> bytes:
    """The workbook with another content of one of its files, whose size may be told as another."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for info in before.infolist():
            after.writestr(info.filename, content if info.filename == member else before.read(info))
    data = bytearray(out.getvalue())
    if told_size is not None:
        real = len(content).to_bytes(4, "little")
        assert data.count(real) >= 2, "in the local header and in the directory at the end"
        data = data.replace(real, told_size.to_bytes(4, "little"))
    return bytes(data)


SHEET = "xl/worksheets/sheet1.xml"
_SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def sheet_with(cells: str) -> bytes:
    """A worksheet's XML."""
    return f'<?xml version="1.0"?><worksheet xmlns="{_SPREADSHEET}"><sheetData>{cells}</sheetData></worksheet>'.encode()


def text_cell(at: str, text: str) -> str:
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'


assert DOCTOR.rpps == PHYSICIAN.rpps
