"""Being busy or away over HTTP: one's own to say, others' to be told of before writing to them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from miss_server import availability
from miss_server.answers import Denied
from miss_server.availability import Availability, AvailabilityError
from miss_server.buckets import RETRY_SECONDS, granted
from miss_server.clock import now_ms
from miss_server.devices import Device
from miss_server.registration_routes import PlainRoute, Refused, body_of
from miss_server.tickets import require_device

router = APIRouter(prefix="/v1", route_class=PlainRoute)
Caller = Annotated[Device, Depends(require_device)]
PersonId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]


class AvailabilityBody(BaseModel):
    """PUT /v1/availability."""

    model_config = ConfigDict(extra="forbid", strict=True)
    state: Annotated[str, StringConstraints(pattern="^(available|busy|away)$")]
    until_ms: Annotated[int, Field(ge=0, lt=1 << 53)]
    delegate: PersonId | None = None


class AskedBody(BaseModel):
    """POST /v1/availability/of; a body, because addresses are written down by proxies."""

    model_config = ConfigDict(extra="forbid", strict=True)
    persons: Annotated[list[PersonId], Field(min_length=1, max_length=availability.PERSONS_MAX)]


@router.get("/availability")
async def read_own(request: Request, device: Caller) -> Response:
    """What the asking person has said of themselves, and who answers instead."""
    return JSONResponse(await _own(request, device))


@router.put("/availability")
async def keep_own(request: Request, device: Caller) -> Response:
    """The asking person is this from now on."""
    body = AvailabilityBody.model_validate_json(await body_of(request))
    wanted = Availability(body.state, body.until_ms, bytes.fromhex(body.delegate or ""))
    try:
        await request.app.state.database.run(availability.keep, device.person_id, wanted, now_ms())
    except AvailabilityError as error:
        raise Refused(error.reason) from error
    return JSONResponse(await _own(request, device))


@router.post("/availability/of")
async def told(request: Request, device: Caller) -> Response:
    """Who of these is not available."""
    body = AskedBody.model_validate_json(await body_of(request))
    state = request.app.state
    if not await granted(request, state.availability_buckets, device.person_id.hex()):
        raise Denied(429, "slow-down", {"Retry-After": str(RETRY_SECONDS)})
    persons = [bytes.fromhex(one) for one in dict.fromkeys(body.persons)]
    found = await state.database.read(availability.told, device.person_id, persons, now_ms())
    return JSONResponse({"people": found})


async def _own(request: Request, device: Device) -> dict[str, object]:
    found = await request.app.state.database.read(availability.told, device.person_id, [device.person_id], now_ms())
    return found[0] if found else {"person": device.person_id.hex(), "state": "available", "until_ms": 0}
