"""What a person says, as items of the outbox and lines of the chat."""

from miss_app.engine.account import Account
from miss_app.engine.model import Act, Item, PhotoPart
from miss_app.engine.photos import Picture
from miss_app.engine.store import Step
from miss_protocol import content as contents
from miss_protocol.frames import Class
from miss_protocol.sealing import SealedBlob


def say(
    account: Account,
    step: Step,
    conversation_id: bytes,
    message_id: bytes,
    body: contents.Body,
    priority: Class = Class.NORMAL,
) -> None:
    """Queue a content under its id; it is sealed when its turn comes."""
    content = contents.encode(contents.Content(message_id, account.clock.now_ms(), body))
    account.outbox.enqueue(step, Item(message_id, conversation_id, Act.CONTENT, priority=priority, content=content))


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
