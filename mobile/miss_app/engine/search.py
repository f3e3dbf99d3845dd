"""Search in what is on this device: an index in memory, filled newest first after unlock, gone at lock.

The disk holds sealed records only, so the words to compare are kept folded in memory: one string for about a hundred
messages, looked through by `in`, which a processor does faster than Python could keep an inverted index. Only a block
that holds all the words is looked at line by line, the newest block first, until there are enough.
"""

import asyncio
import heapq
from collections.abc import Iterable, Sequence
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
BLOCK_LINES = 128
RESULTS_MAX = 50


@dataclass(frozen=True)
class Found:
    """What a search finds: conversations by title, patient or member, and messages, newest first."""

    conversations: tuple[ConversationView, ...]
    messages: tuple[MessageView, ...]
    complete: bool  # False while older messages are still being read


@dataclass(frozen=True)
class _Line:
    """A message's place in the index: its id, when it was said, what it says folded."""

    name: bytes
    at_ms: int
    text: str


@dataclass(frozen=True)
class _Block:
    """Messages of one conversation, looked through together; replaced as a whole, so that any thread may look."""

    newest: int
    names: tuple[bytes, ...]
    times: tuple[int, ...]
    text: str  # a line each

    @classmethod
    def of(cls, lines: Sequence[_Line]) -> "_Block":
        """The block of these lines."""
        times = tuple(one.at_ms for one in lines)
        return cls(max(times, default=0), tuple(one.name for one in lines), times, "\n".join(one.text for one in lines))

    def lines(self) -> list[_Line]:
        texts = self.text.split("\n") if self.names else []
        return [_Line(*one) for one in zip(self.names, self.times, texts, strict=True)]


class Search:
    """The words of one open store."""

    def __init__(self, store: Store, people: People, messages: Messages) -> None:
        self._store = store
        self._people = people
        self._messages = messages
        self._blocks: dict[bytes, list[_Block]] = {}  # of each conversation
        self._where: dict[tuple[bytes, bytes], int] = {}  # (conversation, message) → which of its blocks
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
        self._blocks.clear()
        self._where.clear()

    async def _fill(self, conversation_ids: list[bytes]) -> None:
        """A page of each conversation in turn: what is recent is found first everywhere."""
        below: dict[bytes, int | None] = dict.fromkeys(conversation_ids)
        while below:
            for conversation_id in list(below):
                rows = self._store.last_rows("messages", conversation_id, below=below[conversation_id], limit=FILL_ROWS)
                self._take_page(conversation_id, [records.decode(Message, row.body) for row in rows])
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
                    self._note(found)
            case MessageRemoved(conversation_id, message_id):
                self._drop(conversation_id, message_id)
            case _:
                pass

    def _take_page(self, conversation_id: bytes, messages: list[Message]) -> None:
        """A page of what is stored; what was told of meanwhile is known better."""
        lines = [_line(one) for one in messages if (conversation_id, one.message_id) not in self._where]
        said = [one for one in lines if one.text]
        if said:
            self._add_block(conversation_id, said)

    def _note(self, message: Message) -> None:
        """A message that is new or has changed."""
        conversation_id, line = message.conversation_id, _line(message)
        if (conversation_id, line.name) in self._where:
            self._drop(conversation_id, line.name)
        if not line.text:
            return
        blocks = self._blocks.setdefault(conversation_id, [])
        if not blocks or len(blocks[-1].names) >= BLOCK_LINES:
            self._add_block(conversation_id, [line])
            return
        blocks[-1] = _Block.of([*blocks[-1].lines(), line])
        self._where[conversation_id, line.name] = len(blocks) - 1

    def _add_block(self, conversation_id: bytes, lines: list[_Line]) -> None:
        blocks = self._blocks.setdefault(conversation_id, [])
        blocks.append(_Block.of(lines))
        for one in lines:
            self._where[conversation_id, one.name] = len(blocks) - 1

    def _drop(self, conversation_id: bytes, message_id: bytes) -> None:
        place = self._where.pop((conversation_id, message_id), None)
        if place is not None:
            blocks = self._blocks[conversation_id]
            blocks[place] = _Block.of([one for one in blocks[place].lines() if one.name != message_id])

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
        views = []
        for _, conversation_id, message_id in self._hits(wanted, inside):
            message = self._messages.find(conversation_id, message_id)
            if message is not None:
                views.append(self._messages.view(message))
        titled = tuple(self._messages.conversation_view(one) for one in named[:RESULTS_MAX])
        return Found(titled, tuple(views), self.complete)

    def _hits(self, wanted: list[str], inside: bytes | None) -> list[tuple[int, bytes, bytes]]:
        """When, where and which: the newest messages that hold all the words, the newest first."""
        blocks = [
            (block.newest, conversation_id, block)
            for conversation_id, found in list(self._blocks.items())
            if inside is None or conversation_id == inside
            for block in list(found)
        ]
        blocks.sort(key=lambda one: one[0], reverse=True)
        hits: list[tuple[int, bytes, bytes]] = []  # a heap, the oldest of the newest first
        for newest, conversation_id, block in blocks:
            if len(hits) == RESULTS_MAX and hits[0][0] >= newest:
                break
            if not _all_in(wanted, block.text):
                continue
            for line in block.lines():
                if _all_in(wanted, line.text):
                    hit = (line.at_ms, conversation_id, line.name)
                    (heapq.heappush if len(hits) < RESULTS_MAX else heapq.heappushpop)(hits, hit)
        return sorted(hits, reverse=True)

    def _title(self, record: Conversation) -> str:
        persons = {record.peer, *(one.person_id for one in record.members)} - {self._people.me}
        return " ".join((record.title, record.patient, record.identifier, *map(self._people.name, persons)))


def _all_in(wanted: list[str], text: str) -> bool:
    return all(word in text for word in wanted)


def _line(message: Message) -> _Line:
    said = " ".join(_words(message)) if message.kind in SPOKEN else ""
    return _Line(message.message_id, message.at_ms, fold(said))


def _words(message: Message) -> list[str]:
    words = [message.text, message.reason, "" if message.document is None else message.document.name]
    for said in (message.request, message.answer):
        dosage: Dosage | None = None if said is None else said.dosage
        if dosage is not None:
            words += [dosage.drug, dosage.dose, dosage.route, dosage.rhythm]
    return words
