"""Who has devices already and proves anew who they are: the old devices end, after a day where one was seen lately.

Somebody may have got hold of the mailbox. So a device that was seen in the last seven days is told, and may refuse;
two different operators may shorten the wait. Once it is over the new device is certified when it asks next, the old
ones are revoked, and whoever shares a conversation with the person is told, with the new device's certificate.
"""

from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from miss_protocol.enrolment import CertificateRequest
from miss_protocol.identity import DeviceCertificate
from miss_protocol.notices import RegisteredAgain, RegistrationWaits
from miss_server import acts, devices, names, streams
from miss_server.decisions import DecisionError, find, must_be
from miss_server.register_changes import contacts
from miss_server.register_tables import people, registrations
from miss_server.registration_rows import DELAYED, REFUSED
from miss_server.tables import devices as devices_table

SEEN_LATELY_MS = 7 * 86_400_000
WAIT_MS = 86_400_000
BY_OWNER, SUPERSEDED = "refused-by-owner", "superseded"


def wait_until(connection: Connection, rpps: str, now_ms: int) -> int:
    """Until when a new proof for this number has to wait, in milliseconds; 0 where no device was seen lately."""
    d = devices_table.c
    seen = func.coalesce(d.last_seen_ms, d.added_at_ms)
    lately = select(d.device).where(_theirs(rpps), seen > now_ms - SEEN_LATELY_MS).limit(1)
    return 0 if connection.execute(lately).first() is None else now_ms + WAIT_MS


def delay(connection: Connection, row: Row[Any], until_ms: int, now_ms: int) -> None:
    """A proven registration waits; the person's devices are told."""
    name = CertificateRequest.decode(row.request).device_name
    _set(connection, row.registration_id, certify_from_ms=until_ms)
    notice = RegistrationWaits(bytes(row.registration_id), until_ms, name)
    for device_id in _live(connection, row.rpps):
        streams.tell(connection, device_id, notice, now_ms)
    _note(connection, "server", "delayed", row.registration_id, now_ms)


def replace(connection: Connection, row: Row[Any], certificate: DeviceCertificate, now_ms: int) -> None:
    """The new device takes the place of the old ones, where there are any: they end, and contacts are told."""
    old = _live(connection, row.rpps)
    r = registrations.c
    connection.execute(
        update(registrations)
        .where(r.rpps == row.rpps, r.state == DELAYED, r.registration_id != row.registration_id)
        .values(state=REFUSED, why=SUPERSEDED, decided_at_ms=now_ms)
    )
    known = select(devices_table.c.device).where(devices_table.c.person_id == certificate.person_id).limit(1)
    if connection.execute(known).first() is None:
        return
    told = contacts(connection, certificate.person_id, past=True)
    for device_id in old:
        devices.revoke(connection, device_id, "server", now_ms)
    for device_id in told:
        streams.tell(connection, device_id, RegisteredAgain(certificate.der), now_ms)
    about = f"{row.registration_id.hex()} in the place of {len(old)} devices"
    acts.record(connection, who="server", what="registered-again", about=about, now_ms=now_ms)


def waiting(connection: Connection, person_id: bytes) -> list[tuple[bytes, int, str]]:
    """The registrations in a person's name that wait: (id, until when, the new device's name)."""
    r = registrations
    query = select(r).join(people, people.c.rpps == r.c.rpps).where(people.c.person_id == person_id)
    found = connection.execute(query.where(r.c.state == DELAYED).order_by(r.c.opened_at_ms)).all()
    return [
        (bytes(row.registration_id), row.certify_from_ms, CertificateRequest.decode(row.request).device_name)
        for row in found
    ]


def refuse(connection: Connection, device: devices.Device, registration_id: bytes, now_ms: int) -> bool:
    """The person, on a device of theirs, says that this registration is not theirs; whether one waited."""
    if registration_id not in [waits for waits, *_ in waiting(connection, device.person_id)]:
        return False
    _set(connection, registration_id, state=REFUSED, why=BY_OWNER, decided_at_ms=now_ms)
    who = f"device {device.device_id.hex()}"
    _note(connection, who, "refused", registration_id, now_ms, "by the person, on a device of theirs")
    return True


def shorten(connection: Connection, number: str, *, operator: str, now_ms: int, seen: str | None = None) -> bool:
    """An operator ends the wait; it takes two different ones. Whether it is over now.

    Raises:
        DecisionError: ``not-delayed``, ``changed-meanwhile`` (since ``seen``, the case's stamp), or ``second-operator``
            where the same one says it twice.
    """
    case = find(connection, number)
    must_be(case, seen)
    if case.row.state != DELAYED:
        raise DecisionError("not-delayed", number=case.number[:8])
    if names.same(case.row.shortened_by, operator):
        raise DecisionError("second-operator", number=case.number[:8], operator=operator)
    both = bool(case.row.shortened_by)
    values = {"certify_from_ms": min(now_ms, case.row.certify_from_ms)} if both else {"shortened_by": operator}
    _set(connection, case.row.registration_id, **values)
    what = "shortened" if both else "shortened-first"
    _note(connection, operator, what, case.row.registration_id, now_ms)
    return both


def _theirs(rpps: str) -> Any:
    d = devices_table.c
    person = select(people.c.person_id).where(people.c.rpps == rpps).scalar_subquery()
    return (d.person_id == person) & d.revoked_at_ms.is_(None)


def _live(connection: Connection, rpps: str) -> list[bytes]:
    d = devices_table.c
    return [bytes(one) for one in connection.scalars(select(d.device_id).where(_theirs(rpps)).order_by(d.device))]


def _set(connection: Connection, registration_id: bytes, **values: Any) -> None:
    r = registrations
    connection.execute(update(r).where(r.c.registration_id == registration_id, r.c.state == DELAYED).values(**values))


def _note(connection: Connection, who: str, what: str, registration_id: bytes, now_ms: int, more: str = "") -> None:
    acts.record(connection, who=who, what=what, about=f"{registration_id.hex()} {more}".strip(), now_ms=now_ms)
