"""Imports on the console: a file, then its differences and its quarantine, then all of it or nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from miss_server import staff_files, staff_imports, staff_records
from miss_server.clock import now_ms
from miss_server.console.establishment_sheets import Reader, Writer, own
from miss_server.console.guard import Refused, fields
from miss_server.console.operators import MANAGER, OPERATOR
from miss_server.console.pages import render
from miss_server.console.sessions import Visitor
from miss_server.console.staff_room import sheet_of
from miss_server.refusals import DecisionError
from miss_server.staff_imports import DRY, WAITING, Import

router = APIRouter(prefix="/establishments/{finess}/imports")
_FORM_BYTES_MORE = 16 * 1024
_SHOWN_MAX = 500


@router.get("")
async def imports_page(request: Request, finess: str, visitor: Reader) -> Response:
    return await _listed(request, visitor, finess)


@router.post("")
async def upload(request: Request, finess: str, visitor: Writer) -> Response:
    """A dry run of a file: nothing changes yet."""
    sheet = await sheet_of(request, visitor, finess)
    database, data = request.app.state.database, await _file(request)
    try:
        source, lines = await asyncio.to_thread(staff_files.read, data)
        found_lines = await database.read(staff_records.sort, lines)

        def stage(connection: Connection) -> int:
            who = visitor.name
            found = staff_imports.stage(connection, sheet.finess, source, found_lines, who=who, now_ms=now_ms())
            return found.import_id

        number = await database.run(stage)
    except DecisionError as error:
        return await _listed(request, visitor, finess, 409, error)
    return RedirectResponse(f"/establishments/{finess}/imports/{number}", 303)


@router.get("/{number}")
async def import_page(request: Request, finess: str, number: int, visitor: Reader) -> Response:
    return await _shown(request, visitor, finess, number)


@router.post("/{number}/apply")
async def apply(request: Request, finess: str, number: int, visitor: Writer) -> Response:
    """All that the page showed, or nothing."""
    own(visitor, finess)
    yes = (await fields(request)).get("yes") == "yes"

    def act(connection: Connection) -> Import:
        return staff_imports.apply(connection, finess, number, who=visitor.name, now_ms=now_ms(), yes=yes)

    return await _decided(request, visitor, finess, number, act, "import-applied")


@router.post("/{number}/drop")
async def drop(request: Request, finess: str, number: int, visitor: Writer) -> Response:
    own(visitor, finess)

    def act(connection: Connection) -> None:
        staff_imports.drop(connection, finess, number, who=visitor.name, now_ms=now_ms())

    return await _decided(request, visitor, finess, number, act, "import-dropped")


async def _decided(request: Request, visitor: Visitor, finess: str, number: int, act: Any, said: str) -> Response:
    try:
        await request.app.state.database.run(act)
    except DecisionError as error:
        return await _shown(request, visitor, finess, number, 409, error)
    return RedirectResponse(f"/establishments/{finess}/imports/{number}?said={said}", 303)


async def _file(request: Request) -> bytes:
    """The one file of a form, read no further than a file may be large.

    Raises:
        Refused: the form is too long, or is none with a file.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > staff_files.FILE_BYTES_MAX + _FORM_BYTES_MORE:
            raise Refused(413, "form-too-long")

    async def whole() -> AsyncIterator[bytes]:
        yield bytes(body)

    try:
        form = await MultiPartParser(request.headers, whole(), max_files=1, max_fields=4).parse()  # type: ignore[arg-type]  # any iterator of bytes
    except (MultiPartException, KeyError, ValueError) as error:
        raise Refused(400, "form-malformed") from error
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refused(400, "form-malformed")
        return await file.read()
    finally:
        await form.close()


async def _listed(
    request: Request, visitor: Visitor, finess: str, status: int = 200, error: DecisionError | None = None
) -> Response:
    sheet = await sheet_of(request, visitor, finess)
    made = await request.app.state.database.read(staff_imports.listing, finess)
    may = sheet.closed_at_ms is None and visitor.role in (OPERATOR, MANAGER)
    return render(request, "imports.html", status, sheet=sheet, made=made, may=may, error=error)


async def _shown(
    request: Request, visitor: Visitor, finess: str, number: int, status: int = 200, error: DecisionError | None = None
) -> Response:
    sheet = await sheet_of(request, visitor, finess)
    try:
        found = await request.app.state.database.read(staff_imports.find, finess, number)
    except DecisionError as unknown:
        raise Refused(404, "import-not-here") from unknown
    open_still = found.state in (DRY, WAITING) and sheet.closed_at_ms is None
    may = open_still and visitor.role in (OPERATOR, MANAGER)
    return render(request, "import.html", status, sheet=sheet, found=found, may=may, error=error, most=_SHOWN_MAX)
