"""How a device is woken and when its person may be disturbed, over HTTP: wishes, and what became of the last push."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection, select

from miss_server import reach_wishes, unread, wakeups
from miss_server.clock import now_ms
from miss_server.devices import Device
from miss_server.names import masked
from miss_server.reach_tables import push_endpoints
from miss_server.reach_wishes import DAY_MINUTES, OFFSET_MINUTES_MAX, ReachWishes
from miss_server.registration_routes import PlainRoute, Refused, body_of
from miss_server.tickets import require_device
from miss_server.web_push import ENDPOINT_CHARACTERS_MAX, EndpointError

router = APIRouter(prefix="/v1", route_class=PlainRoute)
Caller = Annotated[Device, Depends(require_device)]
Minute = Annotated[int, Field(ge=0, lt=DAY_MINUTES)]


class EndpointBody(BaseModel):
    """PUT /v1/push."""

    model_config = ConfigDict(extra="forbid", strict=True)
    endpoint: Annotated[str, StringConstraints(min_length=1, max_length=ENDPOINT_CHARACTERS_MAX)]


class ReachBody(BaseModel):
    """PUT /v1/reach."""

    model_config = ConfigDict(extra="forbid", strict=True)
    quiet_from: Minute
    quiet_until: Minute
    offset_minutes: Annotated[int, Field(ge=-OFFSET_MINUTES_MAX, le=OFFSET_MINUTES_MAX)]
    mails: bool


@router.get("/reach")
async def read_reach(request: Request, device: Caller) -> Response:
    """How the asking person and device are reached, and what became of the last push."""
    state = request.app.state
    return JSONResponse(await state.database.read(_standing, device, state.vapid.public))


@router.put("/reach")
async def keep_reach(request: Request, device: Caller) -> Response:
    """The asking person wishes this from now on."""
    body = ReachBody.model_validate_json(await body_of(request))
    wanted = ReachWishes(body.quiet_from, body.quiet_until, body.offset_minutes, body.mails)
    state = request.app.state
    await state.database.run(reach_wishes.keep, device.person_id, wanted, now_ms())
    return JSONResponse(await state.database.read(_standing, device, state.vapid.public))


@router.put("/push")
async def register_endpoint(request: Request, device: Caller) -> Response:
    """The asking device wants to be woken there."""
    body = EndpointBody.model_validate_json(await body_of(request))
    state = request.app.state
    try:
        await state.sender.check(body.endpoint)
    except (EndpointError, OSError, ValueError) as error:
        raise Refused("endpoint-refused") from error
    await state.database.run(wakeups.register, device.device, body.endpoint, now_ms())
    return JSONResponse({"registered": True})


@router.delete("/push")
async def forget_endpoint(request: Request, device: Caller) -> Response:
    """The asking device wants to be woken no more."""
    await request.app.state.database.run(wakeups.forget, device.device)
    return JSONResponse({"registered": False})


def _standing(connection: Connection, device: Device, key: str) -> dict[str, object]:
    p = push_endpoints.c
    query = select(p.registered_at_ms, p.pushed_at_ms, p.outcome).where(p.device == device.device)
    push = connection.execute(query).first()
    wished = reach_wishes.of_person(connection, device.person_id)
    mailbox = unread.listed_mailbox(connection, device.person_id)
    return {
        "key": key,
        "registered_at_ms": 0 if push is None else push.registered_at_ms,
        "pushed_at_ms": (push.pushed_at_ms or 0) if push is not None else 0,
        "outcome": "" if push is None else push.outcome,
        "mailbox": masked(mailbox) if mailbox else "",
        "mailed_at_ms": unread.mailed_at(connection, device.person_id),
        "quiet_from": wished.quiet_from,
        "quiet_until": wished.quiet_until,
        "offset_minutes": wished.offset_minutes,
        "mails": wished.mails,
    }
