"""How often somebody may ask: a bucket of tokens each, refilled at a steady pace, kept in the database.

Every node of a service counts in the same buckets, and a restart empties none. Where the database does not answer,
nothing is granted: the request fails with it.
"""

import ipaddress
from collections.abc import Callable

from fastapi import Request
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from miss_server.register_tables import buckets

RETRY_SECONDS = 60  # what a client that was refused is told to wait
_IPV6_SITE_BITS = 64  # one household or one ward has at least that many addresses
_WHO_CHARACTERS_MAX = 64


class Buckets:
    """Buckets of one kind, by address or by person.

    Args:
        kind: what they are for; each kind counts by itself.
        burst: tokens in a full bucket.
        every_ms: one token comes back after that long.
        now_ms: the clock.
    """

    def __init__(self, kind: str, burst: int, every_ms: int, now_ms: Callable[[], int]) -> None:
        self._kind = kind
        self._burst = burst
        self._every_ms = every_ms
        self._now_ms = now_ms

    def take(self, connection: Connection, who: str, tokens: int = 1) -> bool:
        """Takes tokens; False, and nothing written, where so many are not left. One write transaction's work."""
        b, now = buckets.c, self._now_ms()
        mine = (b.kind == self._kind, b.who == (site := _site(who)))
        known: int | None = connection.scalar(select(b.full_at_ms).where(*mine))
        full_at = max(known or now, now) + tokens * self._every_ms
        if full_at - now > self._burst * self._every_ms:
            return False
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        row = insert(buckets).values(kind=self._kind, who=site, full_at_ms=full_at)
        # One statement, whether the address was here before or not: nobody can measure which.
        connection.execute(row.on_conflict_do_update(index_elements=[b.kind, b.who], set_={"full_at_ms": full_at}))
        return True


async def granted(request: Request, of: Buckets, who: str = "", tokens: int = 1) -> bool:
    """Whether a request may go on: takes tokens of ``who``, or of the address it came from."""
    allowed: bool = await request.app.state.database.run(of.take, who or address_of(request), tokens)
    return allowed


def address_of(request: Request) -> str:
    """Where a request came from: its peer, or what a trusted proxy says of it.

    Each proxy adds its own peer at the end of X-Forwarded-For, so the last address that is no trusted proxy's is
    believed and what stands before it, which anybody may have written, is not.
    """
    peer = request.client.host if request.client else ""
    trusted = getattr(request.app.state, "trusted_proxies", ())
    chain = [one.strip() for one in ",".join(request.headers.getlist("x-forwarded-for")).split(",") if one.strip()]
    while chain and _within(peer, trusted):
        try:
            peer = str(ipaddress.ip_address(chain.pop()))
        except ValueError:
            break
    return peer


def forget(connection: Connection, now_ms: int) -> None:
    """Deletes the buckets that are full again."""
    connection.execute(delete(buckets).where(buckets.c.full_at_ms <= now_ms))


def _within(address: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _site(who: str) -> str:
    try:
        parsed = ipaddress.ip_address(who)
    except ValueError:
        return who[:_WHO_CHARACTERS_MAX]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), _IPV6_SITE_BITS), strict=False))
    return str(parsed)
