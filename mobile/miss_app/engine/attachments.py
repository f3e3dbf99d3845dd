"""What a person attaches: photos made small and clean, and documents, sealed and said in one step; and opening them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from miss_app.engine import documents, photos
from miss_app.engine.account import Account, new_id
from miss_app.engine.hearing import heard
from miss_app.engine.model import Conversation, DocumentPart, Message
from miss_app.engine.problems import Problem
from miss_app.engine.retouching import AnyEdit, develop
from miss_app.engine.saying import PLAIN, Manner, document_content, photo_content, photo_part, say
from miss_protocol import content as contents
from miss_protocol import limits
from miss_protocol.content import Consent
from miss_protocol.sealing import SealedBlob, seal_blob


@dataclass(frozen=True)
class Draft:
    """A photo about to be sent: the file, what is written under it, what was drawn on it, and how much of it goes.

    ``picture`` is what these edits made of it, where somebody has had it made already.
    """

    data: bytes
    file_name: str
    caption: str = ""
    edits: tuple[AnyEdit, ...] = ()
    full: bool = False
    picture: photos.Picture | None = None


class Attachments:
    """Photos and documents of one person's conversations.

    Every verb raises Problem: ``conversation-unknown`` or ``locked``.

    Args:
        account: the open account, and a conversation's record by its id, or the Problem.
    """

    def __init__(self, account: Callable[[bytes], tuple[Account, Conversation]]) -> None:
        self._account = account

    async def send_photos(
        self,
        conversation_id: bytes,
        drafts: Sequence[Draft],
        *,
        consent: Consent | bool = False,
        manner: Manner = PLAIN,
    ) -> list[bytes]:
        """Make photos small and clean, seal them, queue them all or none; their message ids.

        Args:
            consent: True where the patient agrees, or why it may be shown without; said with each photo, and asked for
                where the conversation is about a patient.

        Raises:
            Problem: ``photo-broken``, ``photo-too-large``, ``photo-format``, ``consent-missing``, ``text-too-long``,
                ``photos-too-many`` or ``reason-missing``.
        """
        account, record = self._account(conversation_id)
        manner.check()
        if record.patient and not consent:
            raise Problem("consent-missing")
        if len(drafts) > limits.PHOTOS_AT_ONCE_MAX:
            raise Problem("photos-too-many")
        if any(len(one.caption) > limits.CAPTION_CHARACTERS_MAX for one in drafts):
            raise Problem("text-too-long")
        bodies, blobs = [], []
        for one in drafts:
            picture, sealed = await asyncio.to_thread(_developed, one)
            bodies.append(photo_content(photo_part(picture, sealed), one.caption))
            blobs.append(sealed)
        return _send(account, record, bodies, blobs, replace(manner, consent=Consent(consent)))

    async def send_document(
        self, conversation_id: bytes, data: bytes, *, file_name: str, caption: str = "", manner: Manner = PLAIN
    ) -> bytes:
        """Seal a document and queue it.

        Raises:
            Problem: as ``documents.read``, ``text-too-long`` or ``reason-missing``.
        """
        account, record = self._account(conversation_id)
        manner.check()
        if len(caption) > limits.CAPTION_CHARACTERS_MAX:
            raise Problem("text-too-long")
        document = documents.read(data, file_name)
        sealed = await asyncio.to_thread(seal_blob, document.data)
        part = DocumentPart(
            sealed.name, sealed.key, len(sealed.ciphertext), len(data), document.media_type, document.name
        )
        return send_sealed(account, record, document_content(part, caption), sealed, manner)

    async def opened(self, conversation_id: bytes, message_id: bytes) -> bytes:
        """The JPEG of a photo or the bytes of a document, downloaded where they are not here.

        Raises:
            Problem: as ``Transfers.opened``.
        """
        account, record = self._account(conversation_id)
        message = account.messages.find(record.conversation_id, message_id)
        if message is None:
            raise Problem("photo-gone")
        return await account.transfers.opened(message)

    async def save_copy(self, conversation_id: bytes, message_id: bytes, folder: Path) -> Path:
        """Write a document out of MiSS, into a folder, never over anything; the copy's path.

        Raises:
            Problem: ``copy-refused``, ``document-gone`` for what is no document, or as ``opened``.
        """
        account, record = self._account(conversation_id)
        message = account.messages.find(record.conversation_id, message_id)
        if message is None or message.document is None:
            raise Problem("document-gone")
        data = await account.transfers.opened(message)
        return await asyncio.to_thread(documents.save_copy, folder, message.document.name, data)


def send_sealed(
    account: Account, record: Conversation, body: contents.Photo | contents.Document, sealed: SealedBlob, manner: Manner
) -> bytes:
    """Say one photo or document whose bytes are sealed already; its message id."""
    return _send(account, record, [body], [sealed], manner)[0]


def resealed(message: Message, sealed: SealedBlob) -> contents.Photo | contents.Document:
    """What a line shows, said again with its bytes sealed anew."""
    if message.document is not None:
        document = replace(message.document, blob=sealed.name, key=sealed.key, blob_bytes=len(sealed.ciphertext))
        return document_content(document, message.text)
    if message.photo is None:
        raise Problem("not-forwardable")
    photo = replace(message.photo, blob=sealed.name, key=sealed.key, blob_bytes=len(sealed.ciphertext))
    return photo_content(photo, message.text)


def _send(
    account: Account,
    record: Conversation,
    bodies: Sequence[contents.Photo | contents.Document],
    blobs: Sequence[SealedBlob],
    manner: Manner,
) -> list[bytes]:
    """Say them in this order, in one step."""
    sent = []
    with account.store.step() as step:
        for body, sealed in zip(bodies, blobs, strict=True):
            message_id = new_id()
            account.transfers.queue(step, record.conversation_id, message_id, sealed)
            content = say(account, step, record.conversation_id, message_id, body, manner=manner)
            line = heard(content, record.conversation_id, account.people.me, True, content.sent_at_ms, 0)
            account.messages.add(step, line)
            sent.append(message_id)
    return sent


def _developed(draft: Draft) -> tuple[photos.Picture, SealedBlob]:
    picture = draft.picture or develop(draft.data, draft.file_name, draft.edits, full=draft.full)
    return picture, seal_blob(picture.jpeg)
