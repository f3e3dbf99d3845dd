"""What people say, as it is sealed in application messages: texts, photos, documents, read positions, subjects, acts.

A content is *message id* (16 bytes, the Submit's), *sent at* (ms), then parts; a part is *type* (u16), *length*,
*body*, with the critical bit of frames. A content whose critical part is unknown shows its plain-text fallback. The
terms ``in_reply_to``, ``replaces`` and ``expires`` follow the IETF MIMI content format.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from miss_protocol import acts, limits
from miss_protocol.acts import CRITICAL, Origin, Urgency
from miss_protocol.acts import bounded as _bounded
from miss_protocol.errors import LocalError, RemoteError
from miss_protocol.handover import Offer, Parcel, Received, Wish
from miss_protocol.mls.codec import Reader, Writer
from miss_protocol.own_state import Entries

TEXT = 0x0001  # also the fallback of what comes with it
IN_REPLY_TO = 0x0005
REPLACES = 0x0006
EXPIRES = 0x0007
URGENCY = 0x0008
MENTIONS = 0x0009
ORIGIN = 0x000A
CONSENT = 0x000B
PHOTO = CRITICAL | 0x02
READ = CRITICAL | 0x03
SUBJECT = CRITICAL | 0x04
DOCUMENT = CRITICAL | 0x0C
OFFER = CRITICAL | Offer.NUMBER
WISH = CRITICAL | Wish.NUMBER
PARCEL = CRITICAL | Parcel.NUMBER
RECEIVED = CRITICAL | Received.NUMBER
STATE = CRITICAL | Entries.NUMBER


class Consent(IntEnum):
    """Why what is shown of a patient may be shown, as the author says; to who knows 1 alone, the others say nothing."""

    NONE = 0
    AGREED = 1  # the patient was informed and agrees
    TRUSTED_PERSON = 2  # the patient cannot agree: the trusted person was consulted (art. L1111-6 CSP)
    EMERGENCY = 3  # the patient cannot agree, and nobody could be consulted in time (art. L1111-4 CSP)


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
        _bounded(photo.caption, limits.CAPTION_CHARACTERS_MAX, "caption")
        _bounded(photo.media_type, limits.MEDIA_TYPE_CHARACTERS_MAX, "media type")
        return photo


@dataclass(frozen=True)
class Document:
    """A sealed file elsewhere: what it is called is known to its readers only."""

    blob: bytes  # SHA-256 of the ciphertext, 32 bytes
    key: bytes  # 32 bytes, AES-256-GCM
    blob_bytes: int  # size of the ciphertext
    file_bytes: int
    media_type: str
    name: str
    caption: str = ""

    def write(self, out: Writer) -> None:
        out.fixed(self.blob).fixed(self.key).u64(self.blob_bytes).u64(self.file_bytes)
        out.text(self.media_type).text(self.name).text(self.caption)

    @classmethod
    def read(cls, data: Reader) -> Self:
        found = cls(
            data.fixed(32),
            data.fixed(32),
            data.u64(),
            data.u64(),
            _bounded(data.text(), limits.MEDIA_TYPE_CHARACTERS_MAX, "media type"),
            _bounded(data.text(), limits.DOCUMENT_NAME_CHARACTERS_MAX, "document name"),
            _bounded(data.text(), limits.CAPTION_CHARACTERS_MAX, "caption"),
        )
        if found.blob_bytes > limits.BLOB_BYTES_MAX or found.file_bytes > limits.DOCUMENT_BYTES_MAX:
            raise RemoteError("too-large", "document")
        return found


@dataclass(frozen=True)
class Read:
    """I have read everything up to this number of the stream."""

    number: int


@dataclass(frozen=True)
class Subject:
    """What the conversation is called and whom it is about; the last one in stream order holds."""

    title: str
    patient: str = ""
    birth_date: str = ""  # "1941-03-07", as far as it is known
    identifier: str = ""  # INS or record number

    def write(self, out: Writer) -> None:
        out.text(self.title).text(self.patient).text(self.birth_date).text(self.identifier)

    @classmethod
    def read(cls, data: Reader) -> Self:
        return cls(
            _bounded(data.text(), limits.TITLE_CHARACTERS_MAX, "title"),
            _bounded(data.text(), limits.PATIENT_CHARACTERS_MAX, "patient"),
            _bounded(data.text(), limits.BIRTH_DATE_CHARACTERS_MAX, "birth date"),
            _bounded(data.text(), limits.IDENTIFIER_CHARACTERS_MAX, "identifier"),
        )


@dataclass(frozen=True)
class Unknown:
    """A critical part this version does not know: its fallback is shown, its bytes are kept for after an update."""

    type: int
    raw: bytes


# What devices say to each other; it is never shown as a message.
Affair = Offer | Wish | Parcel | Received | Entries
_AFFAIRS: dict[int, type[Affair]] = {
    OFFER: Offer,
    WISH: Wish,
    PARCEL: Parcel,
    RECEIVED: Received,
    STATE: Entries,
}

Body = Text | Photo | Document | Read | Subject | acts.AnyAct | Affair | Unknown
_ABOUT_A_MESSAGE = (acts.Reaction, acts.Charge, acts.Answer, acts.Pinned)  # these name their target in ``in_reply_to``


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
    urgency: Urgency | None = None
    mentions: tuple[bytes, ...] = ()  # person ids
    origin: Origin | None = None
    consent: Consent = Consent.NONE  # to what is shown

    @property
    def target(self) -> bytes | None:
        """The message that an act, an edit or a deletion is about; None for what is said for itself."""
        if self.replaces is not None:
            return self.replaces
        return self.in_reply_to if isinstance(self.body, _ABOUT_A_MESSAGE) else None


def _body_part(body: Body) -> tuple[int, bytes] | None:
    match body:
        case Text():
            return None
        case Photo():
            out = Writer()
            body.write(out)
            return PHOTO, out.bytes()
        case Document():
            out = Writer()
            body.write(out)
            return DOCUMENT, out.bytes()
        case Read(number):
            return READ, Writer().u64(number).bytes()
        case Subject():
            out = Writer()
            body.write(out)
            return SUBJECT, out.bytes()
        case Offer() | Wish() | Parcel() | Received() | Entries():
            out = Writer()
            body.write(out)
            return CRITICAL | body.NUMBER, out.bytes()
        case Unknown():
            raise LocalError("unknown-content", "what is not understood is not sent")
        case _:
            out = Writer()
            body.write(out)
            return acts.CODES[type(body)], out.bytes()


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
    for kind, term in ((URGENCY, content.urgency), (ORIGIN, content.origin)):
        if term is not None:
            inside = Writer()
            term.write(inside)
            part(kind, inside.bytes())
    if content.mentions:
        part(MENTIONS, Writer().vector(content.mentions, lambda w, person: w.fixed(person)).bytes())
    if content.consent:
        part(CONSENT, Writer().u8(content.consent).bytes())
    body = _body_part(content.body)
    if body is not None:
        part(*body)
    return out.bytes()


def _read_body(kind: int, data: Reader, raw: bytes) -> Body:
    if kind == PHOTO:
        return Photo.read(data)
    if kind == DOCUMENT:
        return Document.read(data)
    if kind == READ:
        return Read(data.u64())
    if kind == SUBJECT:
        return Subject.read(data)
    if kind in acts.ACTS:
        return acts.ACTS[kind].read(data)
    if kind in _AFFAIRS:
        return _AFFAIRS[kind].read(data)
    data.fixed(len(raw))
    return Unknown(kind, raw)


def _read_mentions(data: Reader) -> tuple[bytes, ...]:
    persons = tuple(data.vector(lambda r: r.fixed(16)))
    if len(persons) > limits.MENTIONS_MAX or len(set(persons)) < len(persons):
        raise RemoteError("malformed", "mentions")
    return persons


def _read_consent(data: Reader) -> Consent:
    value = data.u8()
    return Consent(value) if value in list(Consent) else Consent.NONE


_TERMS: dict[int, Callable[[Reader], Any]] = {
    IN_REPLY_TO: lambda part: part.fixed(16),
    REPLACES: lambda part: part.fixed(16),
    EXPIRES: lambda part: part.u64(),
    URGENCY: Urgency.read,
    MENTIONS: _read_mentions,
    ORIGIN: Origin.read,
    CONSENT: _read_consent,
}


def decode(data: bytes) -> Content:
    """What was sealed.

    Raises:
        RemoteError: ``malformed`` or ``too-large``; a content without text and without body is malformed, and so is an
            act that does not name its target.
    """
    reader = Reader(data)
    message_id, sent_at_ms = reader.fixed(16), reader.u64()
    text: str | None = None
    body: Body | None = None
    found: dict[int, Any] = {}
    while not reader.at_end():
        kind, raw = reader.u16(), reader.opaque()
        part = Reader(raw)
        if kind == TEXT:
            try:
                text = _bounded(raw.decode(), limits.TEXT_CHARACTERS_MAX, "text")
            except UnicodeDecodeError as error:
                raise RemoteError("malformed", "text is not UTF-8") from error
        elif kind in _TERMS:
            found[kind] = _TERMS[kind](part)
            part.end()
        elif kind & CRITICAL:
            if body is not None:
                raise RemoteError("malformed", "two bodies")
            body = _read_body(kind, part, raw)
            part.end()
    if body is None and not text:
        raise RemoteError("malformed", "an empty content")
    content = Content(
        message_id,
        sent_at_ms,
        Text(text or "") if body is None else body,
        "" if body is None else text or "",
        found.get(IN_REPLY_TO),
        found.get(REPLACES),
        found.get(EXPIRES),
        found.get(URGENCY),
        found.get(MENTIONS, ()),
        found.get(ORIGIN),
        found.get(CONSENT, Consent.NONE),
    )
    if isinstance(body, _ABOUT_A_MESSAGE) and content.in_reply_to is None:
        raise RemoteError("malformed", "an act about nothing")
    if isinstance(body, acts.Deletion) != (content.replaces is not None and body is not None):
        raise RemoteError("malformed", "only a text replaces, and a deletion must")
    return content
