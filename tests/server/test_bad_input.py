"""What nobody should send, sent by a bare socket to the running server: each has its reason, and the server goes on."""

import asyncio
import base64
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from miss_protocol import limits
from miss_protocol.frames import (
    Accepted,
    Acknowledge,
    Challenge,
    Class,
    Deliver,
    Drained,
    Kind,
    Position,
    Ready,
    Refusal,
    Refused,
    Submit,
    TicketPlease,
    decode,
    encode,
)
from miss_protocol.labels import sign_p256
from miss_protocol.mls import group as mls
from miss_protocol.mls.codec import Writer, varint
from server.office import Circle, Device, Wire, login, make_circle, opaque, play

CASES = 0  # counted as they are collected


def counted(cases: list) -> list:
    global CASES
    CASES += len(cases)
    return cases


async def closing(websocket, message: bytes | str) -> tuple[int, str]:
    """Sends one message; the code and reason with which the server then closes."""
    try:
        await websocket.send(message)
        async with asyncio.timeout(120):
            while True:
                await websocket.recv()
    except ConnectionClosed:
        pass
    return websocket.close_code or 0, websocket.close_reason or ""


def frame(kind: int, body: bytes) -> bytes:
    return kind.to_bytes(2, "big") + varint(len(body)) + body


SUBMIT = 0x8010
GOOD = encode(opaque(bytes(16), 0))


def submit_body(kind: int, priority: int, body: bytes, welcome: bytes = b"") -> bytes:
    out = Writer().fixed(bytes(16)).fixed(bytes(16)).u8(kind).u8(priority).u64(0)
    return out.opaque(body).opaque(welcome).bytes()


# After login: what is sent, then close code and reason.
AFTER_LOGIN = counted(
    [
        ("nothing at all", b"", 4400, "malformed"),
        ("one byte", b"\x80", 4400, "malformed"),
        ("a text message", "bonjour", 4400, "malformed"),
        ("an empty text message", "", 4400, "malformed"),
        ("random bytes", bytes.fromhex("80ff3aeb0114da"), 4400, "malformed"),
        ("an unknown critical frame", frame(0x8099, b"?"), 4400, "unknown-frame"),
        ("a frame cut off in its type", GOOD[:1], 4400, "malformed"),
        ("a frame cut off in its length", GOOD[:3], 4400, "malformed"),
        ("a frame cut off in its body", GOOD[:-1], 4400, "malformed"),
        ("a second frame cut off", GOOD + GOOD[:9], 4400, "malformed"),
        ("a length that is not minimal", SUBMIT.to_bytes(2, "big") + b"\x40\x05hello", 4400, "malformed"),
        ("a length of prefix 3", SUBMIT.to_bytes(2, "big") + b"\xc0\x00\x00\x00", 4400, "malformed"),
        ("a length beyond the message", SUBMIT.to_bytes(2, "big") + b"\xbf\xff\xff\xff", 4400, "malformed"),
        ("bytes after a known body", frame(SUBMIT, submit_body(1, 1, b"x") + b"!"), 4400, "malformed"),
        ("a Submit of no kind", frame(SUBMIT, submit_body(0, 1, b"x")), 4400, "malformed"),
        ("a Submit of an unknown kind", frame(SUBMIT, submit_body(99, 1, b"x")), 4400, "malformed"),
        ("a Submit that is delivered only", frame(SUBMIT, submit_body(Kind.WELCOME, 1, b"x")), 4400, "malformed"),
        ("a Submit of a notice", frame(SUBMIT, submit_body(Kind.NOTICE, 1, b"x")), 4400, "malformed"),
        ("a Submit of an unknown class", frame(SUBMIT, submit_body(1, 9, b"x")), 4400, "malformed"),
        (
            "a message that is too large",
            frame(SUBMIT, submit_body(1, 1, bytes(limits.APPLICATION_BODY_BYTES_MAX + 1))),
            1009,
            "too-large",
        ),
        (
            "a commit that is too large",
            frame(SUBMIT, submit_body(2, 0, bytes(limits.HANDSHAKE_BODY_BYTES_MAX + 1))),
            1009,
            "too-large",
        ),
        (
            "a welcome that is too large",
            frame(SUBMIT, submit_body(2, 0, b"x", bytes(limits.WELCOME_BYTES_MAX + 1))),
            1009,
            "too-large",
        ),
        ("a welcome with a message", frame(SUBMIT, submit_body(1, 1, b"x", b"welcome")), 1009, "too-large"),
        ("an Acknowledge that is cut", frame(0x8014, Writer().opaque(bytes(17)).bytes()), 4400, "malformed"),
        (
            "an Acknowledge of too many streams",
            encode(Acknowledge((Position(bytes(16), 1),) * (limits.ACKNOWLEDGE_STREAMS_MAX + 1))),
            1009,
            "too-large",
        ),
        ("an Acknowledge of a foreign stream", encode(Acknowledge((Position(b"f" * 16, 1),))), 4400, "foreign-stream"),
        ("a TicketPlease with a body", frame(0x8018, b"x"), 4400, "malformed"),
        ("a second login", None, 4400, "out-of-turn"),
        ("a Challenge from a client", encode(Challenge(bytes(32), bytes(32), 1, 0)), 4400, "out-of-turn"),
        ("a Ready from a client", encode(Ready(0, 0)), 4400, "out-of-turn"),
        ("an Accepted from a client", encode(Accepted(bytes(16), bytes(16), 1, 1)), 4400, "out-of-turn"),
        (
            "a Deliver from a client",
            encode(Deliver(bytes(16), 1, Kind.APPLICATION, Class.NORMAL, 0, 0, b"x")),
            4400,
            "out-of-turn",
        ),
        ("a Drained from a client", encode(Drained()), 4400, "out-of-turn"),
    ]
)


@pytest.mark.parametrize(("what", "message", "code", "reason"), AFTER_LOGIN, ids=[case[0] for case in AFTER_LOGIN])
def test_after_login(shared_office, what, message, code, reason):
    async def scene() -> None:
        device = shared_office.device()
        wire = await shared_office.dial(device)
        sent = message
        if sent is None:
            sent = encode(login(device, Challenge(bytes(32), bytes(32), 1, 0)))
        assert await closing(wire.websocket, sent) == (code, reason)
        async with shared_office.wire(device) as again:
            assert isinstance(await again.submit(opaque(os.urandom(16), 0)), Refused)

    play(scene)


def wrong_signature(device: Device, challenge: Challenge) -> bytes:
    return encode(login(device, challenge, signature=login(device, challenge).signature[:-1] + b"\x00"))


def another_key(device: Device, challenge: Challenge) -> bytes:
    return encode(login(Device(bytes(16)), challenge, device_id=device.device_id))


def another_label(device: Device, challenge: Challenge) -> bytes:
    good = login(device, challenge)
    content = challenge.server_id + device.device_id + challenge.nonce + good.nonce
    return encode(
        login(device, challenge, nonce=good.nonce, signature=sign_p256(device.login, "MiSS other 1", content))
    )


def replayed(device: Device, challenge: Challenge) -> bytes:
    return encode(login(device, Challenge(challenge.server_id, os.urandom(32), 1, 0)))


def other_server(device: Device, challenge: Challenge) -> bytes:
    return encode(login(device, Challenge(os.urandom(32), challenge.nonce, 1, 0)))


def twice(device: Device, challenge: Challenge) -> bytes:
    return encode(login(device, challenge), login(device, challenge))


BEFORE_LOGIN = counted(
    [
        ("a wrong signature", wrong_signature, 4401, "bad-signature"),
        ("another device's key", another_key, 4401, "bad-signature"),
        ("a signature with another label", another_label, 4401, "bad-signature"),
        ("a login recorded elsewhere", replayed, 4401, "bad-signature"),
        ("a login for another server", other_server, 4401, "bad-signature"),
        ("an unknown device", lambda d, c: encode(login(Device(bytes(16)), c)), 4401, "unknown-device"),
        ("an empty signature", lambda d, c: encode(login(d, c, signature=b"")), 4401, "bad-signature"),
        (
            "a signature that is no signature",
            lambda d, c: encode(login(d, c, signature=b"0" * 70)),
            4401,
            "bad-signature",
        ),
        ("a signature that is too long", lambda d, c: encode(login(d, c, signature=bytes(129))), 1009, "too-large"),
        ("a client that is too old", lambda d, c: encode(login(d, c, version=0)), 4406, "version"),
        ("two logins at once", twice, 4400, "out-of-turn"),
        ("a Submit before login", lambda d, c: encode(opaque(bytes(16), 0)), 4400, "out-of-turn"),
        ("a TicketPlease before login", lambda d, c: encode(TicketPlease()), 4400, "out-of-turn"),
        ("a login cut off", lambda d, c: encode(login(d, c))[:-3], 4400, "malformed"),
        ("nothing", lambda d, c: b"", 4400, "malformed"),
    ]
)


@pytest.mark.parametrize(("what", "answer", "code", "reason"), BEFORE_LOGIN, ids=[case[0] for case in BEFORE_LOGIN])
def test_before_login(shared_office, what, answer, code, reason):
    async def scene() -> None:
        device = shared_office.device()
        websocket = await shared_office.raw()
        [challenge] = decode(await websocket.recv())
        assert isinstance(challenge, Challenge)
        assert await closing(websocket, answer(device, challenge)) == (code, reason)
        async with shared_office.wire(device):
            pass

    play(scene)


def test_around_the_websocket(shared_office, monkeypatch):
    """No subprotocol, a page that is not there, a message larger than any, a login that never comes."""
    counted([1, 2, 3, 4])
    monkeypatch.setattr("miss_protocol.limits.LOGIN_SECONDS_MAX", 0.2)

    async def scene() -> None:
        websocket = await shared_office.raw(subprotocols=None)
        assert await closing(websocket, b"") == (4406, "subprotocol")
        silent = await shared_office.raw()
        await silent.recv()
        await asyncio.wait_for(silent.wait_closed(), 120)
        assert (silent.close_code, silent.close_reason) == (4401, "login-timeout")
        giant = await shared_office.raw()
        await giant.recv()
        code, _ = await closing(giant, bytes(limits.WEBSOCKET_MESSAGE_BYTES_MAX + 2_000))
        assert code == 1009
        from websockets.asyncio.client import connect

        with pytest.raises(InvalidStatus):
            await connect(f"ws://127.0.0.1:{shared_office.port}/v1/other")

    play(scene)


def a_commit(circle: Circle) -> Submit:
    return circle.committing()[0]


def changed(submit: Submit, **fields: object) -> Submit:
    return replace(submit, **{"message_id": os.urandom(16)} | fields)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


def another_group(circle: Circle) -> Submit:
    other = Circle(circle.office, circle.creator, [circle.creator.person_id])
    return changed(a_commit(other), stream=circle.stream)


def two_leaves(circle: Circle) -> Submit:
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    _, fresh.group = fresh.adding(circle.office.device().key_package())
    return fresh.creation()


def under_another_name(circle: Circle) -> Submit:
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    return changed(fresh.creation(), stream=os.urandom(16))


def without_terms(circle: Circle) -> Submit:
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    fresh.group = mls.create(
        circle.creator.identity, fresh.stream + bytes(4), extensions=(), not_before=0, not_after=2**33
    )
    return fresh.creation()


def without_registrar(circle: Circle) -> Submit:
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    kept = tuple(one for one in fresh.group.extensions if one.type != 5)
    fresh.group = mls.create(
        circle.creator.identity, fresh.stream + bytes(4), extensions=kept, not_before=0, not_after=2**33
    )
    return fresh.creation()


def forged_credential(circle: Circle) -> Submit:
    identity = mls.Identity(circle.creator.seed, mls.Credential.basic(b"Dr Camille Exemple"))
    fresh = Circle(circle.office, circle.creator, [circle.creator.person_id])
    fresh.group = mls.create(
        identity, fresh.stream + bytes(4), extensions=fresh.group.extensions, not_before=0, not_after=2**33
    )
    return changed(fresh.creation(), body=mls.group_info(fresh.group, identity))


# A member of a conversation submits this; the refusal it gets.
SUBMITTED: list[tuple[str, Callable[[Circle], Submit], Refusal]] = counted(
    [
        ("noise as a message", lambda c: changed(opaque(c.stream, 0), body=b"noise"), Refusal.INVALID),
        ("an empty message", lambda c: changed(opaque(c.stream, 0), body=b""), Refusal.INVALID),
        ("a message of another group", lambda c: changed(opaque(os.urandom(16), 0), stream=c.stream), Refusal.INVALID),
        ("a message sealed for another epoch", lambda c: changed(opaque(c.stream, 7), epoch=0), Refusal.INVALID),
        ("a message that claims a future epoch", lambda c: opaque(c.stream, 7), Refusal.STALE),
        ("a message that claims the last epoch of all", lambda c: opaque(c.stream, 2**64 - 1), Refusal.STALE),
        ("a commit as a message", lambda c: changed(a_commit(c), kind=Kind.APPLICATION), Refusal.INVALID),
        ("noise as a commit", lambda c: changed(a_commit(c), body=os.urandom(300)), Refusal.INVALID),
        ("a commit cut off", lambda c: changed(a_commit(c), body=a_commit(c).body[:-1]), Refusal.INVALID),
        ("a commit with bytes after it", lambda c: changed(a_commit(c), body=a_commit(c).body + b"!"), Refusal.INVALID),
        (
            "a commit with a changed signature",
            lambda c: changed(a_commit(c), body=flipped(a_commit(c).body, -100)),
            Refusal.INVALID,
        ),
        ("a commit of another group", another_group, Refusal.INVALID),
        ("a commit as a proposal", lambda c: changed(a_commit(c), kind=Kind.PROPOSAL), Refusal.INVALID),
        ("noise as a proposal", lambda c: changed(a_commit(c), kind=Kind.PROPOSAL, body=b"x"), Refusal.INVALID),
        ("noise as a welcome", lambda c: changed(a_commit(c), welcome=b"noise"), Refusal.INVALID),
        ("the creation of a conversation that exists", lambda c: changed(c.creation()), Refusal.INVALID),
        (
            "the creation of a device's own stream",
            lambda c: changed(c.creation(), stream=c.creator.device_id),
            Refusal.INVALID,
        ),
        ("noise as a creation", lambda c: changed(c.creation(), stream=os.urandom(16), body=b"noise"), Refusal.INVALID),
        ("a creation with two leaves", two_leaves, Refusal.INVALID),
        ("a creation under another name", under_another_name, Refusal.INVALID),
        ("a creation without terms", without_terms, Refusal.INVALID),
        ("a creation without the registrar", without_registrar, Refusal.INVALID),
        ("a creation with a claimed name", forged_credential, Refusal.INVALID),
        ("a message to a foreign conversation", lambda c: opaque(os.urandom(16), 0), Refusal.NOT_MEMBER),
    ]
)


@pytest.mark.parametrize(("what", "make", "reason"), SUBMITTED, ids=[case[0] for case in SUBMITTED])
def test_what_is_submitted(shared_office, what, make, reason):
    async def scene() -> None:
        async with shared_office.wire(shared_office.device()) as wire:
            circle = await make_circle(shared_office, wire)
            bad = make(circle)
            answer = await wire.submit(bad)
            assert isinstance(answer, Refused)
            assert answer.reason is reason, answer
            good = await wire.submit(circle.text())
            assert isinstance(good, Accepted)
            assert good.number == 2, "nothing was kept of what was refused"

    play(scene)


NAME = hashlib.sha256(b"blob").hexdigest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def piece(ranged: str, data: bytes = b"blob") -> dict:
    return {"content": data, "headers": {"Content-Range": ranged}}


Request = Callable[[httpx.AsyncClient, Device], Awaitable[httpx.Response]]
ASKED: list[tuple[str, Request, int, str]] = counted(
    [
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
)


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


TICKETS = counted(["", "Bearer", "Bearer x", "Basic eA==", f"Bearer {'A' * 76}", f"Bearer {'A' * 5000}", "Bearer é"])
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
        assert CASES >= 100
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


def test_a_hostile_wire_does_not_hold_a_place(shared_office):
    """Frames of every length and of noise: whatever happens to this socket, the next one is served."""

    async def scene() -> None:
        device = shared_office.device()
        source = encode(opaque(bytes(16), 0, b"x" * 40))
        for at in range(len(source)):
            wire: Wire = await shared_office.dial(device, drained=False)
            try:
                await wire.websocket.send(flipped(source, at))
                await wire.websocket.send(source[:at])
                await wire.websocket.send(os.urandom(at + 1))
            except ConnectionClosed:
                pass
            await wire.close()
        async with shared_office.wire(device) as wire:
            assert isinstance(await wire.submit(opaque(os.urandom(16), 0)), Refused)

    play(scene)
