"""Who may ask what: every route and every frame of the service, tried by everybody it is not for; a new one needs a row.

The operators' console has a matrix of its own (``console/test_pages.py``).
"""

import base64
import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Connection, func, insert, select, update

from miss_protocol.connection import TURNS, Role, State
from miss_protocol.frames import (
    Accepted,
    Acknowledge,
    Attended,
    Challenge,
    Class,
    Close,
    Frame,
    Kind,
    Login,
    Refusal,
    Refused,
    Report,
    Reports,
    Submit,
    Ticket,
    TicketPlease,
    Typing,
    Typist,
    encode,
    positions,
)
from miss_protocol.mls import group as mls
from miss_server import devices
from miss_server.clock import now_ms
from miss_server.metadata import metadata
from miss_server.register_tables import people, registrations
from miss_server.tickets import Tickets
from server.office import Device, Office, Wire, login, make_circle, opaque, play
from server.test_conversations import leaf_of, refusal

# For whom a route is: anybody; who holds a ticket; who holds the secret that was given out with the thing itself.
ANYBODY, TICKET, SECRET = "anybody", "ticket", "secret"
ROUTES = {
    ("GET", "/health"): ANYBODY,
    ("GET", "/health/live"): ANYBODY,
    ("GET", "/health/ready"): ANYBODY,
    ("GET", "/v1/authority"): ANYBODY,
    ("GET", "/v1/charter"): ANYBODY,
    ("GET", "/v1/charter/acceptance"): TICKET,
    ("POST", "/v1/charter/acceptance"): TICKET,
    ("GET", "/v1/registrations"): ANYBODY,
    ("POST", "/v1/registrations"): ANYBODY,
    ("POST", "/v1/registrations/psc"): ANYBODY,
    ("POST", "/v1/registrations/voucher"): ANYBODY,
    ("GET", "/v1/registrations/{registration}"): SECRET,
    ("POST", "/v1/registrations/{registration}/code"): SECRET,
    ("POST", "/v1/registrations/{registration}/resend"): SECRET,
    ("GET", "/v1/psc/return"): SECRET,
    ("GET", "/v1/directory"): TICKET,
    ("PUT", "/v1/establishments/{number}/directory"): SECRET,
    ("GET", "/v1/establishments/staff"): TICKET,
    ("GET", "/v1/wishes"): TICKET,
    ("PUT", "/v1/wishes"): TICKET,
    ("POST", "/v1/leaving"): TICKET,
    ("GET", "/v1/reach"): TICKET,
    ("PUT", "/v1/reach"): TICKET,
    ("PUT", "/v1/push"): TICKET,
    ("DELETE", "/v1/push"): TICKET,
    ("GET", "/v1/availability"): TICKET,
    ("PUT", "/v1/availability"): TICKET,
    ("POST", "/v1/availability/of"): TICKET,
    ("GET", "/v1/service"): ANYBODY,
    ("POST", "/v1/reports"): TICKET,
    ("POST", "/v1/invites"): TICKET,
    ("GET", "/invites/{secret}"): SECRET,
    ("POST", "/invites/{secret}"): SECRET,
    ("GET", "/v1/people/{person}"): TICKET,
    ("POST", "/v1/people/{person}/key-packages"): TICKET,
    ("POST", "/v1/key-packages"): TICKET,
    ("GET", "/v1/devices"): TICKET,
    ("PATCH", "/v1/devices/{named}"): TICKET,
    ("DELETE", "/v1/devices/{named}"): TICKET,
    ("GET", "/v1/conversations/{stream}/way-back"): TICKET,
    ("POST", "/v1/links"): ANYBODY,
    ("GET", "/v1/links/{lookup}"): TICKET,
    ("POST", "/v1/links/{lookup}/endorse"): TICKET,
    ("GET", "/v1/links/{lookup}/certificate"): SECRET,
    ("PUT", "/v1/blobs/{name}"): TICKET,
    ("HEAD", "/v1/blobs/{name}"): TICKET,
    ("GET", "/v1/blobs/{name}"): TICKET,
    ("GET", "/v1/log"): TICKET,
    ("POST", "/v1/certificate"): TICKET,
    ("GET", "/v1/waiting"): TICKET,
    ("POST", "/v1/waiting/{registration}/refuse"): TICKET,
    ("GET", "/v1/directory/new"): TICKET,
    ("PUT", "/v1/vault/share"): TICKET,
    ("POST", "/v1/vault/share/release"): TICKET,
    ("POST", "/v1/vault/requests"): TICKET,
    ("GET", "/v1/vault/requests"): TICKET,
    ("GET", "/v1/vault/requests/mine"): TICKET,
    ("POST", "/v1/vault/requests/{named}/answer"): TICKET,
}
# What a client may say on the socket, and what somebody it is not for is told.
FRAMES: dict[type[Frame], str] = {
    Login: "closed: the signature, and the device's row, are looked at",
    Submit: "refused: not a member",
    Acknowledge: "closed: a stream that is not this device's",
    Reports: "stepped over",
    Typing: "stepped over",
    Attended: "of the device that says it, and nobody else",
    TicketPlease: "closed: only after a login",
}


def served(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every (method, path) of the application, however deep its routers lie."""
    waiting: list[Any] = list(app.routes)
    while waiting:
        one = waiting.pop()
        if isinstance(one, APIRoute):
            yield from ((method, one.path) for method in one.methods)
        waiting += getattr(getattr(one, "original_router", None), "routes", [])


def test_every_route_and_every_frame_has_its_row(shared_office: Office) -> None:
    found = list(served(shared_office.app))
    assert len(found) == len(set(found)), "two routes for the same"
    assert set(found) == set(ROUTES)
    said = {kind for (_, role), kinds in TURNS.items() if role is Role.CLIENT for kind in kinds}
    assert said == set(FRAMES)
    assert set(TURNS[State.CHALLENGED, Role.CLIENT]) == {Login}


def everything(connection: Connection) -> dict[str, list[str]]:
    """All that the database holds, but for what is written later by itself: counts, cursors, when a device was seen."""
    found = {}
    for table in metadata.sorted_tables:
        if table.name not in ("buckets", "cursors", "standings"):
            columns = [column for column in table.c if column.name not in ("last_seen_ms", "numbers")]
            found[table.name] = sorted(map(repr, connection.execute(select(*columns)).all()))
    return found


class Stage:
    """Camille's things, and people whom they are not for."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.camille, self.hugo = office.device(), office.device()
        self.revoked, self.suspended = office.device(), office.device()
        self.http = httpx.Client(base_url=office.url, trust_env=False)
        self.stream = os.urandom(16)
        self.filled = {
            "person": self.camille.person_id.hex(),
            "named": self.camille.device_id.hex(),
            "registration": os.urandom(16).hex(),
            "lookup": os.urandom(16).hex(),
            "name": os.urandom(32).hex(),
            "stream": self.stream.hex(),
            "number": "750000018",
            "secret": "x" * 43,
        }

    def ticket(self, device: Device) -> str:
        tickets: Tickets = self.office.app.state.tickets
        return tickets.make(device.device_id)

    def end(self) -> None:
        """One was revoked, one suspended; both still hold a ticket."""
        office = self.office
        office.in_database(devices.revoke, self.revoked.device_id, "operator", now_ms())
        office.person(self.suspended.person_id, "99700000001")
        gone = update(people).where(people.c.person_id == self.suspended.person_id).values(suspended_at_ms=now_ms())
        office.in_database(lambda connection: connection.execute(gone))

    def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        content = (
            b'{"code": "AAAA-AAAA"}'
            if path.endswith("/code")
            else b"{}"
            if method in ("POST", "PUT", "PATCH")
            else None
        )
        return self.http.request(method, path.format(**self.filled), headers=headers, content=content)


@pytest.fixture(scope="module")
def stage(shared_office: Office) -> Stage:
    one = Stage(shared_office)
    one.end()
    return one


def test_a_ticket_of_a_living_device_is_asked_for(stage: Stage) -> None:
    """Not a stranger's, a forger's, another server's, an auditor's of the console; nor a revoked or suspended device's."""
    other_server = Tickets(bytes(32), now_ms)
    forged = base64.urlsafe_b64encode(os.urandom(56)).decode()
    unknown = stage.office.app.state.tickets.make(os.urandom(16))
    refused: list[tuple[dict[str, str], int, str]] = [
        ({}, 401, "unauthenticated"),
        ({"Authorization": "Bearer"}, 401, "unauthenticated"),
        ({"Authorization": f"Bearer {forged}"}, 401, "unauthenticated"),
        ({"Authorization": f"Basic {stage.ticket(stage.camille)}"}, 401, "unauthenticated"),
        ({"Authorization": f"Bearer {other_server.make(stage.camille.device_id)}"}, 401, "unauthenticated"),
        ({"Authorization": f"Bearer {unknown}"}, 401, "unauthenticated"),
        ({"Cookie": "miss-console=of-an-auditor"}, 401, "unauthenticated"),
        ({"Authorization": f"Bearer {stage.ticket(stage.revoked)}"}, 403, "revoked"),
        ({"Authorization": f"Bearer {stage.ticket(stage.suspended)}"}, 403, "suspended"),
    ]
    before = stage.office.in_database(everything)
    for (method, path), whom in ROUTES.items():
        if whom != TICKET:
            continue
        for headers, status, reason in refused:
            answer = stage.ask(method, path, **headers)
            assert answer.status_code == status, (method, path, headers, answer.text)
            assert method == "HEAD" or answer.json()["reason"] == reason, (method, path)
            assert method == "HEAD" or len(answer.json()["sentence"].split()) > 5
    assert stage.office.in_database(everything) == before


def test_a_ticket_opens_nothing_that_has_a_secret_of_its_own(stage: Stage) -> None:
    """What exists is answered as what does not, to who has no secret, a wrong one, a ticket, or the secret of another."""
    office = stage.office
    known, other, secret = os.urandom(16), os.urandom(16), os.urandom(32)

    def write(connection: Connection) -> None:
        for one in (known, other):
            row = {
                column.name: "" for column in registrations.c if not column.nullable and column.server_default is None
            }
            row |= {"registration_id": one, "secret_hash": os.urandom(32), "request": b"", "device_id": os.urandom(16)}
            connection.execute(insert(registrations).values(row | {"state": "code", "opened_at_ms": now_ms()}))

    office.in_database(write)
    before = office.in_database(everything)
    bearers = (
        "x",
        stage.ticket(stage.camille),
        base64.urlsafe_b64encode(secret).decode().rstrip("="),
        "é".encode().hex(),
    )
    for (method, path), whom in ROUTES.items():
        if whom != SECRET:
            continue
        answers = set()
        for bearer in bearers:
            for registration in (known, os.urandom(16)):
                stage.filled["registration"] = registration.hex()
                answer = stage.ask(method, path, Authorization=f"Bearer {bearer}")
                answers.add((answer.status_code, answer.text))
        assert len(answers) == 1, (method, path, answers)
        ((status, _),) = answers
        # Pages for people answer in HTML; a link that refuses invitations tells nobody whether it was one.
        assert status in (401, 404, 422, 400, 200, 410), (method, path, answers)
        assert status != 200 or path.startswith(("/invites/", "/v1/psc/")), (method, path)
    assert office.in_database(everything) == before


def test_another_persons_things_are_not_found(stage: Stage) -> None:
    """Hugo, of another establishment, in no conversation of Camille's, asks for what is hers."""

    async def scene() -> None:
        office = stage.office
        async with await office.http(stage.hugo) as http, office.wire(stage.camille) as wire:
            circle = await make_circle(office, wire)
            before = office.in_database(everything)
            named, stream = stage.camille.device_id.hex(), circle.stream.hex()
            for method, path, body in (
                ("PATCH", f"/v1/devices/{named}", {"name": "à moi"}),
                ("DELETE", f"/v1/devices/{named}", None),
                ("GET", f"/v1/conversations/{stream}/way-back", None),
                ("POST", f"/v1/waiting/{stage.filled['registration']}/refuse", None),
                ("GET", f"/v1/links/{os.urandom(16).hex()}", None),
                ("GET", f"/v1/blobs/{os.urandom(32).hex()}", None),
                ("POST", f"/v1/vault/requests/{named}/answer", {"approval": ""}),
                ("POST", "/v1/vault/share/release", {"proof": bytes(32).hex()}),
            ):
                answer = await http.request(method, path, json=body)
                assert answer.status_code == 404, (method, path, answer.text)
            listed = (await http.get("/v1/devices")).json()["devices"]
            assert [one["device"] for one in listed] == [stage.hugo.device_id.hex()]
            assert stage.camille.certificate.der not in (await http.get("/v1/log")).content
            assert office.in_database(everything) == before
            assert isinstance(await wire.submit(circle.text()), Accepted)  # Camille's device is as it was

    play(scene)


async def closed_with(wire: Wire) -> int:
    await wire.websocket.wait_closed()
    return wire.websocket.close_code or 0


@pytest.mark.parametrize("removed", [False, True], ids=["never a member", "a removed member"])
def test_a_conversation_hears_and_tells_its_members_only(shared_office: Office, removed: bool) -> None:
    async def scene() -> None:
        camille, hugo, nadia = (shared_office.device() for _ in range(3))
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b, shared_office.wire(nadia) as c:
            circle = await make_circle(shared_office, a, nadia, *([hugo] if removed else []))
            if removed:
                commit, circle.group = circle.committing(mls.Remove(leaf_of(circle, hugo)))
                await a.submit(commit)
                await b.rows(2, circle.stream)
            epoch = circle.group.epoch
            for submit in (
                opaque(circle.stream, epoch),
                Submit(os.urandom(16), circle.stream, Kind.COMMIT, Class.SILENT, epoch, circle.creation().body),
                Submit(os.urandom(16), circle.stream, Kind.PROPOSAL, Class.SILENT, epoch, b"x"),
            ):
                answer = await b.submit(submit)
                assert isinstance(answer, Refused)
                assert refusal(answer)[0] is Refusal.NOT_MEMBER
            digest = os.urandom(32)
            await b.say(Typing(circle.stream), Reports((Report(circle.stream, 0, epoch, digest),)))
            await b.say(TicketPlease())
            await b.next(Ticket)  # what was said before was taken
            assert isinstance(await a.submit(circle.text()), Accepted)
            await c.rows(3 if removed else 2, circle.stream)
            assert not [one for one in (*a.waiting, *c.waiting) if isinstance(one, Typist)]
            told = shared_office.in_database(
                lambda connection: connection.scalar(
                    select(func.count()).where(metadata.tables["standings"].c.digest == digest)
                )
            )
            assert told == 0
            if not removed:
                await b.say(Acknowledge(positions([(circle.stream, 1)])))
                assert await closed_with(b) == Close.PROTOCOL
            async with await shared_office.http(hugo) as http:
                assert (await http.get(f"/v1/conversations/{circle.stream.hex()}/way-back")).status_code == 404

    play(scene)


def test_nobody_is_heard_before_a_login_and_no_ended_device_after(stage: Stage) -> None:
    async def scene() -> None:
        office = stage.office
        for frame in (TicketPlease(), Attended(), opaque(os.urandom(16), 1), Typing(os.urandom(16)), Reports(())):
            wire = Wire(await office.raw(), stage.camille)
            await wire.websocket.recv()
            await wire.websocket.send(encode(frame))
            assert await closed_with(wire) == Close.PROTOCOL
        for device, code in (
            (stage.revoked, Close.REVOKED),
            (stage.suspended, Close.LOGIN),
            (Device(b"x" * 16), Close.LOGIN),
        ):
            wire = Wire(await office.raw(), device)
            await wire.say(login(device, await wire.next(Challenge)))
            assert await closed_with(wire) == code

    play(scene)
