"""Who is who: device certificates, the authority that issues them, and the labelled signatures of MiSS.

A device certificate (X.509, Ed25519) binds a person of the national register to one device: its MLS signature key is the
certificate's key, its login key (ECDSA P-256) an extension. ``cryptography``'s path verifier refuses Ed25519, so every
check is explicit here. Times are milliseconds since 1970, given by the caller: this module reads no clock.
"""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from miss_protocol import limits
from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer, decode

ARC = "2.25.117876164671627354606185264219115690258"
OID_LOGIN_KEY = x509.ObjectIdentifier(f"{ARC}.1")
OID_CHECK = x509.ObjectIdentifier(f"{ARC}.2")
OID_ENDORSEMENT = x509.ObjectIdentifier(f"{ARC}.3")
OID_ROLE = x509.ObjectIdentifier(f"{ARC}.4")

LABEL_LOGIN = "MiSS login 1"
LABEL_REQUEST = "MiSS certificate request 1"
LABEL_ENDORSEMENT = "MiSS endorsement 1"

ROLE_ROOT = "root"
ROLE_ISSUING = "issuing"
ROLE_EXTERNAL_SENDER = "external sender"

ED25519_KEY_BYTES = 32
P256_KEY_BYTES = 33  # SEC1, compressed

# The encodings of the eight points of small order (RFC 7748 and RFC 8032 arithmetic: order 1, 2, 4 and 8, and their
# non-canonical forms). A key of small order accepts one signature for every message.
_P = 2**255 - 19
_ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _P, _P + 1, _ORDER_8_Y, _P - _ORDER_8_Y})


def labelled(label: str, content: bytes) -> bytes:
    """What is signed: the label first, so that no signature can stand in the place of another."""
    return Writer().text(label).opaque(content).bytes()


def check_ed25519_key(key: bytes) -> None:
    """Raises RemoteError("bad-key") unless this is a point that is not of small order."""
    if len(key) != ED25519_KEY_BYTES:
        raise RemoteError("bad-key", "an Ed25519 key has 32 bytes")
    if int.from_bytes(key, "little") & ((1 << 255) - 1) in _SMALL_ORDER_Y:
        raise RemoteError("bad-key", "small order")


def verify_ed25519(key: bytes, label: str, content: bytes, signature: bytes) -> None:
    """Raises RemoteError("bad-signature") unless ``signature`` is this key's over the labelled content."""
    check_ed25519_key(key)
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(signature, labelled(label, content))
    except (InvalidSignature, ValueError) as error:
        raise RemoteError("bad-signature", label) from error


def verify_p256(key: bytes, label: str, content: bytes, signature: bytes) -> None:
    """The same for a login key (compressed SEC1 point, DER signature)."""
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        public.verify(signature, labelled(label, content), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise RemoteError("bad-signature", label) from error


def sign_p256(key: ec.EllipticCurvePrivateKey, label: str, content: bytes) -> bytes:
    """A login key's signature over the labelled content, DER."""
    return key.sign(labelled(label, content), ec.ECDSA(hashes.SHA256()))


def login_content(server_id: bytes, device_id: bytes, server_nonce: bytes, client_nonce: bytes) -> bytes:
    """What a device signs to log in: both nonces, so that neither end alone chooses it."""
    return server_id + device_id + server_nonce + client_nonce


def p256_public(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half of a login key as certificates hold it."""
    return key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)


def ed25519_public(key: ed25519.Ed25519PrivateKey) -> bytes:
    """The public half of a signature key, 32 bytes."""
    return key.public_key().public_bytes_raw()


@dataclass(frozen=True)
class CertificateRequest:
    """A device asks to be certified: its id and keys, proven by a signature of each key."""

    device_id: bytes
    signature_key: bytes
    login_key: bytes
    device_name: str
    signature: bytes = b""
    login_signature: bytes = b""

    @classmethod
    def sign(
        cls,
        device_id: bytes,
        device_name: str,
        signature_key: ed25519.Ed25519PrivateKey,
        login_key: ec.EllipticCurvePrivateKey,
    ) -> Self:
        """A request signed by both private keys."""
        bare = cls(device_id, ed25519_public(signature_key), p256_public(login_key), device_name[:60])
        content = bare.content()
        return cls(
            bare.device_id,
            bare.signature_key,
            bare.login_key,
            bare.device_name,
            signature_key.sign(labelled(LABEL_REQUEST, content)),
            sign_p256(login_key, LABEL_REQUEST, content),
        )

    def content(self) -> bytes:
        """The signed part."""
        out = Writer().fixed(self.device_id).fixed(self.signature_key).fixed(self.login_key)
        return out.text(self.device_name).bytes()

    def encode(self) -> bytes:
        return Writer().opaque(self.content()).opaque(self.signature).opaque(self.login_signature).bytes()

    @classmethod
    def decode(cls, data: bytes) -> "CertificateRequest":
        """A request whose two signatures were verified.

        Raises:
            RemoteError: ``malformed``, ``bad-key`` or ``bad-signature``.
        """

        def read(reader: Reader) -> "CertificateRequest":
            inner = Reader(reader.opaque())
            device_id, key, login = inner.fixed(16), inner.fixed(ED25519_KEY_BYTES), inner.fixed(P256_KEY_BYTES)
            name = inner.text()
            inner.end()
            if len(name) > 60:
                raise RemoteError("malformed", "device name")
            return cls(device_id, key, login, name, reader.opaque(), reader.opaque())

        request = decode(data, read)
        verify_ed25519(request.signature_key, LABEL_REQUEST, request.content(), request.signature)
        verify_p256(request.login_key, LABEL_REQUEST, request.content(), request.login_signature)
        return request


@dataclass(frozen=True)
class Endorsement:
    """A trusted device says that another one is the same person's."""

    endorser: bytes  # device id
    signature: bytes  # Ed25519 by the endorser's signature key

    def encode(self) -> bytes:
        return Writer().fixed(self.endorser).opaque(self.signature).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        return decode(data, lambda r: cls(r.fixed(16), r.opaque()))


def endorsement_content(person_id: bytes, device_id: bytes, signature_key: bytes, login_key: bytes) -> bytes:
    """What an endorsing device signs: person, device and both keys."""
    return person_id + device_id + signature_key + login_key


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
        except (
            ValueError,
            KeyError,
            TypeError,
            UnicodeError,
            x509.ExtensionNotFound,
            x509.DuplicateExtension,
        ) as error:
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

    def verify(self, authority: "Authority", at_ms: int | None = None) -> None:
        """Whether ``authority`` issued this certificate, and, where ``at_ms`` is given, whether it is valid then.

        Raises:
            RemoteError: ``bad-certificate`` or ``expired``.
        """
        try:
            self.certificate.verify_directly_issued_by(authority.issuing)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise RemoteError("bad-certificate", "not issued by this authority") from error
        if at_ms is not None and not self.valid_at(at_ms):
            raise RemoteError("expired", "device certificate")

    def valid_at(self, at_ms: int) -> bool:
        tolerance = limits.CLOCK_TOLERANCE_MINUTES * 60_000
        return self.not_before_ms - tolerance <= at_ms <= self.not_after_ms

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
        except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound) as error:
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
    """A device certificate for 90 days. The caller has checked the person, and the request was decoded (so verified)."""
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


def credential_check(authority: Authority, at_ms: int | None) -> Callable[[_Credential, bytes], None]:
    """The check of a leaf that enters a tree (RFC 9420 section 5.3.1), as of ``at_ms``: the row's acceptance time."""

    def check(credential: _Credential, signature_key: bytes) -> None:
        certificate = certificate_of(credential)
        certificate.verify(authority, at_ms)
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
