"""What is said, as the line of the chat it becomes."""

from dataclasses import replace

from miss_app.engine import documents, photos
from miss_app.engine.model import DocumentPart, Message, PhotoPart
from miss_app.engine.problems import Problem
from miss_protocol import content as contents
from miss_protocol.acts import Answer, Charge, Request


def heard(
    content: contents.Content, conversation_id: bytes, author: bytes, mine: bool, at_ms: int, number: int
) -> Message:
    """The line that a content becomes; ``unreadable`` where this version does not know it and it has no fallback."""
    message = Message(content.message_id, conversation_id, "text", mine, author, at_ms, number)
    match content.body:
        case contents.Text(text):
            message = replace(message, text=text)
        case contents.Photo():
            message = replace(message, kind="photo", text=content.body.caption, photo=_photo_part(content.body))
        case contents.Document():
            part = _document_part(content.body)
            message = replace(message, kind="document", text=content.body.caption, document=part)
        case Request():
            message = replace(message, kind="request", text=content.body.question, request=content.body)
        case Answer():
            message = replace(message, kind="answer", text=content.body.note, answer=content.body)
        case Charge(taking):
            message = replace(message, kind="charge", taking=taking)
        case _ if content.fallback:
            message = replace(message, text=content.fallback)
        case _:
            return replace(message, kind="unreadable", problem="needs-update")
    urgency = content.urgency
    return replace(
        message,
        reply_to=content.in_reply_to or b"",
        level=message.level if urgency is None else urgency.level,
        reason="" if urgency is None else urgency.reason,
        mentions=content.mentions,
        origin=content.origin,
        consent=content.consent is contents.Consent.AGREED,
        basis=content.consent,
    )


def _document_part(document: contents.Document) -> DocumentPart:
    part = DocumentPart(
        document.blob,
        document.key,
        document.blob_bytes,
        document.file_bytes,
        document.media_type,
        document.name,
    )
    return documents.checked_part(part)


def _photo_part(photo: contents.Photo) -> PhotoPart:
    thumbnail = photo.thumbnail
    try:
        photos.check_received(thumbnail, thumbnail=True)
    except Problem:
        thumbnail = b""  # hostile or broken: the chat shows a grey square
    return PhotoPart(
        photo.blob,
        photo.key,
        photo.blob_bytes,
        photo.width,
        photo.height,
        photo.picture_bytes,
        photo.original_bytes,
        thumbnail,
    )
