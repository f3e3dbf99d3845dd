"""The wiring: which room knows which, what runs beside the requests, and how each failure is answered."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from miss_protocol.errors import RemoteError
from miss_server import (
    availability_routes,
    belonging,
    certificate_log,
    charter,
    charter_routes,
    conversations,
    data_folder,
    devices,
    establishment_routes,
    health_routes,
    identity_routes,
    invite_routes,
    journal,
    links,
    log_routes,
    migrations,
    personal_routes,
    quotas,
    reach_routes,
    reach_settings,
    registration_routes,
    routes,
    service_routes,
    sign_in_routes,
    tickets,
    vault_routes,
)
from miss_server.answers import Denied, denial
from miss_server.authority import Keyring
from miss_server.blobs import Blobs, Storage
from miss_server.buckets import Buckets
from miss_server.caretaker import Caretaker
from miss_server.certificate_log import Heads
from miss_server.clock import now_ms
from miss_server.config import Settings
from miss_server.cursors import Cursors
from miss_server.database import Database
from miss_server.door import Door
from miss_server.doorbell import Doorbell
from miss_server.handshakes import Handshakes
from miss_server.hints import Seal
from miss_server.mail_settings import mail_of
from miss_server.meters import Meters
from miss_server.nodes import Nodes
from miss_server.postgresql import open_database
from miss_server.reach import Reach
from miss_server.registrar import Registrar
from miss_server.removals import Removing
from miss_server.socket import Office, Socket
from miss_server.standings import Standings
from miss_server.vapid import Vapid
from miss_server.web_push import WebPush

if TYPE_CHECKING:
    from miss_server.nats_line import Line
    from miss_server.pro_sante_connect import ProSanteConnect

HOUSEKEEPING = 1  # the duty of forgetting, of proposing removals and of reaching who is away
CLAIMS_AT_ONCE, CLAIM_EVERY_MS = 60, 10_000
CODES_AT_ONCE, CODE_EVERY_MS = 60, 10_000
IMPORTS_AT_ONCE, IMPORT_EVERY_MS = 20, 60_000
LINKS_AT_ONCE, LINK_EVERY_MS = 30, 20_000
UNLOCKS_AT_ONCE, UNLOCK_EVERY_MS = 10, 60_000
REPORTS_AT_ONCE, REPORT_EVERY_MS = 5, 3_600_000
SEARCHES_AT_ONCE, SEARCH_EVERY_MS = 300, 1_000  # somebody who types fast asks three times a second
ROOMS = (
    registration_routes,
    establishment_routes,
    sign_in_routes,
    charter_routes,
    personal_routes,
    availability_routes,
    service_routes,
    reach_routes,
    invite_routes,
    identity_routes,
    routes,
    vault_routes,
    log_routes,
    health_routes,
)
_REASONS = {404: "not-found", 405: "not-found", 413: "too-large"}


def create_app(settings: Settings) -> FastAPI:
    """The whole server on one data folder, which is made or migrated where it must be."""
    reach_wanted, quota = reach_settings.of(settings), quotas.of(settings)
    keyring, _ = data_folder.make(settings, now_ms())
    database = open_database(settings)
    _open(database, keyring)
    handshakes = Handshakes(keyring.authority, now_ms)
    accept = partial(conversations.accept, kept_bytes_max=quota.conversation_bytes)
    doorbell = Doorbell(handshakes)
    cursors = Cursors(database, doorbell, now_ms)
    own_tickets = tickets.Tickets(keyring.pepper, now_ms)
    standings = Standings(database, doorbell.note)
    meters = Meters(settings.data)
    meters.sockets = lambda: doorbell.connected
    office = Office(
        database, handshakes, doorbell, cursors, standings, own_tickets, keyring.authority.server_id, now_ms, meters,
        quotas.Pace(quota, meters.slow),
    )  # fmt: skip
    blobs = _blobs(settings)
    duty = database.duty(HOUSEKEEPING)
    caretaker = Caretaker(database, blobs, settings, now_ms, doorbell.here, meters, duty)
    link_bells, unlock_bells = links.Bells(), links.Bells()
    line = _line(settings, keyring)
    nodes = Nodes(database, doorbell, standings, (link_bells, unlock_bells), line, now_ms)
    mail, vapid = mail_of(settings), Vapid(keyring.pepper, reach_wanted.contact)
    sender = WebPush(vapid, reach_wanted.private_push)
    reach = Reach(database, doorbell, sender, mail, reach_wanted, now_ms, duty, meters)
    removing = Removing(database, handshakes, doorbell, keyring.keys.external_sender, now_ms, duty)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        database.start(accept, doorbell.committed, conversations.failed, meters)
        beside: list[Callable[[], Coroutine[Any, Any, None]]] = [
            cursors.keep_flushing,
            standings.keep_flushing,
            caretaker.keep_forgetting,
            *nodes.beside(),
            removing.keep_proposing,
            reach.keep_reaching,
        ]
        tasks = [asyncio.create_task(one()) for one in beside]
        journal.write("started", revision=migrations.head())
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await cursors.flush()
        await sender.close()
        duty.let_go()
        database.close()
        journal.write("stopped")

    app = FastAPI(title="MiSS", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    state = app.state
    state.heads = Heads(keyring.keys.issuing, now_ms)
    state.settings, state.database, state.keyring, state.blobs = settings, database, keyring, blobs
    state.doorbell, state.cursors, state.caretaker, state.handshakes = doorbell, cursors, caretaker, handshakes
    state.standings, state.meters = standings, meters
    state.reach, state.sender, state.vapid = reach, sender, vapid
    state.tickets, state.require_device = own_tickets, _require_device
    state.charter, state.psc = charter.load(settings.data), _psc(settings)
    state.registrar, state.mail = _registrar(settings, keyring, state.charter.version), mail
    state.pepper, state.draining = keyring.pepper, False
    state.link_bells, state.unlock_bells, state.nodes = link_bells, unlock_bells, nodes
    state.trusted_proxies = settings.trusted_proxies
    _limit(state, quota)
    for room in ROOMS:
        app.include_router(room.router)
    _answer_failures(app)
    app.add_middleware(
        Door, meters=meters, tls=settings.tls or bool(settings.public_name), proxies=settings.plain_proxies
    )

    @app.websocket("/v1/socket")
    async def socket(websocket: WebSocket) -> None:
        await Socket(websocket, office).serve()

    return app


def _open(database: Database, keyring: Keyring) -> None:
    migrations.apply(database)
    with database.transaction() as connection:
        belonging.check(connection, keyring.authority.server_id)
        certificate_log.begin(connection, now_ms())


def _limit(state: Any, quota: quotas.Quotas) -> None:
    """How often each address and person may ask for what."""
    state.claim_buckets = Buckets("claim", CLAIMS_AT_ONCE, CLAIM_EVERY_MS, now_ms)
    state.code_buckets = Buckets("code", CODES_AT_ONCE, CODE_EVERY_MS, now_ms)
    state.link_buckets = Buckets("link", LINKS_AT_ONCE, LINK_EVERY_MS, now_ms)
    state.unlock_buckets = Buckets("unlock", UNLOCKS_AT_ONCE, UNLOCK_EVERY_MS, now_ms)
    state.import_buckets = Buckets("import", IMPORTS_AT_ONCE, IMPORT_EVERY_MS, now_ms)
    state.report_buckets = Buckets("report", REPORTS_AT_ONCE, REPORT_EVERY_MS, now_ms)
    state.availability_buckets = Buckets("availability", SEARCHES_AT_ONCE, SEARCH_EVERY_MS, now_ms)
    state.upload_buckets = Buckets("upload", quota.upload_tokens, quota.upload_token_ms, now_ms)
    state.search_buckets = Buckets("search", SEARCHES_AT_ONCE, SEARCH_EVERY_MS, now_ms)


def _registrar(settings: Settings, keyring: Keyring, charter_version: str) -> Registrar:
    return Registrar(
        keyring.authority,
        keyring.keys.issuing,
        keyring.pepper,
        now_ms=now_ms,
        always=settings.approval == "always",
        enrol=devices.enrol,
        charter=charter_version,
    )


def _blobs(settings: Settings) -> Storage:
    """Where sealed photos are; the object store's library is loaded where one is set only."""
    if settings.s3 is None:
        return Blobs(settings.blobs)
    from miss_server.object_store import ObjectBlobs

    return ObjectBlobs(settings.s3)


def _line(settings: Settings, keyring: Keyring) -> "Line | None":
    """The connection to the other nodes where one is set; its library is loaded then only."""
    if not settings.hints:
        return None
    from miss_server.nats_line import Line

    seal = Seal(hmac.digest(keyring.pepper, b"MiSS hints key 1", "sha256"))
    return Line(settings.hints, settings.hints_password, keyring.authority.server_id, seal)


def _psc(settings: Settings) -> "ProSanteConnect | None":
    """Pro Santé Connect where it is set; its libraries are loaded then only."""
    if settings.psc is None:
        return None
    from miss_server.pro_sante_connect import ProSanteConnect

    host, port = settings.public(settings.port)
    name = f"[{host}]" if ":" in host else host
    scheme, usual = ("https", 443) if settings.tls or settings.public_name else ("http", 80)
    address = f"{scheme}://{name}" if port == usual else f"{scheme}://{name}:{port}"
    return ProSanteConnect(settings.psc, address + sign_in_routes.RETURN_PATH, now_ms)


async def _require_device(request: Request) -> None:
    """A ticket, in the registration routes' own terms."""
    try:
        await tickets.require_device(request)
    except Denied as error:
        raise registration_routes.Refused("unauthenticated") from error


def _answer_failures(app: FastAPI) -> None:
    """Every failure is a status, a reason and a sentence; a traceback goes to the log only."""

    @app.exception_handler(Denied)
    async def denied(request: Request, error: Denied) -> Response:
        return denial(request, error.status, error.reason, error.headers)

    @app.exception_handler(RemoteError)
    async def remote(request: Request, error: RemoteError) -> Response:
        return denial(request, 422, error.reason)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, _: RequestValidationError) -> Response:
        return denial(request, 422, "malformed")

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        return denial(request, error.status_code, _REASONS.get(error.status_code, "malformed"))

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        journal.failure("request-failed", error)
        return denial(request, 500, "internal")
