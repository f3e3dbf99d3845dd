"""Establishments over HTTP: a machine puts an establishment's directory; a device reads its own establishments' lists.

The application gives ``database``, ``pepper``, ``import_buckets`` and ``tickets`` on its state.
"""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import Connection

from miss_server import establishments, finess, invites, staff, staff_files, staff_imports, staff_records, wishes
from miss_server.answers import Denied, language_of
from miss_server.buckets import RETRY_SECONDS, granted
from miss_server.clock import now_ms
from miss_server.operator_texts import say
from miss_server.people import number_of
from miss_server.refusals import DecisionError
from miss_server.registration_routes import PlainRoute
from miss_server.rpps import is_national
from miss_server.staff_imports import APPLIED, Import
from miss_server.staff_records import Bad, Line, Sorted
from miss_server.tickets import bearer, require_device

WORDS_CHARACTERS_MAX = 100
_QUARANTINE_TOLD_MAX = 1_000

router = APIRouter(prefix="/v1", route_class=PlainRoute)


@router.put("/establishments/{number}/directory")
async def put_directory(request: Request, number: str) -> Response:
    """An establishment's whole directory, as CSV or XLSX: applied at once, or left for a manager's yes."""
    state, known = request.app.state, finess.parse(number)
    if not await granted(request, state.import_buckets):
        raise Denied(429, "slow-down", {"Retry-After": str(RETRY_SECONDS)})
    holds = await state.database.read(establishments.holds_key, known or "", state.pepper, bearer(request))
    if not holds or known is None:
        raise Denied(401, "import-key-wrong")
    who = f"import key of {known}"
    try:
        source, lines = await _read(request)
        found_lines = await state.database.read(staff_records.sort, lines)
        found = await state.database.run(lambda connection: _applied(connection, known, source, found_lines, who=who))
    except DecisionError as error:
        language = language_of(request)
        content = {"reason": error.reason, "sentence": say(error.reason, language, **error.fields)}
        return JSONResponse(content, 422)
    return JSONResponse(_told(found, language_of(request)), 200 if found.state == APPLIED else 202)


async def _read(request: Request) -> tuple[str, list[Line]]:
    """The body as lines, read no further than a file may be large, and parsed beside the loop."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > staff_files.FILE_BYTES_MAX:
            break
    return await asyncio.to_thread(staff_files.read, bytes(body))


def _applied(connection: Connection, finess_number: str, source: str, found_lines: Sorted, *, who: str) -> Import:
    staged = staff_imports.stage(connection, finess_number, source, found_lines, who=who, now_ms=now_ms())
    return staff_imports.apply_or_wait(connection, finess_number, staged.import_id, who=who, now_ms=now_ms())


def _told(found: Import, language: str) -> dict[str, object]:
    """An import as the machine that put it is answered."""
    quarantine = [
        {"line": bad.where, "key": bad.key, "reason": bad.reason, "sentence": _why(bad, language)}
        for bad in found.quarantine[:_QUARANTINE_TOLD_MAX]
    ]
    counts = {what: found.count(what) for what in ("added", "changed", "removed", "back")}
    return {
        "import": found.import_id,
        "state": found.state,
        **counts,
        "unchanged": found.unchanged,
        "quarantined": len(found.quarantine),
        "quarantine": quarantine,
    }


def _why(bad: Bad, language: str) -> str:
    return say(f"quarantine-{bad.reason}", language, about=bad.about)


@router.get("/establishments/staff")
async def read_staff(request: Request, words: str = "", skip: int = 0) -> Response:
    """The staff of the establishments that the device's person belongs to: their own list of correspondents."""
    device = await require_device(request)
    if len(words) > WORDS_CHARACTERS_MAX or "\0" in words or not 0 <= skip <= staff.STAFF_MAX:
        raise Denied(422, "malformed")
    return JSONResponse(
        await request.app.state.database.read(_colleagues, device.person_id, words, skip, request.app.state.pepper)
    )


def _invite(pepper: bytes, person_id: bytes, one: staff.Member) -> str:
    """What invites a colleague of the register who is not on MiSS; the others are given a voucher."""
    invitable = not one.person_id and is_national(one.row.number)
    return invites.refer(pepper, person_id, one.row.number) if invitable else ""


def _colleagues(connection: Connection, person_id: bytes, words: str, skip: int, pepper: bytes) -> dict[str, object]:
    sheets = staff.establishments_of(connection, number_of(connection, person_id))
    found = staff.search(connection, [sheet.finess for sheet in sheets], words, skip=skip)
    unseen = wishes.hidden(connection, person_id, [one.person_id for one in found if one.person_id])
    listed = [
        {
            "person": one.person_id.hex(),
            "display_name": one.display_name,
            "profession": one.row.profession,
            "place": one.row.service,
            "telephone": one.row.telephone,
            "reachable": one.reachable,
            "checked_how": one.checked_how,
            "checked_at_ms": one.checked_at_ms,
            "invite": _invite(pepper, person_id, one),
        }
        for one in found
        if one.person_id not in unseen
    ]
    more = skip + len(found) if len(found) == staff.LISTED_MAX else 0
    return {"establishments": [establishments.place(sheet) for sheet in sheets], "people": listed, "more": more}
