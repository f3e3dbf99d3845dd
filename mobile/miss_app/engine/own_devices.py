"""This person's devices: linked, listed, renamed, ended, from any of them."""

import binascii
from collections.abc import Awaitable, Callable

from miss_app.engine.account import Account
from miss_app.engine.events import DeviceView, LinkView
from miss_app.engine.linked import endorse, look
from miss_app.engine.problems import Problem
from miss_protocol import limits


class OwnDevices:
    """What a person does about their devices.

    Args:
        account: the open account, or Problem("locked").
        confirm: checks the PIN again before anything that matters.
    """

    def __init__(self, account: Callable[[], Account], confirm: Callable[[str], Awaitable[None]]) -> None:
        self._account = account
        self._confirm = confirm

    async def look(self, shown: str) -> LinkView:
        """Which new device shows this: a typed code, or what its QR code says.

        Raises:
            Problem: ``link-code-wrong``, ``link-expired`` or ``link-key-swapped``.
        """
        return LinkView((await look(self._account(), shown)).request.device_name)

    async def link(self, code: str, *, pin: str, days: int | None = 0) -> DeviceView:
        """Vouch for the new device that shows this code, and have it added to every conversation.

        Args:
            days: how far back it gets what this device has; 0 for everything, None for nothing.

        Raises:
            Problem: ``pin-wrong``, ``too-many-devices``, or as ``look``.
        """
        account = self._account()
        await self._confirm(pin)
        return await endorse(account, code, days)

    async def listed(self) -> list[DeviceView]:
        """The live ones, oldest first; Problem where the server cannot be reached."""
        account = self._account()
        answer = await account.http.json("GET", "/v1/devices", ticket=True)
        me = account.certificate.device_id
        try:
            return [
                DeviceView(
                    bytes.fromhex(one["device"]),
                    str(one["name"]),
                    bytes.fromhex(one["device"]) == me,
                    int(one["added_at_ms"]),
                    int(one["last_seen_ms"] or 0),
                    str(one.get("checked_how") or ""),
                )
                for one in answer["devices"]
            ]
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise Problem("server-not-understood") from error

    async def rename(self, device_id: bytes, name: str) -> None:
        """What this person calls one of their devices; Problem("device-name-empty") or ("text-too-long")."""
        name = name.strip()
        if not name:
            raise Problem("device-name-empty")
        if len(name) > limits.DEVICE_NAME_CHARACTERS_MAX:
            raise Problem("text-too-long")
        http = self._account().http
        await http.call("PATCH", f"/v1/devices/{device_id.hex()}", json={"name": name}, ticket=True)

    async def revoke(self, device_id: bytes, *, pin: str) -> None:
        """End a device of this person, this one too: closed at once, taken out of every conversation.

        Raises:
            Problem: ``pin-wrong``, or why the server cannot be reached.
        """
        account = self._account()
        await self._confirm(pin)
        await account.http.call("DELETE", f"/v1/devices/{device_id.hex()}", ticket=True)
        if not account.store.closed:
            with account.store.step() as step:
                account.people.disown(step, device_id)
