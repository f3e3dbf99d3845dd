"""On the trusted device: vouch for a new one of the same person, whose code was typed in or scanned."""

import asyncio
import base64
import binascii
from dataclasses import dataclass

from miss_app.engine.account import Account
from miss_app.engine.events import DeviceView, LinkRequested
from miss_app.engine.problems import Problem
from miss_protocol import linking
from miss_protocol.errors import RemoteError
from miss_protocol.identity import (
    LABEL_ENDORSEMENT,
    CertificateRequest,
    DeviceCertificate,
    Endorsement,
    endorsement_content,
    labelled,
)

_REASONS = {"link-unknown": "link-code-wrong", "link-used": "link-expired"}


@dataclass(frozen=True)
class Asked:
    """A new device's request, as the code it shows says it is."""

    lookup: str
    request: CertificateRequest


async def look(account: Account, shown: str) -> Asked:
    """The request of the device that shows this: a typed code, or what its QR code says.

    Raises:
        Problem: ``link-code-wrong``, ``link-expired``, ``link-key-swapped`` or why the server cannot be reached.
    """
    try:
        is_qr = shown.strip().startswith(linking.QR_PREFIX)
        plain, digest = linking.read_qr(shown) if is_qr else (linking.normalise(shown), b"")
    except RemoteError as error:
        raise Problem("link-code-wrong") from error
    lookup = linking.lookup_of(plain).hex()
    try:
        answer = await account.http.json("GET", f"/v1/links/{lookup}", ticket=True)
        data = base64.b64decode(str(answer["request"]), validate=True)
        # The server might have put other keys in the request: the code is a hash of the right ones.
        same = linking.fits(data, account.server_id, digest) if is_qr else await _is_coded(account, data, plain)
        if not same:
            raise Problem("link-key-swapped")
        return Asked(lookup, CertificateRequest.decode(data))
    except RemoteError as error:
        raise Problem("link-key-swapped") from error
    except (KeyError, ValueError, binascii.Error) as error:
        raise Problem("server-not-understood") from error
    except Problem as problem:
        raise Problem(_REASONS.get(problem.reason, problem.reason), problem.sentence) from problem


async def _is_coded(account: Account, request: bytes, plain: str) -> bool:
    code = await asyncio.to_thread(linking.code_of, request, account.server_id)
    return linking.normalise(code) == plain


async def endorse(account: Account, shown: str, days: int | None) -> DeviceView:
    """Endorse the device that shows this code, and have it added to every conversation.

    Args:
        shown: as it was typed, or as its QR code says it.
        days: how far back it gets what this device has; 0 for everything, None for nothing but keys and settings.

    Raises:
        Problem: as ``look``, or ``too-many-devices``.
    """
    asked = await look(account, shown)
    request, lookup = asked.request, asked.lookup
    person_id = account.certificate.person_id
    content = endorsement_content(person_id, request.device_id, request.signature_key, request.login_key)
    signature = account.own.keys.signature_key.sign(labelled(LABEL_ENDORSEMENT, content))
    endorsement = Endorsement(account.certificate.device_id, signature).encode()
    body = {"endorsement": base64.b64encode(endorsement).decode()}
    try:
        answer = await account.http.json("POST", f"/v1/links/{lookup}/endorse", json=body, ticket=True)
    except Problem as problem:
        raise Problem(_REASONS.get(problem.reason, problem.reason), problem.sentence) from problem
    try:
        certificate = DeviceCertificate.parse(base64.b64decode(str(answer["certificate"]), validate=True))
    except (KeyError, ValueError, binascii.Error, RemoteError) as error:
        raise Problem("server-not-understood") from error
    if (certificate.device_id, certificate.signature_key) != (request.device_id, request.signature_key):
        raise Problem("link-key-swapped")
    with account.store.step() as step:
        account.people.vouch(step, certificate)
        account.own_stream.begin(step)
        account.handovers.promise_device(step, certificate.device_id, days)
        account.latecomers.expect_everywhere(step)
        step.tell(LinkRequested(device_name=request.device_name))
    return DeviceView(request.device_id, request.device_name, False, account.clock.now_ms(), 0)
