"""The charter over HTTP: anybody reads it, a device says that its person accepts it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from miss_server import charter
from miss_server.answers import language_of
from miss_server.charter import Charter
from miss_server.clock import now_ms
from miss_server.devices import Device
from miss_server.registration_routes import PlainRoute, Refused, body_of
from miss_server.tickets import require_device

router = APIRouter(prefix="/v1", route_class=PlainRoute)
Caller = Annotated[Device, Depends(require_device)]


class AcceptanceBody(BaseModel):
    """POST /v1/charter/acceptance."""

    model_config = ConfigDict(extra="forbid", strict=True)
    version: Annotated[str, StringConstraints(min_length=1, max_length=40)]


@router.get("/charter")
async def read_charter(request: Request) -> Response:
    """The version in force and its text."""
    return JSONResponse(_told(request))


@router.get("/charter/acceptance")
async def read_acceptance(request: Request, device: Caller) -> Response:
    """The version in force, and when the asking person accepted it."""
    version = _charter(request).version
    at_ms = await request.app.state.database.read(charter.accepted_at_ms, device.person_id, version)
    return JSONResponse({**_told(request), "accepted_at_ms": at_ms})


@router.post("/charter/acceptance")
async def accept(request: Request, device: Caller) -> Response:
    """The asking person accepts the version in force."""
    body = AcceptanceBody.model_validate_json(await body_of(request))
    if body.version != _charter(request).version:
        raise Refused("charter-changed")
    database = request.app.state.database
    await database.run(charter.accept, device.person_id, body.version, now_ms())
    at_ms = await database.read(charter.accepted_at_ms, device.person_id, body.version)
    return JSONResponse({"version": body.version, "accepted_at_ms": at_ms})


def _charter(request: Request) -> Charter:
    found: Charter = request.app.state.charter
    return found


def _told(request: Request) -> dict[str, object]:
    found = _charter(request)
    return {"version": found.version, "text": found.text(language_of(request))}
