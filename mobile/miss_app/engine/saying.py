"""What a person says, as items of the outbox and lines of the chat."""

from dataclasses import dataclass

from miss_app.engine.account import Account
from miss_app.engine.model import Act, DocumentPart, Item, Message, PhotoPart
from miss_app.engine.photos import Picture
from miss_app.engine.problems import Problem
from miss_app.engine.store import Step
from miss_protocol import content as contents
from miss_protocol import limits
from miss_protocol.acts import Level, Origin, Urgency
from miss_protocol.frames import Class
from miss_protocol.sealing import SealedBlob


@dataclass(frozen=True)
class Manner:
    """How something is said: in reply to what, how soon it wants to be seen, naming whom, forwarded from where."""

    reply_to: bytes | None = None
    urgency: Urgency | None = None
    mentions: tuple[bytes, ...] = ()
    origin: Origin | None = None
    consent: contents.Consent = contents.Consent.NONE  # to what is shown

    def check(self) -> None:
        """Raises Problem: ``reason-missing`` for an urgent one that does not say why, or ``text-too-long``."""
        if self.urgency is None:
            return
        if self.urgency.level is Level.URGENT and not self.urgency.reason.strip():
            raise Problem("reason-missing")
        if len(self.urgency.reason) > limits.REASON_CHARACTERS_MAX:
            raise Problem("text-too-long")


PLAIN = Manner()


def say(
    account: Account,
    step: Step,
    conversation_id: bytes,
    message_id: bytes,
    body: contents.Body,
    priority: Class = Class.NORMAL,
    manner: Manner = PLAIN,
    *,
    replaces: bytes | None = None,
    fallback: str = "",
) -> contents.Content:
    """Queue a content under its id; it is sealed when its turn comes.

    Raises:
        Problem: ``person-unconfirmed`` where it is a message, and to somebody who is in doubt.
    """
    if priority is not Class.SILENT:
        account.doubts.check(account.conversations.get(conversation_id))
    content = contents.Content(
        message_id,
        account.clock.now_ms(),
        body,
        fallback,
        manner.reply_to,
        replaces,
        None,
        manner.urgency,
        manner.mentions,
        manner.origin,
        manner.consent,
    )
    if manner.urgency is not None and manner.urgency.level is Level.URGENT:
        priority = Class.URGENT
    item = Item(message_id, conversation_id, Act.CONTENT, priority=priority, content=contents.encode(content))
    account.outbox.enqueue(step, item)
    return content


def said_again(message: Message) -> tuple[contents.Body, Manner]:
    """A line of one's own as it was said, to be said again after a failure."""
    urgency = Urgency(message.level, message.reason) if message.level else None
    manner = Manner(message.reply_to or None, urgency, message.mentions, message.origin, message.consented)
    if message.photo is not None:
        return photo_content(message.photo, message.text), manner
    if message.document is not None:
        return document_content(message.document, message.text), manner
    return message.request or message.answer or contents.Text(message.text), manner


def photo_part(picture: Picture, sealed: SealedBlob) -> PhotoPart:
    """A photo as the chat keeps it."""
    return PhotoPart(
        sealed.name,
        sealed.key,
        len(sealed.ciphertext),
        picture.width,
        picture.height,
        len(picture.jpeg),
        picture.original_bytes,
        picture.thumbnail,
    )


def photo_content(part: PhotoPart, caption: str) -> contents.Photo:
    """A photo as it is said."""
    return contents.Photo(
        part.blob,
        part.key,
        part.blob_bytes,
        part.width,
        part.height,
        part.picture_bytes,
        part.original_bytes,
        "image/jpeg",
        part.thumbnail,
        caption,
    )


def document_content(part: DocumentPart, caption: str) -> contents.Document:
    """A document as it is said."""
    return contents.Document(part.blob, part.key, part.blob_bytes, part.file_bytes, part.media_type, part.name, caption)
