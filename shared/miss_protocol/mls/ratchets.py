"""The secret tree and each sender's ratchets, RFC 9420 chapter 9: one key for one message, then forgotten.

A secret, once used to derive others, is gone from the next state, so that a state taken later opens nothing older.
Keys of messages that were overtaken are kept, a bounded number of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.limits import RATCHET_KEPT_KEYS_MAX, RATCHET_SKIP_MAX
from miss_protocol.mls import treemath
from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.mls.suite import Suite

GENERATION_MAX = (1 << 32) - 1


@dataclass(frozen=True)
class SecretTree:
    """The secrets not yet handed to a sender, by node position, section 9.1."""

    secrets: Mapping[int, bytes] = field(repr=False)

    @classmethod
    def of(cls, encryption_secret: bytes, width: int) -> Self:
        """The secret tree of an epoch whose tree has room for ``width`` leaves."""
        return cls({treemath.root(width): encryption_secret})

    def take(self, suite: Suite, leaf: int) -> tuple[Self, "SenderRatchets"]:
        """The tree without a leaf's secret, and the two ratchets that start from it.

        Raises:
            LocalError: the secret was taken before, or the leaf is outside the tree.
        """
        target = 2 * leaf
        top = next((node for node in self.secrets if treemath.in_subtree(target, node)), None)
        if top is None:
            raise LocalError("no-secret", "this leaf's ratchets were begun before")
        secrets = dict(self.secrets)
        secret = secrets.pop(top)
        while top != target:
            left, right = treemath.left(top), treemath.right(top)
            pair = {
                left: suite.expand_with_label(secret, "tree", b"left", suite.hash_length),
                right: suite.expand_with_label(secret, "tree", b"right", suite.hash_length),
            }
            top = left if treemath.in_subtree(target, left) else right
            secret = pair.pop(top)
            secrets.update(pair)
        application = suite.expand_with_label(secret, "application", b"", suite.hash_length)
        handshake = suite.expand_with_label(secret, "handshake", b"", suite.hash_length)
        return type(self)(secrets), SenderRatchets(Chain(application), Chain(handshake))

    @cached_property
    def encoded(self) -> bytes:
        items = sorted(self.secrets.items())
        return Writer().vector(items, lambda w, item: w.u32(item[0]).opaque(item[1])).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        return cls(dict(decode(data, lambda reader: reader.vector(lambda r: (r.u32(), r.opaque())))))


@dataclass(frozen=True)
class Chain:
    """One ratchet: the secret of the next generation, and the keys of skipped ones."""

    secret: bytes = field(repr=False)
    generation: int = 0
    kept: Mapping[int, tuple[bytes, bytes]] = field(default_factory=dict, repr=False)

    def take(self, suite: Suite, generation: int) -> tuple[Self, bytes, bytes]:
        """The chain without this generation's (key, nonce), and both.

        Raises:
            RemoteError: ``replayed``, the key was used or is too old; ``too-far``, more than RATCHET_SKIP_MAX ahead.
        """
        kept = dict(self.kept)
        if generation < self.generation:
            if generation not in kept:
                raise RemoteError("replayed", "this generation's key is gone")
            key, nonce = kept.pop(generation)
            return replace(self, kept=kept), key, nonce
        if generation - self.generation > RATCHET_SKIP_MAX or generation >= GENERATION_MAX:
            raise RemoteError("too-far", "generation too far ahead")
        secret = self.secret
        for number in range(self.generation, generation):
            if generation - number <= RATCHET_KEPT_KEYS_MAX:
                kept[number] = _key_and_nonce(suite, secret, number)
            secret = suite.derive_tree_secret(secret, "secret", number, suite.hash_length)
        if len(kept) > RATCHET_KEPT_KEYS_MAX:
            kept = dict(sorted(kept.items())[-RATCHET_KEPT_KEYS_MAX:])
        key, nonce = _key_and_nonce(suite, secret, generation)
        secret = suite.derive_tree_secret(secret, "secret", generation, suite.hash_length)
        return type(self)(secret, generation + 1, kept), key, nonce

    def write(self, out: Writer) -> None:
        out.opaque(self.secret).u32(self.generation)
        items = sorted(self.kept.items())
        out.vector(items, lambda w, item: w.u32(item[0]).opaque(item[1][0]).opaque(item[1][1]))

    @classmethod
    def read(cls, reader: Reader) -> Self:
        secret, generation = reader.opaque(), reader.u32()
        return cls(secret, generation, dict(reader.vector(lambda r: (r.u32(), (r.opaque(), r.opaque())))))


def _key_and_nonce(suite: Suite, secret: bytes, generation: int) -> tuple[bytes, bytes]:
    """Section 9.1, figure 28."""
    key = suite.derive_tree_secret(secret, "key", generation, suite.aead.key_length)
    return key, suite.derive_tree_secret(secret, "nonce", generation, suite.aead.nonce_length)


@dataclass(frozen=True)
class SenderRatchets:
    """The two chains of one sender: what people write, and what changes the group."""

    application: Chain
    handshake: Chain

    @cached_property
    def encoded(self) -> bytes:
        out = Writer()
        self.application.write(out)
        self.handshake.write(out)
        return out.bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        return decode(data, lambda reader: cls(Chain.read(reader), Chain.read(reader)))
