"""Cipher suites, RFC 9420 sections 5.1 and 17.1: one row each, and the labelled operations built on a row."""

import hashlib
import hmac
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import varint
from miss_protocol.mls.hpke import Aead, Hpke, Kdf, Kem, MontgomeryKem, NistKem
from miss_protocol.mls.signatures import Ecdsa, Ed448, Ed25519, Scheme, SigningKey

PROTOCOL_VERSION = 1  # mls10


def _labelled(label: str, content: bytes) -> bytes:
    """``opaque label<V>; opaque content<V>`` with the protocol's prefix, as sections 5.1.2, 5.1.3 and 8 share it."""
    name = b"MLS 1.0 " + label.encode("ascii")
    return varint(len(name)) + name + varint(len(content)) + content


@dataclass(frozen=True)
class HpkeCiphertext:
    """What ``Suite.encrypt_with_label`` gives: the encapsulated key and the sealed bytes."""

    kem_output: bytes
    ciphertext: bytes


@dataclass(frozen=True, eq=False)
class Suite:
    """One cipher suite: its primitives, and MLS's own operations on them."""

    id: int
    kem: Kem
    kdf: Kdf
    aead: Aead
    scheme: Scheme

    @property
    def hash_length(self) -> int:
        """``KDF.Nh`` in bytes, the length of every secret of the key schedule."""
        return self.kdf.length

    @cached_property
    def hpke(self) -> Hpke:
        return Hpke(self.kem, self.kdf, self.aead)

    def hash(self, data: bytes) -> bytes:
        return hashlib.new(self.kdf.name, data).digest()

    def mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, self.kdf.name)

    def verify_mac(self, key: bytes, data: bytes, tag: bytes) -> bool:
        """Whether ``tag`` is the MAC of ``data``, compared in constant time; a tag of another length is wrong."""
        return hmac.compare_digest(self.mac(key, data), tag)

    def extract(self, salt: bytes, secret: bytes) -> bytes:
        return self.kdf.extract(salt, secret)

    def reference(self, label: str, value: bytes) -> bytes:
        """RefHash, section 5.2."""
        name = label.encode("ascii")
        return self.hash(varint(len(name)) + name + varint(len(value)) + value)

    def expand_with_label(self, secret: bytes, label: str, context: bytes, length: int) -> bytes:
        """ExpandWithLabel, section 8."""
        return self.kdf.expand(secret, length.to_bytes(2, "big") + _labelled(label, context), length)

    def derive_secret(self, secret: bytes, label: str) -> bytes:
        """DeriveSecret, section 8."""
        return self.expand_with_label(secret, label, b"", self.kdf.length)

    def derive_tree_secret(self, secret: bytes, label: str, generation: int, length: int) -> bytes:
        """DeriveTreeSecret, section 9."""
        return self.expand_with_label(secret, label, generation.to_bytes(4, "big"), length)

    def sign_with_label(self, key: SigningKey, label: str, content: bytes) -> bytes:
        """SignWithLabel, section 5.1.2."""
        return key.sign(_labelled(label, content))

    def verify_with_label(self, public: bytes, label: str, content: bytes, signature: bytes) -> None:
        """VerifyWithLabel, section 5.1.2; raises RemoteError("bad-signature") or ("bad-key")."""
        self.scheme.verify(public, signature, _labelled(label, content))

    def encrypt_with_label(self, public: bytes, label: str, context: bytes, plaintext: bytes) -> HpkeCiphertext:
        """EncryptWithLabel, section 5.1.3."""
        return HpkeCiphertext(*self.hpke.seal(public, _labelled(label, context), plaintext))

    def decrypt_with_label(self, private: bytes, label: str, context: bytes, sealed: HpkeCiphertext) -> bytes:
        """DecryptWithLabel, section 5.1.3; RemoteError when it was not sealed to this key, label and context."""
        return self.hpke.open(private, sealed.kem_output, _labelled(label, context), sealed.ciphertext)


_SHA256 = Kdf(0x0001, "sha256", 32)
_SHA384 = Kdf(0x0002, "sha384", 48)
_SHA512 = Kdf(0x0003, "sha512", 64)
_AES128 = Aead(0x0001, AESGCM, 16)
_AES256 = Aead(0x0002, AESGCM, 32)
_CHACHA = Aead(0x0003, ChaCha20Poly1305, 32)
_P256 = Ecdsa(ec.SECP256R1(), hashes.SHA256())
_P384 = Ecdsa(ec.SECP384R1(), hashes.SHA384())
_P521 = Ecdsa(ec.SECP521R1(), hashes.SHA512())
_X25519, _X448 = MontgomeryKem(0x0020), MontgomeryKem(0x0021)

_ROWS = (
    Suite(0x0001, _X25519, _SHA256, _AES128, Ed25519()),
    Suite(0x0002, NistKem(0x0010), _SHA256, _AES128, _P256),
    Suite(0x0003, _X25519, _SHA256, _CHACHA, Ed25519()),
    Suite(0x0004, _X448, _SHA512, _AES256, Ed448()),
    Suite(0x0005, NistKem(0x0012), _SHA512, _AES256, _P521),
    Suite(0x0006, _X448, _SHA512, _CHACHA, Ed448()),
    Suite(0x0007, NistKem(0x0011), _SHA384, _AES256, _P384),
)
SUITES = {row.id: row for row in _ROWS}
PRODUCT_SUITE = SUITES[0x0001]


def suite_of(number: int) -> Suite:
    """The row with this number; RemoteError("unsupported") when there is none."""
    try:
        return SUITES[number]
    except KeyError:
        raise RemoteError("unsupported", "cipher suite") from None
