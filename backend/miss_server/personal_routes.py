"""A person's own choices over HTTP: whether to be found, and by whom to be written to."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from miss_server import wishes
from miss_server.clock import now_ms
from miss_server.devices import Device
from miss_server.registration_routes import PlainRoute, body_of
from miss_server.tickets import require_device
from miss_server.wishes import Wishes

router = APIRouter(prefix="/v1", route_class=PlainRoute)
Caller = Annotated[Device, Depends(require_device)]


class WishesBody(BaseModel):
    """PUT /v1/wishes."""

    model_config = ConfigDict(extra="forbid", strict=True)
    unlisted: bool
    contact: Annotated[str, StringConstraints(pattern="^(all|establishment|known)$")]


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
