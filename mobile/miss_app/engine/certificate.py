"""This device's certificate is renewed in time: asked for with the same keys, and carried by the next commits."""

import base64
import binascii
from dataclasses import replace
from typing import TYPE_CHECKING

from miss_app.engine import records
from miss_app.engine.arrivals import LAST_RESORT
from miss_app.engine.problems import Problem
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate, check_successor
from miss_protocol.limits import CERTIFICATE_RENEWED_DAYS_BEFORE
from miss_protocol.mls import group as mls

if TYPE_CHECKING:
    from miss_app.engine.account import Account

OWN = b"own device"
RENEWAL_DUE = b"certificate due"
_BEFORE_MS = CERTIFICATE_RENEWED_DAYS_BEFORE * 86_400_000


def is_due(account: "Account") -> bool:
    """Whether the certificate ends within a month, has ended, or the server said that the register has changed."""
    left_ms = account.certificate.not_after_ms - account.clock.now_ms()
    return left_ms < _BEFORE_MS or account.store.get("profile", RENEWAL_DUE) is not None


async def renew(account: "Account") -> None:
    """Ask for a new certificate where one is due, and keep it.

    What the server gives must be of this very person, device and keys, and its registrar's. A failure is no harm: the
    next login asks again.
    """
    if not is_due(account):
        return
    body = {"request": base64.b64encode(account.own.keys.request()).decode()}
    try:
        answer = await account.http.json("POST", "/v1/certificate", json=body, ticket=True)
        fresh = DeviceCertificate.parse(base64.b64decode(str(answer["certificate"]), validate=True))
        fresh.verify(account.server.authority, account.clock.now_ms())
        check_successor(mls.Credential.x509(account.certificate.der), mls.Credential.x509(fresh.der))
        if fresh.login_key != account.certificate.login_key:
            raise RemoteError("bad-certificate", "another login key")
    except (Problem, RemoteError, KeyError, ValueError, binascii.Error):
        return
    renewed = fresh.der != account.certificate.der
    own = replace(account.own, certificate=fresh.der)
    with account.store.step() as step:
        step.put("profile", OWN, records.encode(own))
        step.delete("profile", RENEWAL_DUE)
        if renewed:
            step.delete("profile", LAST_RESORT)
            account.people.learn(step, fresh)
            account.renewal.soon(step)
    if renewed:
        account.use(own, fresh)
