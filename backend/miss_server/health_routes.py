"""Whether this server lives, and whether it is to be sent clients: what balancers and supervisors ask."""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from miss_server import turns

ANSWER_SECONDS_MAX = 5

router = APIRouter()


class ReadOnlyError(Exception):
    """The database takes no writes: a standby, or one that was closed to them."""


@router.get("/health/live")
async def live() -> Response:
    """Whether the process answers at all; a supervisor starts it anew where it does not."""
    return JSONResponse({"status": "ok"})


@router.get("/health")
@router.get("/health/ready")
async def ready(request: Request) -> Response:
    """Whether it can write to its database and is not about to stop; a balancer sends clients elsewhere meanwhile."""
    if request.app.state.draining:
        return JSONResponse({"status": "unwell", "reason": "draining"}, 503)
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            await request.app.state.database.run(_take_writes)
    except Exception as error:  # whatever it is, this is the answer
        return JSONResponse({"status": "unwell", "reason": type(error).__name__}, 503)
    return JSONResponse({"status": "ok"})


def _take_writes(connection: Connection) -> None:
    """Whether a write transaction, which this is, could write."""
    if turns.shared(connection):
        asked = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"
        if connection.exec_driver_sql(asked).scalar():
            raise ReadOnlyError
    else:
        connection.exec_driver_sql("SELECT 1").scalar()
