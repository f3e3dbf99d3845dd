"""Sealed photos on their way: uploads that resume where they stopped, downloads on demand."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable

from miss_app.engine import photos, records
from miss_app.engine.events import Event, MessageChanged
from miss_app.engine.http import Http
from miss_app.engine.messages import Messages
from miss_app.engine.model import Message, Upload
from miss_app.engine.problems import Problem
from miss_app.engine.store import Step, Store
from miss_protocol import limits
from miss_protocol.errors import RemoteError
from miss_protocol.sealing import SealedBlob, open_blob

RETRY_SECONDS_MIN, RETRY_SECONDS_MAX = 1.0, 30.0
_HAVE_HEADER = "X-MiSS-Have"


class Transfers:
    """Photos between the store and the server.

    Args:
        tell: tells the screen that a message's progress changed.
    """

    def __init__(self, store: Store, messages: Messages, http: Http, tell: Callable[[Event], None]) -> None:
        self._store = store
        self._messages = messages
        self._http = http
        self._tell = tell
        self._running: asyncio.Task[None] | None = None
        self._fetching: dict[bytes, asyncio.Task[bytes]] = {}

    def queue(self, step: Step, conversation_id: bytes, message_id: bytes, sealed: SealedBlob) -> None:
        """Keep a sealed photo, and upload it when there is a connection."""
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

    async def photo(self, message: Message) -> bytes:
        """The JPEG of a message's photo, from the store or from the server.

        Raises:
            Problem: ``photo-not-there-yet``, ``photo-gone``, ``photo-broken`` or why the server cannot be reached.
        """
        part = message.photo
        if part is None:
            raise Problem("photo-gone")
        ciphertext = self._store.get("blobs", part.blob)
        if ciphertext is None:
            task = self._fetching.get(part.blob)
            if task is None:
                task = asyncio.create_task(self._download(message))
                self._fetching[part.blob] = task
                task.add_done_callback(lambda _: self._fetching.pop(part.blob, None))
            ciphertext = await asyncio.shield(task)
        try:
            jpeg = open_blob(ciphertext, part.blob, part.key)
        except RemoteError as error:
            raise Problem("photo-broken") from error
        photos.check_received(jpeg)
        return jpeg

    async def _download(self, message: Message) -> bytes:
        part = message.photo
        if part is None:
            raise Problem("photo-gone")
        pieces: list[bytes] = []
        done = 0
        while done < part.blob_bytes:
            last = min(done + limits.BLOB_PIECE_BYTES, part.blob_bytes) - 1
            piece = await self._piece(part.blob, done, last)
            pieces.append(piece)
            done += len(piece)
            self._progress(message, done / part.blob_bytes)
        ciphertext = b"".join(pieces)
        try:
            photos.check_received(open_blob(ciphertext, part.blob, part.key))
        except RemoteError as error:
            raise Problem("photo-broken") from error
        with self._store.step() as step:
            step.put("blobs", part.blob, ciphertext)
        self._progress(message, 0.0)
        return ciphertext

    async def _piece(self, blob: bytes, first: int, last: int) -> bytes:
        answer = await self._http.call(
            "GET", _path(blob), headers={"Range": f"bytes={first}-{last}"}, ticket=True, allow=(404,)
        )
        if answer.status_code == 404:
            # Either it has not been uploaded yet, or it was forgotten by age: the message's own age tells the screen.
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
            done = await self._have(upload.blob, len(ciphertext))
            while done < len(ciphertext):
                piece = ciphertext[done : done + limits.BLOB_PIECE_BYTES]
                await self._put(upload.blob, piece, done, len(ciphertext))
                done += len(piece)
                if message is not None:
                    self._progress(message, done / len(ciphertext))
        with self._store.step() as step:
            step.delete("uploads", upload.blob)
        if message is not None:
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

    def _progress(self, message: Message, share: float) -> None:
        part = message.photo
        if part is None:
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
