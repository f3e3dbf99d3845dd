"""A certified device's own identity over HTTP: its certificate renewed, registrations in its person's name refused."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from miss_server import renewals, second_check
from miss_server.clock import now_ms
from miss_server.devices import Device
from miss_server.registration_routes import PlainRoute, Refused, body_of, bytes_of, text_of
from miss_server.tickets import require_device

router = APIRouter(prefix="/v1", route_class=PlainRoute)
Caller = Annotated[Device, Depends(require_device)]


class RenewalBody(BaseModel):
    """POST /v1/certificate."""

    model_config = ConfigDict(extra="forbid", strict=True)
    request: Annotated[str, StringConstraints(min_length=1, max_length=4096)]


@router.post("/certificate")
async def renew(request: Request, device: Caller) -> Response:
    """The device's certificate; a new one where that is due."""
    body = RenewalBody.model_validate_json(await body_of(request))
    state, asked = request.app.state, bytes_of(body.request)
    der = await state.database.run(renewals.renew, state.keyring, device, asked, now_ms())
    return JSONResponse({"certificate": text_of(der)})


@router.get("/waiting")
async def waiting(request: Request, device: Caller) -> Response:
    """Registrations in the asking person's name that wait until this device's time is over."""
    found = await request.app.state.database.read(second_check.waiting, device.person_id)
    listed = [
        {"registration": registration_id.hex(), "until_ms": until_ms, "device_name": name}
        for registration_id, until_ms, name in found
    ]
    return JSONResponse({"waiting": listed})


@router.post("/waiting/{registration}/refuse")
async def refuse(request: Request, registration: str, device: Caller) -> Response:
    """The person says that it is not theirs."""
    try:
        registration_id = bytes.fromhex(registration)
    except ValueError:
        raise Refused("waiting-unknown") from None
    if not await request.app.state.database.run(second_check.refuse, device, registration_id, now_ms()):
        raise Refused("waiting-unknown")
    return JSONResponse({"refused": True})
