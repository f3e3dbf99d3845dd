"""Hybrid public key encryption, RFC 9180, base mode: Diffie-Hellman KEMs and the single-shot operations MLS uses.

A KEM is anything with the methods of `Kem`, so that a post-quantum one is a new class and a new row in `suite`.
Private and public keys are bytes as RFC 9180 section 7.1 serialises them. Nothing here raises anything but
LocalError and RemoteError.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from miss_protocol.errors import LocalError, RemoteError


@dataclass(frozen=True)
class Kdf:
    """HKDF, RFC 5869, over one hash function."""

    id: int
    name: str
    length: int

    def extract(self, salt: bytes, secret: bytes) -> bytes:
        """A pseudo-random key of ``length`` bytes; an empty salt counts as zeros, as HMAC pads its key."""
        return hmac.digest(salt, secret, self.name)

    def expand(self, key: bytes, info: bytes, length: int) -> bytes:
        """``length`` bytes of key material bound to ``info``."""
        if length <= self.length:
            return hmac.digest(key, info + b"\x01", self.name)[:length]
        if length > 255 * self.length:
            raise LocalError("too-long", "HKDF gives at most 255 blocks")
        blocks: list[bytes] = []
        block = b""
        for counter in range(1, -(-length // self.length) + 1):
            block = hmac.digest(key, block + info + bytes((counter,)), self.name)
            blocks.append(block)
        return b"".join(blocks)[:length]


@dataclass(frozen=True)
class Aead:
    """Authenticated encryption with associated data: 12-byte nonces, 16-byte tags."""

    id: int
    cipher: Callable[[bytes], AESGCM | ChaCha20Poly1305]
    key_length: int
    nonce_length: int = 12

    def seal(self, key: bytes, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
        return self.cipher(key).encrypt(nonce, plaintext, associated)

    def open(self, key: bytes, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
        """The plaintext.

        Raises:
            RemoteError: ``undecryptable``, the ciphertext was not made with this key, nonce and data.
        """
        try:
            return self.cipher(key).decrypt(nonce, ciphertext, associated)
        except (InvalidTag, ValueError) as error:
            raise RemoteError("undecryptable", "AEAD tag") from error


class Kem(Protocol):
    """A key encapsulation mechanism with deterministic key pairs."""

    @property
    def id(self) -> int: ...

    def generate(self) -> tuple[bytes, bytes]:
        """A fresh (private, public) key pair."""

    def derive(self, kdf: Kdf, material: bytes) -> tuple[bytes, bytes]:
        """The (private, public) key pair that belongs to ``material``, RFC 9180 section 7.1.3."""

    def encapsulate(self, kdf: Kdf, public: bytes) -> tuple[bytes, bytes]:
        """A fresh (shared secret, encapsulation) for the holder of ``public``."""

    def decapsulate(self, kdf: Kdf, private: bytes, encapsulation: bytes) -> bytes:
        """The shared secret inside ``encapsulation``."""

    def check(self, public: bytes) -> None:
        """Raise RemoteError("bad-key") unless ``public`` is a sound public key."""


def _labelled_extract(kdf: Kdf, suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return kdf.extract(salt, b"HPKE-v1" + suite + label + material)


def _labelled_expand(kdf: Kdf, suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return kdf.expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def _shared_secret(kdf: Kdf, kem_id: int, exchanged: bytes, context: bytes) -> bytes:
    """ExtractAndExpand of RFC 9180 section 4.1."""
    suite = b"KEM" + kem_id.to_bytes(2, "big")
    key = _labelled_extract(kdf, suite, b"", b"eae_prk", exchanged)
    return _labelled_expand(kdf, suite, key, b"shared_secret", context, kdf.length)


_P25519 = 2**255 - 19
_P448 = 2**448 - 2**224 - 1
# u-coordinates whose multiples are all the neutral element: such a key fixes the shared secret, RFC 7748 section 6.
_ORDER8_25519 = (
    0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0,
    0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F,
)


class MontgomeryKem:
    """DHKEM over X25519 or X448."""

    def __init__(self, kem_id: int) -> None:
        self.id = kem_id
        self._x25519 = kem_id == 0x0020
        self._length = 32 if self._x25519 else 56
        self._prime = _P25519 if self._x25519 else _P448
        orders = (0, 1, self._prime - 1)
        self._small = frozenset(orders + _ORDER8_25519 if self._x25519 else orders)

    def _private(self, data: bytes) -> x25519.X25519PrivateKey | x448.X448PrivateKey:
        try:
            if self._x25519:
                return x25519.X25519PrivateKey.from_private_bytes(data)
            return x448.X448PrivateKey.from_private_bytes(data)
        except ValueError as error:
            raise LocalError("bad-key", "private key length") from error

    def _exchange(self, private: x25519.X25519PrivateKey | x448.X448PrivateKey, public: bytes) -> bytes:
        try:
            if isinstance(private, x25519.X25519PrivateKey):
                return private.exchange(x25519.X25519PublicKey.from_public_bytes(public))
            return private.exchange(x448.X448PublicKey.from_public_bytes(public))
        except ValueError as error:
            # The backend also refuses an all-zero result, RFC 9180 section 7.1.4.
            raise RemoteError("bad-key", "public key") from error

    def generate(self) -> tuple[bytes, bytes]:
        key = x25519.X25519PrivateKey.generate() if self._x25519 else x448.X448PrivateKey.generate()
        return key.private_bytes_raw(), key.public_key().public_bytes_raw()

    def derive(self, kdf: Kdf, material: bytes) -> tuple[bytes, bytes]:
        suite = b"KEM" + self.id.to_bytes(2, "big")
        key = _labelled_extract(kdf, suite, b"", b"dkp_prk", material)
        private = _labelled_expand(kdf, suite, key, b"sk", b"", self._length)
        return private, self._private(private).public_key().public_bytes_raw()

    def encapsulate(self, kdf: Kdf, public: bytes) -> tuple[bytes, bytes]:
        key = x25519.X25519PrivateKey.generate() if self._x25519 else x448.X448PrivateKey.generate()
        encapsulation = key.public_key().public_bytes_raw()
        return _shared_secret(kdf, self.id, self._exchange(key, public), encapsulation + public), encapsulation

    def decapsulate(self, kdf: Kdf, private: bytes, encapsulation: bytes) -> bytes:
        key = self._private(private)
        exchanged = self._exchange(key, encapsulation)
        return _shared_secret(kdf, self.id, exchanged, encapsulation + key.public_key().public_bytes_raw())

    def check(self, public: bytes) -> None:
        if len(public) != self._length:
            raise RemoteError("bad-key", "public key length")
        number = int.from_bytes(public, "little")
        if self._x25519:
            number &= 2**255 - 1
        if number % self._prime in self._small:
            raise RemoteError("bad-key", "public key of small order")


_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P384_ORDER = int("F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16)
_P521_ORDER = int("01" + "F" * 65 + "A51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16)
_ORDERS = {0x0010: _P256_ORDER, 0x0011: _P384_ORDER, 0x0012: _P521_ORDER}
_CURVES: dict[int, ec.EllipticCurve] = {0x0010: ec.SECP256R1(), 0x0011: ec.SECP384R1(), 0x0012: ec.SECP521R1()}


class NistKem:
    """DHKEM over P-256, P-384 or P-521; public keys are uncompressed points."""

    def __init__(self, kem_id: int) -> None:
        self.id = kem_id
        self._curve = _CURVES[kem_id]
        self._length = (self._curve.key_size + 7) // 8
        self._mask = 0x01 if kem_id == 0x0012 else 0xFF

    def _public(self, data: bytes) -> ec.EllipticCurvePublicKey:
        if len(data) != 2 * self._length + 1:
            raise RemoteError("bad-key", "public key length")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(self._curve, data)
        except ValueError as error:
            raise RemoteError("bad-key", "public key") from error

    def _private(self, data: bytes) -> ec.EllipticCurvePrivateKey:
        try:
            return ec.derive_private_key(int.from_bytes(data, "big"), self._curve)
        except ValueError as error:
            raise LocalError("bad-key", "private key") from error

    def _pair(self, key: ec.EllipticCurvePrivateKey) -> tuple[bytes, bytes]:
        private = key.private_numbers().private_value.to_bytes(self._length, "big")
        return private, key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def generate(self) -> tuple[bytes, bytes]:
        return self._pair(ec.generate_private_key(self._curve))

    def derive(self, kdf: Kdf, material: bytes) -> tuple[bytes, bytes]:
        suite = b"KEM" + self.id.to_bytes(2, "big")
        key = _labelled_extract(kdf, suite, b"", b"dkp_prk", material)
        for counter in range(256):
            candidate = _labelled_expand(kdf, suite, key, b"candidate", bytes((counter,)), self._length)
            candidate = bytes((candidate[0] & self._mask,)) + candidate[1:]
            if 0 < int.from_bytes(candidate, "big") < _ORDERS[self.id]:
                return self._pair(self._private(candidate))
        raise LocalError("bad-key", "no key pair from this material")

    def encapsulate(self, kdf: Kdf, public: bytes) -> tuple[bytes, bytes]:
        key = ec.generate_private_key(self._curve)
        encapsulation = self._pair(key)[1]
        exchanged = key.exchange(ec.ECDH(), self._public(public))
        return _shared_secret(kdf, self.id, exchanged, encapsulation + public), encapsulation

    def decapsulate(self, kdf: Kdf, private: bytes, encapsulation: bytes) -> bytes:
        key = self._private(private)
        exchanged = key.exchange(ec.ECDH(), self._public(encapsulation))
        return _shared_secret(kdf, self.id, exchanged, encapsulation + self._pair(key)[1])

    def check(self, public: bytes) -> None:
        self._public(public)


@dataclass(frozen=True)
class Hpke:
    """One combination of KEM, KDF and AEAD in base mode, RFC 9180 section 5.1.1."""

    kem: Kem
    kdf: Kdf
    aead: Aead

    @cached_property
    def _suite(self) -> bytes:
        return b"HPKE" + b"".join(one.id.to_bytes(2, "big") for one in (self.kem, self.kdf, self.aead))

    def generate(self) -> tuple[bytes, bytes]:
        """A fresh (private, public) key pair."""
        return self.kem.generate()

    def derive_key_pair(self, material: bytes) -> tuple[bytes, bytes]:
        """The (private, public) key pair that belongs to ``material``."""
        return self.kem.derive(self.kdf, material)

    def _schedule(self, shared: bytes, info: bytes) -> tuple[bytes, bytes]:
        """(secret, key schedule context) of RFC 9180 section 5.1."""
        psk_id_hash = _labelled_extract(self.kdf, self._suite, b"", b"psk_id_hash", b"")
        info_hash = _labelled_extract(self.kdf, self._suite, b"", b"info_hash", info)
        return _labelled_extract(self.kdf, self._suite, shared, b"secret", b""), b"\x00" + psk_id_hash + info_hash

    def _key_and_nonce(self, shared: bytes, info: bytes) -> tuple[bytes, bytes]:
        secret, context = self._schedule(shared, info)
        key = _labelled_expand(self.kdf, self._suite, secret, b"key", context, self.aead.key_length)
        nonce = _labelled_expand(self.kdf, self._suite, secret, b"base_nonce", context, self.aead.nonce_length)
        return key, nonce

    def _export(self, shared: bytes, info: bytes, label: bytes, length: int) -> bytes:
        secret, context = self._schedule(shared, info)
        exporter = _labelled_expand(self.kdf, self._suite, secret, b"exp", context, self.kdf.length)
        return _labelled_expand(self.kdf, self._suite, exporter, b"sec", label, length)

    def seal(self, public: bytes, info: bytes, plaintext: bytes) -> tuple[bytes, bytes]:
        """(encapsulation, ciphertext) that only the holder of ``public`` can open."""
        shared, encapsulation = self.kem.encapsulate(self.kdf, public)
        key, nonce = self._key_and_nonce(shared, info)
        return encapsulation, self.aead.seal(key, nonce, plaintext, b"")

    def open(self, private: bytes, encapsulation: bytes, info: bytes, ciphertext: bytes) -> bytes:
        """The plaintext; RemoteError when it was not sealed to this key with this ``info``."""
        key, nonce = self._key_and_nonce(self.kem.decapsulate(self.kdf, private, encapsulation), info)
        return self.aead.open(key, nonce, ciphertext, b"")

    def export_to(self, public: bytes, label: bytes, length: int) -> tuple[bytes, bytes]:
        """(encapsulation, secret) shared with the holder of ``public``; empty info, RFC 9420 section 8.3."""
        shared, encapsulation = self.kem.encapsulate(self.kdf, public)
        return encapsulation, self._export(shared, b"", label, length)

    def export_from(self, private: bytes, encapsulation: bytes, label: bytes, length: int) -> bytes:
        """The secret that ``export_to`` made for this key."""
        return self._export(self.kem.decapsulate(self.kdf, private, encapsulation), b"", label, length)
