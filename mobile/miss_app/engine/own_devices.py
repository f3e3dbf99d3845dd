"""This person's devices, as the server knows them: listed, renamed, ended."""

import binascii

from miss_app.engine.account import Account
from miss_app.engine.events import DeviceView
from miss_app.engine.problems import Problem
from miss_protocol import limits


async def listed(account: Account) -> list[DeviceView]:
    """The live ones, oldest first; Problem where the server cannot be reached."""
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


async def rename(account: Account, device_id: bytes, name: str) -> None:
    """What this person calls one of their devices; Problem("device-name-empty") or ("text-too-long")."""
    name = name.strip()
    if not name:
        raise Problem("device-name-empty")
    if len(name) > limits.DEVICE_NAME_CHARACTERS_MAX:
        raise Problem("text-too-long")
    await account.http.call("PATCH", f"/v1/devices/{device_id.hex()}", json={"name": name}, ticket=True)


async def revoke(account: Account, device_id: bytes) -> None:
    """End a device of this person: it is closed at once, and taken out of every conversation."""
    await account.http.call("DELETE", f"/v1/devices/{device_id.hex()}", ticket=True)
    with account.store.step() as step:
        account.people.disown(step, device_id)
