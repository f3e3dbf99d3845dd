"""Sealed photos, key packages, tickets, devices and links over HTTP."""

import asyncio
import base64
import hashlib
import os

import httpx

from miss_protocol import identity, limits, linking
from miss_protocol.enrolment import Endorsement, endorsement_content
from miss_protocol.labels import LABEL_ENDORSEMENT, labelled
from miss_protocol.mls.nodes import KeyPackage
from miss_server import devices, links
from miss_server.clock import now_ms
from server.office import Device, play


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def put(http: httpx.AsyncClient, blob: bytes, first: int, last: int, name: str = "") -> httpx.Response:
    name = name or hashlib.sha256(blob).hexdigest()
    headers = {"Content-Range": f"bytes {first}-{last}/{len(blob)}"}
    return await http.put(f"/v1/blobs/{name}", content=blob[first : last + 1], headers=headers)


def test_a_photo_goes_up_in_pieces_resumes_and_comes_down(shared_office):
    async def scene() -> None:
        blob = os.urandom(3 * limits.BLOB_PIECE_BYTES + 777)
        name, step = hashlib.sha256(blob).hexdigest(), limits.BLOB_PIECE_BYTES
        async with await shared_office.http(shared_office.device()) as http:
            assert (await http.head(f"/v1/blobs/{name}")).status_code == 404
            assert (await put(http, blob, 0, step - 1)).status_code == 202
            halfway = await http.head(f"/v1/blobs/{name}")
            assert (halfway.status_code, halfway.headers["X-MiSS-Have"]) == (202, str(step))
            assert (await http.get(f"/v1/blobs/{name}")).status_code == 404, "an unfinished photo is nobody's"
            ahead = await put(http, blob, 2 * step, 3 * step - 1)
            assert (ahead.status_code, ahead.headers["X-MiSS-Have"]) == (409, str(step))
            assert (await put(http, blob, 0, step - 1)).status_code == 202, "a piece again does no harm"
            overlapping = await put(http, blob, step - 100, 2 * step - 101)
            assert overlapping.headers["X-MiSS-Have"] == str(2 * step - 100)
            assert (await put(http, blob, 2 * step - 100, 3 * step - 101)).status_code == 202
            assert (await put(http, blob, 3 * step - 100, len(blob) - 1)).status_code == 201
            assert (await put(http, blob, 0, step - 1)).status_code == 201, "the whole again does no harm"
            whole = await http.head(f"/v1/blobs/{name}")
            assert (whole.status_code, whole.headers["Content-Length"]) == (200, str(len(blob)))
        async with await shared_office.http(shared_office.device()) as http:
            assert (await http.get(f"/v1/blobs/{name}")).content == blob
            part = await http.get(f"/v1/blobs/{name}", headers={"Range": "bytes=100-199"})
            assert (part.status_code, part.content) == (206, blob[100:200])

    play(scene)


def test_two_devices_send_the_same_photo_and_one_sends_rubbish(shared_office):
    async def scene() -> None:
        blob = os.urandom(1_000)
        name = hashlib.sha256(blob).hexdigest()
        rubbish = os.urandom(1_000)
        good, bad = shared_office.device(), shared_office.device()
        async with await shared_office.http(good) as a, await shared_office.http(bad) as b:
            assert (await put(b, rubbish, 0, 499, name)).status_code == 202
            assert (await put(a, blob, 0, 499)).status_code == 202
            answer = await put(b, rubbish, 500, 999, name)
            assert (answer.status_code, answer.json()["reason"]) == (422, "blob-altered")
            assert (await put(a, blob, 500, 999)).status_code == 201
            assert (await b.get(f"/v1/blobs/{name}")).content == blob
            assert (await put(b, rubbish, 0, 499, name)).status_code == 201, "it is complete: nothing is taken"
            assert (await b.get(f"/v1/blobs/{name}")).content == blob

    play(scene)


def test_a_photo_survives_a_restart(office):
    async def upload() -> str:
        blob = os.urandom(5_000)
        async with await office.http(device) as http:
            assert (await put(http, blob, 0, 4_999)).status_code == 201
        return hashlib.sha256(blob).hexdigest()

    async def download(name: str) -> bytes:
        async with await office.http(device) as http:
            return (await http.get(f"/v1/blobs/{name}")).content

    device = office.device()
    name = play(upload)
    office.stop()
    office.start()
    assert hashlib.sha256(play(lambda: download(name))).hexdigest() == name


def test_key_packages_are_handed_out_once_and_the_last_resort_for_ever(shared_office):
    async def scene() -> None:
        hugo = shared_office.device()
        packages = [hugo.key_package() for _ in range(3)]
        last = hugo.key_package(last_resort=True)
        body = {"one_use": [b64(one.key_package) for one in packages], "last_resort": b64(last.key_package)}
        async with await shared_office.http(hugo) as http:
            assert (await http.post("/v1/key-packages", json=body)).json()["left"] == 3
            assert (await http.post("/v1/key-packages", json=body)).json()["left"] == 3, "the same again is one"
            own = await http.post(f"/v1/people/{hugo.person_id.hex()}/key-packages")
            assert own.json() == {"devices": []}, "not the asking device's own"
        askers = [await shared_office.http(shared_office.device()) for _ in range(6)]
        path = f"/v1/people/{hugo.person_id.hex()}/key-packages"
        answers = await asyncio.gather(*(one.post(path) for one in askers))
        taken = [base64.b64decode(answer.json()["devices"][0]["key_package"]) for answer in answers]
        assert sorted(taken) == sorted([one.key_package for one in packages] + [last.key_package] * 3)
        assert {answer.json()["devices"][0]["device"] for answer in answers} == {hugo.device_id.hex()}
        for one in askers:
            await one.aclose()
        async with shared_office.wire(hugo) as wire:
            assert wire.ready.key_packages == 0
        async with await shared_office.http(hugo) as http:
            fresh = hugo.key_package(last_resort=True)
            await http.post("/v1/key-packages", json={"one_use": [], "last_resort": b64(fresh.key_package)})
        async with await shared_office.http(shared_office.device()) as http:
            [now] = (await http.post(path)).json()["devices"]
            assert base64.b64decode(now["key_package"]) == fresh.key_package, "the new last resort, not the old"

    play(scene)


def test_key_packages_of_another_device_or_out_of_time_are_refused(shared_office):
    async def scene() -> None:
        hugo, nadia = shared_office.device(), shared_office.device()
        now = now_ms() // 1000
        good = hugo.key_package().key_package
        decoded = KeyPackage.decode(good)
        cases = {
            "bad-credential": nadia.key_package().key_package,
            "expired": hugo.key_package(not_before=now - 9_000, not_after=now - 10).key_package,
            "bad-signature": good[:-1] + bytes([good[-1] ^ 1]),
            "malformed": good + b"!",
        }
        assert decoded.encode() == good
        async with await shared_office.http(hugo) as http:
            for reason, package in cases.items():
                answer = await http.post("/v1/key-packages", json={"one_use": [b64(good), b64(package)]})
                assert (answer.status_code, answer.json()["reason"]) == (422, reason)
            answer = await http.post("/v1/key-packages", json={"one_use": []})
            assert answer.json()["left"] == 0, "all or none"

    play(scene)


def test_no_more_than_two_hundred_key_packages_a_device(shared_office):
    async def scene() -> None:
        hugo = shared_office.device()
        async with await shared_office.http(hugo) as http:
            first = [b64(hugo.key_package().key_package) for _ in range(150)]
            assert (await http.post("/v1/key-packages", json={"one_use": first})).json()["left"] == 150
            more = [b64(hugo.key_package().key_package) for _ in range(51)]
            answer = await http.post("/v1/key-packages", json={"one_use": more})
            assert (answer.status_code, answer.json()["reason"]) == (422, "full")
            assert (await http.post("/v1/key-packages", json={"one_use": more[:50]})).json()["left"] == 200

    play(scene)


def test_a_ticket_ends_with_its_device_and_its_time_and_outlives_a_restart(office):
    async def scene() -> None:
        hugo = office.device()
        async with await office.http(hugo) as http:
            assert (await http.get("/v1/devices")).json()["devices"][0]["device"] == hugo.device_id.hex()
            clock = office.app.state.tickets
            ahead, clock._now_ms = clock._now_ms, lambda: now_ms() + limits.TICKET_MINUTES * 60_000 + 1
            assert (await http.get("/v1/devices")).status_code == 401
            clock._now_ms = ahead
            assert (await http.get("/v1/devices")).status_code == 200
            await asyncio.to_thread(office.in_database, devices.revoke, hugo.device_id, "test", now_ms())
            answer = await http.get("/v1/devices")
            assert (answer.status_code, answer.json()["reason"]) == (403, "revoked")

    async def with_old_ticket(http: httpx.AsyncClient) -> int:
        return (await http.get("/v1/devices")).status_code

    play(scene)
    nadia = office.device()
    http = play(lambda: office.http(nadia))
    token = http.headers["Authorization"]
    office.stop()
    office.start()
    with httpx.Client(base_url=office.url, headers={"Authorization": token}) as again:
        assert again.get("/v1/devices").status_code == 200
        office.in_database(devices.revoke, nadia.device_id, "test", now_ms())
        assert again.get("/v1/devices").status_code == 403


def test_a_person_is_shown_to_those_who_are_in(shared_office):
    async def scene() -> None:
        person_id = os.urandom(16)
        shared_office.person(person_id, "99700000019")
        async with await shared_office.http(shared_office.device()) as http:
            shown = (await http.get(f"/v1/people/{person_id.hex()}")).json()
            assert (shown["display_name"], shown["reachable"]) == ("Dr Camille Exemple", False)
            await asyncio.to_thread(shared_office.device, person_id)
            assert (await http.get(f"/v1/people/{person_id.hex()}")).json()["reachable"] is True

    play(scene)


def endorsed_by(device: Device, fresh: Device) -> bytes:
    request = fresh.request
    content = endorsement_content(device.person_id, request.device_id, request.signature_key, request.login_key)
    return Endorsement(device.device_id, device.signing.sign(labelled(LABEL_ENDORSEMENT, content))).encode()


def test_a_device_is_linked_by_its_code(shared_office):
    async def scene() -> None:
        phone, desk = shared_office.device(), Device(b"", "poste")
        desk.person_id = phone.person_id
        request, server_id = desk.request.encode(), shared_office.keyring.authority.server_id
        lookup = linking.lookup_of(linking.code_of(request, server_id)).hex()
        async with httpx.AsyncClient(base_url=shared_office.url) as anyone, await shared_office.http(phone) as http:
            opened = await anyone.post("/v1/links", json={"lookup": lookup, "request": b64(request)})
            assert opened.status_code == 201
            secret = {"Authorization": f"Bearer {opened.json()['secret']}"}
            path = f"/v1/links/{lookup}"
            assert (await anyone.get(f"{path}/certificate", headers=secret)).json() == {"state": "open"}
            wrong = {"Authorization": f"Bearer {'A' * 43}"}
            assert (await anyone.get(f"{path}/certificate", headers=wrong)).status_code == 404
            assert (await anyone.get(f"{path}/certificate")).status_code == 404
            again = await anyone.post("/v1/links", json={"lookup": lookup, "request": b64(request)})
            assert (again.status_code, again.json()["reason"]) == (409, "link-used")
            assert base64.b64decode((await http.get(path)).json()["request"]) == request

            other = shared_office.device()
            for bad in (endorsed_by(other, desk), endorsed_by(phone, other), endorsed_by(phone, desk)[:-1]):
                answer = await http.post(f"{path}/endorse", json={"endorsement": b64(bad)})
                assert answer.status_code == 422
            good = {"endorsement": b64(endorsed_by(phone, desk))}
            answers = await asyncio.gather(*(http.post(f"{path}/endorse", json=good) for _ in range(10)))
            assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
            assert (await http.get(path)).json()["reason"] == "link-used"
            told = (await anyone.get(f"{path}/certificate", headers=secret)).json()
            assert told["state"] == "certified"
            desk.certificate = identity.DeviceCertificate.parse(base64.b64decode(told["certificate"]))
            desk.certificate.verify(shared_office.keyring.authority, now_ms())
            desk.certificate.check_endorsement(phone.certificate.signature_key)
            assert desk.certificate.person_id == phone.person_id
            assert desk.certificate.professional.checked_how == "linked"
            listed = (await http.get("/v1/devices")).json()["devices"]
            assert [one["name"] for one in listed] == ["téléphone", "poste"]
            async with shared_office.wire(desk):
                pass

    play(scene)


def test_a_link_ends_after_ten_minutes(shared_office, monkeypatch):
    async def scene() -> None:
        phone, desk = shared_office.device(), Device(os.urandom(16))
        body = {"lookup": os.urandom(16).hex(), "request": b64(desk.request.encode())}
        async with httpx.AsyncClient(base_url=shared_office.url) as anyone, await shared_office.http(phone) as http:
            opened = await anyone.post("/v1/links", json=body)
            secret = {"Authorization": f"Bearer {opened.json()['secret']}"}
            later = now_ms() + limits.LINK_MINUTES * 60_000 + 1
            monkeypatch.setattr("miss_server.routes.now_ms", lambda: later)
            path = f"/v1/links/{body['lookup']}"
            assert (await http.get(path)).json()["reason"] == "link-expired"
            answer = await http.post(f"{path}/endorse", json={"endorsement": b64(endorsed_by(phone, desk))})
            assert (answer.status_code, answer.json()["reason"]) == (410, "link-expired")
            assert (await anyone.get(f"{path}/certificate", headers=secret)).json() == {"state": "expired"}

    play(scene)


def test_links_that_nobody_uses_are_bounded(shared_office, monkeypatch):
    monkeypatch.setattr(links, "LINKS_OPEN_MAX", 3)

    async def scene() -> None:
        async with httpx.AsyncClient(base_url=shared_office.url) as anyone:
            answers = []
            for _ in range(5):
                body = {"lookup": os.urandom(16).hex(), "request": b64(Device(os.urandom(16)).request.encode())}
                answers.append(await anyone.post("/v1/links", json=body))
            assert answers[-1].json()["reason"] == "slow-down"

    play(scene)


def test_no_more_than_eight_devices_a_person(shared_office):
    import pytest

    from miss_protocol.errors import RemoteError

    person_id = os.urandom(16)
    for _ in range(limits.DEVICES_PER_PERSON_MAX):
        shared_office.device(person_id)
    with pytest.raises(RemoteError, match="too-many-devices"):
        shared_office.device(person_id)


def test_the_authority_is_the_one_the_invitation_names(shared_office):
    from miss_protocol.identity import Authority

    answer = httpx.get(f"{shared_office.url}/v1/authority")
    server_id = shared_office.keyring.authority.server_id
    assert Authority.decode(answer.content, server_id=server_id).server_id == server_id
    assert answer.headers["X-MiSS-Name"] == "127.0.0.1"
    assert "server" not in answer.headers
