"""Stay connected: one websocket, logged in by a signature, opened again whenever it falls.

The session decides nothing about conversations: what arrives goes to its listener in order, one frame at a time, and
what is to be sent is given to it. Positions to acknowledge are gathered for a tenth of a second.
"""

import asyncio
import contextlib
import logging
import random
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, WebSocketException
from websockets.typing import Subprotocol

from miss_app.engine.events import Link
from miss_app.engine.network import way_out
from miss_app.engine.problems import Problem
from miss_app.engine.pursuit import news_within
from miss_app.engine.reachability import SERVER_AWAY, reason_of
from miss_protocol import limits
from miss_protocol.codes import RESTART_REASON
from miss_protocol.connection import Connection, Role
from miss_protocol.errors import RemoteError
from miss_protocol.frames import (
    NONCE_BYTES,
    SUBPROTOCOL,
    Acknowledge,
    Attended,
    Challenge,
    Close,
    Frame,
    Login,
    Reports,
    Submit,
    Ticket,
    TicketPlease,
    Typing,
    positions,
)
from miss_protocol.identity import LABEL_LOGIN, login_content, sign_p256
from miss_protocol.invitation import Invitation

logger = logging.getLogger(__name__)
VERSION = 1
ACKNOWLEDGE_SECONDS = 0.1
# 0.5, 1, 2, 4 s…: for the first minutes of an outage somebody waits, later nobody does.
BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_EARLY, BACKOFF_SECONDS_MAX = 0.5, 4.0, 30.0
EARLY_SECONDS = 120.0
LOOK_SECONDS = 1.0  # between two looks at the network while there is no connection
STALE_SECONDS = 2.0  # an attempt that has hung for so long is begun anew where somebody hurries
OPEN_SECONDS_MAX = 15.0
SPREAD_SECONDS_MAX = 60.0
TICKET_SECONDS_MAX = 15.0
_FINAL = {Close.REVOKED: "revoked", Close.VERSION: "version", Close.LOGIN: "login-refused"}


@dataclass(frozen=True)
class Credentials:
    """What a device logs in with; it opens nothing else."""

    device_id: bytes
    login_key: ec.EllipticCurvePrivateKey


class Listener(Protocol):
    """Whom the session tells."""

    async def take(self, frame: Frame) -> None:
        """One frame, in order. RemoteError closes the connection."""

    def link_changed(self, link: Link, problem: str) -> None:
        """The state of the connection; ``problem`` says why it is not online."""


class Session:
    """One device's connection to one server.

    Args:
        invitation: where.
        credentials: who.
        tls: whom TLS trusts.
        listener: who hears.
        way: by which address this machine goes out, "" for by none.
    """

    def __init__(
        self,
        invitation: Invitation,
        credentials: Credentials,
        tls: ssl.SSLContext,
        listener: Listener,
        way: Callable[[], str] = way_out,
    ) -> None:
        self._invitation = invitation
        self._credentials = credentials
        self._tls = tls
        self._listener = listener
        self._way = way
        self._dialogue = Connection(Role.CLIENT)
        self._socket: ClientConnection | None = None
        self._reached: dict[bytes, int] = {}
        self._acknowledging: asyncio.Task[None] | None = None
        self._ticket: tuple[str, float] | None = None
        self._ticket_wanted: asyncio.Future[str] | None = None
        self._hurry = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._attempt: asyncio.Task[str] | None = None
        self._attempt_began = 0.0
        self._broken_off = False
        self._spread_seconds = 0.0
        self.link = Link.OFFLINE
        self.issuer = ""  # who made the certificate of the last connection: a hospital that looks into TLS, for one

    def start(self) -> None:
        """Connect, and stay so until ``stop``."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._stay_connected())
            self._looking = asyncio.create_task(self._look_at_network())

    async def stop(self) -> None:
        """Say what is still to acknowledge, close, and stay away."""
        running, self._running = self._running, None
        if running is None:
            return
        socket = self._socket
        if socket is not None:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                await self._send_acknowledge()
                await socket.close()
        tasks = [one for one in (running, self._looking) if one is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._set_link(Link.OFFLINE, "")

    def hurry(self) -> None:
        """Try to connect now, not after the waiting time: the program came to the front, or the network is back."""
        self._hurry.set()
        stale = time.monotonic() - self._attempt_began > STALE_SECONDS
        if self._attempt is not None and self._socket is None and stale:
            self._attempt.cancel()  # it was begun on another network, or on none

    async def submit(self, frame: Submit) -> None:
        """Send a row; a connection that falls meanwhile is no error, the outbox will offer the row again."""
        await self._send(frame)

    async def typing(self, stream: bytes) -> None:
        """Say that the person is writing; nothing where there is no connection."""
        if self.link is Link.ONLINE:
            await self._send(Typing(stream))

    async def attended(self) -> None:
        """Say that somebody is in front of this device, and of what was acknowledged."""
        if self.link is Link.ONLINE:
            await self._send_acknowledge()
            await self._send(Attended())

    async def report(self, frame: Reports) -> None:
        """Say where this device stands; what is lost is said again after the next login."""
        await self._send(frame)

    def acknowledge(self, stream: bytes, number: int) -> None:
        """This stream is in the store up to this number; said within a tenth of a second."""
        self._reached[stream] = max(number, self._reached.get(stream, 0))
        if self._acknowledging is None:
            self._acknowledging = asyncio.create_task(self._acknowledge_soon())

    async def ticket(self, renew: bool = False) -> str:
        """What authorises an HTTP request.

        Raises:
            Problem: ``server-away`` while not connected.
        """
        if self._ticket is not None and not renew and time.monotonic() < self._ticket[1]:
            return self._ticket[0]
        if self.link is not Link.ONLINE:
            raise Problem(SERVER_AWAY)
        wanted = self._ticket_wanted
        if wanted is None:
            wanted = self._ticket_wanted = asyncio.get_running_loop().create_future()
            await self._send(TicketPlease())  # meanwhile the answer may come, or the connection fall
        done, _ = await asyncio.wait({wanted}, timeout=TICKET_SECONDS_MAX)
        if not done or wanted.cancelled():
            raise Problem(SERVER_AWAY)
        return wanted.result()

    async def _stay_connected(self) -> None:
        failures, away_since = 0, time.monotonic()
        while True:
            self._set_link(Link.CONNECTING, "")
            began = time.monotonic()
            problem = await self._try_once()
            lasted = self.link is Link.ONLINE and time.monotonic() - began > BACKOFF_SECONDS_MAX
            self._forget_connection()
            if lasted:  # what falls at once after each login is not hurried after
                failures, away_since = 0, time.monotonic()
            if self._broken_off:
                failures = 0
                continue
            self._set_link(Link.OFFLINE, problem)
            if problem in _FINAL.values():
                return
            early = time.monotonic() - away_since < EARLY_SECONDS
            most = min(BACKOFF_SECONDS_EARLY, BACKOFF_SECONDS_MAX) if early else BACKOFF_SECONDS_MAX
            wait = BACKOFF_SECONDS_MAX if problem == "elsewhere" else min(most, BACKOFF_SECONDS_MIN * 2.0**failures)
            wait += self._spread_seconds * random.uniform(0.0, 1.0)  # noqa: S311 - chance, not a secret
            failures = min(failures + 1, 12)
            self._hurry.clear()
            # Jitter: after a restart of the server not everybody comes back at once.
            if await news_within(self._hurry, wait * random.uniform(0.5, 1.0)):  # noqa: S311
                failures = 0

    async def _try_once(self) -> str:
        """One connection, which ``hurry`` may break off while it hangs."""
        self._attempt_began, self._broken_off = time.monotonic(), False
        attempt = self._attempt = asyncio.create_task(self._connect_once())
        try:
            return await attempt
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                attempt.cancel()
                await asyncio.gather(attempt, return_exceptions=True)
                raise
            self._broken_off = True
            return SERVER_AWAY
        finally:
            self._attempt = None

    async def _look_at_network(self) -> None:
        """While there is no connection: a network that comes, or takes another's place, is tried at once."""
        if self._invitation.loopback:
            return
        before = self._way()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            way = self._way()
            if way and way != before and self.link is not Link.ONLINE:
                self.hurry()
            before = way

    async def _connect_once(self) -> str:
        """One connection from first to last; returns why it ended."""
        loopback = self._invitation.loopback
        self._reached.clear()
        self._spread_seconds = 0.0
        try:
            async with connect(
                self._invitation.websocket_url,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                ssl=None if loopback else self._tls,
                proxy=None if loopback else True,
                compression=None,
                max_size=limits.WEBSOCKET_MESSAGE_BYTES_MAX,
                open_timeout=OPEN_SECONDS_MAX,
                close_timeout=2,
                user_agent_header=None,
            ) as socket:
                self._dialogue = Connection(Role.CLIENT)
                self._socket = socket
                self.issuer = _issuer_of(socket)
                try:
                    return await self._converse(socket)
                finally:
                    self._spread_seconds = _spread_of(socket)
        except ConnectionClosed as error:
            return _reason_of_close(error)
        except (OSError, InvalidHandshake, WebSocketException, TimeoutError, ssl.SSLError) as error:
            return reason_of(error)
        except Problem as problem:
            return problem.reason  # the listener's disk: what was not taken is sent again
        except Exception:
            logger.exception("The session stumbled.")
            return SERVER_AWAY

    async def _converse(self, socket: ClientConnection) -> str:
        try:
            async for message in socket:
                for frame in self._dialogue.receive(message):
                    await self._hear(frame)
        except RemoteError as error:
            await socket.close(Close.PROTOCOL, error.reason)
            return "server-not-understood"
        return _reason_of_close(socket)

    async def _hear(self, frame: Frame) -> None:
        match frame:
            case Challenge():
                await self._login(frame)
            case Ticket(token, valid_ms):
                self._ticket = (token, time.monotonic() + 0.8 * valid_ms / 1000)
                if self._ticket_wanted is not None and not self._ticket_wanted.done():
                    self._ticket_wanted.set_result(token)
                self._ticket_wanted = None
            case _:
                await self._listener.take(frame)

    async def _login(self, challenge: Challenge) -> None:
        if challenge.server_id != self._invitation.server_id:
            raise RemoteError("fingerprint-mismatch", "another server than the invitation's")
        who, nonce = self._credentials, secrets.token_bytes(NONCE_BYTES)
        content = login_content(challenge.server_id, who.device_id, challenge.nonce, nonce)
        await self._send(Login(who.device_id, nonce, VERSION, sign_p256(who.login_key, LABEL_LOGIN, content)))

    def online(self) -> None:
        """The listener saw Ready: this device is in."""
        self._set_link(Link.ONLINE, "")

    async def _send(self, frame: Frame) -> None:
        socket = self._socket
        if socket is None:
            return
        try:
            async with asyncio.timeout(limits.SEND_SECONDS_MAX):
                await socket.send(self._dialogue.send(frame))
        except (TimeoutError, ConnectionClosed):
            # Drop the connection, never the message: the outbox offers it again after the next login.
            await socket.close(Close.SLOW)

    async def _acknowledge_soon(self) -> None:
        await asyncio.sleep(ACKNOWLEDGE_SECONDS)
        self._acknowledging = None
        await self._send_acknowledge()

    async def _send_acknowledge(self) -> None:
        while self._reached and self.link is Link.ONLINE:
            some = dict(list(self._reached.items())[: limits.ACKNOWLEDGE_STREAMS_MAX])
            for stream in some:
                del self._reached[stream]
            await self._send(Acknowledge(positions(some.items())))

    def _forget_connection(self) -> None:
        self._socket = None
        self._ticket = None
        # What was not acknowledged is: the next login's first deliveries say the rest.
        self._reached.clear()
        if self._ticket_wanted is not None:
            self._ticket_wanted.cancel()
            self._ticket_wanted = None

    def _set_link(self, link: Link, problem: str) -> None:
        if link is not self.link or problem:
            self.link = link
            self._listener.link_changed(link, problem)


def _reason_of_close(closed: ClientConnection | ConnectionClosed) -> str:
    if isinstance(closed, ConnectionClosed):
        code, said = (None, "") if closed.rcvd is None else (closed.rcvd.code, closed.rcvd.reason)
    else:
        code, said = closed.close_code, closed.close_reason or ""
    if code == Close.ELSEWHERE:
        return "elsewhere"
    if said == "login-timeout":
        return SERVER_AWAY  # a slow network: the next login may be in time
    for known, reason in _FINAL.items():
        if code == known:
            return reason
    return SERVER_AWAY


def _issuer_of(socket: ClientConnection) -> str:
    """Who made the certificate that TLS was shown, "" without TLS or without a name."""
    tls = socket.transport.get_extra_info("ssl_object")
    der = None if tls is None else tls.getpeercert(binary_form=True)
    if not der:
        return ""
    try:
        issuer = x509.load_der_x509_certificate(der).issuer
    except ValueError:
        return ""
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for found in issuer.get_attributes_for_oid(oid):
            return str(found.value)[:80]
    return ""


def _spread_of(socket: ClientConnection) -> float:
    """Over how many seconds a server that stops wants its clients to come back; 0 where it did not say."""
    said = RESTART_REASON.fullmatch(socket.close_reason or "") if socket.close_code == Close.RESTART else None
    return min(int(said.group(1)) / 1000, SPREAD_SECONDS_MAX) if said else 0.0
