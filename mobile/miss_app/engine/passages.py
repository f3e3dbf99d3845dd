"""Where to read in a chat: a page before, after or around a line, the first of a day, what is unread, pinned or open.

A conversation may hold fifty thousand lines; only the page that is asked for is opened. All of it may be called from
any thread, and finds nothing while the profile is locked.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from miss_app.engine import records
from miss_app.engine.account import Account
from miss_app.engine.events import MessageView
from miss_app.engine.messages import IN_CHARGE
from miss_app.engine.model import LINE_MAX, SPOKEN, Conversation, Message, place_of
from miss_app.engine.problems import Problem
from miss_app.engine.store import Row

CHARGES_MAX = 50
UNREAD_ROWS = 50  # looked at together to find the first line that is not read


class Passages:
    """The passages of one profile's chats.

    Args:
        account: the open account, and a conversation's record by its id, or the Problem.
        opened: the open account, or Problem("locked").
    """

    def __init__(self, account: Callable[[bytes], tuple[Account, Conversation]], opened: Callable[[], Account]) -> None:
        self._account = account
        self._opened = opened

    @contextmanager
    def _reading(self, conversation_id: bytes) -> Iterator[tuple[Account, Conversation] | None]:
        """The open account and the record, nothing changing meanwhile; None where there is none."""
        try:
            account, record = self._account(conversation_id)
        except Problem:
            yield None
            return
        with account.store.lock:
            yield None if account.store.closed else (account, record)

    def before(self, conversation_id: bytes, message_id: bytes | None, limit: int) -> list[MessageView]:
        """Lines, oldest first, that end before one, or with the newest."""
        with self._reading(conversation_id) as found:
            return [] if found is None else found[0].messages.page(found[1].conversation_id, message_id, limit)

    def after(self, conversation_id: bytes, message_id: bytes, limit: int) -> list[MessageView]:
        """The lines that follow one, oldest first."""
        with self._reading(conversation_id) as found:
            return [] if found is None else _after(*found, message_id, limit)

    def around(self, conversation_id: bytes, message_id: bytes, limit: int) -> list[MessageView]:
        """A line with as many before it as after it; empty where it is not on this device."""
        with self._reading(conversation_id) as found:
            if found is None:
                return []
            account, record = found
            message = account.messages.find(record.conversation_id, message_id)
            if message is None:
                return []
            older = account.messages.page(record.conversation_id, message_id, limit // 2)
            return [*older, account.messages.view(message), *_after(account, record, message_id, limit // 2)]

    def first_unread(self, conversation_id: bytes) -> bytes | None:
        """The first line of somebody else's that this person has not read."""
        with self._reading(conversation_id) as found:
            if found is None:
                return None
            account, record = found
            above = place_of(record.read, LINE_MAX)
            while rows := account.store.rows("messages", record.conversation_id, above=above, limit=UNREAD_ROWS):
                for row in rows:
                    message = records.decode(Message, row.body)
                    if not message.mine and message.kind in SPOKEN:
                        return message.message_id
                above = rows[-1].place
            return None

    def at(self, conversation_id: bytes, at_ms: int) -> bytes | None:
        """The first line said then or later, else the newest; None where there is none at all."""
        with self._reading(conversation_id) as found:
            if found is None:
                return None
            account, record = found
            shelf = record.conversation_id

            def first_from(place: int) -> Row | None:
                rows = account.store.rows("messages", shelf, above=place - 1, limit=1)
                return rows[0] if rows else None

            first, last = first_from(0), account.store.last_rows("messages", shelf, below=None, limit=1)
            if first is None:
                return None
            low, high = first.place, last[0].place
            while low < high:  # places grow with time: halve what is left between them
                row = first_from((low + high) // 2)
                if row is not None and records.decode(Message, row.body).at_ms < at_ms:
                    low = row.place + 1
                else:
                    high = (low + high) // 2
            row = first_from(low) or last[0]
            return records.decode(Message, row.body).message_id

    def span(self, conversation_id: bytes) -> tuple[int, int]:
        """When the first and the newest line were said; (0, 0) where there is none."""
        with self._reading(conversation_id) as found:
            if found is None:
                return 0, 0
            account, record = found
            first = account.store.rows("messages", record.conversation_id, limit=1)
            last = account.store.last_rows("messages", record.conversation_id, below=None, limit=1)
            if not first:
                return 0, 0
            return records.decode(Message, first[0].body).at_ms, records.decode(Message, last[0].body).at_ms

    def pinned(self, conversation_id: bytes) -> list[MessageView]:
        """What is pinned, oldest first."""
        with self._reading(conversation_id) as found:
            if found is None:
                return []
            account, record = found
            views = [account.messages.view(one) for one in account.messages.pinned(record.conversation_id)]
            return [one for one in views if one.pinned]

    def open_ones(self) -> list[MessageView]:
        """What waits for somebody's answer or charge in any conversation that this person is in, oldest first."""
        try:
            account = self._opened()
        except Problem:
            return []
        with account.store.lock:
            if account.store.closed:
                return []
            live = [one for one in account.conversations.all() if one.active and not one.own and not one.moved_to]
            found = [line for one in live for line in account.messages.open_ones(one.conversation_id)]
            views = [account.messages.view(one) for one in found]
            return sorted((one for one in views if one.open), key=lambda one: one.at_ms)

    def in_charge(self) -> list[MessageView]:
        """What this person is in charge of, the newest first."""
        try:
            account = self._opened()
        except Problem:
            return []
        with account.store.lock:
            if account.store.closed:
                return []
            rows = account.store.rows("marked", IN_CHARGE)
            found = (account.store.get("messages", row.name.removeprefix(IN_CHARGE)) for row in rows)
            views = [account.messages.view(records.decode(Message, data)) for data in found if data is not None]
            mine = [one for one in views if one.charge is not None and one.charge.mine]
            return sorted(mine, key=lambda one: -one.charge.at_ms if one.charge else 0)[:CHARGES_MAX]


def _after(account: Account, record: Conversation, message_id: bytes, limit: int) -> list[MessageView]:
    start = account.store.find("messages", record.conversation_id + message_id)
    if start is None:
        return []
    rows = account.store.rows("messages", record.conversation_id, above=start.place, limit=limit)
    return [account.messages.view(records.decode(Message, row.body)) for row in rows]
