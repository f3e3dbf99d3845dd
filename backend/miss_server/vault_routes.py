"""A device's vault over HTTP: its share kept and released, its question to be opened asked, answered and heard."""

import base64
import binascii
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from miss_server import links, shares, unlock_requests
from miss_server.answers import Denied
from miss_server.buckets import RETRY_SECONDS, granted
from miss_server.clock import now_ms
from miss_server.devices import Device
from miss_server.registration_routes import PlainRoute, body_of
from miss_server.shares import ShareError
from miss_server.tickets import require_device

router = APIRouter(prefix="/v1/vault", route_class=PlainRoute)
Caller = Annotated[Device, Depends(require_device)]
_Secret = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
_Text = Annotated[str, StringConstraints(max_length=2 * unlock_requests.REQUEST_BYTES_MAX)]
_STATUSES = {"share-unknown": 404, "share-kept": 409}


class ShareBody(BaseModel):
    """PUT /v1/vault/share."""

    model_config = ConfigDict(extra="forbid", strict=True)
    share: _Secret
    verifier: _Secret
    keeper: _Secret
    shown: _Secret | None = None


class ProofBody(BaseModel):
    """POST /v1/vault/share/release."""

    model_config = ConfigDict(extra="forbid", strict=True)
    proof: _Secret


class QuestionBody(BaseModel):
    """POST /v1/vault/requests."""

    model_config = ConfigDict(extra="forbid", strict=True)
    request: _Text


class AnswerBody(BaseModel):
    """POST /v1/vault/requests/{named}/answer; empty refuses."""

    model_config = ConfigDict(extra="forbid", strict=True)
    approval: _Text


@router.put("/share")
async def keep_share(request: Request, device: Caller) -> Response:
    """The asking device leaves a share of its vault's key."""
    body = ShareBody.model_validate_json(await body_of(request))
    secrets = [bytes.fromhex(one) for one in (body.share, body.verifier, body.keeper)]
    shown = bytes.fromhex(body.shown or "")
    try:
        await request.app.state.database.run(shares.keep, device.device, *secrets, now_ms(), shown)
    except ShareError as error:
        raise Denied(_STATUSES[error.reason], error.reason) from error
    return JSONResponse({"kept": True})


@router.post("/share/release")
async def release_share(request: Request, device: Caller) -> Response:
    """The asking device's share against the proof of its PIN; a wrong one counts."""
    body = ProofBody.model_validate_json(await body_of(request))
    try:
        released = await request.app.state.database.run(shares.release, device.device, bytes.fromhex(body.proof))
    except ShareError as error:
        raise Denied(_STATUSES[error.reason], error.reason) from error
    share = None if released.share is None else released.share.hex()
    return JSONResponse({"share": share, "tries_left": released.tries_left})


@router.post("/requests")
async def ask(request: Request, device: Caller) -> Response:
    """The asking device, locked, asks the person's other devices to open it."""
    body, state = QuestionBody.model_validate_json(await body_of(request)), request.app.state
    if not await granted(request, state.unlock_buckets, device.device_id.hex()):
        raise Denied(429, "slow-down", {"Retry-After": str(RETRY_SECONDS)})
    server_id = state.keyring.authority.server_id
    told = await state.database.run(unlock_requests.ask, device, _bytes(body.request), server_id, now_ms())
    for stream in told:
        state.doorbell.ring_log(stream)
    return JSONResponse({"asked": len(told)})


@router.get("/requests")
async def list_questions(request: Request, device: Caller) -> Response:
    """What the person's other devices ask."""
    found = await request.app.state.database.read(unlock_requests.waiting, device, now_ms())
    return JSONResponse({"requests": [base64.b64encode(one).decode() for one in found]})


@router.post("/requests/{named}/answer")
async def answer(request: Request, named: str, device: Caller) -> Response:
    """The person opens another device of theirs from this one, or refuses."""
    body, state = AnswerBody.model_validate_json(await body_of(request)), request.app.state
    if len(named) != 32 or set(named) - set("0123456789abcdef"):
        raise Denied(404, "not-found")
    asker, server_id = bytes.fromhex(named), state.keyring.authority.server_id
    given = _bytes(body.approval)
    if not await state.database.run(unlock_requests.answer, device, asker, given, server_id, now_ms()):
        raise Denied(404, "not-found")
    state.unlock_bells.ring(asker)
    return JSONResponse({"answered": True})


@router.get("/requests/mine")
async def own_question(request: Request, device: Caller, wait: int = 0) -> Response:
    """Where the asking device's question stands; answered after ``wait`` seconds, or once that changes."""
    state = request.app.state
    until = time.monotonic() + min(max(wait, 0), links.WAIT_SECONDS_MAX)
    with state.unlock_bells.hear(device.device_id) as rung:
        while (
            await state.database.read(unlock_requests.standing, device, now_ms()) == unlock_requests.OPEN
            and (left := until - time.monotonic()) > 0
        ):
            await rung(min(left, links.LOOK_SECONDS))  # another node may have taken the answer
    found = await state.database.run(unlock_requests.take, device, now_ms())
    return JSONResponse({"state": found.state, "approval": base64.b64encode(found.approval).decode()})


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Denied(422, "malformed") from error
