"""Establishments' sheets on the console: who has one, what it says, who vouches, and the key of a machine that imports.

A manager sees and changes their own establishment's sheet alone; making and closing one, naming referents, the list of
professions and the key are an operator's.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection

from miss_server import establishments, outside_professions, staff, vouchers
from miss_server.clock import now_ms
from miss_server.console.guard import Refused, allow, fields
from miss_server.console.operators import AUDITOR, MANAGER, OPERATOR
from miss_server.console.pages import render
from miss_server.console.sessions import Visitor
from miss_server.refusals import DecisionError

router = APIRouter(prefix="/establishments")
Reader = Annotated[Visitor, Depends(allow(OPERATOR, AUDITOR, MANAGER))]
Writer = Annotated[Visitor, Depends(allow(OPERATOR, MANAGER))]
Chief = Annotated[Visitor, Depends(allow(OPERATOR))]


def own(visitor: Visitor, finess: str) -> str:
    """The number, where this visitor may see that establishment.

    Raises:
        Refused: 404, for another's as for none.
    """
    if visitor.role == MANAGER and visitor.establishment != finess:
        raise Refused(404, "establishment-not-here")
    return finess


@router.get("")
async def list_page(request: Request, visitor: Reader) -> Response:
    return await _listed(request, visitor)


@router.post("")
async def create(request: Request, visitor: Chief) -> Response:
    """A new sheet, from the register's words where it names the establishment."""
    given = await fields(request)
    said = {name: given.get(name, "") for name in ("name", "town")}
    proof = given.get("proof", "")

    def make(connection: Connection) -> str:
        number = given.get("finess", "")
        row = establishments.create(connection, number, said, who=visitor.name, now_ms=now_ms(), proof=proof)
        return str(row.finess)

    try:
        finess = await request.app.state.database.run(make)
    except DecisionError as error:
        return await _listed(request, visitor, 409, error, given)
    return RedirectResponse(f"/establishments/{finess}?said=establishment-made", 303)


@router.get("/{finess}")
async def sheet_page(request: Request, finess: str, visitor: Reader) -> Response:
    return await _shown(request, visitor, own(visitor, finess))


@router.post("/{finess}")
async def change(request: Request, finess: str, visitor: Writer) -> Response:
    """The fields of the sheet."""
    given = await fields(request)
    said = {name: given[name] for name in establishments.FIELDS if name in given}
    return await _step(request, visitor, finess, establishments.change, said, said="establishment-changed")


@router.post("/{finess}/professions")
async def allow_professions(request: Request, finess: str, visitor: Chief) -> Response:
    """The professions outside the register that it may vouch for."""
    given = await fields(request)
    codes = [code for code in outside_professions.OUTSIDE if f"profession-{code}" in given]
    return await _step(request, visitor, finess, establishments.allow, codes, said="establishment-changed")


@router.post("/{finess}/referents")
async def add_referent(request: Request, finess: str, visitor: Chief) -> Response:
    name = (await fields(request)).get("name", "")
    return await _step(request, visitor, finess, establishments.add_referent, name, said="referent-added")


@router.post("/{finess}/referents/{referent}/remove")
async def remove_referent(request: Request, finess: str, referent: int, visitor: Writer) -> Response:
    return await _step(request, visitor, finess, establishments.remove_referent, referent, said="referent-removed")


@router.post("/{finess}/close")
async def close(request: Request, finess: str, visitor: Chief) -> Response:
    return await _step(request, visitor, finess, staff.dissolve, said="establishment-closed")


@router.post("/{finess}/key")
async def make_key(request: Request, finess: str, visitor: Chief) -> Response:
    """A new import key, shown on this page alone."""
    pepper = request.app.state.keyring.pepper

    def make(connection: Connection) -> str:
        return establishments.make_key(connection, finess, pepper, who=visitor.name, now_ms=now_ms())

    try:
        key = await request.app.state.database.run(make)
    except DecisionError as error:
        return await _shown(request, visitor, finess, 409, error)
    return render(request, "import_key.html", key=key, finess=finess)


async def _step(request: Request, visitor: Visitor, finess: str, verb: Any, *arguments: Any, said: str) -> Response:
    """One verb on one establishment; the sheet again, with why, where it could not be done."""
    own(visitor, finess)

    def act(connection: Connection) -> None:
        verb(connection, finess, *arguments, who=visitor.name, now_ms=now_ms())

    try:
        await request.app.state.database.run(act)
    except DecisionError as error:
        return await _shown(request, visitor, finess, 409, error)
    return RedirectResponse(f"/establishments/{finess}?said={said}", 303)


async def _listed(
    request: Request, visitor: Visitor, status: int = 200, error: DecisionError | None = None, given: Any = None
) -> Response:
    def read(connection: Connection) -> list[tuple[Any, int, int]]:
        return [
            (row, staff.count(connection, row.finess), len(establishments.referents(connection, row.finess)))
            for row in establishments.everyone(connection)
            if visitor.role != MANAGER or row.finess == visitor.establishment
        ]

    rows = await request.app.state.database.read(read)
    may = visitor.role == OPERATOR
    return render(request, "establishments.html", status, rows=rows, may=may, error=error, given=given or {})


async def _shown(
    request: Request, visitor: Visitor, finess: str, status: int = 200, error: DecisionError | None = None
) -> Response:
    def read(connection: Connection) -> dict[str, Any]:
        row = establishments.find(connection, finess, closed=True)
        made = vouchers.listing(connection, finess, now_ms())
        return {
            "row": row,
            "referents": establishments.referents(connection, finess),
            "people": staff.count(connection, finess),
            "open_vouchers": sum(state == vouchers.OPEN for _, state in made),
            "allowed": establishments.professions(row),
        }

    try:
        known = await request.app.state.database.read(read)
    except DecisionError as unknown:
        raise Refused(404, "establishment-not-here") from unknown
    live = known["row"].closed_at_ms is None
    return render(
        request,
        "establishment.html",
        status,
        **known,
        error=error,
        sheet_fields=establishments.FIELDS,
        outside=outside_professions.OUTSIDE,
        may_change=live and visitor.role in (OPERATOR, MANAGER),
        may_rule=live and visitor.role == OPERATOR,
    )
