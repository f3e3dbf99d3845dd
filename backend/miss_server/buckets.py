"""How often one address may ask: a bucket of tokens each, refilled at a steady pace."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

ADDRESSES_MAX = 10_000
_IPV6_SITE_BITS = 64  # one household or one ward has at least that many addresses


class Buckets:
    """Buckets by address, in this process's memory; the least recently seen address is forgotten first.

    Args:
        burst: tokens in a full bucket.
        every_ms: one token comes back after that long.
        now_ms: the clock.
    """

    def __init__(self, burst: int, every_ms: int, now_ms: Callable[[], int]) -> None:
        self._burst = burst
        self._every_ms = every_ms
        self._now_ms = now_ms
        self._full_at_ms: OrderedDict[str, int] = OrderedDict()

    def take(self, address: str) -> bool:
        """Takes a token for this address; False where it has none left."""
        site = _site(address)
        now = self._now_ms()
        full_at = max(self._full_at_ms.get(site, now), now) + self._every_ms
        if full_at - now > self._burst * self._every_ms:
            return False
        self._full_at_ms[site] = full_at
        self._full_at_ms.move_to_end(site)
        if len(self._full_at_ms) > ADDRESSES_MAX:
            self._full_at_ms.popitem(last=False)
        return True


def _site(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((int(parsed), _IPV6_SITE_BITS), strict=False))
