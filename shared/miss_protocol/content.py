"""What people say, as it is sealed in application messages: texts, photos, read positions, subjects.

A content is *message id* (16 bytes, the Submit's), *sent at* (ms), then parts; a part is *type* (u16), *length*,
*body*, with the critical bit of frames. A content whose critical part is unknown shows its plain-text fallback. The
terms ``in_reply_to``, ``replaces`` and ``expires`` follow the IETF MIMI content format.
"""

from dataclasses import dataclass
from typing import Self

from miss_protocol import limits
from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.mls.codec import Reader, Writer

CRITICAL = 0x8000
TEXT = 0x0001  # also the fallback of what comes with it
IN_REPLY_TO = 0x0005
REPLACES = 0x0006
EXPIRES = 0x0007
PHOTO = CRITICAL | 0x02
READ = CRITICAL | 0x03
SUBJECT = CRITICAL | 0x04


@dataclass(frozen=True)
class Text:
    """Plain text, Unicode, at most 10,000 characters."""

    text: str


@dataclass(frozen=True)
class Photo:
    """A sealed photo elsewhere, and its thumbnail here."""

    blob: bytes  # SHA-256 of the ciphertext, 32 bytes
    key: bytes  # 32 bytes, AES-256-GCM
    blob_bytes: int  # size of the ciphertext
    width: int
    height: int
    picture_bytes: int
    original_bytes: int
    media_type: str  # "image/jpeg"
    thumbnail: bytes  # JPEG, at most 24 KiB
    caption: str = ""

    def write(self, out: Writer) -> None:
        out.fixed(self.blob).fixed(self.key).u64(self.blob_bytes).u32(self.width).u32(self.height)
        out.u64(self.picture_bytes).u64(self.original_bytes).text(self.media_type)
        out.opaque(self.thumbnail).text(self.caption)

    @classmethod
    def read(cls, data: Reader) -> Self:
        photo = cls(
            data.fixed(32),
            data.fixed(32),
            data.u64(),
            data.u32(),
            data.u32(),
            data.u64(),
            data.u64(),
            data.text(),
            data.opaque(),
            data.text(),
        )
        if photo.blob_bytes > limits.BLOB_BYTES_MAX or len(photo.thumbnail) > limits.THUMBNAIL_BYTES_MAX:
            raise RemoteError("too-large", "photo")
        if len(photo.caption) > limits.CAPTION_CHARACTERS_MAX or len(photo.media_type) > 40:
            raise RemoteError("too-large", "caption")
        return photo


@dataclass(frozen=True)
class Read:
    """I have read everything up to this number of the stream."""

    number: int


@dataclass(frozen=True)
class Subject:
    """What the conversation is called and whom it is about; the last one in stream order holds."""

    title: str
    patient: str = ""


@dataclass(frozen=True)
class Unknown:
    """A critical part this version does not know: its fallback is shown, its bytes are kept for after an update."""

    type: int
    raw: bytes


Body = Text | Photo | Read | Subject | Unknown


@dataclass(frozen=True)
class Content:
    """One act in a conversation."""

    message_id: bytes
    sent_at_ms: int
    body: Body
    fallback: str = ""
    in_reply_to: bytes | None = None
    replaces: bytes | None = None
    expires_ms: int | None = None


def _bounded(text: str, most: int, what: str) -> str:
    if len(text) > most:
        raise RemoteError("too-large", what)
    return text


def _body_part(body: Body) -> tuple[int, bytes] | None:
    match body:
        case Text():
            return None
        case Photo():
            out = Writer()
            body.write(out)
            return PHOTO, out.bytes()
        case Read(number):
            return READ, Writer().u64(number).bytes()
        case Subject(title, patient):
            return SUBJECT, Writer().text(title).text(patient).bytes()
        case Unknown():
            raise LocalError("unknown-content", "what is not understood is not sent")


def encode(content: Content) -> bytes:
    """The bytes to seal. Raises LocalError where a limit is passed."""
    out = Writer().fixed(content.message_id).u64(content.sent_at_ms)

    def part(kind: int, body: bytes) -> None:
        out.u16(kind).opaque(body)

    text = content.body.text if isinstance(content.body, Text) else content.fallback
    if text:
        if len(text) > limits.TEXT_CHARACTERS_MAX:
            raise LocalError("text-too-long", f"{len(text)} characters")
        part(TEXT, text.encode())
    for kind, reference in ((IN_REPLY_TO, content.in_reply_to), (REPLACES, content.replaces)):
        if reference is not None:
            part(kind, reference)
    if content.expires_ms is not None:
        part(EXPIRES, Writer().u64(content.expires_ms).bytes())
    body = _body_part(content.body)
    if body is not None:
        part(*body)
    return out.bytes()


def _read_body(kind: int, data: Reader, raw: bytes) -> Body:
    if kind == PHOTO:
        return Photo.read(data)
    if kind == READ:
        return Read(data.u64())
    if kind == SUBJECT:
        title = _bounded(data.text(), limits.TITLE_CHARACTERS_MAX, "title")
        return Subject(title, _bounded(data.text(), limits.PATIENT_CHARACTERS_MAX, "patient"))
    data.fixed(len(raw))
    return Unknown(kind, raw)


def decode(data: bytes) -> Content:
    """What was sealed.

    Raises:
        RemoteError: ``malformed`` or ``too-large``; a content without text and without body is malformed.
    """
    reader = Reader(data)
    message_id, sent_at_ms = reader.fixed(16), reader.u64()
    text: str | None = None
    body: Body | None = None
    references: dict[int, bytes] = {}
    expires: int | None = None
    while not reader.at_end():
        kind, raw = reader.u16(), reader.opaque()
        part = Reader(raw)
        if kind == TEXT:
            try:
                text = _bounded(raw.decode(), limits.TEXT_CHARACTERS_MAX, "text")
            except UnicodeDecodeError as error:
                raise RemoteError("malformed", "text is not UTF-8") from error
        elif kind in (IN_REPLY_TO, REPLACES):
            references[kind] = part.fixed(16)
            part.end()
        elif kind == EXPIRES:
            expires = part.u64()
            part.end()
        elif kind & CRITICAL:
            if body is not None:
                raise RemoteError("malformed", "two bodies")
            body = _read_body(kind, part, raw)
            part.end()
    if body is None:
        if not text:
            raise RemoteError("malformed", "an empty content")
        return Content(
            message_id, sent_at_ms, Text(text), "", references.get(IN_REPLY_TO), references.get(REPLACES), expires
        )
    return Content(
        message_id, sent_at_ms, body, text or "", references.get(IN_REPLY_TO), references.get(REPLACES), expires
    )
