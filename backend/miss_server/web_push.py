"""Asks a push service to wake a device: Web Push (RFC 8030) without any payload, which is UnifiedPush too.

An endpoint is an address that a client gave, so it is trusted with nothing: https alone, no credentials, no redirects,
and only hosts whose every address is public, looked up once and connected to by that very address.
"""

import asyncio
import socket
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from miss_protocol.frames import Class
from miss_server.vapid import Vapid

ENDPOINT_CHARACTERS_MAX = 1_000
SECONDS_MAX = 10.0
TTL_SECONDS = {Class.NORMAL: 12 * 3_600, Class.URGENT: 24 * 3_600}
URGENCY = {Class.NORMAL: "normal", Class.URGENT: "high"}  # RFC 8030 section 5.3
TOPIC = {Class.NORMAL: "message", Class.URGENT: "urgent"}  # RFC 8030 section 5.4: one of each waits at most
_GONE = (404, 410)  # RFC 8030 section 7.3
_NAT64 = IPv6Network("64:ff9b::/96")
_WAIT = (408, 425, 429)


class Outcome(StrEnum):
    """What became of a push."""

    SENT = "sent"
    GONE = "gone"  # this endpoint is no more
    FAILED = "failed"  # try again
    REFUSED = "refused"  # the service does not want it; try again, in case it was the clock or a key


@dataclass(frozen=True)
class Answer:
    """What became of a push, and when the service wants to be asked again at the earliest."""

    outcome: Outcome
    after_seconds: int = 0


class Sender(Protocol):
    """A way to wake a device; others than Web Push (FCM, APNs) are further classes with this one verb."""

    async def wake(self, endpoint: str, priority: Class, now_ms: int) -> Answer:
        """Ask that the device be woken, saying nothing else."""


class EndpointError(Exception):
    """An endpoint that is not to be asked for anything."""


class WebPush:
    """The sender of Web Push.

    Args:
        private: whether endpoints may be on this machine and in private networks, on http as well on this machine: for
            an establishment's own push server, and for tests.
    """

    def __init__(self, vapid: Vapid, private: bool = False) -> None:
        self._vapid = vapid
        self._private = private
        self._http = httpx.AsyncClient(timeout=SECONDS_MAX, trust_env=False, follow_redirects=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def check(self, endpoint: str) -> str:
        """The address of the endpoint's host; EndpointError where it may not be asked, OSError where none is."""
        parsed = urlsplit(endpoint)
        host, port = parsed.hostname or "", _port(endpoint)
        if len(endpoint) > ENDPOINT_CHARACTERS_MAX or not endpoint.isascii() or not endpoint.isprintable():
            raise EndpointError
        if not host or " " in endpoint or parsed.username is not None or parsed.password is not None:
            raise EndpointError
        if parsed.scheme != "https" and not (self._private and parsed.scheme == "http"):
            raise EndpointError
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
        if not addresses or (not self._private and not all(map(is_public, addresses))):
            raise EndpointError
        if parsed.scheme == "http" and not all(one.is_loopback for one in addresses):
            raise EndpointError
        return str(addresses[0])

    async def wake(self, endpoint: str, priority: Class, now_ms: int) -> Answer:
        """One push; what the service says beyond its status is not even read."""
        try:
            async with asyncio.timeout(2 * SECONDS_MAX):
                address = await self.check(endpoint)
                request = self._request(endpoint, address, priority, now_ms)
                answer = await self._http.send(request, stream=True)
                await answer.aclose()
        except EndpointError:
            return Answer(Outcome.GONE)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, UnicodeError):
            return Answer(Outcome.FAILED)
        if answer.is_success:
            return Answer(Outcome.SENT)
        if answer.status_code in _GONE:
            return Answer(Outcome.GONE)
        again = answer.headers.get("Retry-After", "")
        after = int(again) if again.isascii() and again.isdigit() and len(again) < 8 else 0
        failed = answer.status_code >= 500 or answer.status_code in _WAIT
        return Answer(Outcome.FAILED if failed else Outcome.REFUSED, after)

    def _request(self, endpoint: str, address: str, priority: Class, now_ms: int) -> httpx.Request:
        url = httpx.URL(endpoint)
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Authorization": self._vapid.authorization(endpoint, now_ms),
            "TTL": str(TTL_SECONDS[priority]),
            "Urgency": URGENCY[priority],
            "Topic": TOPIC[priority],
            "Content-Length": "0",
        }
        # The host was looked up once: a name that points elsewhere a moment later changes nothing.
        return self._http.build_request(
            "POST", url.copy_with(host=address), headers=headers, extensions={"sni_hostname": url.host}
        )


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is out in the internet, also one that leads to an IPv4 address by another name."""
    inner: IPv4Address | None = None
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return address.is_global and not address.is_multicast and (inner is None or is_public(inner))


def _port(endpoint: str) -> int:
    try:
        return urlsplit(endpoint).port or 443
    except ValueError as error:
        raise EndpointError from error
