"""Being busy or away, and who answers instead: one's own, and others' as the server tells it before one writes."""

from collections.abc import Callable, Collection
from typing import Any

from miss_app.engine.account import Account
from miss_app.engine.events import AvailabilityView
from miss_app.engine.people import person_view
from miss_app.engine.problems import Problem

AVAILABLE, BUSY, AWAY = "available", "busy", "away"
_PERSONS_MAX = 100  # the server's


class Availabilities:
    """Who can be reached, on one device.

    Args:
        open_account: the unlocked profile; Problem("locked") where it is not.
    """

    def __init__(self, open_account: Callable[[], Account]) -> None:
        self._open = open_account

    async def mine(self) -> AvailabilityView:
        """What this person has said of themselves; Problem where the server cannot be reached."""
        return _view(await self._open().http.json("GET", "/v1/availability", ticket=True))

    async def set(self, state: str, until_ms: int = 0, delegate: bytes = b"") -> AvailabilityView:
        """Be this from now on.

        Args:
            until_ms: until when, in the server's time; nothing where one is available again.
            delegate: the person id of who answers instead; empty for nobody.

        Raises:
            Problem: ``until-wrong``, ``delegate-not-reachable``, or why the server cannot be reached.
        """
        body = {"state": state, "until_ms": until_ms, "delegate": delegate.hex() or None}
        return _view(await self._open().http.json("PUT", "/v1/availability", json=body, ticket=True))

    async def of(self, persons: Collection[bytes]) -> dict[bytes, AvailabilityView]:
        """Who of these is busy or away now; Problem where the server cannot be reached."""
        asked = sorted(one.hex() for one in persons)
        found: dict[bytes, AvailabilityView] = {}
        http = self._open().http
        for at in range(0, len(asked), _PERSONS_MAX):
            body = {"persons": asked[at : at + _PERSONS_MAX]}
            answer = await http.json("POST", "/v1/availability/of", json=body, ticket=True)
            try:
                found |= {bytes.fromhex(str(one["person"])): _view(one) for one in answer["people"]}
            except (KeyError, TypeError, ValueError) as error:
                raise Problem("server-not-understood") from error
        return found


def _view(answer: dict[str, Any]) -> AvailabilityView:
    state, until_ms, delegate = answer.get("state"), answer.get("until_ms"), answer.get("delegate")
    if state not in (AVAILABLE, BUSY, AWAY) or type(until_ms) is not int:
        raise Problem("server-not-understood")
    try:
        if delegate is None:
            return AvailabilityView(state, until_ms)
        return AvailabilityView(state, until_ms, person_view(delegate), bool(delegate.get("available", True)))
    except (KeyError, TypeError, ValueError) as error:
        raise Problem("server-not-understood") from error
