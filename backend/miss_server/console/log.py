"""The log of acts on the console: who did what when, filtered, verified, and taken away as a table."""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from urllib.parse import urlencode

import xlsxwriter
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from miss_server import acts, acts_reading
from miss_server.acts_reading import Page, Wanted
from miss_server.clock import now_ms
from miss_server.console.guard import Refused, allow, fields
from miss_server.console.operators import AUDITOR, OPERATOR
from miss_server.console.pages import render
from miss_server.console.sessions import Visitor

router = APIRouter(prefix="/acts")
Reader = Annotated[Visitor, Depends(allow(OPERATOR, AUDITOR))]
T = TypeVar("T")
EXPORTED_MAX = 200_000
_FILTERS = ("who", "what", "about", "since", "until")
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@router.get("")
async def acts_page(request: Request, _: Reader) -> Response:
    asked = {name: request.query_params.get(name, "")[:200] for name in _FILTERS}
    wanted = _wanted(asked)
    before = request.query_params.get("before", "")
    mark = int(before) if before.isdecimal() and len(before) < 16 else None

    def read(connection: Connection) -> tuple[Page, list[str]]:
        return acts_reading.find(connection, wanted, mark), acts_reading.kinds(connection)

    page, kinds = await request.app.state.database.read(read)
    older = urlencode({**{name: value for name, value in asked.items() if value}, "before": page.before or ""})
    return render(request, "acts.html", page=page, kinds=kinds, asked=asked, older=older)


@router.post("/verify")
async def verify(request: Request, _: Reader) -> Response:
    """Follows the chain of all acts, and looks for a hash noted earlier."""
    noted = (await fields(request)).get("noted", "").strip()
    try:
        head = bytes.fromhex(noted) if noted else None
    except ValueError:
        head = b"not a hash"
    chain = await request.app.state.database.read(acts.verify, head)
    return render(request, "chain.html", chain=chain, noted=bool(noted))


@router.post("/export")
async def export(request: Request, visitor: Reader) -> Response:
    """The acts that fit, as CSV or XLSX; who took them away is an act of its own."""
    given = await fields(request)
    kind = given.get("as", "")
    if kind not in _TYPES:
        raise Refused(400, "form-malformed")
    asked = {name: given.get(name, "") for name in _FILTERS}
    wanted = _wanted(asked)

    def note(connection: Connection) -> None:
        about = f"{kind} {urlencode({name: value for name, value in asked.items() if value})}".strip()
        acts.record(connection, who=visitor.name, what="acts-exported", about=about, now_ms=now_ms())

    def write(connection: Connection) -> bytes:
        rows = _bounded(acts_reading.table(connection, wanted))
        return _workbook(rows) if kind == "xlsx" else _csv(connection, wanted)

    await request.app.state.database.run(note)
    content = await request.app.state.database.read(write)
    disposition = {"Content-Disposition": f'attachment; filename="miss-actes.{kind}"'}
    return Response(content, media_type=_TYPES[kind], headers=disposition)


def _csv(connection: Connection, wanted: Wanted) -> bytes:
    """With the mark by which spreadsheets know UTF-8."""
    return ("\ufeff" + "".join(_bounded(acts_reading.as_csv(connection, wanted)))).encode()


def _workbook(rows: Iterator[tuple[str, ...]]) -> bytes:
    """A sheet of texts: nothing in it is a formula, a link or a number."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("MiSS")
    for number, row in enumerate(rows):
        for column, text in enumerate(row):
            sheet.write_string(number, column, "".join(c if c.isprintable() else " " for c in text))
    sheet.set_column(1, 1, 26)
    sheet.set_column(2, 3, 20)
    sheet.set_column(4, 5, 60)
    sheet.freeze_panes(1, 0)
    book.close()
    return out.getvalue()


def _bounded(rows: Iterator[T]) -> Iterator[T]:
    for number, row in enumerate(rows):
        if number > EXPORTED_MAX:
            raise Refused(413, "export-too-long")
        yield row


def _wanted(asked: dict[str, str]) -> Wanted:
    """What the form asks for; days are whole, on this machine's clock.

    Raises:
        Refused: a day that is none.
    """
    since, until = (_day_ms(asked[name]) for name in ("since", "until"))
    if until is not None:
        until = _day_ms(asked["until"], 1)
    return Wanted(asked["who"].strip(), asked["what"].strip(), asked["about"].strip(), since, until)


def _day_ms(text: str, later_days: int = 0) -> int | None:
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d") + timedelta(days=later_days)  # noqa: DTZ007 - the machine's own zone
        return int(day.astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise Refused(400, "day-malformed") from error
