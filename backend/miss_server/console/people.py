"""People on MiSS and their devices: looked for, looked at, and a device revoked within the second.

A manager sees who is on the staff of their own establishment, and answers for the devices of those alone whom only the
establishment vouches for: whoever is in the national register is not ended by one of the places that list them.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import ColumnElement, Connection, Row, func, select

from miss_protocol.frames import Close
from miss_server import devices
from miss_server.clock import now_ms
from miss_server.console.guard import Refused, allow, fields
from miss_server.console.operators import AUDITOR, MANAGER, OPERATOR
from miss_server.console.pages import render
from miss_server.console.sessions import Visitor
from miss_server.establishment_tables import establishment_staff
from miss_server.names import fold
from miss_server.register_tables import people, registrations
from miss_server.rpps import is_national
from miss_server.tables import devices as device_rows

router = APIRouter(prefix="/people")
Reader = Annotated[Visitor, Depends(allow(OPERATOR, AUDITOR, MANAGER))]
Revoker = Annotated[Visitor, Depends(allow(OPERATOR, MANAGER))]
LISTED_MAX = 100
_LOOKED_AT_MAX = 2_000
_REASON_CHARACTERS_MAX = 300
# A letter that an accent may change is any letter for the database; fold() judges what it found.
_MAY_BE_ACCENTED = str.maketrans(dict.fromkeys("aceinouyz", "_"))


@dataclass(frozen=True)
class Found:
    """Who fits, and whether more do."""

    people: tuple[Row[Any], ...]
    more: bool


@router.get("")
async def people_page(request: Request, visitor: Reader) -> Response:
    words = request.query_params.get("words", "")[:100]
    found = await request.app.state.database.read(find, words, visitor)
    return render(request, "people.html", found=found, words=words)


@router.get("/{person}")
async def person_page(request: Request, person: str, visitor: Reader) -> Response:
    return await _shown(request, visitor, person)


@router.post("/{person}/devices/{device}/revoke")
async def revoke(request: Request, person: str, device: str, visitor: Revoker) -> Response:
    """Ends a device: its socket is closed as soon as that is on disk."""
    person_id, device_id = _id(person), _id(device)
    reason = " ".join((await fields(request)).get("reason", "").split())[:_REASON_CHARACTERS_MAX]
    if not reason or not reason.isprintable():
        return await _shown(request, visitor, person, 409, "revoke-reason-needed")

    def end(connection: Connection) -> int | None:
        row = _seen(connection, person_id, visitor)
        if not _answers_for(visitor, row):
            raise Refused(403, "not-your-staff")
        known = devices.find(connection, device_id)
        if known is None or known.person_id != person_id:
            raise Refused(404, "person-unknown")
        done = devices.revoke(connection, device_id, visitor.name, now_ms(), reason)
        return known.device if done else None

    row = await request.app.state.database.run(end)
    if row is None:
        return await _shown(request, visitor, person, 409, "revoked-already")
    request.app.state.doorbell.ended(row, Close.REVOKED, "revoked")
    return RedirectResponse(f"/people/{person}?said=revoked", 303)


def find(connection: Connection, words: str, visitor: Visitor) -> Found:
    """People whose name has every word, or whose RPPS number begins so; the newest where nothing is asked."""
    p = people.c
    live = (
        select(func.count())
        .where(device_rows.c.person_id == p.person_id, device_rows.c.revoked_at_ms.is_(None))
        .correlate(people)
        .scalar_subquery()
    )
    query = select(people, live.label("devices")).where(_in_sight(visitor)).order_by(p.created_at_ms.desc())
    wanted = fold(words).split()
    if len(wanted) == 1 and wanted[0].isdecimal():
        rows = list(connection.execute(query.where(p.rpps.startswith(wanted[0])).limit(LISTED_MAX + 1)).all())
        return Found(tuple(rows[:LISTED_MAX]), len(rows) > LISTED_MAX)
    for word in wanted:
        query = query.where(p.display_name.ilike(f"%{_pattern(word)}%"))
    rows = list(connection.execute(query.limit(_LOOKED_AT_MAX if wanted else LISTED_MAX + 1)).all())
    fitting = [row for row in rows if all(word in fold(row.display_name) for word in wanted)]
    return Found(tuple(fitting[:LISTED_MAX]), len(fitting) > LISTED_MAX or len(rows) == _LOOKED_AT_MAX)


def _pattern(word: str) -> str:
    return word.replace("oe", "%").replace("ae", "%").translate(_MAY_BE_ACCENTED)


def _in_sight(visitor: Visitor) -> ColumnElement[bool]:
    """Whom this visitor may see: everybody, but a manager their own staff only."""
    s = establishment_staff.c
    if visitor.role != MANAGER:
        return people.c.person_id.is_not(None)
    return people.c.rpps.in_(select(s.number).where(s.finess == visitor.establishment, s.removed_at_ms.is_(None)))


def _seen(connection: Connection, person_id: bytes, visitor: Visitor) -> Row[Any]:
    """The person.

    Raises:
        Refused: 404, whether they are not here or not this visitor's to see.
    """
    row = connection.execute(select(people).where(people.c.person_id == person_id, _in_sight(visitor))).first()
    if row is None:
        raise Refused(404, "person-unknown")
    return row


def _answers_for(visitor: Visitor, person: Row[Any]) -> bool:
    """Whether this visitor sees, and may end, this person's devices."""
    return visitor.role != MANAGER or not is_national(person.rpps)


async def _shown(request: Request, visitor: Visitor, person: str, status: int = 200, problem: str = "") -> Response:
    person_id = _id(person)

    def read(connection: Connection) -> tuple[Any, ...]:
        row = _seen(connection, person_id, visitor)
        if not _answers_for(visitor, row):
            return row, [], []
        d = device_rows.c
        query = select(d.device_id, d.name, d.checked_how, d.endorsed, d.added_at_ms, d.last_seen_ms, d.revoked_at_ms)
        owned = connection.execute(query.where(d.person_id == person_id).order_by(d.revoked_at_ms, d.device)).all()
        if visitor.role == MANAGER:
            return row, owned, []
        r = registrations.c
        came = select(r.registration_id, r.opened_at_ms, r.operator).where(r.person_id == person_id)
        return row, owned, connection.execute(came.order_by(r.opened_at_ms)).all()

    row, owned, came = await request.app.state.database.read(read)
    return render(
        request,
        "person.html",
        status,
        person=row,
        number=person,
        live=[one for one in owned if one.revoked_at_ms is None],
        ended=[one for one in owned if one.revoked_at_ms is not None],
        registrations=came,
        problem=problem,
        in_sight=_answers_for(visitor, row),
        may_revoke=visitor.role in (OPERATOR, MANAGER),
        reason_max=_REASON_CHARACTERS_MAX,
    )


def _id(text: str) -> bytes:
    """An id of 16 bytes.

    Raises:
        Refused: 404.
    """
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 16 or found.hex() != text:
        raise Refused(404, "person-unknown")
    return found
