"""The key schedule, RFC 9420 chapter 8: from one epoch's init secret to all the secrets of the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from miss_protocol.errors import RemoteError
from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.mls.extensions import Extension, read_extensions, write_extensions
from miss_protocol.mls.suite import PROTOCOL_VERSION, Suite, suite_of


@dataclass(frozen=True)
class GroupContext:
    """What every member of an epoch agrees on, section 8.1."""

    suite: Suite
    group_id: bytes
    epoch: int
    tree_hash: bytes
    confirmed_transcript_hash: bytes
    extensions: tuple[Extension, ...]

    @cached_property
    def encoded(self) -> bytes:
        out = Writer().u16(PROTOCOL_VERSION).u16(self.suite.id).opaque(self.group_id).u64(self.epoch)
        out.opaque(self.tree_hash).opaque(self.confirmed_transcript_hash)
        write_extensions(out, self.extensions)
        return out.bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        if reader.u16() != PROTOCOL_VERSION:
            raise RemoteError("unsupported", "protocol version")
        suite = suite_of(reader.u16())
        group_id, epoch = reader.opaque(), reader.u64()
        return cls(suite, group_id, epoch, reader.opaque(), reader.opaque(), read_extensions(reader))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        return decode(data, cls.read)


@dataclass(frozen=True)
class PskId:
    """Which pre-shared key, section 8.4: external (kind 1) by its id, resumption (kind 2) by group and epoch."""

    kind: int
    nonce: bytes
    psk_id: bytes = b""
    usage: int = 0
    group_id: bytes = b""
    epoch: int = 0

    def write(self, out: Writer) -> None:
        out.u8(self.kind)
        if self.kind == 1:
            out.opaque(self.psk_id)
        else:
            out.u8(self.usage).opaque(self.group_id).u64(self.epoch)
        out.opaque(self.nonce)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        kind = reader.u8()
        if kind == 1:
            psk_id = reader.opaque()
            return cls(kind, reader.opaque(), psk_id=psk_id)
        if kind == 2:
            usage, group_id, epoch = reader.u8(), reader.opaque(), reader.u64()
            if usage not in (1, 2, 3):
                raise RemoteError("malformed", "usage of a resumption key")
            return cls(kind, reader.opaque(), usage=usage, group_id=group_id, epoch=epoch)
        raise RemoteError("malformed", "kind of pre-shared key")


def psk_secret(suite: Suite, psks: Sequence[tuple[PskId, bytes]]) -> bytes:
    """The one secret that all these pre-shared keys make, in this order; zeros for none, section 8.4."""
    zeros = bytes(suite.hash_length)
    secret = zeros
    for index, (psk_id, psk) in enumerate(psks):
        label = Writer()
        psk_id.write(label)
        label.u16(index).u16(len(psks))
        extracted = suite.extract(zeros, psk)
        secret = suite.extract(
            suite.expand_with_label(extracted, "derived psk", label.bytes(), suite.hash_length), secret
        )
    return secret


_LABELS = (
    "sender data",
    "encryption",
    "exporter",
    "external",
    "confirm",
    "membership",
    "resumption",
    "authentication",
    "init",
)


@dataclass(frozen=True)
class EpochSecrets:
    """What the key schedule yields for one epoch, section 8, table 4. Never printed."""

    sender_data: bytes
    encryption: bytes
    exporter: bytes
    external: bytes
    confirmation: bytes
    membership: bytes
    resumption: bytes
    authenticator: bytes
    init: bytes

    def __repr__(self) -> str:
        return "EpochSecrets(…)"

    @classmethod
    def of(cls, suite: Suite, epoch_secret: bytes) -> Self:
        return cls(*(suite.derive_secret(epoch_secret, label) for label in _LABELS))


def joiner_secret(suite: Suite, init: bytes, commit: bytes, context: bytes) -> bytes:
    """What a Welcome hands to those it adds, section 8, figure 22."""
    return suite.expand_with_label(suite.extract(init, commit), "joiner", context, suite.hash_length)


def welcome_secret(suite: Suite, joiner: bytes, psk: bytes) -> bytes:
    """The secret that seals the GroupInfo of a Welcome."""
    return suite.derive_secret(suite.extract(joiner, psk), "welcome")


def epoch_secrets(suite: Suite, joiner: bytes, psk: bytes, context: bytes) -> EpochSecrets:
    """All the secrets of the epoch whose GroupContext is ``context``."""
    member = suite.extract(joiner, psk)
    return EpochSecrets.of(suite, suite.expand_with_label(member, "epoch", context, suite.hash_length))


def export(suite: Suite, exporter: bytes, label: str, context: bytes, length: int) -> bytes:
    """MLS-Exporter, section 8.5."""
    secret = suite.derive_secret(exporter, label)
    return suite.expand_with_label(secret, "exported", suite.hash(context), length)


def confirmed_hash(suite: Suite, interim: bytes, content: bytes) -> bytes:
    """The confirmed transcript hash, section 8.2; ``content`` is a ConfirmedTranscriptHashInput."""
    return suite.hash(interim + content)


def interim_hash(suite: Suite, confirmed: bytes, confirmation_tag: bytes) -> bytes:
    """The interim transcript hash, section 8.2."""
    return suite.hash(confirmed + Writer().opaque(confirmation_tag).bytes())


EXTERNAL_INIT_LABEL = b"MLS 1.0 external init secret"  # section 8.3
