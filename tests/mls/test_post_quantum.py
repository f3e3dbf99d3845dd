"""A post-quantum suite fits as one more row: X-Wing (X25519 with ML-KEM-768) carries a whole conversation."""

import hashlib
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from miss_protocol.errors import RemoteError
from miss_protocol.mls import suite as suites
from miss_protocol.mls.group import PRODUCT_CAPABILITIES, Credential, Identity, Remove
from miss_protocol.mls.suite import PRODUCT_SUITE, Suite
from mls.cast import Device, Room

NUMBER = 0xF0B0  # private use: the draft has no number yet


class XWing:
    """The KEM of draft-connolly-cfrg-xwing-kem; the private key is a seed of 32 bytes."""

    id = 0x647A

    def _keys(self, seed):
        stream = hashlib.shake_256(seed).digest(96)
        return mlkem.MLKEM768PrivateKey.from_seed_bytes(stream[:64]), x25519.X25519PrivateKey.from_private_bytes(
            stream[64:]
        )

    def _combine(self, lattice, curve, ciphertext, public):
        return hashlib.sha3_256(lattice + curve + ciphertext + public + bytes.fromhex("5c2e2f2f5e5c")).digest()

    def generate(self):
        return self._pair(secrets.token_bytes(32))

    def _pair(self, seed):
        lattice, curve = self._keys(seed)
        return seed, lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()

    def derive(self, kdf, material):
        return self._pair(hashlib.shake_256(material).digest(32))

    def encapsulate(self, kdf, public):
        shared, inner = mlkem.MLKEM768PublicKey.from_public_bytes(public[:1184]).encapsulate()
        once = x25519.X25519PrivateKey.generate()
        curve = once.exchange(x25519.X25519PublicKey.from_public_bytes(public[1184:]))
        outer = once.public_key().public_bytes_raw()
        return self._combine(shared, curve, outer, public[1184:]), inner + outer

    def decapsulate(self, kdf, private, encapsulation):
        lattice, curve = self._keys(private)
        if len(encapsulation) != 1088 + 32:
            raise RemoteError("bad-key", "encapsulation length")
        shared = lattice.decapsulate(encapsulation[:1088])
        outer = encapsulation[1088:]
        exchanged = curve.exchange(x25519.X25519PublicKey.from_public_bytes(outer))
        return self._combine(shared, exchanged, outer, curve.public_key().public_bytes_raw())

    def check(self, public):
        if len(public) != 1184 + 32:
            raise RemoteError("bad-key", "public key length")
        PRODUCT_SUITE.kem.check(public[1184:])


@pytest.fixture
def suite(monkeypatch):
    row = Suite(NUMBER, XWing(), PRODUCT_SUITE.kdf, PRODUCT_SUITE.aead, PRODUCT_SUITE.scheme)
    monkeypatch.setitem(suites.SUITES, NUMBER, row)
    return row


def test_the_kem_agrees_with_itself(suite):
    private, public = suite.hpke.generate()
    encapsulation, ciphertext = suite.hpke.seal(public, b"info", b"plaintext")
    assert len(public) == 1216
    assert len(encapsulation) == 1120
    assert suite.hpke.open(private, encapsulation, b"info", ciphertext) == b"plaintext"
    other = suite.hpke.derive_key_pair(b"material")
    assert other == suite.hpke.derive_key_pair(b"material")
    with pytest.raises(RemoteError, match="undecryptable"):
        suite.hpke.open(other[0], encapsulation, b"info", ciphertext)


def test_a_conversation_in_the_new_suite(suite):
    def device(name):
        return Device(name, Identity(suite.scheme.generate(), Credential.basic(name.encode()), suite))

    alice, bob, chloe = device("alice"), device("bob"), device("chloe")
    room = Room(alice)
    room.add(alice, bob)
    room.add(bob, chloe)
    for one in (alice, bob, chloe):
        room.say(one, one.name.encode())
        room.commit(one)
    room.commit(chloe, Remove(bob.leaf))
    room.say(alice, b"after quantum computers")
    assert alice.group.suite is suite
    assert PRODUCT_CAPABILITIES.suites == (1,)
