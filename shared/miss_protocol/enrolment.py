"""How a device asks for its certificate, and how one device vouches for another of the same person."""

from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from miss_protocol.errors import RemoteError
from miss_protocol.labels import (
    ED25519_KEY_BYTES,
    LABEL_REQUEST,
    P256_KEY_BYTES,
    ed25519_public,
    labelled,
    p256_public,
    sign_p256,
    verify_ed25519,
    verify_p256,
)
from miss_protocol.mls.codec import Reader, Writer, decode


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
