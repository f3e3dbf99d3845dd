"""A directory's file as rows of text: CSV in the encodings that offices write, and XLSX, both of them hostile.

An XLSX file is an archive of XML. It is unpacked here under a limit, packed again from what was really in it, and read
by a process of its own, whose memory and time are bounded: two cells far apart make a reader ask for all between them.
"""

import codecs
import csv
import io
import json
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from miss_server.staff_columns import DirectoryError, lines_of
from miss_server.staff_records import Line

CSV, XLSX = "csv", "xlsx"
FILE_BYTES_MAX = 10 * 1024 * 1024
UNPACKED_BYTES_MAX = 64 * 1024 * 1024
ARCHIVE_FILES_MAX = 500
_ZIP_START = b"PK\x03\x04"
_OLD_EXCEL_START = b"\xd0\xcf\x11\xe0"
_DELIMITERS = ";,\t|"
_READER_SECONDS_MAX = 60
_ANSWER_BYTES_MAX = 64 * 1024 * 1024
_UNREADABLE = 3  # how the reader ends on what is no workbook
# RuntimeError: a password, or a kind of compression that nobody knows.
_BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, RuntimeError, EOFError, OSError, ValueError)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read(data: bytes) -> tuple[str, list[Line]]:
    """What kind of file it is (``csv`` or ``xlsx``), told by its bytes, and its lines.

    Raises:
        DirectoryError: it is neither, or cannot be read as it should.
    """
    if len(data) > FILE_BYTES_MAX:
        raise DirectoryError("file-large", most=FILE_BYTES_MAX // 1024 // 1024)
    if not data.strip():
        raise DirectoryError("directory-empty")
    if data.startswith(_ZIP_START):
        return XLSX, lines_of(_sheet(data))
    if data.startswith(_OLD_EXCEL_START):
        raise DirectoryError("file-old-excel")
    return CSV, lines_of(_csv(decoded(data)))


def decoded(data: bytes) -> str:
    """The text of a CSV file: UTF-8, UTF-16 where it says so, else Windows-1252, which French spreadsheets write.

    Raises:
        DirectoryError: ``encoding-unknown``, with the line where it cannot be any of these.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _in(data[len(bom) :], encoding)
    if data[:200].count(0) * 4 > len(data[:200]):  # UTF-16 that does not say so
        raise DirectoryError("encoding-unknown", line=1)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _in(data, "cp1252")


def _in(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DirectoryError("encoding-unknown", line=line) from error


def _csv(text: str) -> Iterator[list[str]]:
    """The rows; the delimiter is the one that the headings have most of."""
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error as error:  # a quote that never ends, a field beyond the reader's own limit
        raise DirectoryError("csv-broken", line=reader.line_num) from error


def _sheet(data: bytes) -> Iterator[Sequence[str]]:
    """The rows of a workbook's first sheet, read by a process that may be lost."""
    archive = _repacked(data)
    command = [sys.executable, "-I", "-m", "miss_server.sheet_reader"]
    try:
        done = subprocess.run(  # noqa: S603 - a module of ours; what is hostile goes to its standard input
            command, input=archive, capture_output=True, timeout=_READER_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DirectoryError("sheet-large") from error
    if done.returncode == _UNREADABLE:
        raise DirectoryError("sheet-unreadable")
    if done.returncode != 0 or len(done.stdout) > _ANSWER_BYTES_MAX:
        raise DirectoryError("sheet-large")
    rows: list[list[Any]] = json.loads(done.stdout)
    yield from rows


def _repacked(data: bytes) -> bytes:
    """The same archive, made of what each of its files really holds.

    Raises:
        DirectoryError: ``sheet-unreadable``; ``sheet-large`` for an archive that would grow beyond all measure.
    """
    out = io.BytesIO()
    left = UNPACKED_BYTES_MAX
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
            members = archive.infolist()
            if len(members) > ARCHIVE_FILES_MAX:
                raise DirectoryError("sheet-large")
            if "xl/workbook.xml" not in {member.filename for member in members}:
                raise DirectoryError("sheet-unreadable")
            for member in members:
                content = _content(archive, member, left)
                left -= len(content)
                packed.writestr(member.filename, content)
    except _BROKEN as error:
        raise DirectoryError("sheet-unreadable") from error
    return out.getvalue()


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    if member.file_size > most:
        raise DirectoryError("sheet-large")
    with archive.open(member) as file:  # reads what is declared, and verifies its checksum
        content = file.read(most + 1)
    if len(content) > most:
        raise DirectoryError("sheet-large")
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise DirectoryError("sheet-unreadable")
    return content
