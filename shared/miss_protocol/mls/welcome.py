"""GroupInfo and Welcome, RFC 9420 section 12.4.3: what lets a newcomer in."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.mls.extensions import Extension, read_extensions, write_extensions
from miss_protocol.mls.schedule import GroupContext, PskId
from miss_protocol.mls.signatures import SigningKey
from miss_protocol.mls.suite import HpkeCiphertext, Suite
from miss_protocol.mls.treekem import read_ciphertext, write_ciphertext


@dataclass(frozen=True)
class GroupInfo:
    """The public state of an epoch, signed by one of its members."""

    context: GroupContext
    extensions: tuple[Extension, ...]
    confirmation_tag: bytes
    signer: int
    signature: bytes = b""

    @cached_property
    def to_be_signed(self) -> bytes:
        out = Writer().fixed(self.context.encoded)
        write_extensions(out, self.extensions)
        return out.opaque(self.confirmation_tag).u32(self.signer).bytes()

    def write(self, out: Writer) -> None:
        out.fixed(self.to_be_signed).opaque(self.signature)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        context = GroupContext.read(reader)
        return cls(context, read_extensions(reader), reader.opaque(), reader.u32(), reader.opaque())

    def signed(self, key: SigningKey) -> Self:
        signature = self.context.suite.sign_with_label(key, "GroupInfoTBS", self.to_be_signed)
        return type(self)(self.context, self.extensions, self.confirmation_tag, self.signer, signature)

    def verify(self, public: bytes) -> None:
        """Check the signature; RemoteError("bad-signature")."""
        self.context.suite.verify_with_label(public, "GroupInfoTBS", self.to_be_signed, self.signature)


@dataclass(frozen=True)
class GroupSecrets:
    """What one newcomer gets, sealed to its init key."""

    joiner_secret: bytes
    path_secret: bytes | None
    psks: tuple[PskId, ...]

    def __repr__(self) -> str:
        return "GroupSecrets(…)"

    @property
    def encoded(self) -> bytes:
        out = Writer().opaque(self.joiner_secret).optional(self.path_secret, lambda w, s: w.opaque(s))
        return out.vector(self.psks, lambda w, psk: psk.write(w)).bytes()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        return decode(data, cls._read)

    @classmethod
    def _read(cls, reader: Reader) -> Self:
        joiner, path = reader.opaque(), reader.optional(Reader.opaque)
        return cls(joiner, path, tuple(reader.vector(PskId.read)))


@dataclass(frozen=True)
class Welcome:
    """The GroupInfo, sealed once for all newcomers, and the group secrets for each, by key package reference."""

    suite_id: int
    secrets: tuple[tuple[bytes, HpkeCiphertext], ...]
    sealed_group_info: bytes

    def write(self, out: Writer) -> None:
        out.u16(self.suite_id)
        out.vector(self.secrets, lambda w, item: write_ciphertext(w.opaque(item[0]), item[1]))
        out.opaque(self.sealed_group_info)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        suite_id = reader.u16()
        secrets = tuple(reader.vector(lambda r: (r.opaque(), read_ciphertext(r))))
        return cls(suite_id, secrets, reader.opaque())


def _key_and_nonce(suite: Suite, welcome_secret: bytes) -> tuple[bytes, bytes]:
    key = suite.expand_with_label(welcome_secret, "key", b"", suite.aead.key_length)
    return key, suite.expand_with_label(welcome_secret, "nonce", b"", suite.aead.nonce_length)


def seal_group_info(suite: Suite, welcome_secret: bytes, info: GroupInfo) -> bytes:
    """The ``encrypted_group_info`` of a Welcome."""
    out = Writer()
    info.write(out)
    key, nonce = _key_and_nonce(suite, welcome_secret)
    return suite.aead.seal(key, nonce, out.bytes(), b"")


def open_group_info(suite: Suite, welcome_secret: bytes, sealed: bytes) -> GroupInfo:
    """The GroupInfo in a Welcome; RemoteError("undecryptable") or ("malformed")."""
    key, nonce = _key_and_nonce(suite, welcome_secret)
    return decode(suite.aead.open(key, nonce, sealed, b""), GroupInfo.read)
