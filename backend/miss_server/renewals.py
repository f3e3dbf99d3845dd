"""Certificates are renewed: the same device, keys and check, with what the register says of the person today.

Asked for a month before the end, or when the register has changed; an expired certificate may be renewed too, as long
as its device was not revoked. What is not due is answered with the certificate there is.
"""

from dataclasses import replace

from sqlalchemy import Connection, delete, select, update

from miss_protocol.enrolment import CertificateRequest
from miss_protocol.errors import RemoteError
from miss_protocol.identity import DeviceCertificate, Professional
from miss_protocol.limits import CERTIFICATE_RENEWED_DAYS_BEFORE
from miss_server import acts, certificate_log, professionals
from miss_server.authority import Keyring
from miss_server.devices import Device
from miss_server.refusals import Refusal
from miss_server.register_tables import people
from miss_server.tables import devices, key_packages

DUE_MS = CERTIFICATE_RENEWED_DAYS_BEFORE * 86_400_000
_NAME_CHARACTERS_MAX = 64  # what a certificate holds of each


def renew(connection: Connection, keyring: Keyring, device: Device, request: bytes, now_ms: int) -> bytes:
    """A device's certificate, renewed where it is due; DER.

    Args:
        request: an encoded ``CertificateRequest``, signed with the device's own keys.

    Raises:
        RemoteError: ``bad-request`` where it is malformed, badly signed or of other keys.
    """
    try:
        asked = CertificateRequest.decode(request)
    except RemoteError as error:
        raise RemoteError("bad-request", error.reason) from error
    own = DeviceCertificate.parse(device.certificate)
    if (asked.device_id, asked.signature_key, asked.login_key) != (own.device_id, own.signature_key, own.login_key):
        raise RemoteError("bad-request", "other keys than the device's")
    who = _as_registered(connection, own.professional)
    if own.not_after_ms - now_ms > DUE_MS and _shortened(who) == _shortened(own.professional):
        return own.der
    keys = keyring.keys.issuing
    fresh = certificate_log.issue(connection, keyring.authority, keys, who, asked, now_ms, own.endorsement)
    connection.execute(update(devices).where(devices.c.device == device.device).values(certificate=fresh.der))
    # Those that wait here carry the old certificate: the device leaves new ones.
    connection.execute(delete(key_packages).where(key_packages.c.device == device.device))
    about = device.device_id.hex()
    acts.record(connection, who="server", what="certificate-renewed", about=about, now_ms=now_ms)
    return fresh.der


def _as_registered(connection: Connection, before: Professional) -> Professional:
    """The same person, as register or establishment name them today; as before where neither knows them."""
    row = connection.execute(select(people).where(people.c.person_id == before.person_id)).first()
    if row is None:
        return before
    about = professionals.describe(connection, row.rpps, row.profession_code)
    known = before if isinstance(about, Refusal) else about
    family, given = known.family_name, known.given_name
    return replace(
        before,
        display_name=row.display_name,
        family_name=family,
        given_name=given,
        profession_code=row.profession_code,
        profession=row.profession,
        place=row.place,
    )


def _shortened(who: Professional) -> tuple[str, ...]:
    """What a certificate says of somebody's name and work."""
    texts = (who.display_name, who.family_name, who.given_name, who.profession, who.place)
    return who.profession_code, *(text[:_NAME_CHARACTERS_MAX] for text in texts)
