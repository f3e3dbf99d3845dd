"""A real server on a free port, devices certified in its database, and bare sockets that speak its protocol."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import insert
from websockets.asyncio.client import ClientConnection, connect

from miss_protocol import identity
from miss_protocol.connection import Connection, Role
from miss_protocol.enrolment import CertificateRequest
from miss_protocol.frames import (
    SUBPROTOCOL,
    Accepted,
    Acknowledge,
    Challenge,
    Class,
    Deliver,
    Drained,
    Frame,
    Gap,
    Kind,
    Login,
    Ready,
    Refused,
    Submit,
    Ticket,
    TicketPlease,
    positions,
)
from miss_protocol.labels import LABEL_LOGIN, sign_p256
from miss_protocol.mls import group as mls
from miss_protocol.mls.extensions import ExternalSender, external_senders
from miss_protocol.mls.policy import allowed
from miss_protocol.terms import DIRECT as DIRECT
from miss_protocol.terms import EXTENSION_TYPE, GROUP, Terms
from miss_server import authority, certificate_log, config, data_folder, devices
from miss_server.clock import now_ms
from miss_server.postgresql import open_database
from miss_server.register_tables import people
from miss_server.serving import Server

PATIENCE_SECONDS = 120  # a guard against hanging, never a measure
T = TypeVar("T")
F = TypeVar("F", bound=Frame)


class Device:
    """A certified device, with its keys."""

    def __init__(self, person_id: bytes, name: str = "téléphone") -> None:
        self.person_id = person_id
        self.device_id = os.urandom(16)
        self.signing = ed25519.Ed25519PrivateKey.generate()
        self.login = ec.generate_private_key(ec.SECP256R1())
        self.request = CertificateRequest.sign(self.device_id, name, self.signing, self.login)
        self.certificate: identity.DeviceCertificate
        self.row = 0

    @property
    def seed(self) -> bytes:
        return self.signing.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())

    @property
    def identity(self) -> mls.Identity:
        return mls.Identity(self.seed, mls.Credential.x509(self.certificate.der))

    def key_package(self, **options: Any) -> mls.KeyPackageSecrets:
        now = now_ms() // 1000
        options = {"not_before": now - 60, "not_after": now + 80 * 86_400} | options
        return mls.make_key_package(self.identity, **options)


class Office:
    """A server in this process, on its own thread and loop, with a real socket, TLS aside.

    Args:
        folder: an empty data folder.
        database_url: of a PostgreSQL server, instead of a file in the folder.
        console: where the operators' console listens, where there is one.
        hints, node: of one of several nodes on the same folder.
    """

    def __init__(
        self, folder: Path, database_url: str = "", console: str | None = None, *, hints: str = "", node: str = ""
    ) -> None:
        self.folder = folder
        self.console = console
        self.hints = hints
        self.node = node
        self.database_url = database_url
        self.server: Server | None = None
        self.thread: threading.Thread | None = None
        self.lock = ExitStack()
        self.port = 0

    def start(self) -> None:
        settings = self.settings
        settings.run.mkdir(parents=True, exist_ok=True)
        self.lock.enter_context(data_folder.held(settings.run))
        listening = threading.Event()
        self.server = Server(settings, lambda _host, port: (setattr(self, "port", port), listening.set()))
        self.thread = threading.Thread(target=self.server.run, name="server", daemon=True)
        self.thread.start()
        assert listening.wait(PATIENCE_SECONDS)
        self.keyring = authority.load(settings.keys)

    def stop(self) -> None:
        assert self.server is not None
        assert self.thread is not None
        self.server.should_exit = True
        self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()
        self.lock.close()

    @property
    def settings(self) -> config.Settings:
        listen = f"127.0.0.1:{self.port}"
        given = {"database": self.database_url, "console": self.console, "hints": self.hints, "node": self.node}
        return config.load(self.folder, listen=listen, **given)

    @property
    def app(self) -> Any:
        assert self.server is not None
        return self.server.config.app

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def in_database(self, function: Callable[..., T], *arguments: Any) -> T:
        """One transaction on the server's database, from beside, as the operator's verbs do."""
        database = open_database(self.settings)
        try:
            with database.transaction() as connection:
                return function(connection, *arguments)
        finally:
            database.close()

    def enrol(self, device: Device, *, endorsement: Any = None, at_ms: int | None = None) -> Device:
        """Certifies a device and writes it, as the registrar does once a person is proved."""
        at = now_ms() if at_ms is None else at_ms
        number = int.from_bytes(device.person_id[:4], "big")
        who = identity.Professional(
            device.person_id,
            f"Dr Camille Exemple {number}",
            "Exemple",
            "Camille",
            "99700000001",
            "10",
            "Médecin",
            "Cabinet fictif",
            "mailbox",
            at,
        )
        keys = self.keyring
        device.certificate = self.in_database(
            certificate_log.issue, keys.authority, keys.keys.issuing, who, device.request, at, endorsement
        )
        self.in_database(devices.enrol, device.certificate, device.request.device_name, at)
        found = self.in_database(devices.find, device.device_id)
        assert found is not None
        device.row = found.device
        return device

    def device(self, person_id: bytes | None = None) -> Device:
        """A new person's device, or a further one of a person."""
        return self.enrol(Device(person_id or os.urandom(16)))

    def person(self, person_id: bytes, rpps: str) -> None:
        """A person's row, as the registrar writes it."""
        values = {
            "person_id": person_id,
            "rpps": rpps,
            "display_name": "Dr Camille Exemple",
            "profession_code": "10",
            "profession": "Médecin",
            "place": "Cabinet fictif",
            "checked_how": "mailbox",
            "checked_at_ms": now_ms(),
            "created_at_ms": now_ms(),
        }
        self.in_database(lambda connection: connection.execute(insert(people).values(**values)))

    @asynccontextmanager
    async def wire(self, device: Device, **options: Any):
        """A socket of this device, logged in and drained."""
        one = await self.dial(device, **options)
        try:
            yield one
        finally:
            await one.close()

    async def dial(self, device: Device, **options: Any) -> "Wire":
        one = Wire(await self.raw(), device)
        await one.log_in(self.keyring.authority.server_id, **options)
        return one

    async def raw(self, **options: Any) -> ClientConnection:
        """A websocket on which nothing was said yet."""
        options = {"subprotocols": [SUBPROTOCOL], "compression": None, "max_size": None} | options
        return await connect(f"ws://127.0.0.1:{self.port}/v1/socket", **options)

    async def http(self, device: Device) -> httpx.AsyncClient:
        """An HTTP client that carries a ticket of this device."""
        async with self.wire(device) as wire:
            token = await wire.ticket()
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=120)


class Wire:
    """One logged-in socket: keeps what arrived until somebody asks for it."""

    def __init__(self, websocket: ClientConnection, device: Device) -> None:
        self.websocket = websocket
        self.device = device
        self.connection = Connection(Role.CLIENT)
        self.ready: Ready
        self.waiting: list[Frame] = []

    async def log_in(self, server_id: bytes, *, drained: bool = True) -> None:
        challenge = await self.next(Challenge)
        assert challenge.server_id == server_id
        await self.say(login(self.device, challenge))
        self.ready = await self.next(Ready)
        if drained:
            await self.drain()

    async def drain(self) -> list[Frame]:
        """Everything up to Drained, acknowledged as it comes; what was read stays waiting."""
        seen: list[Frame] = []
        while True:
            frame = await self.any_of(Deliver, Gap, Drained)
            if isinstance(frame, Drained):
                break
            seen.append(frame)
            await self.acknowledge(frame)
        self.waiting[:0] = seen
        return seen

    async def acknowledge(self, frame: Deliver | Gap) -> None:
        number = frame.number if isinstance(frame, Deliver) else frame.last
        await self.say(Acknowledge(positions([(frame.stream, number)])))

    async def say(self, *frames: Frame) -> None:
        await self.websocket.send(self.connection.send(*frames))

    async def next(self, kind: type[F]) -> F:
        frame = await self.any_of(kind)
        assert isinstance(frame, kind)
        return frame

    async def any_of(self, *kinds: type[Frame]) -> Frame:
        """The first frame of these kinds, waiting or to come."""
        while True:
            for at, frame in enumerate(self.waiting):
                if isinstance(frame, kinds):
                    return self.waiting.pop(at)
            async with asyncio.timeout(PATIENCE_SECONDS):
                self.waiting += self.connection.receive(await self.websocket.recv())

    async def submit(self, frame: Submit) -> Accepted | Refused:
        """Submits and waits for the answer to this very message."""
        await self.say(frame)
        return await self.answer(frame)

    async def answer(self, frame: Submit) -> Accepted | Refused:
        answer = await self.any_of(Accepted, Refused)
        assert isinstance(answer, Accepted | Refused)
        assert answer.message_id == frame.message_id, "answers come in the order of questions"
        return answer

    async def rows(self, count: int, stream: bytes | None = None) -> list[Deliver]:
        """The next deliveries, acknowledged."""
        found: list[Deliver] = []
        while len(found) < count:
            frame = await self.next(Deliver)
            await self.acknowledge(frame)
            if stream is None or frame.stream == stream:
                found.append(frame)
        return found

    async def ticket(self) -> str:
        await self.say(TicketPlease())
        return (await self.next(Ticket)).token

    async def closed(self) -> tuple[int, str]:
        """Waits for the server to close; its code and reason."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.websocket.wait_closed()
        return self.websocket.close_code or 0, self.websocket.close_reason or ""

    async def close(self) -> None:
        await self.websocket.close()


def login(device: Device, challenge: Challenge, **altered: Any) -> Login:
    """A login that answers this challenge."""
    nonce = os.urandom(32)
    content = identity.login_content(challenge.server_id, device.device_id, challenge.nonce, nonce)
    fields = {
        "device_id": device.device_id,
        "nonce": nonce,
        "version": 1,
        "signature": sign_p256(device.login, LABEL_LOGIN, content),
    }
    return Login(**(fields | altered))


class Circle:
    """A conversation as its creator's device sees it: the MLS group, and what to submit to change it."""

    def __init__(self, office: Office, creator: Device, admins: Iterable[bytes], kind: str = GROUP) -> None:
        self.office = office
        self.creator = creator
        self.stream = os.urandom(16)
        now = now_ms() // 1000
        keys = office.keyring.authority
        registrar = ExternalSender(
            keys.external_sender.public_key().public_bytes_raw(),  # Ed25519
            mls.Credential.x509(keys.external_sender.public_bytes(Encoding.DER)),
        )
        extensions = (
            mls.Extension(EXTENSION_TYPE, Terms(kind, frozenset(admins)).encode()),
            mls.RequiredCapabilities((EXTENSION_TYPE,), (mls.SelfRemove.type,), (2,)).extension(),
            external_senders([registrar]),
        )
        self.group = mls.create(
            creator.identity,
            self.stream + bytes(4),
            extensions=extensions,
            not_before=now - 60,
            not_after=now + 80 * 86_400,
        )

    @property
    def rules(self) -> mls.Rules:
        return mls.Rules(
            identity.credential_check(self.office.keyring.authority, now_ms()), identity.check_successor, allowed
        )

    def creation(self) -> Submit:
        body = mls.group_info(self.group, self.creator.identity)
        return Submit(os.urandom(16), self.stream, Kind.CREATE, Class.SILENT, 0, body)

    def adding(self, *newcomers: mls.KeyPackageSecrets) -> tuple[Submit, mls.Group]:
        """A commit that adds these key packages, and the group once it is accepted."""
        return self.committing(*(mls.Add(one.decoded) for one in newcomers))

    def committing(self, *proposals: Any) -> tuple[Submit, mls.Group]:
        staged = mls.commit(self.group, self.creator.identity, proposals, rules=self.rules)
        return turning(self.stream, staged, self.creator), staged.group

    def text(self, plaintext: bytes = b"bonjour") -> Submit:
        sealed = mls.seal(self.group, self.creator.identity, plaintext)
        self.group = sealed.group
        return Submit(os.urandom(16), self.stream, Kind.APPLICATION, Class.NORMAL, self.group.epoch, sealed.message)


def turning(stream: bytes, staged: mls.Staged, by: Device, **altered: Any) -> Submit:
    """The commit that somebody staged, as it is submitted."""
    info = mls.group_info(staged.group, by.identity, with_tree=False)
    epoch, welcome = staged.group.epoch - 1, staged.welcome or b""
    submit = Submit(os.urandom(16), stream, Kind.COMMIT, Class.SILENT, epoch, staged.message, welcome, info)
    return replace(submit, **altered)


async def make_circle(office: Office, wire: Wire, *others: Device) -> Circle:
    """A group on the server, with the devices of ``others`` in it; the creator has read all of it."""
    circle = Circle(office, wire.device, [wire.device.person_id])
    assert isinstance(await wire.submit(circle.creation()), Accepted)
    rows = 1
    if others:
        submit, after = circle.adding(*(one.key_package() for one in others))
        answer = await wire.submit(submit)
        assert isinstance(answer, Accepted), answer
        circle.group = after
        rows += 1
    await wire.rows(rows, circle.stream)
    return circle


def opaque(stream: bytes, epoch: int, body: bytes = b"", message_id: bytes | None = None) -> Submit:
    """An application row whose head is a PrivateMessage's of this group and epoch, and whose rest is anything."""
    head = b"\x00\x01\x00\x02\x14" + stream + bytes(4) + epoch.to_bytes(8, "big") + b"\x01"
    return Submit(message_id or os.urandom(16), stream, Kind.APPLICATION, Class.NORMAL, epoch, head + body)


def play(scene: Callable[[], Awaitable[T]]) -> T:
    """Runs a scene to its end, or fails where it hangs."""

    async def guarded() -> T:
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            return await scene()

    return asyncio.run(guarded())


async def until(what: str, condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Waits for a condition."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.01)


class Process:
    """``miss-server serve`` as a process of its own."""

    started: ClassVar[list[subprocess.Popen[bytes]]] = []

    def __init__(self, folder: Path, *options: str, node: str = "") -> None:
        self.folder = folder
        self.options = (*options, "--node", node) if node else options
        self.run = folder / "nodes" / node if node else folder
        self.log = folder.with_name(f"{folder.name}-{node}.log") if node else folder.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, port: int = 0) -> int:
        """Starts it; returns the port, once it takes connections."""
        (self.run / "listening").unlink(missing_ok=True)
        command = [sys.executable, "-m", "miss_server", "serve", "--data", str(self.folder)]
        log = self.log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*command, "--listen", f"127.0.0.1:{port}", *self.options], stdout=out, stderr=out
            )
        self.started.append(self.process)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (self.run / "listening").exists():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return int((self.run / "listening").read_text().strip().rpartition(":")[2])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def stop(self) -> None:
        """As an operator does; it ends by itself."""
        assert self.process is not None
        self.process.terminate()
        assert self.process.wait(PATIENCE_SECONDS) == 0

    @classmethod
    def end_all(cls) -> None:
        """Kills what a test that failed has left."""
        for process in cls.started:
            if process.poll() is None:
                process.kill()
                process.wait(PATIENCE_SECONDS)
        cls.started.clear()
