"""Frames and logins that nobody should send: each closes the connection with its reason, and the server goes on."""

import asyncio
import os

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
    Refused,
    TicketPlease,
    decode,
    encode,
)
from miss_protocol.labels import sign_p256
from miss_protocol.mls.codec import Writer, varint
from server.office import Device, Wire, login, opaque, play


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
AFTER_LOGIN = [
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


BEFORE_LOGIN = [
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


def test_unknown_frames_before_the_login_are_stepped_over(shared_office):
    async def scene() -> None:
        device = shared_office.device()
        websocket = await shared_office.raw()
        [challenge] = decode(await websocket.recv())
        assert isinstance(challenge, Challenge)
        await websocket.send(frame(0x1F02, b"of a later version"))
        await websocket.send(encode(login(device, challenge)))
        assert isinstance(decode(await websocket.recv())[0], Ready)
        await websocket.close()

    play(scene)


def test_around_the_websocket(shared_office, monkeypatch):
    """No subprotocol, a page that is not there, a message larger than any, a login that never comes."""
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


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


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
