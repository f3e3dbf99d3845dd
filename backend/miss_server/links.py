"""Linking: a new device leaves its request under a code's hash, a trusted device of the same person vouches for it.

The server cannot choose the keys that are endorsed: the typed code is computed from the request, and the trusted device
computes it again.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, func, insert, select, update

from miss_protocol import limits
from miss_protocol.enrolment import CertificateRequest, Endorsement, endorsement_content
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.labels import LABEL_ENDORSEMENT, verify_ed25519
from miss_server import certificate_log, devices
from miss_server.authority import Keyring
from miss_server.devices import Device
from miss_server.tables import devices as device_table
from miss_server.tables import links, memberships

LINK_MS = limits.LINK_MINUTES * 60_000
LINKS_OPEN_MAX = 1_000
REQUEST_BYTES_MAX = 2_048
WAIT_SECONDS_MAX = 15
LOOK_SECONDS = 2.0
LINKED = "linked"
OPEN, CERTIFIED, EXPIRED = "open", "certified", "expired"


class LinkError(Exception):
    """A link cannot be used: ``link-unknown``, ``link-expired``, ``link-used`` or ``slow-down``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Standing:
    """Where a link stands, as the new device may know it; ``conversations`` is how many it will be added to."""

    state: str
    certificate: bytes | None = None
    conversations: int = 0


class Bells:
    """Who waits for a link to be endorsed, on this node."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, set[asyncio.Event]] = {}
        self.beyond: Callable[[], None] = lambda: None  # tells the other nodes

    def ring(self, lookup: bytes) -> None:
        """It may be: whoever waits, at whichever node, looks again."""
        self._ring(lookup)
        self.beyond()

    def ring_all(self) -> None:
        """Another node says that something was answered."""
        for lookup in self._waiting:
            self._ring(lookup)

    def _ring(self, lookup: bytes) -> None:
        for one in self._waiting.get(lookup, ()):
            one.set()

    @contextmanager
    def hear(self, lookup: bytes) -> Iterator[Callable[[float], Awaitable[None]]]:
        """Inside, what is rung is not missed; gives a function that waits for it, for so many seconds at most."""
        event = asyncio.Event()
        self._waiting.setdefault(lookup, set()).add(event)

        async def rung(seconds: float) -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # wait_for would swallow a cancellation that comes with the ring
                    await event.wait()
            event.clear()

        try:
            yield rung
        finally:
            self._waiting[lookup].discard(event)
            if not self._waiting[lookup]:
                del self._waiting[lookup]


def open_link(connection: Connection, lookup: bytes, request: bytes, now_ms: int) -> bytes:
    """A new device asks to be linked; returns the secret by which it fetches its certificate.

    Raises:
        RemoteError: the request is malformed or badly signed.
        LinkError: ``link-used``, ``slow-down``.
    """
    asked = CertificateRequest.decode(request)
    if devices.find(connection, asked.device_id) is not None:
        raise RemoteError("device-known", "this device is enrolled")
    ended = links.c.opened_at_ms <= now_ms - LINK_MS
    connection.execute(delete(links).where(ended, links.c.certificate.is_(None)))
    if int(connection.scalar(select(func.count()).select_from(links)) or 0) >= LINKS_OPEN_MAX:
        raise LinkError("slow-down")
    if connection.execute(select(links.c.lookup).where(links.c.lookup == lookup)).first() is not None:
        raise LinkError("link-used")
    secret = secrets.token_bytes(32)
    connection.execute(
        insert(links).values(lookup=lookup, request=request, secret_hash=_hash(secret), opened_at_ms=now_ms)
    )
    return secret


def request_of(connection: Connection, lookup: bytes, now_ms: int) -> bytes:
    """The request a code stands for, for a trusted device to judge; LinkError where it cannot be used."""
    row = connection.execute(select(links).where(links.c.lookup == lookup)).first()
    if row is None:
        raise LinkError("link-unknown")
    if row.certificate is not None:
        raise LinkError("link-used")
    if row.opened_at_ms <= now_ms - LINK_MS:
        raise LinkError("link-expired")
    return bytes(row.request)


def endorse(
    connection: Connection, keyring: Keyring, device: Device, lookup: bytes, endorsement: bytes, now_ms: int
) -> DeviceCertificate:
    """A trusted device vouches for the new one: certified and enrolled for the same person, once.

    Raises:
        RemoteError: the endorsement is malformed, badly signed or another device's; the person has too many devices.
        LinkError: the link cannot be used.
    """
    request = CertificateRequest.decode(request_of(connection, lookup, now_ms))
    given = Endorsement.decode(endorsement)
    if given.endorser != device.device_id:
        raise RemoteError("bad-signature", "endorsed by another device")
    own = DeviceCertificate.parse(device.certificate)
    content = endorsement_content(own.person_id, request.device_id, request.signature_key, request.login_key)
    verify_ed25519(own.signature_key, LABEL_ENDORSEMENT, content, given.signature)
    who = replace(own.professional, checked_how=LINKED, checked_at_ms=now_ms)
    keys = keyring.keys
    certificate = certificate_log.issue(connection, keyring.authority, keys.issuing, who, request, now_ms, given)
    used = connection.execute(
        update(links).where(links.c.lookup == lookup, links.c.certificate.is_(None)).values(certificate=certificate.der)
    )
    if used.rowcount != 1:
        raise LinkError("link-used")
    devices.enrol(connection, certificate, request.device_name, now_ms)
    return certificate


def standing(connection: Connection, lookup: bytes, secret: bytes, now_ms: int) -> Standing:
    """Where a link stands; LinkError("link-unknown") for whoever does not hold its secret."""
    row = connection.execute(select(links).where(links.c.lookup == lookup)).first()
    if row is None or not hmac.compare_digest(bytes(row.secret_hash), _hash(secret)):
        raise LinkError("link-unknown")
    if row.certificate is not None:
        certificate = bytes(row.certificate)
        return Standing(CERTIFIED, certificate, _conversations(connection, certificate))
    return Standing(EXPIRED if row.opened_at_ms <= now_ms - LINK_MS else OPEN)


def _conversations(connection: Connection, certificate: bytes) -> int:
    """In how many conversations the device that vouched for this one is."""
    endorsement = DeviceCertificate.parse(certificate).endorsement
    if endorsement is None:
        return 0
    m, d = memberships.c, device_table.c
    counted = (
        select(func.count())
        .select_from(memberships.join(device_table, m.device == d.device))
        .where(d.device_id == endorsement.endorser, m.removed.is_(None))
    )
    return int(connection.scalar(counted) or 0)


def forget(connection: Connection, before_ms: int) -> int:
    """Deletes the links opened before then."""
    return connection.execute(delete(links).where(links.c.opened_at_ms < before_ms)).rowcount


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
