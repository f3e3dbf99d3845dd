"""Search in what is on the device, and what the device forgets in time."""

import asyncio
import secrets

import pytest

from engine.authority import Registrar
from miss_app.engine.conversations import Conversations
from miss_app.engine.events import MessageRemoved
from miss_app.engine.keeping import SWEEP_ROWS, Keeping
from miss_app.engine.messages import Messages
from miss_app.engine.model import Conversation, Message, PhotoPart
from miss_app.engine.people import People
from miss_app.engine.search import BLOCK_LINES, FILL_ROWS, RESULTS_MAX, Found, Search
from miss_app.engine.store import Store
from miss_protocol.acts import Dosage, Request

DAY_MS = 86_400_000
NOW_MS = 400 * DAY_MS
WARD, HOME = b"w" * 16, b"h" * 16


class Room:
    """An open store with two conversations."""

    def __init__(self, tmp_path) -> None:
        self.events = []
        registrar = Registrar()
        certificate = registrar.device(registrar.person("Camille")).certificate
        self.store = Store(tmp_path / "store.db", secrets.token_bytes(32), self.hear)
        self.people = People(self.store, certificate)
        self.conversations = Conversations(self.store)
        self.messages = Messages(self.store, self.conversations, self.people)
        self.search = Search(self.store, self.people, self.messages)
        self.keeping = Keeping(self.store, self.conversations, self.messages, lambda: NOW_MS, lambda: 365)
        with self.store.step() as step:
            ward = Conversation(
                WARD, False, title="Plaie de Mme Canari", patient="Mme Odette Canari", identifier="IPP 77"
            )
            self.conversations.save(step, ward)
            self.conversations.save(step, Conversation(HOME, False, title="Gardes d’été"))
        self.count = 0

    def hear(self, event) -> None:
        self.events.append(event)
        if hasattr(self, "search"):
            self.search.hear(event)

    def write(self, conversation_id: bytes, *texts: str, days_ago: int = 1, **fields) -> list[bytes]:
        written = []
        with self.store.step() as step:
            for text in texts:
                self.count += 1
                name = self.count.to_bytes(16, "big")
                at_ms = NOW_MS - days_ago * DAY_MS + self.count
                kind = fields.pop("kind", "text")
                message = Message(name, conversation_id, kind, False, b"", at_ms, self.count, text, **fields)
                self.messages.add(step, message)
                written.append(name)
        return written

    def find(self, words: str, **inside) -> Found:
        return self.search.find(words, self.conversations.all(), **inside)

    def texts(self, words: str, **inside) -> list[str]:
        return [one.text for one in self.find(words, **inside).messages]


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


def test_words_are_found_without_accents_in_any_order_newest_first(room):
    room.write(WARD, "Œdème du pied élargi", "Le pied va mieux")
    room.write(HOME, "Pied-à-terre libre en août")
    assert room.texts("PIED") == ["Pied-à-terre libre en août", "Le pied va mieux", "Œdème du pied élargi"]
    assert room.texts("elargi oedeme") == ["Œdème du pied élargi"]
    assert room.texts("pied", inside=WARD) == ["Le pied va mieux", "Œdème du pied élargi"]
    assert room.texts("pied absent") == []
    assert room.texts("  ") == []


def test_conversations_are_found_by_title_patient_and_record_number(room):
    for words in ("canari plaie", "odette", "ipp 77"):
        assert [one.conversation_id for one in room.find(words).conversations] == [WARD]
    assert [one.conversation_id for one in room.find("ete").conversations] == [HOME]


def test_a_dosage_is_found_by_its_drug(room):
    room.write(WARD, "", kind="request", request=Request("", Dosage("Apixaban", "2,5 mg")))
    assert len(room.find("apixa").messages) == 1


def test_edited_and_removed_lines_are_followed(room):
    (name,) = room.write(WARD, "avant")
    message = room.messages.find(WARD, name)
    with room.store.step() as step:
        room.messages.change(step, Message(name, WARD, "text", False, b"", message.at_ms, 1, "après"))
    assert (room.texts("avant"), room.texts("apres")) == ([], ["après"])
    with room.store.step() as step:
        room.messages.remove(step, room.messages.find(WARD, name))
    assert room.texts("apres") == []


def test_what_was_stored_before_is_read_page_by_page(room):
    for number in range(FILL_ROWS + 20):
        room.write(WARD if number % 2 else HOME, f"ligne {number}")
    late = Search(room.store, room.people, room.messages)
    late.hear(room.events[-1])

    async def fill() -> None:
        late.start(room.conversations.all())
        while not late.complete:
            await asyncio.sleep(0)

    asyncio.run(fill())
    assert [one.text for one in late.find("ligne 7", []).messages][-1] == "ligne 7"
    assert late.find("ligne 119", []).messages


def test_what_is_kept_no_longer_is_gone_with_its_photo(room):
    photo = PhotoPart(b"b" * 32, b"k" * 32, 9, 1, 1, 1, 1, b"")
    (old,) = room.write(WARD, "vieille photo", days_ago=366, kind="photo", photo=photo)
    room.write(WARD, *[f"vieux {number}" for number in range(SWEEP_ROWS)], days_ago=366)
    room.write(WARD, "de l’an dernier", days_ago=364)
    with room.store.step() as step:
        step.put("blobs", photo.blob, b"sealed")
    assert room.keeping.sweep(room.conversations.get(WARD)) == SWEEP_ROWS + 1
    assert room.store.get("blobs", photo.blob) is None
    assert [one.text for one in room.messages.page(WARD, None, 9)] == ["de l’an dernier"]
    assert MessageRemoved(WARD, old) in room.events
    assert room.texts("vieux") == []
    assert room.keeping.sweep(room.conversations.get(WARD)) == 0


def test_a_conversation_may_be_kept_for_a_day_and_what_waits_to_be_sent_stays(room):
    room.write(HOME, "hier matin", days_ago=2)
    with room.store.step() as step:
        room.conversations.save(step, Conversation(HOME, False, title="Gardes", retention_days=1))
        queued = Message(b"q" * 16, HOME, "text", True, b"", NOW_MS - 5 * DAY_MS, 0, "pas encore parti")
        room.messages.add(step, queued)
    assert room.keeping.sweep(room.conversations.get(HOME)) == 1
    assert [one.text for one in room.messages.page(HOME, None, 9)] == ["pas encore parti"]


def test_the_newest_are_found_among_many_blocks_of_several_conversations(room):
    for round_ in range(3):
        room.write(WARD, *[f"dose {round_} {number}" for number in range(BLOCK_LINES)], days_ago=9 - round_)
        room.write(HOME, f"dose {round_} du soir", "rien", days_ago=9 - round_)
    found = room.texts("dose")
    newest = ["dose 2 du soir", *[f"dose 2 {number}" for number in range(BLOCK_LINES - 1, -1, -1)]]
    assert found == newest[:RESULTS_MAX]
    assert room.texts("dose soir") == ["dose 2 du soir", "dose 1 du soir", "dose 0 du soir"]
    (last,) = room.find("dose 1 du").messages
    with room.store.step() as step:
        room.messages.remove(step, room.messages.find(HOME, last.message_id))
    assert room.texts("dose soir") == ["dose 2 du soir", "dose 0 du soir"]
