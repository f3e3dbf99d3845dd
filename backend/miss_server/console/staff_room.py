"""An establishment's staff on the console: found, vouched for, exported; its vouchers, and which can be withdrawn.

A manager vouches under their own name, so they must be one of the establishment's referents; an operator who prints a
code for a referent chooses which, and the acts name both.
"""

from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from sqlalchemy import Connection

from miss_server import establishments, staff, staff_exports, staff_records, vouchers
from miss_server.clock import now_ms
from miss_server.console.establishment_sheets import Reader, Writer, own
from miss_server.console.guard import Refused, allow, fields
from miss_server.console.operators import AUDITOR, MANAGER, OPERATOR
from miss_server.console.pages import render
from miss_server.console.sessions import Visitor
from miss_server.refusals import DecisionError
from miss_server.staff_records import Bad

router = APIRouter(prefix="/establishments/{finess}")
Exporter = Annotated[Visitor, Depends(allow(OPERATOR, MANAGER, AUDITOR))]
_TYPED = ("key", "title", "family_name", "given_name", "rpps", "profession", "service", "telephone", "mailbox")
_QR_SCALE = 5


@router.get("/staff")
async def staff_page(request: Request, finess: str, visitor: Reader) -> Response:
    return await _shown(request, visitor, finess)


@router.post("/staff")
async def add(request: Request, finess: str, visitor: Writer) -> Response:
    """One person typed by hand, checked as an import checks."""
    own(visitor, finess)
    given = await fields(request)
    typed = {name: given.get(name, "") for name in _TYPED}
    found = await request.app.state.database.read(staff_records.one, typed)
    if isinstance(found, Bad):
        return await _shown(request, visitor, finess, 409, bad=found, given=typed)

    def write(connection: Connection) -> None:
        staff.add_one(connection, finess, found, who=visitor.name, now_ms=now_ms())

    return await _done(request, visitor, finess, write, "staff?said=staff-added", given=typed)


@router.post("/staff/export")
async def export(request: Request, finess: str, visitor: Exporter) -> Response:
    """The staff as a file; a form posted, for what is exported is nobody's to link to."""
    own(visitor, finess)
    as_csv = (await fields(request)).get("as") == "csv"
    data = await request.app.state.database.read(staff_exports.to_csv if as_csv else staff_exports.to_xlsx, finess)
    name = f"personnel-{finess}.{'csv' if as_csv else 'xlsx'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=staff_exports.CSV_TYPE if as_csv else staff_exports.XLSX_TYPE, headers=headers)


@router.post("/staff/{member}/remove")
async def remove(request: Request, finess: str, member: int, visitor: Writer) -> Response:
    own(visitor, finess)

    def end(connection: Connection) -> None:
        staff.remove_one(connection, finess, member, who=visitor.name, now_ms=now_ms())

    return await _done(request, visitor, finess, end, "staff?said=staff-removed")


@router.post("/staff/{member}/vouch")
async def vouch(request: Request, finess: str, member: int, visitor: Writer) -> Response:
    """A voucher, whose code is shown on this page alone."""
    own(visitor, finess)
    given = await fields(request)
    pepper = request.app.state.keyring.pepper

    def make(connection: Connection) -> tuple[Any, Any, str]:
        if visitor.role == MANAGER:
            referent = establishments.referent_named(connection, finess, visitor.name)
        else:
            referent = establishments.referent(connection, finess, _number(given.get("referent", "")))
        code = vouchers.make(
            connection, finess, member, referent.referent_id, pepper, who=visitor.name, now_ms=now_ms()
        )
        return staff.find(connection, finess, member), establishments.find(connection, finess), code

    try:
        row, sheet, code = await request.app.state.database.run(make)
    except DecisionError as error:
        return await _shown(request, visitor, finess, 409, error=error)
    qr = Markup(segno.make(code, error="m", micro=False).svg_inline(scale=_QR_SCALE, border=2))  # noqa: S704 - our own
    record = staff.record_of(row)
    return render(request, "voucher.html", record=record, sheet=sheet, code=code, qr=qr, days=vouchers.DAYS)


@router.get("/vouchers")
async def vouchers_page(request: Request, finess: str, visitor: Reader) -> Response:
    return await _vouchers(request, visitor, finess)


@router.post("/vouchers/{voucher}/withdraw")
async def withdraw(request: Request, finess: str, voucher: int, visitor: Writer) -> Response:
    own(visitor, finess)

    def end(connection: Connection) -> None:
        vouchers.withdraw(connection, finess, voucher, who=visitor.name, now_ms=now_ms())

    try:
        await request.app.state.database.run(end)
    except DecisionError as error:
        return await _vouchers(request, visitor, finess, 409, error)
    return RedirectResponse(f"/establishments/{finess}/vouchers?said=voucher-withdrawn", 303)


async def sheet_of(request: Request, visitor: Visitor, finess: str) -> Any:
    """The sheet of an establishment that this visitor may see.

    Raises:
        Refused: 404.
    """
    own(visitor, finess)
    try:
        return await request.app.state.database.read(_sheet, finess)
    except DecisionError as unknown:
        raise Refused(404, "establishment-not-here") from unknown


def _sheet(connection: Connection, finess: str) -> Any:
    return establishments.find(connection, finess, closed=True)


async def _done(
    request: Request, visitor: Visitor, finess: str, act: Any, following: str, given: dict[str, str] | None = None
) -> Response:
    try:
        await request.app.state.database.run(act)
    except DecisionError as error:
        return await _shown(request, visitor, finess, 409, error=error, given=given)
    return RedirectResponse(f"/establishments/{finess}/{following}", 303)


async def _shown(request: Request, visitor: Visitor, finess: str, status: int = 200, **more: Any) -> Response:
    sheet = await sheet_of(request, visitor, finess)
    words = request.query_params.get("words", "")[:100].replace("\0", "")

    def read(connection: Connection) -> tuple[list[staff.Member], list[Any], int]:
        found = staff.search(connection, [finess], words)
        return found, establishments.referents(connection, finess), staff.count(connection, finess)

    found, referents, count = await request.app.state.database.read(read)
    may = sheet.closed_at_ms is None and visitor.role in (OPERATOR, MANAGER)
    given = {"error": None, "bad": None, "given": None} | more
    return render(
        request, "staff.html", status, sheet=sheet, found=found, referents=referents, count=count, words=words, may=may,
        typed=_TYPED, **given,
    )  # fmt: skip


async def _vouchers(
    request: Request, visitor: Visitor, finess: str, status: int = 200, error: DecisionError | None = None
) -> Response:
    sheet = await sheet_of(request, visitor, finess)

    def read(connection: Connection) -> Any:
        return vouchers.listing(connection, finess, now_ms())

    made = await request.app.state.database.read(read)
    may = visitor.role in (OPERATOR, MANAGER)
    return render(request, "vouchers.html", status, sheet=sheet, made=made, may=may, error=error)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
