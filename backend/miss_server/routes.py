"""Devices, key packages, links and sealed photos over HTTP: read the request, one call, write the answer."""

import asyncio
import base64
import binascii
import json
import re
import secrets
import time
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse

from miss_protocol import limits
from miss_protocol.frames import Close
from miss_server import devices, links, people, wishes
from miss_server.answers import Denied
from miss_server.blobs import NAME_BYTES, Blob, BlobError, Piece, Storage
from miss_server.buckets import RETRY_SECONDS, granted
from miss_server.clock import now_ms
from miss_server.devices import Device
from miss_server.links import REQUEST_BYTES_MAX, LinkError
from miss_server.quotas import upload_tokens
from miss_server.tickets import bearer, require_device

BODY_BYTES_MAX = 8 * 1024
KEY_PACKAGES_BODY_BYTES_MAX = 2 * limits.KEY_PACKAGES_PER_DEVICE_MAX * limits.KEY_PACKAGE_BYTES_MAX
_RANGE = re.compile(r"bytes ([0-9]{1,12})-([0-9]{1,12})/([0-9]{1,12})")
_WANTED = re.compile(r"bytes=([0-9]{1,12})-([0-9]{1,12})?")
_LINK_STATUSES = {"link-unknown": 404, "link-expired": 410, "link-used": 409, "slow-down": 429}
_BLOB_STATUSES = {"blob-altered": 422, "blob-elsewhere": 409, "too-large": 413, "slow-down": 429}

router = APIRouter()
Caller = Annotated[Device, Depends(require_device)]


@router.get("/v1/authority")
async def authority(request: Request) -> Response:
    """The three certificates; the client compares the root's hash with the invitation."""
    state = request.app.state
    headers = {"X-MiSS-Name": state.settings.public_name or state.settings.host}
    return Response(state.keyring.authority.encode(), media_type="application/octet-stream", headers=headers)


@router.get("/v1/people/{person}")
async def person(request: Request, person: str, device: Caller) -> Response:
    """A person on MiSS, as the directory shows them to the asking one."""
    found = await request.app.state.database.read(people.find, _hex(person, 16), device.person_id)
    if found is None:
        raise Denied(404, "not-found")
    return JSONResponse(found)


@router.post("/v1/people/{person}/key-packages")
async def take_key_packages(request: Request, person: str, device: Caller) -> Response:
    """One key package for each of a person's live devices, but the asking one; or for the one that is named."""
    person_id, named = _hex(person, 16), request.query_params.get("device")
    only = b"" if named is None else _hex(named, 16)
    if not await request.app.state.database.read(wishes.may_write, device.person_id, person_id):
        raise Denied(403, "not-contactable")
    taken = await request.app.state.database.run(devices.take_key_packages, person_id, device.device_id, now_ms(), only)
    found = [{"device": device_id.hex(), "key_package": _text(body)} for device_id, body in taken]
    return JSONResponse({"devices": found})


@router.post("/v1/key-packages")
async def keep_key_packages(request: Request, device: Caller) -> Response:
    """A device leaves key packages for those who will add it."""
    body = await _json(request, {"one_use", "last_resort"}, KEY_PACKAGES_BODY_BYTES_MAX)
    one_use, last_resort = body.get("one_use", []), body.get("last_resort")
    if not isinstance(one_use, list) or len(one_use) > limits.KEY_PACKAGES_PER_DEVICE_MAX:
        raise Denied(422, "malformed")
    bodies = [_bytes(one) for one in one_use]
    last = None if last_resort is None else _bytes(last_resort)
    state = request.app.state
    checked = await asyncio.to_thread(
        devices.read_key_packages, state.keyring.authority, device, bodies, last, now_ms()
    )
    left, told = await state.database.run(devices.keep_key_packages, device, checked, now_ms())
    for stream in told:
        state.doorbell.ring_log(stream)
    wanted = await state.database.read(devices.key_packages_wanted, device)
    return JSONResponse({"left": left, "wanted": wanted})


@router.get("/v1/devices")
async def list_devices(request: Request, device: Caller) -> Response:
    """The asking person's live devices."""
    found = await request.app.state.database.read(devices.of_person, device.person_id)
    listed = [
        {
            "device": one.device_id.hex(),
            "name": one.name,
            "added_at_ms": one.added_at_ms,
            "last_seen_ms": one.last_seen_ms,
            "checked_how": one.checked_how,
        }
        for one in found
    ]
    return JSONResponse({"devices": listed})


@router.get("/v1/conversations/{stream}/way-back")
async def way_back(request: Request, stream: str, device: Caller) -> Response:
    """By what a member's device that lost track comes back by itself."""
    state = request.app.state
    found = await state.database.read(state.handshakes.way_back, _hex(stream, 16), device.device)
    if found is None:
        raise Denied(404, "not-found")
    leaves = [_text(one) for one in found.leaves]
    return JSONResponse({"group_info": _text(found.group_info), "tree": _text(found.tree), "leaves": leaves})


@router.patch("/v1/devices/{named}")
async def rename_device(request: Request, named: str, device: Caller) -> Response:
    """What a person calls one of their devices."""
    body = await _json(request, {"name"}, BODY_BYTES_MAX)
    name = body.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= limits.DEVICE_NAME_CHARACTERS_MAX:
        raise Denied(422, "malformed")
    run = request.app.state.database.run
    if not await run(devices.rename, device.person_id, _hex(named, 16), name.strip()):
        raise Denied(404, "not-found")
    return JSONResponse({})


@router.delete("/v1/devices/{named}")
async def revoke_device(request: Request, named: str, device: Caller) -> Response:
    """A person ends one of their devices, be it the asking one: it is closed at once, and leaves every conversation."""
    state = request.app.state
    ended = await state.database.run(devices.revoke_own, device, _hex(named, 16), now_ms())
    if ended is None:
        raise Denied(404, "not-found")
    state.doorbell.ended(ended, Close.REVOKED, "revoked")
    return JSONResponse({})


@router.post("/v1/links")
async def open_link(request: Request) -> Response:
    """A new device asks to be linked; anybody may ask."""
    body = await _json(request, {"lookup", "request"}, BODY_BYTES_MAX)
    asked = _bytes(body.get("request"))
    if len(asked) > REQUEST_BYTES_MAX:
        raise Denied(413, "too-large")
    state = request.app.state
    if not await granted(request, state.link_buckets):
        raise Denied(429, "slow-down", {"Retry-After": str(RETRY_SECONDS)})
    try:
        secret = await state.database.run(links.open_link, _hex(body.get("lookup"), 16), asked, now_ms())
    except LinkError as error:
        raise _no_link(error) from error
    return JSONResponse({"secret": base64.urlsafe_b64encode(secret).decode().rstrip("=")}, 201)


@router.get("/v1/links/{lookup}", dependencies=[Depends(require_device)])
async def read_link(request: Request, lookup: str) -> Response:
    """The request a typed code stands for."""
    try:
        asked = await request.app.state.database.read(links.request_of, _hex(lookup, 16), now_ms())
    except LinkError as error:
        raise _no_link(error) from error
    return JSONResponse({"request": _text(asked)})


@router.post("/v1/links/{lookup}/endorse")
async def endorse_link(request: Request, lookup: str, device: Caller) -> Response:
    """A trusted device vouches for the new one, which is then certified."""
    body = await _json(request, {"endorsement"}, BODY_BYTES_MAX)
    state, given = request.app.state, _bytes(body.get("endorsement"))
    try:
        certificate = await state.database.run(links.endorse, state.keyring, device, _hex(lookup, 16), given, now_ms())
    except LinkError as error:
        raise _no_link(error) from error
    state.link_bells.ring(_hex(lookup, 16))
    return JSONResponse({"device": certificate.device_id.hex(), "certificate": _text(certificate.der)})


@router.get("/v1/links/{lookup}/certificate")
async def linked(request: Request, lookup: str) -> Response:
    """Where a link stands, for the device that opened it; answered after ``wait`` seconds, or once that changes."""
    token = bearer(request)
    try:
        secret = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        secret = secrets.token_bytes(32)
    state, which = request.app.state, _hex(lookup, 16)
    wait = _seconds(request.query_params.get("wait", "0"))
    until = time.monotonic() + wait
    try:
        with state.link_bells.hear(which) as rung:
            standing = await state.database.read(links.standing, which, secret, now_ms())
            while standing.state == links.OPEN and (left := until - time.monotonic()) > 0:
                await rung(min(left, links.LOOK_SECONDS))  # another node may have taken the endorsement
                standing = await state.database.read(links.standing, which, secret, now_ms())
    except LinkError as error:
        raise _no_link(error) from error
    told: dict[str, object] = {"state": standing.state}
    if standing.certificate is not None:
        told |= {"certificate": _text(standing.certificate), "conversations": standing.conversations}
    return JSONResponse(told)


@router.put("/v1/blobs/{name}")
async def put_blob(request: Request, name: str, device: Caller) -> Response:
    """A piece of a sealed photo; 201 when it is complete, 202 while more is to come."""
    blob, ranged = _hex(name, NAME_BYTES), _RANGE.fullmatch(request.headers.get("content-range", ""))
    if ranged is None:
        raise Denied(422, "malformed")
    data = await _body(request, limits.BLOB_PIECE_BYTES)
    first, last, total = (int(part) for part in ranged.groups())
    if last - first + 1 != len(data):
        raise Denied(422, "malformed")
    if not await granted(request, request.app.state.upload_buckets, device.device_id.hex(), upload_tokens(len(data))):
        raise Denied(429, "slow-down", {"Retry-After": str(RETRY_SECONDS)})
    blobs: Storage = request.app.state.blobs
    try:
        complete, have = await asyncio.to_thread(blobs.put, device.device_id, blob, Piece(first, total, data))
    except BlobError as error:
        headers = {"X-MiSS-Have": str(error.have)}
        raise Denied(_BLOB_STATUSES[error.reason], error.reason, headers) from error
    return JSONResponse({"have": have}, 201 if complete else 202, headers={"X-MiSS-Have": str(have)})


@router.head("/v1/blobs/{name}")
async def has_blob(request: Request, name: str, device: Caller) -> Response:
    """200 where it is complete, 202 and how much of it this device has sent, 404 where it is not known."""
    blobs: Storage = request.app.state.blobs
    blob = _hex(name, NAME_BYTES)
    found = await asyncio.to_thread(blobs.find, blob)
    if found is not None:
        return Response(status_code=200, headers={"Content-Length": str(found.size)})
    have = await asyncio.to_thread(blobs.have, device.device_id, blob)
    if have is None:
        raise Denied(404, "blob-unknown")
    return Response(status_code=202, headers={"X-MiSS-Have": str(have)})


@router.get("/v1/blobs/{name}", dependencies=[Depends(require_device)])
async def get_blob(request: Request, name: str) -> Response:
    """A sealed photo, or the Range of it that is asked for."""
    blobs: Storage = request.app.state.blobs
    found = await asyncio.to_thread(blobs.find, _hex(name, NAME_BYTES))
    if found is None:
        raise Denied(404, "blob-unknown")
    if found.path is not None:
        return FileResponse(found.path, media_type="application/octet-stream")
    return _stream(found, request.headers.get("range", ""))


def _stream(blob: Blob, asked: str) -> Response:
    """A blob of the object store, or the one range of it that is asked for; another wish is answered with all of it."""
    ranged, read = _WANTED.fullmatch(asked), blob.read
    first, last, status, headers = 0, blob.size - 1, 200, {"Accept-Ranges": "bytes"}
    if ranged is not None and ranged[2] and int(ranged[2]) < int(ranged[1]):
        ranged = None  # no range at all, RFC 9110 section 14.1.1
    if ranged is not None and int(ranged[1]) < blob.size:
        first, last, status = int(ranged[1]), min(int(ranged[2] or last), last), 206
        headers["Content-Range"] = f"bytes {first}-{last}/{blob.size}"
    elif ranged is not None:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{blob.size}"})
    assert read is not None  # it is not on this disk

    def pieces() -> Iterator[bytes]:
        for at in range(first, last + 1, limits.BLOB_PIECE_BYTES):
            yield read(at, min(limits.BLOB_PIECE_BYTES, last + 1 - at))

    headers["Content-Length"] = str(last + 1 - first)
    return StreamingResponse(pieces(), status, headers, "application/octet-stream")


async def _body(request: Request, most: int) -> bytes:
    """The request's body, read no further than it may be long."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise Denied(413, "too-large")
    return bytes(body)


async def _json(request: Request, known: set[str], most: int) -> dict[str, Any]:
    """A JSON object with no other names than the known ones."""
    try:
        body = json.loads(await _body(request, most))
    except (ValueError, RecursionError) as error:
        raise Denied(422, "malformed") from error
    if not isinstance(body, dict) or body.keys() - known:
        raise Denied(422, "malformed")
    return body


def _hex(text: object, length: int) -> bytes:
    if not isinstance(text, str) or not re.fullmatch(f"[0-9a-fA-F]{{{2 * length}}}", text):
        raise Denied(422, "malformed")
    return bytes.fromhex(text)


def _seconds(text: str) -> int:
    """How long a client wants to wait."""
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise Denied(422, "malformed")
    return min(int(text), links.WAIT_SECONDS_MAX)


def _bytes(text: object) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else _malformed()
    except (binascii.Error, ValueError) as error:
        raise Denied(422, "malformed") from error


def _malformed() -> bytes:
    raise Denied(422, "malformed")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _no_link(error: LinkError) -> Denied:
    return Denied(_LINK_STATUSES[error.reason], error.reason)
