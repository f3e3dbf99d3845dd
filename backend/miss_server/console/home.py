"""The first page after login: what waits, and for whom."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, func, select

from miss_server.console import people as room
from miss_server.console import review
from miss_server.console.guard import EVERYBODY, allow
from miss_server.console.operators import AUDITOR, OPERATOR
from miss_server.console.pages import render
from miss_server.console.sessions import Visitor
from miss_server.register_tables import people, registrar_acts
from miss_server.tables import devices

router = APIRouter()


@dataclass(frozen=True)
class Tile:
    """A figure that leads to its page; ``text`` is a key of ``texts``."""

    path: str
    text: str
    count: int


@router.get("/")
async def home_page(request: Request, visitor: Annotated[Visitor, Depends(allow(*EVERYBODY))]) -> Response:
    return render(request, "home.html", tiles=await request.app.state.database.read(tiles, visitor))


def tiles(connection: Connection, visitor: Visitor) -> list[Tile]:
    """What this visitor's first page counts."""
    if visitor.role not in (OPERATOR, AUDITOR):
        return [Tile("/people", "tile-staff", len(room.find(connection, "", visitor).people))]
    first, second = review.waiting(connection)
    persons = connection.scalar(select(func.count()).select_from(people)) or 0
    live = connection.scalar(select(func.count()).where(devices.c.revoked_at_ms.is_(None))) or 0
    acts = connection.scalar(select(func.max(registrar_acts.c.act_id))) or 0
    return [
        Tile("/registrations", "tile-waiting", first),
        Tile("/registrations", "tile-second", second),
        Tile("/people", "tile-people", persons),
        Tile("/people", "tile-devices", live),
        Tile("/acts", "tile-acts", acts),
    ]
