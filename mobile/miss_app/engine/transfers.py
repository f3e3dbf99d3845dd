"""Sealed photos and documents on their way: uploads that resume where they stopped, downloads on demand."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from functools import partial

from miss_app.engine import documents, photos, records
from miss_app.engine.events import Event, MessageChanged
from miss_app.engine.http import Http
from miss_app.engine.messages import Messages
from miss_app.engine.model import DocumentPart, Message, PhotoPart, Upload
from miss_app.engine.problems import Problem
from miss_app.engine.store import Step, Store
from miss_protocol import limits
from miss_protocol.errors import RemoteError
from miss_protocol.sealing import SealedBlob, open_blob

RETRY_SECONDS_MIN, RETRY_SECONDS_MAX = 1.0, 30.0
_HAVE_HEADER = "X-MiSS-Have"
_DAY_MS = 86_400_000


class Transfers:
    """Photos and documents between the store and the server.

    Args:
        now_ms: the server's time.
        tell: tells the screen that a message's progress changed.
    """

    def __init__(
        self,
        store: Store,
        messages: Messages,
        http: Http,
        now_ms: Callable[[], int],
        tell: Callable[[Event], None],
    ) -> None:
        self._now_ms = now_ms
        self._store = store
        self._messages = messages
        self._http = http
        self._tell = tell
        self._running: asyncio.Task[None] | None = None
        self._fetching: dict[bytes, asyncio.Task[bytes]] = {}

    def queue(self, step: Step, conversation_id: bytes, message_id: bytes, sealed: SealedBlob) -> None:
        """Keep a sealed photo or document, and upload it when there is a connection."""
        step.put("blobs", sealed.name, sealed.ciphertext)
        step.put("uploads", sealed.name, records.encode(Upload(sealed.name, conversation_id, message_id)))
        step.after(self.resume)

    def resume(self) -> None:
        """Upload what waits."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._upload_all())

    async def stop(self) -> None:
        tasks = [one for one in (self._running, *self._fetching.values()) if one is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def opened(self, message: Message) -> bytes:
        """The JPEG of a message's photo or the bytes of its document, from the store or from the server.

        Raises:
            Problem: ``photo-not-there-yet``, ``photo-gone``, ``photo-broken`` or the same of a document, or why the
                server cannot be reached.
        """
        part = message.attached
        if part is None:
            raise Problem("photo-gone")
        ciphertext = self._store.get("blobs", part.blob)
        if ciphertext is None:
            task = self._fetching.get(part.blob)
            if task is None:
                task = asyncio.create_task(self._download(message, part))
                self._fetching[part.blob] = task
                task.add_done_callback(lambda _: self._fetching.pop(part.blob, None))
            ciphertext = await asyncio.shield(task)
        return await asyncio.to_thread(_open, part, ciphertext)

    def here(self, blob: bytes) -> bool:
        """Whether a sealed photo is in the store."""
        return self._store.find("blobs", blob) is not None

    async def bring(self, blob: bytes) -> bool:
        """Have the server keep a sealed photo of the store; False where it is neither there nor here.

        Raises:
            Problem: the server cannot be reached.
        """
        answer = await self._http.call("HEAD", _path(blob), ticket=True, allow=(404,))
        if answer.status_code == 200:
            return True
        ciphertext = self._store.get("blobs", blob)
        if ciphertext is None:
            return False
        await self.upload(blob, ciphertext)
        return True

    async def upload(self, blob: bytes, ciphertext: bytes, progress: Callable[[float], None] = lambda _: None) -> None:
        """Give the server sealed bytes, from where an earlier upload of them stopped."""
        done = await self._have(blob, len(ciphertext))
        while done < len(ciphertext):
            piece = ciphertext[done : done + limits.BLOB_PIECE_BYTES]
            await self._put(blob, piece, done, len(ciphertext))
            done += len(piece)
            progress(done / len(ciphertext))

    async def download(self, blob: bytes, total: int, progress: Callable[[float], None] = lambda _: None) -> bytes:
        """Sealed bytes of the server, piece by piece.

        Raises:
            Problem: ``photo-not-there-yet`` or why the server cannot be reached.
        """
        pieces: list[bytes] = []
        done = 0
        while done < total:
            piece = await self._piece(blob, done, min(done + limits.BLOB_PIECE_BYTES, total) - 1)
            pieces.append(piece)
            done += len(piece)
            progress(done / total)
        return b"".join(pieces)

    async def fetch(self, message: Message) -> None:
        """Have a message's photo or document in the store; Problem where it cannot be had."""
        if message.attached is not None and not self.here(message.attached.blob):
            await self.opened(message)

    async def _download(self, message: Message, part: PhotoPart | DocumentPart) -> bytes:
        try:
            ciphertext = await self.download(part.blob, part.blob_bytes, lambda share: self._progress(message, share))
        except Problem as problem:
            raise self._missing(message) if problem.reason == "photo-not-there-yet" else problem from problem
        await asyncio.to_thread(_open, part, ciphertext)
        with self._store.step() as step:
            step.put("blobs", part.blob, ciphertext)
        self._progress(message, 0.0)
        return ciphertext

    def _missing(self, message: Message) -> Problem:
        """Why the server does not have it: it has not been uploaded yet, or was forgotten by age."""
        forgotten = message.at_ms + limits.SERVER_KEEPS_PHOTOS_DAYS * _DAY_MS < self._now_ms()
        if message.document is not None:
            return Problem("document-gone") if forgotten else Problem("document-not-there-yet")
        return Problem("photo-gone") if forgotten else Problem("photo-not-there-yet")

    async def _piece(self, blob: bytes, first: int, last: int) -> bytes:
        answer = await self._http.call(
            "GET", _path(blob), headers={"Range": f"bytes={first}-{last}"}, ticket=True, allow=(404,)
        )
        if answer.status_code == 404:
            raise Problem("photo-not-there-yet")
        content: bytes = answer.content
        if answer.status_code == 200:
            content = content[first : last + 1]  # a server or a cache that does not know ranges
        if not content:
            raise Problem("photo-broken")
        return content

    async def _upload_all(self) -> None:
        wait = RETRY_SECONDS_MIN
        while True:
            try:
                waiting = self._store.all_rows("uploads")
                if not waiting:
                    return
                for row in waiting:
                    await self._upload(records.decode(Upload, row.body))
                wait = RETRY_SECONDS_MIN
            except Problem:
                await asyncio.sleep(wait)
                wait = min(wait * 2, RETRY_SECONDS_MAX)

    async def _upload(self, upload: Upload) -> None:
        ciphertext = self._store.get("blobs", upload.blob)
        message = self._messages.find(upload.conversation_id, upload.message_id)
        if ciphertext is not None and hashlib.sha256(ciphertext).digest() == upload.blob:
            await self.upload(upload.blob, ciphertext, partial(self._progress, message))
        with self._store.step() as step:
            step.delete("uploads", upload.blob)
        self._progress(message, 0.0)

    async def _have(self, blob: bytes, total: int) -> int:
        """How many bytes the server has of this blob."""
        answer = await self._http.call("HEAD", _path(blob), ticket=True, allow=(404,))
        if answer.status_code == 200:
            return total
        have = answer.headers.get(_HAVE_HEADER, "0") if answer.status_code == 202 else "0"
        return min(int(have), total) if have.isdecimal() else 0

    async def _put(self, blob: bytes, piece: bytes, start: int, total: int) -> None:
        headers = {
            "Content-Range": f"bytes {start}-{start + len(piece) - 1}/{total}",
            "Content-Type": "application/octet-stream",
        }
        await self._http.call("PUT", _path(blob), content=piece, headers=headers, ticket=True)

    def _progress(self, message: Message | None, share: float) -> None:
        part = None if message is None else message.attached
        if message is None or part is None:
            return
        if share:
            self._messages.transfers[part.blob] = share
        else:
            self._messages.transfers.pop(part.blob, None)
        current = self._messages.find(message.conversation_id, message.message_id)
        if current is not None:
            with contextlib.suppress(Problem):
                self._tell(MessageChanged(self._messages.view(current)))


def _path(blob: bytes) -> str:
    return f"/v1/blobs/{blob.hex()}"


def _open(part: PhotoPart | DocumentPart, ciphertext: bytes) -> bytes:
    """What was sealed, looked at before anything shows it."""
    photo = isinstance(part, PhotoPart)
    try:
        data = open_blob(ciphertext, part.blob, part.key)
    except RemoteError as error:
        raise (Problem("photo-broken") if photo else Problem("document-broken")) from error
    if isinstance(part, DocumentPart):
        documents.check_received(data, part)
    else:
        photos.check_received(data)
    return data
