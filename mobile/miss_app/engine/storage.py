"""How much room the photos and documents of each conversation take on this device, and making some of it free."""

import asyncio
from collections.abc import Callable, Iterator

from miss_app.engine import records
from miss_app.engine.account import Account
from miss_app.engine.events import HistoryArrived, StorageView
from miss_app.engine.model import Conversation, Message
from miss_app.engine.problems import Problem

_ROWS = 200  # read together; the store is free for others between


class Storage:
    """What is stored on one device.

    Args:
        account: the open account, and a conversation's record by its id, or the Problem.
        open_account: the open account, or Problem("locked").
    """

    def __init__(
        self, account: Callable[[bytes], tuple[Account, Conversation]], open_account: Callable[[], Account]
    ) -> None:
        self._account = account
        self._open = open_account

    async def used(self) -> list[StorageView]:
        """The conversations whose photos and documents are here, the largest first."""
        return await asyncio.to_thread(self._used, self._open())

    async def free(self, conversation_id: bytes) -> int:
        """Delete this device's copies of a conversation's photos and documents; how many bytes that frees.

        What still waits to be sent stays. Thumbnails stay; the rest can be fetched again while the server has it.
        """
        account, record = self._account(conversation_id)
        freed = 0
        for page in _pages(account, record.conversation_id):
            with account.store.step() as step:
                for message in page:
                    file = message.attached
                    if file is not None and _here(account, file.blob):
                        step.delete("blobs", file.blob)
                        freed += file.blob_bytes
            await asyncio.sleep(0)
        if freed:
            with account.store.step() as step:
                step.tell(HistoryArrived(record.conversation_id))
        return freed

    def _used(self, account: Account) -> list[StorageView]:
        found = []
        for record in account.conversations.all():
            if record.own or record.moved_to:
                continue
            sizes = []
            try:
                for page in _pages(account, record.conversation_id):
                    with account.store.lock:
                        sizes += [
                            one.attached.blob_bytes
                            for one in page
                            if one.attached is not None and _here(account, one.attached.blob)
                        ]
            except Problem:
                return []  # locked meanwhile
            if sizes:
                with account.store.lock:
                    view = account.messages.conversation_view(record)
                found.append(StorageView(view, len(sizes), sum(sizes)))
        return sorted(found, key=lambda one: -one.file_bytes)


def _here(account: Account, blob: bytes) -> bool:
    """Whether the bytes of a photo or document are on this device, and not waiting to be sent."""
    store = account.store
    return store.has("blobs", blob) and not store.has("uploads", blob)


def _pages(account: Account, conversation_id: bytes) -> Iterator[list[Message]]:
    """The lines of a conversation, some at a time."""
    below = None
    while True:
        with account.store.lock:
            if account.store.closed:
                raise Problem("locked")
            rows = account.store.last_rows("messages", conversation_id, below=below, limit=_ROWS)
        yield [records.decode(Message, row.body) for row in rows]
        if len(rows) < _ROWS:
            return
        below = rows[0].place
