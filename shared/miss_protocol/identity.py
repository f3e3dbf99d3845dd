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
from miss_protocol.enrolment import CertificateRequest, Endorsement, endorsement_content
from miss_protocol.errors import RemoteError
from miss_protocol.labels import (
    ED25519_KEY_BYTES,
    LABEL_ENDORSEMENT,
    LABEL_LOGIN,
    LABEL_REQUEST,
    P256_KEY_BYTES,
    check_ed25519_key,
    ed25519_public,
    labelled,
    p256_public,
    sign_p256,
    verify_ed25519,
    verify_p256,
)
from miss_protocol.mls.codec import Reader, Writer, decode

__all__ = [  # of what stands elsewhere, and is looked for here
    "CertificateRequest", "ED25519_KEY_BYTES", "Endorsement", "LABEL_ENDORSEMENT", "LABEL_LOGIN", "LABEL_REQUEST",
    "P256_KEY_BYTES", "check_ed25519_key", "ed25519_public", "endorsement_content", "labelled", "p256_public",
    "sign_p256", "verify_ed25519", "verify_p256",
]  # fmt: skip

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
        _check_issued(self.certificate, authority.issuing_certificates())
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
    """A server's registrar: its first root, the issuing and external-sender (for MLS removals) certificates in use,
    the roots that followed, each signed by the one before, and the issuing certificates that were in use earlier."""

    root: x509.Certificate
    issuing: x509.Certificate
    external_sender: x509.Certificate
    later_roots: tuple[x509.Certificate, ...] = ()
    past_issuing: tuple[x509.Certificate, ...] = ()

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        return (self.root, *self.later_roots)

    @property
    def server_id(self) -> bytes:
        """SHA-256 of the first root certificate, 32 bytes: what the invitation carries."""
        return hashlib.sha256(self.root.public_bytes(serialization.Encoding.DER)).digest()

    def issuing_certificates(self) -> tuple[x509.Certificate, ...]:
        """What device certificates and heads of the log may be signed by, the one in use first."""
        return (self.issuing, *self.past_issuing)

    def issuing_keys(self) -> tuple[bytes, ...]:
        """The same as Ed25519 keys."""
        return tuple(_ed25519_key(one) for one in self.issuing_certificates())

    def follows(self, earlier: "Authority") -> bool:
        """Whether this is what ``earlier`` became: its roots go on from the same ones, and none of its keys is lost."""
        roots, known = earlier.roots, set(self.issuing_keys())
        return self.roots[: len(roots)] == roots and known.issuperset(earlier.issuing_keys())

    def encode(self) -> bytes:
        out = Writer()
        for certificate in (self.root, self.issuing, self.external_sender):
            out.opaque(certificate.public_bytes(serialization.Encoding.DER))
        for more in (self.later_roots, self.past_issuing):
            out.vector([one.public_bytes(serialization.Encoding.DER) for one in more], Writer.opaque)
        return out.bytes()

    @classmethod
    def decode(cls, data: bytes, *, server_id: bytes | None = None) -> Self:
        """An authority whose chain was checked, and whose first root is the one the invitation named.

        Raises:
            RemoteError: ``malformed``, ``bad-certificate`` or ``fingerprint-mismatch``.
        """

        def read(r: Reader) -> tuple[list[bytes], list[bytes], list[bytes]]:
            return [r.opaque() for _ in range(3)], r.vector(Reader.opaque), r.vector(Reader.opaque)

        in_use, later, past = decode(data, read)
        if len(later) + len(past) > limits.AUTHORITY_CERTIFICATES_MAX:
            raise RemoteError("bad-certificate", "too many")
        try:
            load = x509.load_der_x509_certificate
            root, issuing, external = (load(der) for der in in_use)
            authority = cls(root, issuing, external, tuple(map(load, later)), tuple(map(load, past)))
            authority._check()
        except _UNREADABLE as error:
            raise RemoteError("bad-certificate", "authority") from error
        if server_id is not None and authority.server_id != server_id:
            raise RemoteError("fingerprint-mismatch", "another authority than the invitation's")
        return authority

    def _check(self) -> None:
        before = self.root
        for root in self.roots:
            root.verify_directly_issued_by(before)
            _check_role(root, ROLE_ROOT)
            before = root
        for certificate in self.issuing_certificates():
            _check_issued(certificate, self.roots)
            _check_role(certificate, ROLE_ISSUING)
        _check_issued(self.external_sender, self.roots)
        _check_role(self.external_sender, ROLE_EXTERNAL_SENDER)


def _check_role(certificate: x509.Certificate, role: str) -> None:
    extensions = certificate.extensions
    if _extension(extensions, OID_ROLE) != role.encode():
        raise RemoteError("bad-certificate", f"not the {role} certificate")
    check_ed25519_key(_ed25519_key(certificate))
    constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    if constraints.ca is not (role != ROLE_EXTERNAL_SENDER):
        raise RemoteError("bad-certificate", "basic constraints")


def _check_issued(certificate: x509.Certificate, issuers: tuple[x509.Certificate, ...]) -> None:
    """Raises RemoteError, or what the library does, unless one of these issued the certificate."""
    for issuer in issuers:
        try:
            certificate.verify_directly_issued_by(issuer)
        except _UNREADABLE:
            continue
        return
    raise RemoteError("bad-certificate", "not issued by this authority")


@dataclass(frozen=True)
class AuthorityKeys:
    """The private keys behind an Authority; on the server only. ``root`` is None where it is kept elsewhere."""

    root: ed25519.Ed25519PrivateKey | None
    issuing: ed25519.Ed25519PrivateKey
    external_sender: ed25519.Ed25519PrivateKey


def make_authority(name: str, now_ms: int) -> tuple[Authority, AuthorityKeys]:
    """A new registrar's three keys, the issuing and external-sender ones certified by the root, for ten years.

    Args:
        name: the server's public name.
    """
    root, issuing, external = (ed25519.Ed25519PrivateKey.generate() for _ in range(3))

    def certificate(role: str, key: ed25519.Ed25519PrivateKey) -> x509.Certificate:
        return authority_certificate(name, role, key.public_key(), root, now_ms)

    authority = Authority(
        certificate(ROLE_ROOT, root), certificate(ROLE_ISSUING, issuing), certificate(ROLE_EXTERNAL_SENDER, external)
    )
    return authority, AuthorityKeys(root, issuing, external)


def authority_certificate(
    name: str, role: str, key: ed25519.Ed25519PublicKey, signer: ed25519.Ed25519PrivateKey, now_ms: int
) -> x509.Certificate:
    """A certificate of one of an authority's keys, signed by a root, for ten years."""
    start = _at(now_ms) - timedelta(hours=1)
    is_authority = role != ROLE_EXTERNAL_SENDER
    path_length = {ROLE_ROOT: None, ROLE_ISSUING: 0}.get(role)
    builder = x509.CertificateBuilder().subject_name(_authority_name(name, role))
    builder = builder.issuer_name(_authority_name(name, ROLE_ROOT)).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=3653))
    builder = builder.add_extension(x509.BasicConstraints(is_authority, path_length), critical=True)
    builder = builder.add_extension(_key_usage(sign=not is_authority, certify=is_authority), critical=True)
    builder = builder.add_extension(x509.UnrecognizedExtension(OID_ROLE, role.encode()), critical=False)
    return builder.sign(signer, None)


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
