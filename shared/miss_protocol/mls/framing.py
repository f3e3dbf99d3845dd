"""Message framing, RFC 9420 chapter 6: signed content, in the clear as PublicMessage or sealed as PrivateMessage."""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from secrets import token_bytes
from typing import Self

from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.limits import PADDING_BUCKET_BYTES
from miss_protocol.mls.codec import Reader, Writer, decode
from miss_protocol.mls.proposals import Commit, Proposal, read_proposal, write_proposal
from miss_protocol.mls.signatures import SigningKey
from miss_protocol.mls.suite import PROTOCOL_VERSION, Suite

_LABEL = "FramedContentTBS"


class WireFormat(IntEnum):
    PUBLIC = 1
    PRIVATE = 2
    WELCOME = 3
    GROUP_INFO = 4
    KEY_PACKAGE = 5


class ContentType(IntEnum):
    APPLICATION = 1
    PROPOSAL = 2
    COMMIT = 3


class SenderType(IntEnum):
    MEMBER = 1
    EXTERNAL = 2
    NEW_MEMBER_PROPOSAL = 3
    NEW_MEMBER_COMMIT = 4


def _content_type(reader: Reader) -> ContentType:
    try:
        return ContentType(reader.u8())
    except ValueError as error:
        raise RemoteError("malformed", "content type") from error


@dataclass(frozen=True)
class Sender:
    """Who sends: a member by leaf index, an external sender by its place in the list, or a newcomer."""

    type: SenderType
    index: int = 0

    @classmethod
    def member(cls, index: int) -> Self:
        return cls(SenderType.MEMBER, index)

    def write(self, out: Writer) -> None:
        out.u8(self.type)
        if self.type in (SenderType.MEMBER, SenderType.EXTERNAL):
            out.u32(self.index)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        try:
            kind = SenderType(reader.u8())
        except ValueError as error:
            raise RemoteError("malformed", "sender type") from error
        return cls(kind, reader.u32() if kind in (SenderType.MEMBER, SenderType.EXTERNAL) else 0)


Body = bytes | Proposal | Commit


def _read_body(reader: Reader, kind: ContentType) -> Body:
    if kind == ContentType.APPLICATION:
        return reader.opaque()
    return read_proposal(reader) if kind == ContentType.PROPOSAL else Commit.read(reader)


@dataclass(frozen=True)
class FramedContent:
    """What is signed: group, epoch, sender, data in the clear, and a body (application bytes, proposal or commit)."""

    group_id: bytes
    epoch: int
    sender: Sender
    authenticated_data: bytes
    body: Body

    @property
    def type(self) -> ContentType:
        if isinstance(self.body, bytes):
            return ContentType.APPLICATION
        return ContentType.COMMIT if isinstance(self.body, Commit) else ContentType.PROPOSAL

    @cached_property
    def body_encoded(self) -> bytes:
        out = Writer()
        if isinstance(self.body, bytes):
            out.opaque(self.body)
        elif isinstance(self.body, Commit):
            self.body.write(out)
        else:
            write_proposal(out, self.body)
        return out.bytes()

    @cached_property
    def encoded(self) -> bytes:
        out = Writer().opaque(self.group_id).u64(self.epoch)
        self.sender.write(out)
        return out.opaque(self.authenticated_data).u8(self.type).fixed(self.body_encoded).bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        group_id, epoch, sender, data = reader.opaque(), reader.u64(), Sender.read(reader), reader.opaque()
        return cls(group_id, epoch, sender, data, _read_body(reader, _content_type(reader)))


@dataclass(frozen=True)
class AuthenticatedContent:
    """Framed content with its signature and, for a commit, the confirmation tag, section 6.1."""

    wire_format: WireFormat
    content: FramedContent
    signature: bytes
    confirmation_tag: bytes | None = None

    def write_auth(self, out: Writer) -> None:
        """FramedContentAuthData."""
        out.opaque(self.signature)
        if self.confirmation_tag is not None:
            out.opaque(self.confirmation_tag)

    @cached_property
    def encoded(self) -> bytes:
        out = Writer().u16(self.wire_format).fixed(self.content.encoded)
        self.write_auth(out)
        return out.bytes()

    @classmethod
    def read(cls, reader: Reader) -> Self:
        try:
            wire_format = WireFormat(reader.u16())
        except ValueError as error:
            raise RemoteError("malformed", "wire format") from error
        content = FramedContent.read(reader)
        return cls(wire_format, content, reader.opaque(), _read_tag(reader, content.type))

    @cached_property
    def confirmed_input(self) -> bytes:
        """ConfirmedTranscriptHashInput, section 8.2."""
        return Writer().u16(self.wire_format).fixed(self.content.encoded).opaque(self.signature).bytes()

    def reference(self, suite: Suite) -> bytes:
        """The ProposalRef by which a commit names this proposal, section 5.2."""
        return suite.reference("MLS 1.0 Proposal Reference", self.encoded)

    def verify(self, suite: Suite, public: bytes, context: bytes) -> None:
        """Check the signature, section 6.1; RemoteError("bad-signature")."""
        content = _to_be_signed(self.wire_format, self.content, context)
        suite.verify_with_label(public, _LABEL, content, self.signature)


def _read_tag(reader: Reader, kind: ContentType) -> bytes | None:
    return reader.opaque() if kind == ContentType.COMMIT else None


def _to_be_signed(wire_format: WireFormat, content: FramedContent, context: bytes) -> bytes:
    """FramedContentTBS: members and newcomers who commit also sign the group context."""
    signed = PROTOCOL_VERSION.to_bytes(2, "big") + wire_format.to_bytes(2, "big") + content.encoded
    if content.sender.type in (SenderType.MEMBER, SenderType.NEW_MEMBER_COMMIT):
        return signed + context
    return signed


def sign_content(
    suite: Suite, key: SigningKey, wire_format: WireFormat, content: FramedContent, context: bytes
) -> AuthenticatedContent:
    """``content`` with its signature and no confirmation tag yet."""
    signature = suite.sign_with_label(key, _LABEL, _to_be_signed(wire_format, content, context))
    return AuthenticatedContent(wire_format, content, signature)


# PublicMessage, section 6.2.


@dataclass(frozen=True)
class PublicMessage:
    """Authenticated content in the clear; members add a tag that outsiders cannot make."""

    authenticated: AuthenticatedContent
    membership_tag: bytes | None

    def write(self, out: Writer) -> None:
        out.fixed(self.authenticated.content.encoded)
        self.authenticated.write_auth(out)
        if self.membership_tag is not None:
            out.opaque(self.membership_tag)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        content = FramedContent.read(reader)
        signature = reader.opaque()
        tag = _read_tag(reader, content.type)
        authenticated = AuthenticatedContent(WireFormat.PUBLIC, content, signature, tag)
        return cls(authenticated, reader.opaque() if content.sender.type == SenderType.MEMBER else None)


def _to_be_tagged(authenticated: AuthenticatedContent, context: bytes) -> bytes:
    out = Writer().fixed(_to_be_signed(WireFormat.PUBLIC, authenticated.content, context))
    authenticated.write_auth(out)
    return out.bytes()


def public_message(
    suite: Suite, authenticated: AuthenticatedContent, membership_key: bytes, context: bytes
) -> PublicMessage:
    """The PublicMessage that carries ``authenticated``, with a member's tag where the sender is one."""
    if authenticated.content.sender.type != SenderType.MEMBER:
        return PublicMessage(authenticated, None)
    return PublicMessage(authenticated, suite.mac(membership_key, _to_be_tagged(authenticated, context)))


def verify_membership(suite: Suite, message: PublicMessage, membership_key: bytes, context: bytes) -> None:
    """Check a member's tag, section 6.2; RemoteError("bad-tag")."""
    if message.membership_tag is None:
        return
    tagged = _to_be_tagged(message.authenticated, context)
    if not suite.verify_mac(membership_key, tagged, message.membership_tag):
        raise RemoteError("bad-tag", "membership tag")


# PrivateMessage, section 6.3.


@dataclass(frozen=True)
class SenderData:
    """Who sealed a message and with which key, section 6.3.2."""

    leaf: int
    generation: int
    reuse_guard: bytes

    @classmethod
    def read(cls, reader: Reader) -> Self:
        return cls(reader.u32(), reader.u32(), reader.fixed(4))


def _guarded(nonce: bytes, guard: bytes) -> bytes:
    """Section 6.3.1: a fresh guard keeps a nonce single even if a state were restored from the past."""
    return bytes(a ^ b for a, b in zip(nonce[:4], guard, strict=True)) + nonce[4:]


@dataclass(frozen=True)
class PrivateMessage:
    """Sealed content: outsiders see group, epoch, kind and the authenticated data."""

    group_id: bytes
    epoch: int
    type: ContentType
    authenticated_data: bytes
    sealed_sender: bytes
    ciphertext: bytes

    def write(self, out: Writer) -> None:
        out.opaque(self.group_id).u64(self.epoch).u8(self.type)
        out.opaque(self.authenticated_data).opaque(self.sealed_sender).opaque(self.ciphertext)

    @classmethod
    def read(cls, reader: Reader) -> Self:
        group_id, epoch, kind = reader.opaque(), reader.u64(), _content_type(reader)
        return cls(group_id, epoch, kind, reader.opaque(), reader.opaque(), reader.opaque())

    def sender(self, suite: Suite, sender_data_secret: bytes) -> SenderData:
        """Open the sender data; RemoteError("undecryptable")."""
        key, nonce = sender_key(suite, sender_data_secret, self.ciphertext)
        associated = _sender_associated(self.group_id, self.epoch, self.type)
        return decode(suite.aead.open(key, nonce, self.sealed_sender, associated), SenderData.read)

    def open(self, suite: Suite, sender: SenderData, key: bytes, nonce: bytes) -> AuthenticatedContent:
        """Open the content with the sender's key of that generation; its signature is the caller's to verify.

        Raises:
            RemoteError: ``undecryptable`` or ``malformed``.
        """
        associated = _associated(self.group_id, self.epoch, self.type, self.authenticated_data)
        plaintext = suite.aead.open(key, _guarded(nonce, sender.reuse_guard), self.ciphertext, associated)
        reader = Reader(plaintext)
        body = _read_body(reader, self.type)
        signature, tag = reader.opaque(), _read_tag(reader, self.type)
        if any(plaintext[reader.position :]):
            # Section 6.3.1: padding is zeros, so that nothing can hide in it.
            raise RemoteError("malformed", "padding")
        content = FramedContent(self.group_id, self.epoch, Sender.member(sender.leaf), self.authenticated_data, body)
        return AuthenticatedContent(WireFormat.PRIVATE, content, signature, tag)


def _associated(group_id: bytes, epoch: int, kind: ContentType, data: bytes) -> bytes:
    return Writer().opaque(group_id).u64(epoch).u8(kind).opaque(data).bytes()


def _sender_associated(group_id: bytes, epoch: int, kind: ContentType) -> bytes:
    return Writer().opaque(group_id).u64(epoch).u8(kind).bytes()


def sender_key(suite: Suite, secret: bytes, ciphertext: bytes) -> tuple[bytes, bytes]:
    """The (key, nonce) that seal the sender data beside ``ciphertext``, section 6.3.2."""
    sample = ciphertext[: suite.hash_length]
    key = suite.expand_with_label(secret, "key", sample, suite.aead.key_length)
    return key, suite.expand_with_label(secret, "nonce", sample, suite.aead.nonce_length)


def private_message(
    suite: Suite,
    authenticated: AuthenticatedContent,
    generation: int,
    key: bytes,
    nonce: bytes,
    sender_data_secret: bytes,
) -> PrivateMessage:
    """Seal what was signed for the PRIVATE wire format, padded to a multiple of PADDING_BUCKET_BYTES."""
    content = authenticated.content
    if authenticated.wire_format != WireFormat.PRIVATE:
        raise LocalError("bad-format", "signed for another wire format")
    guard = token_bytes(4)
    out = Writer().fixed(content.body_encoded)
    authenticated.write_auth(out)
    plaintext = out.bytes()
    plaintext += bytes(-len(plaintext) % PADDING_BUCKET_BYTES)
    associated = _associated(content.group_id, content.epoch, content.type, content.authenticated_data)
    ciphertext = suite.aead.seal(key, _guarded(nonce, guard), plaintext, associated)
    sender = Writer().u32(content.sender.index).u32(generation).fixed(guard).bytes()
    header_key, header_nonce = sender_key(suite, sender_data_secret, ciphertext)
    sender_associated = _sender_associated(content.group_id, content.epoch, content.type)
    sealed = suite.aead.seal(header_key, header_nonce, sender, sender_associated)
    return PrivateMessage(content.group_id, content.epoch, content.type, content.authenticated_data, sealed, ciphertext)
