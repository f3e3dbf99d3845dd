"""The certificate log over HTTP: what a device's own person's book holds, under a signed head."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from miss_server.certificate_log import Heads
from miss_server.devices import Device
from miss_server.tickets import require_device

router = APIRouter()
Caller = Annotated[Device, Depends(require_device)]


@router.get("/v1/log")
async def read_log(request: Request, device: Caller, first: Annotated[int, Query(ge=0, le=1 << 31)] = 0) -> Response:
    """The entries of the asking person's book from ``first`` on, and that person's own certificates among them."""
    heads: Heads = request.app.state.heads
    statement = await request.app.state.database.read(heads.statement, device.person_id, first)
    return Response(statement.encode(), media_type="application/octet-stream")
