"""Signature schemes as MLS names them: Ed25519, Ed448 and ECDSA, with keys as bytes.

Public keys that make every signature valid (points of small order) are refused before any use.
"""

from functools import lru_cache
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from miss_protocol.errors import LocalError, RemoteError


class SigningKey(Protocol):
    """A private key ready for use."""

    @property
    def public(self) -> bytes: ...

    def sign(self, data: bytes) -> bytes:
        """The signature of ``data``."""


class Scheme(Protocol):
    """One signature scheme."""

    def generate(self) -> bytes:
        """A fresh private key."""

    def load(self, private: bytes) -> SigningKey:
        """A private key ready for use; LocalError when it is none."""

    def check(self, public: bytes) -> None:
        """Raise RemoteError("bad-key") unless ``public`` is a sound public key."""

    def verify(self, public: bytes, signature: bytes, data: bytes) -> None:
        """Raise RemoteError("bad-signature") unless ``public`` signed ``data``."""


class _EdwardsKey:
    def __init__(self, key: ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)


_P25519 = 2**255 - 19
_P448 = 2**448 - 2**224 - 1
_ORDER8_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# y-coordinates of the points whose order divides the cofactor; the sign of x does not matter.
_SMALL_25519 = frozenset((0, 1, _P25519 - 1, _ORDER8_Y, _P25519 - _ORDER8_Y))
_SMALL_448 = frozenset((0, 1, _P448 - 1))


@lru_cache(maxsize=4096)
def _ed25519_public(data: bytes) -> ed25519.Ed25519PublicKey:
    return ed25519.Ed25519PublicKey.from_public_bytes(data)


class Ed25519:
    """EdDSA over Curve25519, RFC 8032; the private key is the 32-byte seed."""

    def generate(self) -> bytes:
        return ed25519.Ed25519PrivateKey.generate().private_bytes_raw()

    def load(self, private: bytes) -> SigningKey:
        try:
            return _EdwardsKey(ed25519.Ed25519PrivateKey.from_private_bytes(private))
        except ValueError as error:
            raise LocalError("bad-key", "private key length") from error

    def check(self, public: bytes) -> None:
        if len(public) != 32:
            raise RemoteError("bad-key", "public key length")
        if (int.from_bytes(public, "little") & (2**255 - 1)) % _P25519 in _SMALL_25519:
            raise RemoteError("bad-key", "public key of small order")

    def verify(self, public: bytes, signature: bytes, data: bytes) -> None:
        self.check(public)
        try:
            _ed25519_public(public).verify(signature, data)
        except (InvalidSignature, ValueError) as error:
            raise RemoteError("bad-signature", "Ed25519") from error


class Ed448:
    """EdDSA over Curve448, RFC 8032; the private key is the 57-byte seed."""

    def generate(self) -> bytes:
        return ed448.Ed448PrivateKey.generate().private_bytes_raw()

    def load(self, private: bytes) -> SigningKey:
        try:
            return _EdwardsKey(ed448.Ed448PrivateKey.from_private_bytes(private))
        except ValueError as error:
            raise LocalError("bad-key", "private key length") from error

    def check(self, public: bytes) -> None:
        if len(public) != 57:
            raise RemoteError("bad-key", "public key length")
        if int.from_bytes(public[:56], "little") % _P448 in _SMALL_448:
            raise RemoteError("bad-key", "public key of small order")

    def verify(self, public: bytes, signature: bytes, data: bytes) -> None:
        self.check(public)
        try:
            ed448.Ed448PublicKey.from_public_bytes(public).verify(signature, data)
        except (InvalidSignature, ValueError) as error:
            raise RemoteError("bad-signature", "Ed448") from error


class _EcdsaKey:
    def __init__(self, key: ec.EllipticCurvePrivateKey, algorithm: ec.ECDSA) -> None:
        self._key = key
        self._algorithm = algorithm
        self.public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, self._algorithm)


class Ecdsa:
    """ECDSA with DER signatures; the private key is the scalar, the public key an uncompressed point."""

    def __init__(self, curve: ec.EllipticCurve, digest: hashes.HashAlgorithm) -> None:
        self._curve = curve
        self._length = (curve.key_size + 7) // 8
        self._algorithm = ec.ECDSA(digest)

    def generate(self) -> bytes:
        number = ec.generate_private_key(self._curve).private_numbers().private_value
        return number.to_bytes(self._length, "big")

    def load(self, private: bytes) -> SigningKey:
        try:
            return _EcdsaKey(ec.derive_private_key(int.from_bytes(private, "big"), self._curve), self._algorithm)
        except ValueError as error:
            raise LocalError("bad-key", "private key") from error

    def _public(self, data: bytes) -> ec.EllipticCurvePublicKey:
        if len(data) != 2 * self._length + 1:
            raise RemoteError("bad-key", "public key length")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(self._curve, data)
        except ValueError as error:
            raise RemoteError("bad-key", "public key") from error

    def check(self, public: bytes) -> None:
        self._public(public)

    def verify(self, public: bytes, signature: bytes, data: bytes) -> None:
        key = self._public(public)
        try:
            key.verify(signature, data, self._algorithm)
        except (InvalidSignature, ValueError) as error:
            raise RemoteError("bad-signature", "ECDSA") from error
