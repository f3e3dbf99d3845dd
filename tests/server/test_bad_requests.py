"""Requests that nobody should make over HTTP: a status, a reason and a sentence, and the server goes on."""

import base64
import hashlib
from collections.abc import Awaitable, Callable

import httpx
import pytest

from miss_protocol.frames import (
    Accepted,
)
from miss_protocol.mls import group as mls
from server.office import Device, make_circle, play
from server.test_bad_frames import AFTER_LOGIN, BEFORE_LOGIN
from server.test_bad_rows import SUBMITTED

NAME = hashlib.sha256(b"blob").hexdigest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def piece(ranged: str, data: bytes = b"blob") -> dict:
    return {"content": data, "headers": {"Content-Range": ranged}}


Request = Callable[[httpx.AsyncClient, Device], Awaitable[httpx.Response]]
ASKED: list[tuple[str, Request, int, str]] = [
    ("no such page", lambda h, d: h.get("/v2/nothing"), 404, "not-found"),
    ("no such method", lambda h, d: h.delete("/v1/devices"), 405, "not-found"),
    ("a path with a NUL", lambda h, d: h.get("/v1/people/%00"), 422, "malformed"),
    ("a person that is no number", lambda h, d: h.get("/v1/people/camille"), 422, "malformed"),
    ("a person with digits of another script", lambda h, d: h.get("/v1/people/" + "٣" * 32), 422, "malformed"),
    ("an unknown person", lambda h, d: h.get(f"/v1/people/{'ab' * 16}"), 404, "not-found"),
    ("key packages that are no JSON", lambda h, d: h.post("/v1/key-packages", content=b"{"), 422, "malformed"),
    ("key packages that are a list", lambda h, d: h.post("/v1/key-packages", json=[]), 422, "malformed"),
    ("nesting without end", lambda h, d: h.post("/v1/key-packages", content=b"[" * 100_000), 422, "malformed"),
    ("an unknown field", lambda h, d: h.post("/v1/key-packages", json={"x": 1}), 422, "malformed"),
    ("one_use that is no list", lambda h, d: h.post("/v1/key-packages", json={"one_use": 3}), 422, "malformed"),
    ("too many", lambda h, d: h.post("/v1/key-packages", json={"one_use": ["AA=="] * 201}), 422, "malformed"),
    ("no base64", lambda h, d: h.post("/v1/key-packages", json={"one_use": ["é"]}), 422, "malformed"),
    (
        "a lone surrogate",
        lambda h, d: h.post("/v1/key-packages", content=b'{"one_use":["\\ud800"]}'),
        422,
        "malformed",
    ),
    (
        "noise as a key package",
        lambda h, d: h.post("/v1/key-packages", json={"one_use": [b64(b"x")]}),
        422,
        "malformed",
    ),
    (
        "a giant key package",
        lambda h, d: h.post("/v1/key-packages", json={"one_use": [b64(bytes(9_000))]}),
        422,
        "too-large",
    ),
    ("a giant body", lambda h, d: h.post("/v1/key-packages", content=bytes(4_000_000)), 413, "too-large"),
    ("a piece without a range", lambda h, d: h.put(f"/v1/blobs/{NAME}", content=b"blob"), 422, "malformed"),
    (
        "a piece with a wrong length",
        lambda h, d: h.put(f"/v1/blobs/{NAME}", **piece("bytes 0-9/10")),
        422,
        "malformed",
    ),
    ("a piece beyond the end", lambda h, d: h.put(f"/v1/blobs/{NAME}", **piece("bytes 0-3/3")), 413, "too-large"),
    (
        "a piece from the middle",
        lambda h, d: h.put(f"/v1/blobs/{NAME}", **piece("bytes 4-7/9")),
        409,
        "blob-elsewhere",
    ),
    (
        "a blob that is too large",
        lambda h, d: h.put(f"/v1/blobs/{NAME}", **piece("bytes 0-3/99999999")),
        413,
        "too-large",
    ),
    (
        "a piece that is too large",
        lambda h, d: h.put(f"/v1/blobs/{NAME}", **piece("bytes 0-299999/300000", bytes(300_000))),
        413,
        "too-large",
    ),
    (
        "a blob of another name",
        lambda h, d: h.put(f"/v1/blobs/{NAME}", **piece("bytes 0-3/4", b"bolb")),
        422,
        "blob-altered",
    ),
    ("a blob's name that leads elsewhere", lambda h, d: h.get("/v1/blobs/..%2f..%2fmiss.db"), 404, "not-found"),
    ("an unknown blob", lambda h, d: h.get(f"/v1/blobs/{'00' * 32}"), 404, "blob-unknown"),
    ("availability of nobody", lambda h, d: h.post("/v1/availability/of", json={"persons": []}), 422, "malformed"),
    (
        "availability of too many",
        lambda h, d: h.post("/v1/availability/of", json={"persons": ["00" * 16] * 101}),
        422,
        "malformed",
    ),
    (
        "away without an end",
        lambda h, d: h.put("/v1/availability", json={"state": "away", "until_ms": 0}),
        422,
        "until-wrong",
    ),
    (
        "away for ever",
        lambda h, d: h.put("/v1/availability", json={"state": "away", "until_ms": (1 << 53) - 1}),
        422,
        "until-wrong",
    ),
    (
        "a state that is none",
        lambda h, d: h.put("/v1/availability", json={"state": "asleep", "until_ms": 0}),
        422,
        "malformed",
    ),
    (
        "a report of nothing",
        lambda h, d: h.post("/v1/reports", json={"report": " "}),
        422,
        "malformed",
    ),
    (
        "a report that is too long",
        lambda h, d: h.post("/v1/reports", json={"report": "x" * 6_001}),
        422,
        "malformed",
    ),
    (
        "a report with control characters",
        lambda h, d: h.post("/v1/reports", json={"report": "\x1b[2J"}),
        422,
        "malformed",
    ),
    (
        "a report that says who sends it",
        lambda h, d: h.post("/v1/reports", json={"report": "x", "person": "00" * 16}),
        422,
        "malformed",
    ),
    ("an unknown link", lambda h, d: h.get(f"/v1/links/{'00' * 16}"), 404, "link-unknown"),
    (
        "an endorsement of nothing",
        lambda h, d: h.post(f"/v1/links/{'00' * 16}/endorse", json={"endorsement": b64(b"x")}),
        404,
        "link-unknown",
    ),
    (
        "a link of noise",
        lambda h, d: h.post("/v1/links", json={"lookup": "00" * 16, "request": b64(b"x")}),
        422,
        "malformed",
    ),
    (
        "a link of a device that is known",
        lambda h, d: h.post("/v1/links", json={"lookup": "00" * 16, "request": b64(d.request.encode())}),
        422,
        "device-known",
    ),
]


@pytest.mark.parametrize(("what", "ask", "status", "reason"), ASKED, ids=[case[0] for case in ASKED])
def test_what_is_asked_over_http(shared_office, what, ask, status, reason):
    async def scene() -> None:
        device = shared_office.device()
        async with await shared_office.http(device) as http:
            answer = await ask(http, device)
            assert (answer.status_code, answer.json()["reason"]) == (status, reason)
            assert answer.json()["sentence"].endswith(".")
            assert (await http.get("/v1/devices")).status_code == 200

    play(scene)


TICKETS = ["", "Bearer", "Bearer x", "Basic eA==", f"Bearer {'A' * 76}", f"Bearer {'A' * 5000}", "Bearer é"]
CLOSED = ["/v1/devices", "/v1/people/" + "00" * 16, "/v1/blobs/" + "00" * 32, "/v1/links/" + "00" * 16, "/v1/directory"]


@pytest.mark.parametrize("header", TICKETS)
def test_without_a_ticket_there_is_nothing(shared_office, header):
    headers = {"Authorization": header.encode()} if header else {}
    with httpx.Client(base_url=shared_office.url, headers=headers, timeout=120) as http:
        for path in CLOSED:
            answer = http.get(path)
            assert (answer.status_code, answer.json()["reason"]) == (401, "unauthenticated"), path
        for path in ("/v1/key-packages", f"/v1/people/{'00' * 16}/key-packages", f"/v1/links/{'00' * 16}/endorse"):
            assert http.post(path, json={}).status_code == 401
        assert http.put(f"/v1/blobs/{'00' * 32}", content=b"x").status_code == 401


def test_afterwards_a_real_client_still_sends_and_receives(shared_office):
    async def scene() -> None:
        assert len(AFTER_LOGIN + BEFORE_LOGIN + SUBMITTED + ASKED + TICKETS) >= 96
        camille, hugo = shared_office.device(), shared_office.device()
        async with shared_office.wire(camille) as a, shared_office.wire(hugo) as b:
            circle = await make_circle(shared_office, a)
            package = hugo.key_package()
            commit, circle.group = circle.adding(package)
            assert isinstance(await a.submit(commit), Accepted)
            [welcome] = await b.rows(1, circle.stream)
            joined = mls.join(welcome.body, [package], hugo.identity, rules=circle.rules)
            assert isinstance(await a.submit(circle.text(b"toujours l\xc3\xa0")), Accepted)
            [row] = await b.rows(1, circle.stream)
            assert mls.open_message(joined.group, row.body).plaintext == b"toujours l\xc3\xa0"

    play(scene)
