"""Search in what is on this device: an index in memory, filled newest first after unlock, gone at lock.

The disk holds sealed records only, so the words to compare are kept folded in memory: one string a message, compared by
`in`, which a processor does faster than Python could keep an inverted index.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from miss_app.engine import records
from miss_app.engine.events import ConversationView, Event, MessageAdded, MessageChanged, MessageRemoved, MessageView
from miss_app.engine.folding import fold
from miss_app.engine.messages import Messages
from miss_app.engine.model import SPOKEN, Conversation, Message
from miss_app.engine.people import People
from miss_app.engine.store import Store
from miss_protocol.acts import Dosage

FILL_ROWS = 100  # decrypted before anything else may run
RESULTS_MAX = 50


@dataclass(frozen=True)
class Found:
    """What a search finds: conversations by title, patient or member, and messages, newest first."""

    conversations: tuple[ConversationView, ...]
    messages: tuple[MessageView, ...]
    complete: bool  # False while older messages are still being read


@dataclass(frozen=True)
class _Entry:
    at_ms: int
    text: str


class Search:
    """The words of one open store."""

    def __init__(self, store: Store, people: People, messages: Messages) -> None:
        self._store = store
        self._people = people
        self._messages = messages
        self._entries: dict[tuple[bytes, bytes], _Entry] = {}  # (conversation, message) → what it says
        self._filling: asyncio.Task[None] | None = None
        self.complete = False

    def start(self, conversations: Iterable[Conversation]) -> None:
        """Read what is stored, the newest conversation first."""
        order = sorted(conversations, key=lambda one: one.at_ms, reverse=True)
        self._filling = asyncio.create_task(self._fill([one.conversation_id for one in order]))

    async def stop(self) -> None:
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
        self._entries.clear()

    async def _fill(self, conversation_ids: list[bytes]) -> None:
        """A page of each conversation in turn: what is recent is found first everywhere."""
        below: dict[bytes, int | None] = dict.fromkeys(conversation_ids)
        while below:
            for conversation_id in list(below):
                rows = self._store.last_rows("messages", conversation_id, below=below[conversation_id], limit=FILL_ROWS)
                for row in rows:
                    self._note(records.decode(Message, row.body), overwrite=False)
                if len(rows) < FILL_ROWS:
                    del below[conversation_id]
                else:
                    below[conversation_id] = rows[0].place
                await asyncio.sleep(0)
        self.complete = True

    def hear(self, event: Event) -> None:
        """Keep up with what the store tells."""
        match event:
            case MessageAdded(view) | MessageChanged(view):
                found = self._messages.find(view.conversation_id, view.message_id)
                if found is not None:
                    self._note(found, overwrite=True)
            case MessageRemoved(conversation_id, message_id):
                self._entries.pop((conversation_id, message_id), None)
            case _:
                pass

    def _note(self, message: Message, *, overwrite: bool) -> None:
        key = (message.conversation_id, message.message_id)
        if message.kind not in SPOKEN or (key in self._entries and not overwrite):
            return
        text = fold(" ".join(_words(message)))
        if text:
            self._entries[key] = _Entry(message.at_ms, text)
        else:
            self._entries.pop(key, None)

    def find(self, words: str, conversations: Iterable[Conversation], *, inside: bytes | None = None) -> Found:
        """Everything that holds all the words, in any order, as beginnings or inside of words.

        Args:
            conversations: those whose title, patient and members to look at; empty where only messages are sought.
            inside: one conversation, to search in it alone.
        """
        wanted = fold(words).split()
        if not wanted:
            return Found((), (), self.complete)
        named = [one for one in conversations if not one.moved_to and _all_in(wanted, fold(self._title(one)))]
        named.sort(key=lambda one: one.at_ms, reverse=True)
        hits = [
            (entry.at_ms, key)
            for key, entry in list(self._entries.items())
            if (inside is None or key[0] == inside) and _all_in(wanted, entry.text)
        ]
        hits.sort(reverse=True)
        views = []
        for _, (conversation_id, message_id) in hits[:RESULTS_MAX]:
            message = self._messages.find(conversation_id, message_id)
            if message is not None:
                views.append(self._messages.view(message))
        titled = tuple(self._messages.conversation_view(one) for one in named[:RESULTS_MAX])
        return Found(titled, tuple(views), self.complete)

    def _title(self, record: Conversation) -> str:
        persons = {record.peer, *(one.person_id for one in record.members)} - {self._people.me}
        return " ".join((record.title, record.patient, record.identifier, *map(self._people.name, persons)))


def _all_in(wanted: list[str], text: str) -> bool:
    return all(word in text for word in wanted)


def _words(message: Message) -> list[str]:
    words = [message.text, message.reason]
    for said in (message.request, message.answer):
        dosage: Dosage | None = None if said is None else said.dosage
        if dosage is not None:
            words += [dosage.drug, dosage.dose, dosage.route, dosage.rhythm]
    return words
