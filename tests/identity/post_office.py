"""The registration part of a server on real parts: a SQLite file, HTTP on a free port, SMTP in a thread of its own."""

import asyncio
import base64
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from aiosmtpd.controller import UnthreadedController
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy import insert, select

from identity.extract import Someone, mailbox_lines, people_lines, write
from miss_protocol.enrolment import CertificateRequest
from miss_protocol.identity import DeviceCertificate, make_authority
from miss_server import (
    devices,
    establishment_routes,
    identity_routes,
    migrations,
    register_tables,
    sign_in_routes,
    tables,
)
from miss_server.buckets import Buckets
from miss_server.codes import ALPHABET
from miss_server.database import Database
from miss_server.mail import Mail, SmtpPost
from miss_server.refusals import wording
from miss_server.register_load import load
from miss_server.registrar import Registrar
from miss_server.registration_routes import router
from miss_server.tickets import Tickets

PATIENCE_SECONDS = 20
PEPPER = bytes(range(32))
READER = b"a device" * 2  # a device that reads the directory


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def later(self, minutes: float) -> None:
        self.ahead_ms += int(minutes * 60_000)


@dataclass
class Smtp:
    """What the SMTP server was given; ``answer`` is what it says to each mail."""

    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    answer: str = "250 OK"
    port: int = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append((envelope.rcpt_tos[0], mail))
        return self.answer

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for to, mail in self.mails if to == address]


def code_in(mail: EmailMessage) -> str:
    """The code that a person reads in the mail."""
    found = re.findall(r"^ {4}([0-9A-Z]{4}-[0-9A-Z]{4})\r?$", mail.get_content(), re.MULTILINE)
    assert len(set(found)) == 1, found
    return found[0]


def wait_for(what: str, condition: Callable[[], Any]) -> Any:
    """The first true value of a condition."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {PATIENCE_SECONDS} s: {what}")


def device_request(name: str = "Téléphone") -> tuple[bytes, bytes]:
    """A new device's id and its encoded certificate request."""
    device_id = secrets.token_bytes(16)
    signing, login = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    return device_id, CertificateRequest.sign(device_id, name, signing, login).encode()


def device_row(device_id: bytes, person_id: bytes) -> dict[str, Any]:
    """A device of the server's table, with just what the table asks for."""
    return {
        "device_id": device_id,
        "person_id": person_id,
        "name": "",
        "certificate": b"",
        "login_key": b"",
        "checked_how": "mailbox",
        "endorsed": False,
        "added_at_ms": 1,
    }


def wrong(code: str) -> str:
    """Another code than this one."""
    return code[:-1] + ALPHABET[(ALPHABET.index(code[-1]) + 1) % 32]


def refused(answer: httpx.Response, reason: str) -> None:
    """The answer is that refusal, in French as registered."""
    words = wording(reason)
    assert (answer.status_code, answer.json()) == (words.status, {"reason": reason, "sentence": words.french})


class PostOffice:
    """A server for registration and directory, and the clients' side of it."""

    def __init__(self, folder: Path, *, always: bool = False, database: Database | None = None) -> None:
        self.folder = folder
        self.clock = Clock()
        self.smtp = Smtp()
        self.always = always
        self.tickets = Tickets(bytes(32), self.clock)
        self.claims_at_once = 200
        self.smtp_tls: ssl.SSLContext | None = None
        self.enrolled: list[tuple[DeviceCertificate, str]] = []
        self.enrolling: Callable[..., None] | None = None  # instead of writing the device
        self.database = database or Database(folder / "miss.db")
        migrations.apply(self.database)
        with self.database.transaction() as connection:
            connection.execute(insert(tables.devices).values(device_row(READER, b"a person" * 2)))
        self.authority, self.keys = make_authority("miss.example", self.clock())
        self.url = ""
        self.psc: Callable[[str], Any] | None = None  # makes Pro Santé Connect's client for a server at this address
        self.http = httpx.Client()
        self.serving: FastAPI | None = None

    def load(self, people: Sequence[Someone], **options: Any) -> Any:
        """Loads both extracts of these people."""
        files = [
            write(self.folder / "personne-activite.txt", people_lines(people)),
            write(self.folder / "mssante.txt", mailbox_lines(people)),
        ]
        return load(self.database.transaction, files, **options)

    def enrol(self, connection: Any, certificate: DeviceCertificate, name: str, now_ms: int) -> None:
        """Enrols as the server does, and notes it; or what the test wants instead."""
        (self.enrolling or devices.enrol)(connection, certificate, name, now_ms)
        self.enrolled.append((certificate, name))

    def app(self) -> FastAPI:
        app = FastAPI()
        app.include_router(router)
        app.state.database = self.database
        app.state.registrar = Registrar(
            self.authority, self.keys.issuing, PEPPER, now_ms=self.clock, always=self.always, enrol=self.enrol
        )
        app.state.mail = Mail(SmtpPost("127.0.0.1", self.smtp.port, "none"), "miss@miss.example", (0, 0, 0))
        app.state.claim_buckets = Buckets("claim", self.claims_at_once, 1_000, self.clock)
        app.state.code_buckets = Buckets("code", 1_000, 1_000, self.clock)
        app.state.search_buckets = Buckets("search", 10_000, 1_000, self.clock)

        app.state.pepper, app.state.import_buckets = PEPPER, Buckets("import", 200, 1_000, self.clock)
        app.include_router(establishment_routes.router)
        app.include_router(sign_in_routes.router)
        app.include_router(identity_routes.router)
        app.state.psc = self.psc(self.url) if self.psc else None
        app.state.tickets = self.tickets
        self.serving = app
        return app

    @contextmanager
    def open(self) -> Iterator["PostOffice"]:
        """Serves SMTP and HTTP until the block ends."""
        ready, stop = threading.Event(), threading.Event()
        failed: list[BaseException] = []

        async def serve() -> None:
            loop = asyncio.get_running_loop()
            mail = UnthreadedController(self.smtp, hostname="127.0.0.1", port=0, loop=loop, tls_context=self.smtp_tls)
            smtp_server = await mail._create_server()
            self.smtp.port = smtp_server.sockets[0].getsockname()[1]
            listening = socket.create_server(("127.0.0.1", 0), backlog=256)
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            server = uvicorn.Server(
                uvicorn.Config(self.app(), log_level="critical", lifespan="off", proxy_headers=False)
            )
            running = asyncio.create_task(server.serve([listening]))
            while not server.started:
                await asyncio.sleep(0.005)
            ready.set()
            await asyncio.to_thread(stop.wait)
            server.should_exit = True
            await running
            smtp_server.close()

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as error:  # told to the test, below
                failed.append(error)
                ready.set()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert ready.wait(PATIENCE_SECONDS)
            assert not failed, failed
            self.http = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS)
            yield self
        finally:
            stop.set()
            thread.join(PATIENCE_SECONDS)
            self.http.close()
            self.database.close()

    def claim(self, someone: Someone, **typed: Any) -> httpx.Response:
        """POST /v1/registrations as that person would, but for what is ``typed``."""
        body = {
            "rpps": someone.rpps,
            "family_name": someone.family,
            "given_name": someone.given,
            "profession": someone.jobs[0].profession,
            "language": "fr",
            "request": base64.b64encode(device_request()[1]).decode(),
        }
        return self.http.post("/v1/registrations", json={**body, **typed})

    def step(self, opened: dict[str, Any], verb: str = "", **body: Any) -> httpx.Response:
        """GET the registration, or POST one of its verbs, with its secret."""
        headers = {"authorization": f"Bearer {opened['secret']}"}
        path = f"/v1/registrations/{opened['registration']}"
        if not verb:
            return self.http.get(path, headers=headers)
        return self.http.post(f"{path}/{verb}", headers=headers, json=body or None)

    def code_for(self, someone: Someone, mails: int = 1) -> str:
        """The code of the latest mail to that person, once so many have come."""
        wait_for("a mail", lambda: len(self.smtp.to(someone.mailbox)) >= mails)
        return code_in(self.smtp.to(someone.mailbox)[-1])

    def rows(self, table: Any) -> list[Any]:
        with self.database.snapshot() as connection:
            return list(connection.execute(select(table)).all())

    def registration(self, opened: dict[str, Any]) -> Any:
        wanted = bytes.fromhex(opened["registration"])
        return next(row for row in self.rows(register_tables.registrations) if row.registration_id == wanted)

    def acts(self) -> list[str]:
        return [row.what for row in self.rows(register_tables.registrar_acts)]

    def search(self, **query: str) -> httpx.Response:
        return self.http.get("/v1/directory", params=query, headers=self.ticket())

    def ticket(self) -> dict[str, str]:
        """What a logged-in device shows."""
        return {"authorization": f"Bearer {self.tickets.make(READER)}"}
