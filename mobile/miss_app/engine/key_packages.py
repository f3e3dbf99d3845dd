"""What others need to add this device to a conversation: key packages, their private halves kept here."""

import base64

from miss_app.engine.arrivals import LAST_RESORT
from miss_app.engine.http import Http
from miss_app.engine.membership import Clock, Membership
from miss_app.engine.problems import Problem
from miss_app.engine.store import Store
from miss_protocol import limits
from miss_protocol.mls import group as mls

KEY_PACKAGES_LOW = limits.KEY_PACKAGES_TARGET // 2
_HOUR_SECONDS, _DAY_SECONDS = 3600, 86_400


class KeyPackages:
    """This device's key packages."""

    def __init__(self, store: Store, membership: Membership, http: Http, clock: Clock) -> None:
        self._store = store
        self._membership = membership
        self._http = http
        self._clock = clock

    async def leave(self, count: int) -> None:
        """Make key packages, keep their private halves, then leave the public ones with the server.

        A device just linked leaves as many more as the server says: one for each conversation it will be added to.
        """
        more = await self._leave(count)
        if more:
            await self._leave(min(more, limits.KEY_PACKAGES_PER_DEVICE_MAX))

    async def _leave(self, count: int) -> int:
        """Some more; how many the server wishes beyond them."""
        now = self._clock.now_ms() // 1000
        begin, end = now - _HOUR_SECONDS, now + limits.KEY_PACKAGE_DAYS * _DAY_SECONDS
        identity = self._membership.identity
        made = [mls.make_key_package(identity, not_before=begin, not_after=end) for _ in range(count)]
        last = mls.make_key_package(identity, not_before=begin, not_after=end, last_resort=True)
        wants_last = self._last_resort_is_old(now)
        with self._store.step() as step:
            for row in self._store.all_rows("key_packages"):
                if row.place < now - limits.SERVER_KEEPS_MESSAGES_DAYS * _DAY_SECONDS:
                    step.delete("key_packages", row.name)
            for one in [*made, last] if wants_last else made:
                step.put("key_packages", one.reference, one.encode(), place=end)
        body = {
            "one_use": [base64.b64encode(one.key_package).decode() for one in made],
            "last_resort": base64.b64encode(last.key_package).decode() if wants_last else None,
        }
        try:
            answer = await self._http.json("POST", "/v1/key-packages", json=body, ticket=True)
        except Problem:
            return 0  # the next login says again how many are left
        if wants_last:
            with self._store.step() as step:
                step.put("profile", LAST_RESORT, end.to_bytes(8, "big"))
        wanted = answer.get("wanted")
        return wanted if isinstance(wanted, int) else 0

    def _last_resort_is_old(self, now: int) -> bool:
        end = int.from_bytes(self._store.get("profile", LAST_RESORT) or b"", "big")
        return end < now + limits.KEY_PACKAGE_DAYS * _DAY_SECONDS // 2
