"""Who may use the console, for operators and auditors to see; it is changed on the machine itself alone."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection, Row, func, select

from miss_server.console.guard import allow
from miss_server.console.operators import AUDITOR, OPERATOR
from miss_server.console.pages import render
from miss_server.console.sessions import Visitor
from miss_server.console.tables import operator_passkeys, operators

router = APIRouter(prefix="/operators")


@router.get("")
async def roster_page(request: Request, _: Annotated[Visitor, Depends(allow(OPERATOR, AUDITOR))]) -> Response:
    return render(request, "roster.html", operators=await request.app.state.database.read(everybody))


def everybody(connection: Connection) -> list[Row[Any]]:
    """All there ever were, those who may come in first: ``passkeys`` and ``used_at_ms`` say how they do."""
    o, k = operators.c, operator_passkeys.c
    query = (
        select(operators, func.count(k.credential_id).label("passkeys"), func.max(k.used_at_ms).label("used_at_ms"))
        .outerjoin(operator_passkeys, k.operator == o.operator)
        .group_by(o.operator)
        .order_by(o.removed_at_ms.is_not(None), o.folded)
    )
    return list(connection.execute(query).all())
