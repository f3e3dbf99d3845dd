"""Who is who: device certificates, and the authority that issues them.

A device certificate (X.509, Ed25519) binds a person of the national register to one device: its MLS signature key is
the certificate's key, its login key (ECDSA P-256) an extension. ``cryptography``'s path verifier refuses Ed25519, so
every check is explicit here. Times are milliseconds since 1970, given by the caller: this module reads no clock.
"""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from miss_protocol import limits
from miss_protocol.enrolment import CertificateRequest as CertificateRequest
from miss_protocol.enrolment import Endorsement as Endorsement
from miss_protocol.enrolment import endorsement_content as endorsement_content
from miss_protocol.errors import RemoteError
from miss_protocol.labels import (
    ED25519_KEY_BYTES as ED25519_KEY_BYTES,
)
from miss_protocol.labels import (
    LABEL_ENDORSEMENT as LABEL_ENDORSEMENT,
)
from miss_protocol.labels import (
    LABEL_LOGIN as LABEL_LOGIN,
)
from miss_protocol.labels import (
    LABEL_REQUEST as LABEL_REQUEST,
)
from miss_protocol.labels import (
    P256_KEY_BYTES as P256_KEY_BYTES,
)
from miss_protocol.labels import (
    check_ed25519_key as check_ed25519_key,
)
from miss_protocol.labels import (
    ed25519_public as ed25519_public,
)
from miss_protocol.labels import (
    labelled as labelled,
)
from miss_protocol.labels import (
    p256_public as p256_public,
)
from miss_protocol.labels import (
    sign_p256 as sign_p256,
)
from miss_protocol.labels import (
    verify_ed25519 as verify_ed25519,
)
from miss_protocol.labels import (
    verify_p256 as verify_p256,
)
from miss_protocol.mls.codec import Writer, decode

ARC = "2.25.117876164671627354606185264219115690258"
OID_LOGIN_KEY = x509.ObjectIdentifier(f"{ARC}.1")
OID_CHECK = x509.ObjectIdentifier(f"{ARC}.2")
OID_ENDORSEMENT = x509.ObjectIdentifier(f"{ARC}.3")
OID_ROLE = x509.ObjectIdentifier(f"{ARC}.4")

# What the X.509 library raises on a certificate that is broken or of another kind; none is a kind of another.
_UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.ExtensionNotFound,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)

ROLE_ROOT = "root"
ROLE_ISSUING = "issuing"
ROLE_EXTERNAL_SENDER = "external sender"


def login_content(server_id: bytes, device_id: bytes, server_nonce: bytes, client_nonce: bytes) -> bytes:
    """What a device signs to log in: both nonces, so that neither end alone chooses it."""
    return server_id + device_id + server_nonce + client_nonce


@dataclass(frozen=True)
class Professional:
    """A person as the national register names them.

    ``display_name`` carries the title ("Dr Camille Lefèvre"); ``rpps`` may be empty: not everyone has one;
    ``profession_code`` is of TRE_G15; ``checked_how`` is "mailbox", "operator", "linked"…
    """

    person_id: bytes
    display_name: str
    family_name: str
    given_name: str
    rpps: str
    profession_code: str
    profession: str
    place: str
    checked_how: str
    checked_at_ms: int


@dataclass(frozen=True)
class DeviceCertificate:
    """A parsed device certificate; ``verify`` says whether the authority issued it."""

    der: bytes
    professional: Professional
    device_id: bytes
    signature_key: bytes
    login_key: bytes
    endorsement: Endorsement | None
    not_before_ms: int
    not_after_ms: int
    certificate: x509.Certificate

    @property
    def person_id(self) -> bytes:
        return self.professional.person_id

    @classmethod
    def parse(cls, der: bytes) -> Self:
        """Raises RemoteError("bad-certificate") where a field is missing, doubled or malformed."""
        try:
            return cls._parse(der)
        except _UNREADABLE as error:
            raise RemoteError("bad-certificate", type(error).__name__) from error

    @classmethod
    def _parse(cls, der: bytes) -> Self:
        if len(der) > 4096:
            raise RemoteError("bad-certificate", "too large")
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        if not isinstance(key, ed25519.Ed25519PublicKey) or certificate.version is not x509.Version.v3:
            raise RemoteError("bad-certificate", "not an Ed25519 key")
        signature_key = key.public_bytes_raw()
        check_ed25519_key(signature_key)
        extensions = certificate.extensions
        _check_usage(extensions)
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        if len(uris) != 2 or len(list(names)) != 2:
            raise RemoteError("bad-certificate", "two names, person and device")
        person_id, device_id = (_uuid_bytes(uri) for uri in uris)
        login_key = _extension(extensions, OID_LOGIN_KEY)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), login_key)
        how, at_ms, code = decode(_extension(extensions, OID_CHECK), lambda r: (r.text(), r.u64(), r.text()))
        endorsed = _optional_extension(extensions, OID_ENDORSEMENT)
        subject = certificate.subject
        professional = Professional(
            person_id,
            _name(subject, NameOID.COMMON_NAME),
            _name(subject, NameOID.SURNAME),
            _name(subject, NameOID.GIVEN_NAME),
            _name(subject, NameOID.SERIAL_NUMBER),
            code,
            _name(subject, NameOID.TITLE),
            _name(subject, NameOID.ORGANIZATION_NAME),
            how,
            at_ms,
        )
        return cls(
            der,
            professional,
            device_id,
            signature_key,
            login_key,
            None if endorsed is None else Endorsement.decode(endorsed),
            _ms(certificate.not_valid_before_utc),
            _ms(certificate.not_valid_after_utc),
            certificate,
        )

    def verify(self, authority: "Authority", at_ms: int | None = None, *, late_ms: int = 0) -> None:
        """Whether ``authority`` issued this certificate, and, where ``at_ms`` is given, whether it is valid then.

        Args:
            authority: the registrar's certificates.
            at_ms: the moment to judge, or None where a leaf is in its tree already.
            late_ms: how long after its end the certificate still passes.

        Raises:
            RemoteError: ``bad-certificate`` or ``expired``.
        """
        try:
            self.certificate.verify_directly_issued_by(authority.issuing)
        except _UNREADABLE as error:
            raise RemoteError("bad-certificate", "not issued by this authority") from error
        if at_ms is not None and not self.valid_at(at_ms, late_ms):
            raise RemoteError("expired", "device certificate")

    def valid_at(self, at_ms: int, late_ms: int = 0) -> bool:
        tolerance = limits.CLOCK_TOLERANCE_MINUTES * 60_000
        return self.not_before_ms - tolerance <= at_ms <= self.not_after_ms + late_ms

    def check_endorsement(self, endorser_key: bytes) -> None:
        """Raises RemoteError unless the endorsement is by ``endorser_key`` (the endorsing device's signature key)."""
        if self.endorsement is None:
            raise RemoteError("not-endorsed", "no endorsement")
        content = endorsement_content(self.person_id, self.device_id, self.signature_key, self.login_key)
        verify_ed25519(endorser_key, LABEL_ENDORSEMENT, content, self.endorsement.signature)


def person_of(der: bytes) -> bytes:
    """The person id in a device certificate (16 bytes)."""
    return DeviceCertificate.parse(der).person_id


def device_of(der: bytes) -> bytes:
    """The device id in a device certificate (16 bytes)."""
    return DeviceCertificate.parse(der).device_id


@dataclass(frozen=True)
class Authority:
    """The three certificates of a server's registrar: root, issuing, external sender (for MLS removals)."""

    root: x509.Certificate
    issuing: x509.Certificate
    external_sender: x509.Certificate

    @property
    def server_id(self) -> bytes:
        """SHA-256 of the root certificate, 32 bytes: what the invitation carries."""
        return hashlib.sha256(self.root.public_bytes(serialization.Encoding.DER)).digest()

    def issuing_keys(self) -> tuple[bytes, ...]:
        """The Ed25519 keys that sign device certificates and heads of the log, the one in use first."""
        return (_ed25519_key(self.issuing),)

    def encode(self) -> bytes:
        out = Writer()
        for certificate in (self.root, self.issuing, self.external_sender):
            out.opaque(certificate.public_bytes(serialization.Encoding.DER))
        return out.bytes()

    @classmethod
    def decode(cls, data: bytes, *, server_id: bytes | None = None) -> Self:
        """An authority whose chain was checked, and whose root is the one the invitation named.

        Raises:
            RemoteError: ``malformed``, ``bad-certificate`` or ``fingerprint-mismatch``.
        """
        ders = decode(data, lambda r: (r.opaque(), r.opaque(), r.opaque()))
        try:
            authority = cls(*(x509.load_der_x509_certificate(der) for der in ders))
            authority._check()
        except _UNREADABLE as error:
            raise RemoteError("bad-certificate", "authority") from error
        if server_id is not None and authority.server_id != server_id:
            raise RemoteError("fingerprint-mismatch", "another authority than the invitation's")
        return authority

    def _check(self) -> None:
        for certificate, role in (
            (self.root, ROLE_ROOT),
            (self.issuing, ROLE_ISSUING),
            (self.external_sender, ROLE_EXTERNAL_SENDER),
        ):
            certificate.verify_directly_issued_by(self.root)
            extensions = certificate.extensions
            if _extension(extensions, OID_ROLE) != role.encode():
                raise RemoteError("bad-certificate", f"not the {role} certificate")
            key = certificate.public_key()
            if not isinstance(key, ed25519.Ed25519PublicKey):
                raise RemoteError("bad-certificate", "not an Ed25519 key")
            check_ed25519_key(key.public_bytes_raw())
            constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
            if constraints.ca is not (role != ROLE_EXTERNAL_SENDER):
                raise RemoteError("bad-certificate", "basic constraints")


@dataclass(frozen=True)
class AuthorityKeys:
    """The private keys behind an Authority; on the server only."""

    root: ed25519.Ed25519PrivateKey
    issuing: ed25519.Ed25519PrivateKey
    external_sender: ed25519.Ed25519PrivateKey


def make_authority(name: str, now_ms: int) -> tuple[Authority, AuthorityKeys]:
    """A new registrar's three keys, the issuing and external-sender ones certified by the root, for ten years.

    Args:
        name: the server's public name.
    """
    keys = AuthorityKeys(*(ed25519.Ed25519PrivateKey.generate() for _ in range(3)))
    start = _at(now_ms) - timedelta(hours=1)

    def certificate(role: str, key: ed25519.Ed25519PrivateKey) -> x509.Certificate:
        is_authority = role != ROLE_EXTERNAL_SENDER
        path_length = {ROLE_ROOT: 1, ROLE_ISSUING: 0}.get(role)
        builder = x509.CertificateBuilder().subject_name(_authority_name(name, role))
        builder = builder.issuer_name(_authority_name(name, ROLE_ROOT)).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=3653))
        builder = builder.add_extension(x509.BasicConstraints(is_authority, path_length), critical=True)
        builder = builder.add_extension(_key_usage(sign=not is_authority, certify=is_authority), critical=True)
        builder = builder.add_extension(x509.UnrecognizedExtension(OID_ROLE, role.encode()), critical=False)
        return builder.sign(keys.root, None)

    return (
        Authority(
            certificate(ROLE_ROOT, keys.root),
            certificate(ROLE_ISSUING, keys.issuing),
            certificate(ROLE_EXTERNAL_SENDER, keys.external_sender),
        ),
        keys,
    )


def certify(
    authority: Authority,
    issuing_key: ed25519.Ed25519PrivateKey,
    professional: Professional,
    request: CertificateRequest,
    now_ms: int,
    endorsement: Endorsement | None = None,
) -> DeviceCertificate:
    """A device certificate for 90 days. The caller checked the person; the request was decoded, so verified."""
    who = professional
    subject = [
        x509.NameAttribute(oid, value[:64])
        for oid, value in (
            (NameOID.COMMON_NAME, who.display_name),
            (NameOID.SURNAME, who.family_name),
            (NameOID.GIVEN_NAME, who.given_name),
            (NameOID.SERIAL_NUMBER, who.rpps),
            (NameOID.TITLE, who.profession),
            (NameOID.ORGANIZATION_NAME, who.place),
        )
        if value
    ]
    names = [
        x509.UniformResourceIdentifier(f"urn:uuid:{uuid.UUID(bytes=one)}") for one in (who.person_id, request.device_id)
    ]
    check = Writer().text(who.checked_how).u64(who.checked_at_ms).text(who.profession_code).bytes()
    start = _at(now_ms)
    builder = x509.CertificateBuilder().subject_name(x509.Name(subject)).issuer_name(authority.issuing.subject)
    builder = builder.public_key(ed25519.Ed25519PublicKey.from_public_bytes(request.signature_key))
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=limits.CERTIFICATE_DAYS))
    builder = builder.add_extension(x509.BasicConstraints(False, None), critical=True)
    builder = builder.add_extension(_key_usage(sign=True, certify=False), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.UnrecognizedExtension(OID_LOGIN_KEY, request.login_key), critical=False)
    builder = builder.add_extension(x509.UnrecognizedExtension(OID_CHECK, check), critical=False)
    if endorsement is not None:
        builder = builder.add_extension(
            x509.UnrecognizedExtension(OID_ENDORSEMENT, endorsement.encode()), critical=False
        )
    signed = builder.sign(issuing_key, None)
    return DeviceCertificate.parse(signed.public_bytes(serialization.Encoding.DER))


class _Credential(Protocol):
    @property
    def kind(self) -> int: ...
    @property
    def certificates(self) -> tuple[bytes, ...]: ...


def certificate_of(credential: _Credential) -> DeviceCertificate:
    """The device certificate in an MLS credential (x509, one certificate); RemoteError otherwise."""
    if credential.kind != 2 or len(credential.certificates) != 1:
        raise RemoteError("bad-credential", "one X.509 device certificate is expected")
    return DeviceCertificate.parse(credential.certificates[0])


def credential_check(
    authority: Authority, at_ms: int | None, *, late_ms: int = 0
) -> Callable[[_Credential, bytes], None]:
    """The check of a leaf that enters a tree (RFC 9420 section 5.3.1), as of ``at_ms``: the row's acceptance time.

    The server judges a moment before it accepts, so members allow for that moment by ``late_ms``: a member that refused
    what the server accepted would fork the group.
    """

    def check(credential: _Credential, signature_key: bytes) -> None:
        certificate = certificate_of(credential)
        certificate.verify(authority, at_ms, late_ms=late_ms)
        if certificate.signature_key != signature_key:
            raise RemoteError("bad-credential", "the leaf's key is not the certificate's")

    return check


def check_successor(before: _Credential, after: _Credential) -> None:
    """A leaf's new certificate must be of the same person, device and key (RFC 9420 section 5.3.1)."""
    old, new = certificate_of(before), certificate_of(after)
    if (old.person_id, old.device_id, old.signature_key) != (new.person_id, new.device_id, new.signature_key):
        raise RemoteError("bad-credential", "another device's certificate")


def _authority_name(name: str, role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"MiSS {role}"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:64]),
        ]
    )


def _ed25519_key(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key()
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise RemoteError("bad-certificate", "not an Ed25519 key")
    return key.public_bytes_raw()


def _key_usage(*, sign: bool, certify: bool) -> x509.KeyUsage:
    return x509.KeyUsage(sign, False, False, False, False, certify, certify, False, False)


def _check_usage(extensions: x509.Extensions) -> None:
    if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
        raise RemoteError("bad-certificate", "an authority is not a device")
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    if not usage.digital_signature or usage.key_cert_sign:
        raise RemoteError("bad-certificate", "key usage")


def _optional_extension(extensions: x509.Extensions, oid: x509.ObjectIdentifier) -> bytes | None:
    try:
        return _extension(extensions, oid)
    except x509.ExtensionNotFound:
        return None


def _extension(extensions: x509.Extensions, oid: x509.ObjectIdentifier) -> bytes:
    value = extensions.get_extension_for_oid(oid).value
    if not isinstance(value, x509.UnrecognizedExtension):
        raise RemoteError("bad-certificate", "extension")
    return value.value


def _name(subject: x509.Name, oid: x509.ObjectIdentifier) -> str:
    values = subject.get_attributes_for_oid(oid)
    if len(values) > 1:
        raise RemoteError("bad-certificate", "a name twice")
    return str(values[0].value) if values else ""


def _uuid_bytes(uri: str) -> bytes:
    if not uri.startswith("urn:uuid:"):
        raise RemoteError("bad-certificate", "a name that is no urn:uuid")
    return uuid.UUID(uri.removeprefix("urn:uuid:")).bytes


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
