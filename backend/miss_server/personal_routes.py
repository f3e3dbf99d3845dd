"""A person's own choices over HTTP: whether to be found, by whom to be written to, who is new nearby, to leave."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from miss_protocol.frames import Close
from miss_server import departures, neighbours, wishes
from miss_server.clock import now_ms
from miss_server.devices import Device
from miss_server.registration_routes import PlainRoute, Refused, body_of
from miss_server.tickets import require_device
from miss_server.wishes import Wishes

router = APIRouter(prefix="/v1", route_class=PlainRoute)
Caller = Annotated[Device, Depends(require_device)]


class WishesBody(BaseModel):
    """PUT /v1/wishes."""

    model_config = ConfigDict(extra="forbid", strict=True)
    unlisted: bool
    contact: Annotated[str, StringConstraints(pattern="^(all|establishment|known)$")]


class LeavingBody(BaseModel):
    """POST /v1/leaving."""

    model_config = ConfigDict(extra="forbid", strict=True)
    person: Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]


@router.get("/wishes")
async def read_wishes(request: Request, device: Caller) -> Response:
    """What the asking person wishes."""
    found = await request.app.state.database.read(wishes.of_person, device.person_id)
    return JSONResponse({"unlisted": found.unlisted, "contact": found.contact})


@router.put("/wishes")
async def keep_wishes(request: Request, device: Caller) -> Response:
    """The asking person wishes this from now on."""
    body = WishesBody.model_validate_json(await body_of(request))
    await request.app.state.database.run(wishes.keep, device.person_id, Wishes(body.unlisted, body.contact), now_ms())
    return JSONResponse({"unlisted": body.unlisted, "contact": body.contact})


@router.get("/directory/new")
async def new_near(request: Request, device: Caller) -> Response:
    """Who is new on MiSS near the asking person."""
    found = await request.app.state.database.read(neighbours.new_near, device.person_id, now_ms())
    return JSONResponse({"people": [one.told() for one in found]})


@router.post("/leaving")
async def leave(request: Request, device: Caller) -> Response:
    """The asking person leaves MiSS; they name themselves, so that nothing else can be meant."""
    body = LeavingBody.model_validate_json(await body_of(request))
    if body.person != device.person_id.hex():
        raise Refused("malformed")
    state = request.app.state
    left = await state.database.run(departures.leave, device.person_id, now_ms())
    for stream in left.streams:  # before their members are asked to remove the leaves: the line says why
        state.doorbell.ring_log(stream)
    for ended in left.devices:
        state.doorbell.ended(ended, Close.REVOKED, "revoked")
    return JSONResponse({"left": True})
