"""Devices: enrolled with a certificate, authenticated by their login key, found by their key packages, revoked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, exists, func, insert, select, update

from miss_protocol import limits
from miss_protocol.errors import RemoteError
from miss_protocol.identity import Authority, DeviceCertificate, certificate_of, login_content
from miss_protocol.labels import LABEL_LOGIN, verify_p256
from miss_protocol.mls.nodes import KeyPackage
from miss_protocol.notices import DeviceAdded, DeviceReady
from miss_server import acts, invites, shares, streams
from miss_server.register_tables import people
from miss_server.tables import devices, key_packages, memberships
from miss_server.tables import streams as stream_table


@dataclass(frozen=True, slots=True)
class Device:
    """A device as the server knows it; ``device`` is its row number."""

    device: int
    device_id: bytes
    person_id: bytes
    certificate: bytes
    login_key: bytes
    revoked: bool
    suspended: bool = False  # its person does not practise any more, by the register


@dataclass(frozen=True, slots=True)
class Listed:
    """A device as its owner reads it in a list."""

    device_id: bytes
    name: str
    added_at_ms: int
    last_seen_ms: int | None
    checked_how: str


_DEVICE = select(
    devices.c.device,
    devices.c.device_id,
    devices.c.person_id,
    devices.c.certificate,
    devices.c.login_key,
    devices.c.revoked_at_ms,
    people.c.suspended_at_ms,
).outerjoin(people, people.c.person_id == devices.c.person_id)


def _device(row: Row[*tuple[Any, ...]]) -> Device:
    return Device(
        row.device,
        bytes(row.device_id),
        bytes(row.person_id),
        bytes(row.certificate),
        bytes(row.login_key),
        row.revoked_at_ms is not None,
        row.suspended_at_ms is not None,
    )


def find(connection: Connection, device_id: bytes) -> Device | None:
    """The device of this id, revoked or not."""
    row = connection.execute(_DEVICE.where(devices.c.device_id == device_id)).first()
    return None if row is None else _device(row)


def enrol(connection: Connection, certificate: DeviceCertificate, name: str, now_ms: int) -> None:
    """Writes a newly certified device, opens its stream, and tells the person's other devices in theirs.

    Raises:
        RemoteError: ``device-known``, or ``too-many-devices``.
    """
    known = find(connection, certificate.device_id)
    if known is not None:
        raise RemoteError("device-known", "this device is enrolled")
    others = connection.scalars(
        select(devices.c.device_id).where(
            devices.c.person_id == certificate.person_id, devices.c.revoked_at_ms.is_(None)
        )
    ).all()
    ever = connection.scalar(select(func.count()).where(devices.c.person_id == certificate.person_id))
    if len(others) >= limits.DEVICES_PER_PERSON_MAX:
        raise RemoteError("too-many-devices", f"{limits.DEVICES_PER_PERSON_MAX} at most")
    written = connection.execute(
        insert(devices).values(
            device_id=certificate.device_id,
            person_id=certificate.person_id,
            name=name,
            certificate=certificate.der,
            login_key=certificate.login_key,
            checked_how=certificate.professional.checked_how,
            endorsed=certificate.endorsement is not None,
            added_at_ms=now_ms,
        )
    )
    key = written.inserted_primary_key
    streams.open_device_stream(connection, key[0] if key else 0, certificate.device_id, now_ms)
    for other in others:
        notice = DeviceAdded(certificate.device_id, certificate.endorsement is not None)
        streams.tell(connection, bytes(other), notice, now_ms)
    if not ever:
        invites.arrived(connection, certificate.person_id, now_ms)
    acts.record(connection, who="server", what="device-enrolled", about=certificate.device_id.hex(), now_ms=now_ms)


def check_login(
    device: Device | None, server_id: bytes, server_nonce: bytes, client_nonce: bytes, signature: bytes
) -> Device:
    """The device that logs in.

    Raises:
        RemoteError: ``unknown-device``, ``bad-signature``, ``revoked`` or ``suspended``, in this order.
    """
    if device is None:
        raise RemoteError("unknown-device", "no such device")
    content = login_content(server_id, device.device_id, server_nonce, client_nonce)
    verify_p256(device.login_key, LABEL_LOGIN, content, signature)
    if device.revoked:
        raise RemoteError("revoked", "this device was revoked")
    if device.suspended:
        raise RemoteError("suspended", "this person does not practise any more, by the register")
    return device


def seen(connection: Connection, at_ms: Mapping[int, int]) -> None:
    """Notes when devices, by row number, were connected last."""
    if at_ms:
        connection.execute(_SEEN, [{"which": device, "at_ms": at} for device, at in at_ms.items()])


def attended(connection: Connection, at_ms: Mapping[int, int]) -> None:
    """Notes when somebody was last in front of devices, by row number."""
    if at_ms:
        connection.execute(_ATTENDED, [{"which": device, "at_ms": at} for device, at in at_ms.items()])


_ATTENDED = update(devices).where(devices.c.device == bindparam("which")).values(attended_at_ms=bindparam("at_ms"))
_SEEN = update(devices).where(devices.c.device == bindparam("which")).values(last_seen_ms=bindparam("at_ms"))


def of_person(connection: Connection, person_id: bytes) -> list[Listed]:
    """A person's live devices, oldest first."""
    d = devices.c
    found = connection.execute(
        select(d.device_id, d.name, d.added_at_ms, d.last_seen_ms, d.checked_how)
        .where(d.person_id == person_id, d.revoked_at_ms.is_(None))
        .order_by(d.device)
    )
    return [Listed(bytes(row.device_id), row.name, row.added_at_ms, row.last_seen_ms, row.checked_how) for row in found]


def revoke(connection: Connection, device_id: bytes, who: str, now_ms: int, reason: str = "") -> bool:
    """Ends a device: it logs in no more and nobody adds it any more. Its leaves are for members to remove.

    Returns:
        whether it was live until now.
    """
    ended = connection.execute(
        update(devices)
        .where(devices.c.device_id == device_id, devices.c.revoked_at_ms.is_(None))
        .values(revoked_at_ms=now_ms)
        .returning(devices.c.device)
    ).first()
    if ended is None:
        return False
    connection.execute(delete(key_packages).where(key_packages.c.device == ended.device))
    shares.forget(connection, ended.device)
    about = f"{device_id.hex()} {reason}".strip()
    acts.record(connection, who=who, what="device-revoked", about=about, now_ms=now_ms)
    return True


def rename(connection: Connection, person_id: bytes, device_id: bytes, name: str) -> bool:
    """What a person calls one of their live devices; whether there is such a device."""
    d = devices.c
    mine = (d.device_id == device_id, d.person_id == person_id, d.revoked_at_ms.is_(None))
    return connection.execute(update(devices).where(*mine).values(name=name)).rowcount == 1


def revoke_own(connection: Connection, device: Device, device_id: bytes, now_ms: int) -> int | None:
    """One of a person's devices ends another, or itself; returns its row number, None where there is no such device."""
    found = find(connection, device_id)
    if found is None or found.person_id != device.person_id or found.revoked:
        return None
    revoke(connection, device_id, device.device_id.hex(), now_ms)
    return found.device


def revoked_since(connection: Connection, since_ms: int) -> list[int]:
    """The devices revoked since then, from whichever process it was done."""
    return list(connection.scalars(select(devices.c.device).where(devices.c.revoked_at_ms > since_ms)))


def suspended_since(connection: Connection, since_ms: int) -> list[int]:
    """The devices of people suspended since then."""
    of_people = select(people.c.person_id).where(people.c.suspended_at_ms > since_ms)
    return list(connection.scalars(select(devices.c.device).where(devices.c.person_id.in_(of_people))))


def read_key_packages(
    authority: Authority, device: Device, one_use: Sequence[bytes], last_resort: bytes | None, now_ms: int
) -> list[tuple[bytes, bool, bytes, int]]:
    """Key packages that this device may leave here: (reference, last resort, bytes, end of life in ms).

    Raises:
        RemoteError: of the first that is malformed, badly signed, out of time or another device's.
    """
    checked = []
    for body, last in [*((one, False) for one in one_use), *(((last_resort, True),) if last_resort else ())]:
        if len(body) > limits.KEY_PACKAGE_BYTES_MAX:
            raise RemoteError("too-large", "key package")
        package = KeyPackage.decode(body)
        package.verify()
        certificate = certificate_of(package.leaf.credential)
        certificate.verify(authority, now_ms)
        if certificate.device_id != device.device_id or certificate.signature_key != package.leaf.signature_key:
            raise RemoteError("bad-credential", "another device's key package")
        lifetime = package.lifetime
        tolerance = limits.CLOCK_TOLERANCE_MINUTES * 60
        if not lifetime.not_before - tolerance <= now_ms // 1000 < lifetime.not_after:
            raise RemoteError("expired", "key package")
        checked.append((package.reference(), last, body, lifetime.not_after * 1000))
    return checked


def keep_key_packages(
    connection: Connection, device: Device, packages: Sequence[tuple[bytes, bool, bytes, int]], now_ms: int
) -> tuple[int, list[int]]:
    """Stores checked key packages; a new last resort takes the place of the old one; the same one twice is one.

    The first ones of a device are told to the person's other devices: they can add it to conversations from now on.

    Returns:
        how many one-use key packages this device now has here, and the streams to ring.

    Raises:
        RemoteError: ``full``.
    """
    k = key_packages.c
    first = connection.execute(select(k.key_package).where(k.device == device.device).limit(1)).first() is None
    references = [reference for reference, *_ in packages]
    known = {bytes(one) for one in connection.scalars(select(k.reference).where(k.reference.in_(references)))}
    if any(last for _, last, *_ in packages):
        replaced = delete(key_packages).where(k.device == device.device, k.last_resort, k.reference.not_in(references))
        connection.execute(replaced)
    fresh: dict[bytes, dict[str, object]] = {}
    for reference, last, body, not_after_ms in packages:
        if reference not in known:
            fresh[reference] = {
                "device": device.device,
                "reference": reference,
                "last_resort": last,
                "body": body,
                "not_after_ms": not_after_ms,
            }
    if fresh:
        connection.execute(insert(key_packages), list(fresh.values()))
    left = key_packages_left(connection, device.device)
    if left > limits.KEY_PACKAGES_PER_DEVICE_MAX:
        raise RemoteError("full", f"{limits.KEY_PACKAGES_PER_DEVICE_MAX} key packages at most")
    if not (first and fresh):
        return left, []
    notice = DeviceReady(device.device_id)
    siblings = [one for one in of_person(connection, device.person_id) if one.device_id != device.device_id]
    return left, [streams.tell(connection, one.device_id, notice, now_ms) for one in siblings]


def key_packages_left(connection: Connection, device: int) -> int:
    """How many one-use key packages of a device wait here."""
    k = key_packages.c
    left = connection.scalar(select(func.count()).where(k.device == device, k.last_resort.is_(False)))
    return int(left or 0)


def key_packages_wanted(connection: Connection, device: Device) -> int:
    """How many more one-use key packages a device should leave: one for each conversation to come, some to spare."""
    d, m, s = devices.c, memberships.c, stream_table.c
    siblings = select(d.device).where(
        d.person_id == device.person_id, d.revoked_at_ms.is_(None), d.device != device.device
    )
    inside = select(m.stream).where(m.device == device.device, m.removed.is_(None))
    to_come = (
        select(func.count(m.stream.distinct()))
        .join(stream_table, s.stream == m.stream)
        .where(s.kind != streams.DEVICE_STREAM, m.device.in_(siblings), m.removed.is_(None), m.stream.not_in(inside))
    )
    target = int(connection.scalar(to_come) or 0) + limits.KEY_PACKAGES_TARGET
    return max(0, min(target, limits.KEY_PACKAGES_PER_DEVICE_MAX) - key_packages_left(connection, device.device))


def take_key_packages(
    connection: Connection, person_id: bytes, but_not: bytes, now_ms: int, only: bytes = b""
) -> list[tuple[bytes, bytes]]:
    """One key package for each live device of a person, but the asking one: (device id, key package).

    ``only`` names the one device that is wanted.

    One-use ones go once; the last resort stays. A device without any is left out.
    """
    d, k = devices.c, key_packages.c
    found: list[tuple[bytes, bytes]] = []
    suspended = exists().where(people.c.person_id == d.person_id, people.c.suspended_at_ms.is_not(None))
    live = select(d.device, d.device_id).where(
        d.person_id == person_id, d.revoked_at_ms.is_(None), d.device_id != but_not, ~suspended
    )
    if only:
        live = live.where(d.device_id == only)
    for device, device_id in connection.execute(live.order_by(d.device)).all():
        one = connection.execute(
            select(k.key_package, k.body, k.last_resort)
            .where(k.device == device, k.not_after_ms > now_ms)
            .order_by(k.last_resort, k.key_package)
            .limit(1)
        ).first()
        if one is None:
            continue
        if not one.last_resort:
            connection.execute(delete(key_packages).where(k.key_package == one.key_package))
        found.append((bytes(device_id), bytes(one.body)))
    return found
