"""Certificates, authority and labelled signatures: what is accepted, and what is refused."""

import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from miss_protocol import identity, labels
from miss_protocol.errors import RemoteError

NOW = 1_800_000_000_000
DAY = 86_400_000


class Registrar:
    def __init__(self) -> None:
        self.authority, self.keys = identity.make_authority("miss.example", NOW)

    def device(self, person_id: bytes = b"p" * 16, endorsement=None):
        signing, login = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
        request = identity.CertificateRequest.sign(os.urandom(16), "téléphone", signing, login)
        who = identity.Professional(
            person_id,
            "Dr Éléonore d’Œuvre",
            "d’Œuvre",
            "Éléonore",
            "99700000001",
            "10",
            "Médecin",
            "Cabinet",
            "mailbox",
            NOW,
        )
        return identity.certify(self.authority, self.keys.issuing, who, request, NOW, endorsement), signing, login


@pytest.fixture(scope="module")
def registrar() -> Registrar:
    return Registrar()


def test_certificate_round_trip(registrar):
    certificate, signing, login = registrar.device()
    again = identity.DeviceCertificate.parse(certificate.der)
    again.verify(registrar.authority, NOW)
    assert again.professional.family_name == "d’Œuvre"
    assert again.professional.profession_code == "10"
    assert again.signature_key == identity.ed25519_public(signing)
    assert again.login_key == identity.p256_public(login)
    assert len(certificate.der) < 900


def test_authority_round_trip_and_fingerprint(registrar):
    data = registrar.authority.encode()
    assert (
        identity.Authority.decode(data, server_id=registrar.authority.server_id).server_id
        == registrar.authority.server_id
    )
    with pytest.raises(RemoteError, match="fingerprint-mismatch"):
        identity.Authority.decode(data, server_id=bytes(32))


def test_authority_with_roles_swapped_is_refused(registrar):
    authority = registrar.authority
    swapped = identity.Authority(authority.root, authority.external_sender, authority.issuing)
    with pytest.raises(RemoteError, match="bad-certificate"):
        identity.Authority.decode(swapped.encode())


def test_foreign_and_expired_certificates_are_refused(registrar):
    certificate, *_ = registrar.device()
    with pytest.raises(RemoteError, match="bad-certificate"):
        certificate.verify(Registrar().authority)
    certificate.verify(registrar.authority, NOW + 89 * DAY)
    with pytest.raises(RemoteError, match="expired"):
        certificate.verify(registrar.authority, NOW + 91 * DAY)
    certificate.verify(registrar.authority)  # a leaf already in never becomes invalid by age


def test_members_allow_for_the_moment_between_judging_and_accepting(registrar):
    certificate, *_ = registrar.device()
    end = certificate.not_after_ms
    certificate.verify(registrar.authority, end)
    with pytest.raises(RemoteError, match="expired"):
        certificate.verify(registrar.authority, end + 1)
    certificate.verify(registrar.authority, end + 1, late_ms=600_000)
    with pytest.raises(RemoteError, match="expired"):
        certificate.verify(registrar.authority, end + 600_001, late_ms=600_000)


def test_an_issuing_certificate_is_not_a_device(registrar):
    with pytest.raises(RemoteError, match="bad-certificate"):
        identity.DeviceCertificate.parse(registrar.authority.issuing.public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize("cut", [0, 1, 40, 200, -1])
def test_truncated_certificates_are_refused(registrar, cut):
    certificate, *_ = registrar.device()
    with pytest.raises(RemoteError):
        identity.DeviceCertificate.parse(certificate.der[:cut])


def test_request_altered_is_refused():
    signing, login = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    request = identity.CertificateRequest.sign(os.urandom(16), "poste", signing, login)
    data = request.encode()
    assert identity.CertificateRequest.decode(data) == request
    for at in range(len(data)):
        altered = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        with pytest.raises(RemoteError):
            identity.CertificateRequest.decode(altered)


def test_endorsement(registrar):
    trusted, trusted_key, _ = registrar.device()
    fresh, *_ = registrar.device()
    content = identity.endorsement_content(fresh.person_id, fresh.device_id, fresh.signature_key, fresh.login_key)
    signature = trusted_key.sign(identity.labelled(identity.LABEL_ENDORSEMENT, content))
    identity.verify_ed25519(trusted.signature_key, identity.LABEL_ENDORSEMENT, content, signature)
    with pytest.raises(RemoteError, match="not-endorsed"):
        fresh.check_endorsement(trusted.signature_key)


LABELS = sorted(getattr(labels, name) for name in dir(labels) if name.startswith("LABEL_"))


@pytest.mark.parametrize("signed", LABELS)
@pytest.mark.parametrize("asked", LABELS)
def test_no_signature_stands_in_the_place_of_another(signed, asked):
    key, login = ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
    ed = key.sign(identity.labelled(signed, b"content"))
    p256 = identity.sign_p256(login, signed, b"content")
    if signed == asked:
        identity.verify_ed25519(identity.ed25519_public(key), asked, b"content", ed)
        identity.verify_p256(identity.p256_public(login), asked, b"content", p256)
        return
    with pytest.raises(RemoteError, match="bad-signature"):
        identity.verify_ed25519(identity.ed25519_public(key), asked, b"content", ed)
    with pytest.raises(RemoteError, match="bad-signature"):
        identity.verify_p256(identity.p256_public(login), asked, b"content", p256)


def _small_order_points() -> list[bytes]:
    """Multiply points by the curve's order by hand: what remains is of small order."""
    p, order = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, -1, p) % p

    def add(a, b):
        (x1, y1), (x2, y2) = a, b
        k = d * x1 * x2 * y1 * y2 % p
        return ((x1 * y2 + x2 * y1) * pow(1 + k, -1, p) % p, (y1 * y2 + x1 * x2) * pow(1 - k, -1, p) % p)

    def multiply(n, point):
        total = (0, 1)
        while n:
            if n & 1:
                total = add(total, point)
            point, n = add(point, point), n >> 1
        return total

    found = set()
    y = 2
    while len(found) < 8:
        y += 1
        xx = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        x = pow(xx, (p + 3) // 8, p)
        if x * x % p != xx:
            x = x * pow(2, (p - 1) // 4, p) % p
        if x * x % p != xx:
            continue
        small = multiply(order, (x, y))
        for n in range(8):
            found.add(multiply(n, small))
    return [(y | (x & 1) << 255).to_bytes(32, "little") for x, y in found]


def test_keys_of_small_order_are_refused():
    points = _small_order_points()
    assert len(points) == 8
    for point in points:
        with pytest.raises(RemoteError, match="bad-key"):
            identity.check_ed25519_key(point)


def test_a_certificate_signed_by_the_root_itself_is_refused(registrar):
    certificate, *_ = registrar.device()
    other = Registrar()
    forged = x509.load_der_x509_certificate(certificate.der)
    assert forged.issuer == registrar.authority.issuing.subject
    with pytest.raises(RemoteError):
        identity.DeviceCertificate.parse(certificate.der).verify(
            identity.Authority(registrar.authority.root, other.authority.issuing, registrar.authority.external_sender)
        )
