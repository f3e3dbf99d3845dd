"""Tickets: what a logged-in device shows with its HTTP requests, for ten minutes at most."""

import base64
import binascii
import hmac
from collections.abc import Callable

from fastapi import Request

from miss_protocol import limits
from miss_server import devices
from miss_server.answers import Denied
from miss_server.devices import Device

VALID_MS = limits.TICKET_MINUTES * 60_000
_MAC_BYTES = 32
_TOKEN_BYTES = 16 + 8 + _MAC_BYTES


class Tickets:
    """Makes and reads tickets, which every node of the service takes.

    Args:
        secret: shared by the nodes; the key is derived from it.
        now_ms: the clock.
    """

    def __init__(self, secret: bytes, now_ms: Callable[[], int]) -> None:
        self._key = hmac.digest(secret, b"MiSS ticket key 1", "sha256")
        self._now_ms = now_ms

    def make(self, device_id: bytes) -> str:
        """A ticket for a device that has just proved who it is."""
        content = device_id + (self._now_ms() + VALID_MS).to_bytes(8, "big")
        return base64.urlsafe_b64encode(content + self._mac(content)).decode()

    def device_of(self, token: str) -> bytes | None:
        """The device a ticket was made for; None where it is no ticket of ours, or too old."""
        try:
            data = base64.b64decode(token, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        content, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
        if len(data) != _TOKEN_BYTES or not hmac.compare_digest(mac, self._mac(content)):
            return None
        return content[:16] if self._now_ms() < int.from_bytes(content[16:], "big") else None

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._key, b"MiSS ticket 1" + content, "sha256")


def bearer(request: Request) -> str:
    """What stands after ``Authorization: Bearer``; empty where nothing does."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def require_device(request: Request) -> Device:
    """The device that sent a request; its row is read each time.

    Raises:
        Denied: 401 ``unauthenticated``, or 403 ``revoked`` or ``suspended``.
    """
    tickets: Tickets = request.app.state.tickets
    device_id = tickets.device_of(bearer(request))
    if device_id is None:
        raise Denied(401, "unauthenticated")
    device: Device | None = await request.app.state.database.read(devices.find, device_id)
    if device is None:
        raise Denied(401, "unauthenticated")
    if device.revoked:
        raise Denied(403, "revoked")
    if device.suspended:
        raise Denied(403, "suspended")
    return device
