"""HPKE, signatures and ratchets by themselves: interoperable, sound keys only, and secrets that are really gone."""

from contextlib import suppress

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM
from cryptography.hazmat.primitives.hpke import Suite as TheirHpke

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.limits import RATCHET_KEPT_KEYS_MAX, RATCHET_SKIP_MAX
from miss_protocol.mls import group as mls
from miss_protocol.mls import hpke, signatures
from miss_protocol.mls.group import Add
from miss_protocol.mls.ratchets import GENERATION_MAX, Chain, SecretTree, SenderRatchets
from miss_protocol.mls.suite import PRODUCT_SUITE, SUITES, suite_of
from mls.cast import Device, room_of

P = 2**255 - 19


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: f"suite {suite.id}")
def test_every_suite_seals_signs_and_exports(suite):
    private, public = suite.hpke.generate()
    suite.kem.check(public)
    encapsulation, ciphertext = suite.hpke.seal(public, b"info", b"plaintext")
    assert suite.hpke.open(private, encapsulation, b"info", ciphertext) == b"plaintext"
    with pytest.raises(RemoteError, match="undecryptable"):
        suite.hpke.open(private, encapsulation, b"other", ciphertext)
    with pytest.raises(RemoteError, match="bad-key"):
        suite.hpke.open(private, encapsulation[:-1], b"info", ciphertext)
    encapsulation, secret = suite.hpke.export_to(public, b"label", 40)
    assert suite.hpke.export_from(private, encapsulation, b"label", 40) == secret
    assert suite.hpke.derive_key_pair(b"material" * 4) == suite.hpke.derive_key_pair(b"material" * 4)
    key = suite.scheme.load(suite.scheme.generate())
    suite.scheme.check(key.public)
    signature = suite.sign_with_label(key, "label", b"content")
    suite.verify_with_label(key.public, "label", b"content", signature)
    for label, content, forged in (
        ("other", b"content", signature),
        ("label", b"x", signature),
        ("label", b"content", b""),
    ):
        with pytest.raises(RemoteError, match="bad-signature"):
            suite.verify_with_label(key.public, label, content, forged)
    for short in (b"", key.public[:-1], key.public + b"\0", bytes(len(key.public))):
        with pytest.raises(RemoteError, match="bad-key"):
            suite.verify_with_label(short, "label", b"content", signature)
        with pytest.raises(RemoteError, match="bad-key"):
            suite.scheme.check(short)
    for bad in (b"", public[:-1], public + b"\0", bytes(len(public))):
        with pytest.raises(RemoteError, match="bad-key"):
            suite.kem.check(bad)
        with pytest.raises(RemoteError, match="bad-key"):
            suite.hpke.seal(bad, b"", b"")
    for load in (suite.scheme.load, lambda data: suite.hpke.open(data, encapsulation, b"", b"")):
        with pytest.raises(LocalError, match="bad-key"):
            load(b"")


def test_a_compressed_point_is_no_public_key():
    """RFC 9420 section 5.1.1: points travel uncompressed, so that a key has one form."""
    suite = SUITES[2]
    _, public = suite.hpke.generate()
    compressed = bytes([2 + public[-1] % 2]) + public[1:33]
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), compressed)
    for check in (suite.kem.check, suite.scheme.check, lambda key: suite.hpke.seal(key, b"", b"")):
        with pytest.raises(RemoteError, match="bad-key"):
            check(compressed)


def test_hpke_speaks_with_another_implementation():
    theirs = TheirHpke(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
    private = x25519.X25519PrivateKey.generate()
    raw, public = private.private_bytes_raw(), private.public_key().public_bytes_raw()
    encapsulation, ciphertext = PRODUCT_SUITE.hpke.seal(public, b"info", b"from us")
    assert theirs.decrypt(encapsulation + ciphertext, private, b"info") == b"from us"
    sealed = theirs.encrypt(b"from them", private.public_key(), b"info")
    assert PRODUCT_SUITE.hpke.open(raw, sealed[:32], b"info", sealed[32:]) == b"from them"


def test_key_pairs_follow_from_material():
    """RFC 9180 appendix A.1.1."""
    material = bytes.fromhex("7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234")
    private, public = PRODUCT_SUITE.hpke.derive_key_pair(material)
    assert private.hex() == "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736"
    assert public.hex() == "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"


def test_small_order_points_are_those_that_fix_the_secret():
    private = x25519.X25519PrivateKey.generate()
    kem = PRODUCT_SUITE.kem
    small = [0, 1, P - 1, P, P + 1, *hpke._ORDER8_25519]
    for number in small + [number + 2**255 for number in small]:
        public = (number % 2**256).to_bytes(32, "little")
        with pytest.raises(ValueError, match="key"):
            private.exchange(x25519.X25519PublicKey.from_public_bytes(public))
        with pytest.raises(RemoteError, match="bad-key"):
            kem.check(public)
    kem.check((9).to_bytes(32, "little"))


def test_small_order_signature_keys_accept_anything_and_are_refused():
    universal = b"\x01" + bytes(63)
    accepted = 0
    for y in signatures._SMALL_25519:
        for public in (y.to_bytes(32, "little"), (y + 2**255).to_bytes(32, "little")):
            for number in range(16):
                with suppress(InvalidSignature, ValueError):
                    ed25519.Ed25519PublicKey.from_public_bytes(public).verify(universal, b"%d" % number)
                    accepted += 1
            with pytest.raises(RemoteError, match="bad-key"):
                signatures.Ed25519().verify(public, universal, b"anything")
    assert accepted > 16, "the danger is real: the library alone takes such signatures"


def test_small_order_keys_of_the_other_curve_are_refused():
    prime = 2**448 - 2**224 - 1
    for y in (0, 1, prime - 1, prime, prime + 1):
        for sign in (b"\0", b"\x80"):
            with pytest.raises(RemoteError, match="bad-key"):
                signatures.Ed448().check(y.to_bytes(56, "little") + sign)
    for u in (0, 1, prime - 1, prime, prime + 1):
        with pytest.raises(RemoteError, match="bad-key"):
            SUITES[4].kem.check(u.to_bytes(56, "little"))


def test_expansion_has_a_limit():
    kdf = PRODUCT_SUITE.kdf
    long = kdf.expand(bytes(32), b"info", 255 * 32)
    assert len(long) == 255 * 32
    assert long.startswith(kdf.expand(bytes(32), b"info", 20))
    with pytest.raises(LocalError, match="too-long"):
        kdf.expand(bytes(32), b"info", 255 * 32 + 1)


def test_an_unknown_suite_is_refused():
    for number in (0, 8, 0xFFFF):
        with pytest.raises(RemoteError, match="unsupported"):
            suite_of(number)


def test_a_handed_out_secret_is_gone():
    tree = SecretTree.of(bytes(32), 8)
    seen = set(tree.secrets.values())
    for leaf in (3, 0, 7, 4, 1, 2, 6, 5):
        after, _ = tree.take(PRODUCT_SUITE, leaf)
        used = set(tree.secrets.values()) - set(after.secrets.values())
        assert len(used) == 1
        seen |= set(after.secrets.values())
        with pytest.raises(LocalError, match="no-secret"):
            after.take(PRODUCT_SUITE, leaf)
        tree = SecretTree.decode(after.encoded)
        assert tree == after
    assert not tree.secrets
    with pytest.raises(LocalError, match="no-secret"):
        tree.take(PRODUCT_SUITE, 9)


def test_secrets_are_never_printed():
    alice, bob = Device("alice"), Device("bob")
    room = room_of(alice, bob)
    room.say(alice, b"text")
    staged = mls.commit(alice.group, alice.identity, [Add(Device("zoe").package())], rules=mls.OPEN_RULES)
    group, secrets = bob.group, bob.group.member.secrets
    hidden = [secrets.exporter, secrets.init, secrets.membership, secrets.sender_data, secrets.authenticator]
    hidden += [*group.member.privates.values(), *group.secret_tree.secrets.values(), alice.identity.signature_private]
    hidden += [one.application.secret for one in group.ratchets.values()]
    hidden += [bob.packages[0].init_private, bob.packages[0].leaf_private, staged.group.member.secrets.init]
    printed = repr([group, staged, alice.identity, bob.packages, secrets])
    for secret in hidden:
        assert len(secret) == 32
        assert repr(secret)[2:-1] not in printed
        assert secret.hex() not in printed


def test_a_ratchet_goes_forward_only():
    chain = Chain(bytes(32))
    after, key, nonce = chain.take(PRODUCT_SUITE, 5)
    assert (after.generation, sorted(after.kept)) == (6, [0, 1, 2, 3, 4])
    assert chain == Chain(bytes(32)), "the step left its start as it was"
    assert key not in repr(after).encode()
    for number in (0, 4):
        again, old_key, _ = after.take(PRODUCT_SUITE, number)
        assert old_key != key
        with pytest.raises(RemoteError, match="replayed"):
            again.take(PRODUCT_SUITE, number)
    with pytest.raises(RemoteError, match="replayed"):
        after.take(PRODUCT_SUITE, 5)
    assert SenderRatchets.decode(SenderRatchets(after, chain).encoded) == SenderRatchets(after, chain)
    assert len(nonce) == 12


def test_a_ratchets_memory_has_a_limit():
    chain, _, _ = Chain(bytes(32)).take(PRODUCT_SUITE, RATCHET_SKIP_MAX)
    assert len(chain.kept) == RATCHET_KEPT_KEYS_MAX
    chain, _, _ = chain.take(PRODUCT_SUITE, RATCHET_SKIP_MAX + 41)
    assert sorted(chain.kept) == list(range(RATCHET_SKIP_MAX - 24, RATCHET_SKIP_MAX)) + list(
        range(RATCHET_SKIP_MAX + 1, RATCHET_SKIP_MAX + 41)
    )
    with pytest.raises(RemoteError, match="too-far"):
        chain.take(PRODUCT_SUITE, chain.generation + RATCHET_SKIP_MAX + 1)
    with pytest.raises(RemoteError, match="too-far"):
        Chain(bytes(32), GENERATION_MAX - 2).take(PRODUCT_SUITE, GENERATION_MAX)
