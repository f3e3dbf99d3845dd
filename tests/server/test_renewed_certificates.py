"""A device's certificate renewed over HTTP: when it is due, for whom, and what stays the same."""

import base64
import os

import pytest

from miss_protocol.enrolment import CertificateRequest
from miss_protocol.identity import DeviceCertificate
from miss_server import devices
from miss_server.acts import verify
from miss_server.clock import now_ms
from server.office import Device, play

DAY_MS = 86_400_000


async def asked(office, device: Device, request: CertificateRequest) -> tuple[int, dict[str, str]]:
    async with await office.http(device) as http:
        body = {"request": base64.b64encode(request.encode()).decode()}
        answer = await http.post("/v1/certificate", json=body)
        return answer.status_code, answer.json()


def stored(office, device: Device) -> DeviceCertificate:
    return DeviceCertificate.parse(office.in_database(devices.find, device.device_id).certificate)


@pytest.mark.parametrize(("age_days", "renewed"), [(1, False), (59, False), (61, True), (89, True), (200, True)])
def test_a_certificate_is_renewed_in_its_last_month_and_after(shared_office, age_days, renewed):
    """An expired one as well: a doctor on leave comes back with the same device."""

    async def scene() -> None:
        one = Device(os.urandom(16))
        shared_office.enrol(one, at_ms=now_ms() - age_days * DAY_MS)
        status, answer = await asked(shared_office, one, one.request)
        assert status == 200
        fresh = DeviceCertificate.parse(base64.b64decode(answer["certificate"]))
        assert (fresh.der != one.certificate.der) is renewed
        assert fresh.der == stored(shared_office, one).der
        fresh.verify(shared_office.keyring.authority)
        assert fresh.professional == one.certificate.professional
        for name in ("device_id", "signature_key", "login_key", "endorsement"):
            assert getattr(fresh, name) == getattr(one.certificate, name)
        if renewed:
            assert fresh.valid_at(now_ms() + 89 * DAY_MS)
            _, again = await asked(shared_office, one, one.request)
            assert base64.b64decode(again["certificate"]) == fresh.der, "once"

    play(scene)


def test_nobody_elses_keys_are_certified(shared_office):
    async def scene() -> None:
        one, other = Device(os.urandom(16)), shared_office.device()
        shared_office.enrol(one, at_ms=now_ms() - 80 * DAY_MS)
        swapped = CertificateRequest.sign(one.device_id, "", other.signing, one.login)
        login_swapped = CertificateRequest.sign(one.device_id, "", one.signing, other.login)
        spoilt = CertificateRequest(
            one.device_id, one.request.signature_key, one.request.login_key, "x", b"s" * 64, b"s" * 70
        )
        for request in (other.request, swapped, login_swapped, spoilt):
            status, answer = await asked(shared_office, one, request)
            assert (status, answer["reason"]) == (422, "bad-request")
        assert stored(shared_office, one).der == one.certificate.der
        assert shared_office.in_database(verify).broken_at is None

    play(scene)


def test_a_revoked_device_gets_no_certificate(shared_office):
    async def scene() -> None:
        one = Device(os.urandom(16))
        shared_office.enrol(one, at_ms=now_ms() - 80 * DAY_MS)
        async with await shared_office.http(one) as http:
            shared_office.in_database(devices.revoke, one.device_id, "test", now_ms())
            body = {"request": base64.b64encode(one.request.encode()).decode()}
            answer = await http.post("/v1/certificate", json=body)
            assert (answer.status_code, answer.json()["reason"]) in {(403, "revoked"), (401, "unauthenticated")}
            assert (await http.post("/v1/certificate", json={**body, "more": 1})).status_code in (401, 403)
        assert stored(shared_office, one).der == one.certificate.der

    play(scene)
