"""A locked device asks its person's other devices to open it: one question each, answered once, within two minutes."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from miss_protocol import limits
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate
from miss_protocol.notices import UnlockAsked
from miss_protocol.unlocking import UnlockApproval, UnlockRequest
from miss_server import devices, shares, streams
from miss_server.devices import Device
from miss_server.tables import devices as devices_table
from miss_server.vault_tables import unlock_requests

REQUEST_BYTES_MAX = 512
OPEN_MS = limits.UNLOCK_REQUEST_SECONDS * 1000
OPEN, APPROVED, REFUSED, EXPIRED = "open", "approved", "refused", "expired"


@dataclass(frozen=True)
class Answer:
    """Where a question stands; ``approval`` where it was approved."""

    state: str
    approval: bytes = b""


def ask(connection: Connection, device: Device, request: bytes, server_id: bytes, now_ms: int) -> list[int]:
    """Keep a device's question in place of its last one, and tell the person's other devices.

    Returns:
        the streams to ring.

    Raises:
        RemoteError: it is malformed, badly signed, another device's or out of time; ``no-other-device``.
    """
    asked = UnlockRequest.decode(request)
    if asked.device_id != device.device_id:
        raise RemoteError("malformed", "another device's question")
    asked.verify(server_id, device.login_key, now_ms)
    others = [one for one in devices.of_person(connection, device.person_id) if one.device_id != device.device_id]
    if not others:
        raise RemoteError("no-other-device", "nobody to ask")
    connection.execute(delete(unlock_requests).where(unlock_requests.c.device == device.device))
    connection.execute(insert(unlock_requests).values(device=device.device, request=request, opened_at_ms=now_ms))
    notice = UnlockAsked(device.device_id)
    return [streams.tell(connection, one.device_id, notice, now_ms) for one in others]


def waiting(connection: Connection, device: Device, now_ms: int) -> list[bytes]:
    """The questions of the person's other devices that nobody has answered, oldest first."""
    u, d = unlock_requests.c, devices_table.c
    found = connection.scalars(
        select(u.request)
        .join(devices_table, d.device == u.device)
        .where(d.person_id == device.person_id, d.device != device.device, d.revoked_at_ms.is_(None))
        .where(u.approval.is_(None), u.opened_at_ms > now_ms - OPEN_MS)
        .order_by(u.opened_at_ms)
    )
    return [bytes(one) for one in found]


def answer(
    connection: Connection, device: Device, asker_id: bytes, approval: bytes, server_id: bytes, now_ms: int
) -> bool:
    """The person, on another device of theirs, opens the one that asked, or refuses (empty ``approval``).

    Returns:
        whether its question waited.

    Raises:
        RemoteError: the approval is malformed, or not this device's answer to this question.
    """
    asker = devices.find(connection, asker_id)
    if asker is None or asker.person_id != device.person_id or asker.device == device.device or asker.revoked:
        return False
    u = unlock_requests.c
    open_one = (u.device == asker.device, u.approval.is_(None), u.opened_at_ms > now_ms - OPEN_MS)
    request = connection.scalar(select(u.request).where(*open_one))
    if request is None:
        return False
    if approval:
        given = UnlockApproval.decode(approval)
        if given.device_id != device.device_id:
            raise RemoteError("malformed", "another device's approval")
        own = DeviceCertificate.parse(device.certificate)
        given.verify(UnlockRequest.decode(bytes(request)), server_id, own.signature_key)
        shares.renew_tries(connection, asker.device)
    connection.execute(update(unlock_requests).where(*open_one).values(approval=approval))
    return True


def standing(connection: Connection, device: Device, now_ms: int) -> str:
    """Where a device's question stands."""
    u = unlock_requests.c
    row = connection.execute(select(u.approval, u.opened_at_ms).where(u.device == device.device)).first()
    if row is None or row.opened_at_ms <= now_ms - OPEN_MS:
        return EXPIRED
    if row.approval is None:
        return OPEN
    return APPROVED if row.approval else REFUSED


def take(connection: Connection, device: Device, now_ms: int) -> Answer:
    """Where it stands; an answer is given once."""
    u, state = unlock_requests.c, standing(connection, device, now_ms)
    if state == OPEN:
        return Answer(state)
    given = connection.scalar(
        delete(unlock_requests).where(u.device == device.device, u.approval.is_not(None)).returning(u.approval)
    )
    return Answer(state, bytes(given or b"") if state == APPROVED else b"")


def forget(connection: Connection, now_ms: int) -> int:
    """Deletes what is out of time."""
    old = unlock_requests.c.opened_at_ms <= now_ms - OPEN_MS
    return connection.execute(delete(unlock_requests).where(old)).rowcount
