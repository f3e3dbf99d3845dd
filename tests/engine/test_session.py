"""The session against servers that break the rules: it says so, closes, and comes back later."""

import asyncio
import ipaddress
import random
import socket as socketlib
import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest
from websockets.asyncio.server import ServerConnection, serve

from engine.authority import Registrar
from miss_app.engine import session as session_module
from miss_app.engine.events import Link
from miss_app.engine.network import way_out
from miss_app.engine.problems import Problem
from miss_app.engine.profile import login_key
from miss_app.engine.reachability import tls_context
from miss_app.engine.session import (
    BACKOFF_SECONDS_EARLY,
    BACKOFF_SECONDS_MAX,
    BACKOFF_SECONDS_MIN,
    EARLY_SECONDS,
    Credentials,
    Session,
)
from miss_protocol.connection import Connection, Role
from miss_protocol.frames import (
    SUBPROTOCOL,
    Acknowledge,
    Challenge,
    Class,
    Close,
    Deliver,
    Frame,
    Kind,
    Login,
    Ready,
    Ticket,
    encode,
)
from miss_protocol.identity import LABEL_LOGIN, login_content, verify_p256
from miss_protocol.invitation import Invitation

SERVER_ID = bytes(range(32))
NONCE = bytes(32)
Talk = Callable[[ServerConnection], Awaitable[None]]


class Ear:
    """Hears everything, and says Ready on."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.frames: list[Frame] = []
        self.links: list[tuple[Link, str]] = []
        self.news = asyncio.Event()

    async def take(self, frame: Frame) -> None:
        self.frames.append(frame)
        if isinstance(frame, Ready) and self.session is not None:
            self.session.online()
        self.news.set()

    def link_changed(self, link: Link, problem: str) -> None:
        self.links.append((link, problem))
        self.news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self.news.clear()
                await self.news.wait()


async def meet(talk: Talk, acts: Callable[[Session, Ear], Awaitable[None]]) -> None:
    """A session meets a server that says what ``talk`` says."""
    async with serve(talk, "127.0.0.1", 0, subprotocols=[SUBPROTOCOL]) as server:  # a name
        port = next(iter(server.sockets)).getsockname()[1]
        registrar = Registrar()
        device = registrar.device(registrar.person("Camille"))
        credentials = Credentials(device.keys.device_id, login_key(device.keys.login_der))
        ear = Ear()
        session = Session(Invitation("127.0.0.1", port, SERVER_ID), credentials, tls_context(), ear)
        ear.session = session
        session.start()
        try:
            await acts(session, ear)
        finally:
            await session.stop()


async def log_in(socket: ServerConnection, dialogue: Connection) -> Login:
    """The server's first words up to Ready; what the device said."""
    await socket.send(dialogue.send(Challenge(SERVER_ID, NONCE, 1, 0)))
    (login,) = dialogue.receive(await socket.recv())
    assert isinstance(login, Login)
    await socket.send(dialogue.send(Ready(0, 50)))
    return login


def problem_after(talk: Talk) -> str:
    """The problem that the session tells of such a server."""
    found: list[str] = []

    async def acts(session: Session, ear: Ear) -> None:
        await ear.until(lambda: any(problem for _, problem in ear.links))
        found.append(next(problem for _, problem in ear.links if problem))

    asyncio.run(meet(talk, acts))
    return found[0]


async def garbage(socket: ServerConnection) -> None:
    await socket.send(b"\x80\xff garbage")
    await socket.wait_closed()
    assert socket.close_code == Close.PROTOCOL


async def text(socket: ServerConnection) -> None:
    await socket.send("hello")
    await socket.wait_closed()
    assert socket.close_code == Close.PROTOCOL


async def out_of_turn(socket: ServerConnection) -> None:
    await socket.send(encode(Ready(0, 0)))
    await socket.wait_closed()
    assert socket.close_code == Close.PROTOCOL


async def another_server(socket: ServerConnection) -> None:
    await socket.send(encode(Challenge(bytes(32), NONCE, 1, 0)))
    await socket.wait_closed()
    assert socket.close_code == Close.PROTOCOL


@pytest.mark.parametrize("talk", [garbage, text, out_of_turn, another_server])
def test_a_server_that_breaks_the_rules(talk: Talk) -> None:
    heard: list[BaseException] = []

    async def watched(socket: ServerConnection) -> None:
        try:
            await talk(socket)
        except AssertionError as error:
            heard.append(error)

    assert problem_after(watched) == "server-not-understood"
    assert heard == []


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (Close.REVOKED, "revoked"),
        (Close.VERSION, "version"),
        (Close.LOGIN, "login-refused"),
        (Close.ELSEWHERE, "elsewhere"),
        (Close.RESTART, "server-away"),
    ],
)
def test_why_a_server_closes(code: Close, problem: str) -> None:
    async def talk(socket: ServerConnection) -> None:
        await log_in(socket, Connection(Role.SERVER))
        await socket.close(code)

    assert problem_after(talk) == problem


@pytest.mark.parametrize(
    ("reason", "least_seconds"),
    [("restart 800", 0.8), ("restart", 0.0), ("restart 9999999", 0.0), ("elsewhere 800", 0.0)],
)
def test_after_a_restart_devices_come_back_when_the_server_said(
    reason: str, least_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By chance within that time; here chance takes the whole of it."""
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    came: list[float] = []

    async def talk(socket: ServerConnection) -> None:
        came.append(time.monotonic())
        await log_in(socket, Connection(Role.SERVER))
        await socket.close(Close.RESTART, reason)

    async def acts(_: Session, ear: Ear) -> None:
        await ear.until(lambda: len(came) >= 2)
        await ear.until(lambda: ear.links.count((Link.ONLINE, "")) >= 2)

    asyncio.run(meet(talk, acts))
    pause = came[1] - came[0]
    assert pause >= least_seconds + BACKOFF_SECONDS_MIN
    assert least_seconds or pause < 20  # a guard: not the million milliseconds of the malformed reason


def test_the_login_is_a_labelled_signature_over_both_nonces() -> None:
    logins: list[Login] = []

    async def talk(socket: ServerConnection) -> None:
        logins.append(await log_in(socket, Connection(Role.SERVER)))
        await socket.wait_closed()

    async def acts(session: Session, ear: Ear) -> None:
        await ear.until(lambda: (Link.ONLINE, "") in ear.links)
        credentials = session._credentials
        from miss_protocol.identity import p256_public

        one = logins[0]
        content = login_content(SERVER_ID, credentials.device_id, NONCE, one.nonce)
        verify_p256(p256_public(credentials.login_key), LABEL_LOGIN, content, one.signature)

    asyncio.run(meet(talk, acts))


def test_it_comes_back_and_forgets_the_old_ticket() -> None:
    connections: list[ServerConnection] = []

    async def talk(socket: ServerConnection) -> None:
        connections.append(socket)
        dialogue = Connection(Role.SERVER)
        await log_in(socket, dialogue)
        number = len(connections)
        async for message in socket:
            dialogue.receive(message)
            await socket.send(dialogue.send(Ticket(f"ticket {number}", 600_000)))

    async def acts(session: Session, ear: Ear) -> None:
        await ear.until(lambda: session.link is Link.ONLINE)
        assert await session.ticket() == "ticket 1"
        assert await session.ticket() == "ticket 1"
        connections[0].transport.abort()
        await ear.until(lambda: session.link is not Link.ONLINE)
        with pytest.raises(Problem, match="server-away"):
            await session.ticket()
        session.hurry()
        await ear.until(lambda: session.link is Link.ONLINE)
        assert await session.ticket() == "ticket 2"

    asyncio.run(meet(talk, acts))


@pytest.mark.parametrize("away_seconds", [1.0, 6.0])
def test_a_server_that_comes_back_is_found_within_seconds(away_seconds: float) -> None:
    """Nothing listens for a while; then the same port answers."""

    async def talk(socket: ServerConnection) -> None:
        await log_in(socket, Connection(Role.SERVER))
        await socket.wait_closed()

    async def run() -> float:
        (port,), ear = free(), Ear()
        session = ear.session = Session(Invitation("127.0.0.1", port, SERVER_ID), someone(), tls_context(), ear)
        session.start()
        await asyncio.sleep(away_seconds)
        async with serve(talk, "127.0.0.1", port, subprotocols=[SUBPROTOCOL]):
            began = time.monotonic()
            await ear.until(lambda: session.link is Link.ONLINE)
            found = time.monotonic() - began
            await session.stop()
        return found

    assert asyncio.run(run()) < BACKOFF_SECONDS_EARLY + 1.5


def test_the_waits_are_short_at_first_and_long_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance takes the whole of each wait; the clock is the session's own."""
    waits: list[float] = []
    now = [0.0]

    async def within(_news: asyncio.Event, seconds: float) -> bool:
        waits.append(seconds)
        now[0] += seconds
        await asyncio.sleep(0)
        return False

    async def run() -> None:
        ear = Ear()
        session = ear.session = Session(Invitation("127.0.0.1", *free(), SERVER_ID), someone(), tls_context(), ear)
        session.start()
        while sum(waits) < EARLY_SECONDS + 100:
            await asyncio.sleep(0.01)
        await session.stop()

    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    monkeypatch.setattr(session_module, "news_within", within)
    monkeypatch.setattr(session_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    asyncio.run(run())
    assert waits[:5] == [0.5, 1.0, 2.0, 4.0, 4.0]
    assert waits[-1] == BACKOFF_SECONDS_MAX


def test_a_network_that_comes_is_tried_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no way out, and the wait would be long; then there is one, and the session does not wait."""
    monkeypatch.setattr(session_module, "BACKOFF_SECONDS_MIN", 600.0)
    monkeypatch.setattr(session_module, "BACKOFF_SECONDS_EARLY", 600.0)
    monkeypatch.setattr(session_module, "BACKOFF_SECONDS_MAX", 600.0)
    way = [""]

    async def run() -> None:
        ear, there = Ear(), Invitation("nobody.invalid", *free(), SERVER_ID)
        session = ear.session = Session(there, someone(), tls_context(), ear, lambda: way[0])
        session.start()
        await ear.until(lambda: session.link is Link.OFFLINE)
        tries = ear.links.count((Link.CONNECTING, ""))
        way[0] = "192.0.2.7"
        await ear.until(lambda: ear.links.count((Link.CONNECTING, "")) > tries)
        await session.stop()

    asyncio.run(run())


def test_an_attempt_that_hangs_is_begun_anew_where_somebody_hurries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "STALE_SECONDS", 0.1)
    came = []

    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)  # it takes the connection and never answers

    async def run() -> None:
        async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            ear = Ear()
            session = ear.session = Session(Invitation("127.0.0.1", port, SERVER_ID), someone(), tls_context(), ear)
            session.start()
            async with asyncio.timeout(10):
                while not came:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.2)
                session.hurry()
                while len(came) < 2:
                    await asyncio.sleep(0.01)
            await session.stop()
            for writer in came:
                writer.close()

    asyncio.run(run())


def test_a_machine_knows_its_way_out() -> None:
    """Whatever this machine has: an address of its own, or none; never an error."""
    way = way_out()
    assert way == "" or ipaddress.ip_address(way)


def free() -> tuple[int]:
    with socketlib.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return (probe.getsockname()[1],)


def someone() -> Credentials:
    registrar = Registrar()
    device = registrar.device(registrar.person("Camille"))
    return Credentials(device.keys.device_id, login_key(device.keys.login_der))


def test_positions_are_gathered() -> None:
    heard: list[Frame] = []

    async def talk(socket: ServerConnection) -> None:
        dialogue = Connection(Role.SERVER)
        await log_in(socket, dialogue)
        rows = [Deliver(bytes(16), n, Kind.APPLICATION, Class.NORMAL, 0, 0, b"") for n in range(1, 40)]
        await socket.send(dialogue.send(*rows))
        async for message in socket:
            heard.extend(dialogue.receive(message))

    async def acts(session: Session, ear: Ear) -> None:
        await ear.until(lambda: len(ear.frames) == 40)
        for frame in ear.frames:
            if isinstance(frame, Deliver):
                session.acknowledge(frame.stream, frame.number)
        async with asyncio.timeout(30):
            while not heard:
                await asyncio.sleep(0.01)
        (frame,) = heard
        assert isinstance(frame, Acknowledge)
        assert [(one.id, one.number) for one in frame.positions] == [(bytes(16), 39)]

    asyncio.run(meet(talk, acts))
