"""Where to read in a chat: pages around a line, the first unread one, a day, what is pinned, open, or names somebody."""

from dataclasses import replace

import pytest

from engine.test_search import DAY_MS, HOME, NOW_MS, WARD, Room
from miss_app.engine.model import Charged, Conversation, Message
from miss_app.engine.passages import Passages
from miss_app.engine.problems import Problem
from miss_protocol.acts import Level, Taking


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


@pytest.fixture
def passages(room):
    def record(conversation_id: bytes) -> tuple[Room, Conversation]:
        found = room.conversations.get(conversation_id)
        if found is None:
            raise Problem("conversation-unknown")
        return room, found

    return Passages(record, lambda: room)


def texts(views) -> list[str]:
    return [one.text for one in views]


def change(room: Room, name: bytes, **fields) -> None:
    with room.store.step() as step:
        room.messages.change(step, replace(room.messages.find(WARD, name), **fields))


def test_pages_lie_before_after_and_around_a_line(room, passages):
    names = room.write(WARD, *[f"ligne {number}" for number in range(30)])
    room.write(HOME, "ailleurs")
    assert texts(passages.before(WARD, names[10], 3)) == ["ligne 7", "ligne 8", "ligne 9"]
    assert texts(passages.after(WARD, names[10], 3)) == ["ligne 11", "ligne 12", "ligne 13"]
    assert texts(passages.around(WARD, names[10], 4)) == ["ligne 8", "ligne 9", "ligne 10", "ligne 11", "ligne 12"]
    assert texts(passages.around(WARD, names[0], 4)) == ["ligne 0", "ligne 1", "ligne 2"]
    assert passages.after(WARD, names[-1], 3) == []
    assert passages.around(WARD, b"?" * 16, 4) == []
    assert passages.before(b"?" * 16, None, 4) == []


def test_a_day_begins_with_its_first_line(room, passages):
    for days_ago in (9, 7, 7, 2):
        room.write(WARD, f"il y a {days_ago} jours", f"encore {days_ago}", days_ago=days_ago)
    with room.store.step() as step:
        room.messages.add(step, Message(b"q" * 16, WARD, "text", True, b"", NOW_MS, 0, "pas encore parti"))

    def said(at_ms: int) -> str:
        name = passages.at(WARD, at_ms)
        return "" if name is None else room.messages.find(WARD, name).text

    assert said(0) == "il y a 9 jours"
    assert said(NOW_MS - 8 * DAY_MS) == "il y a 7 jours"
    assert said(NOW_MS - 6 * DAY_MS) == "il y a 2 jours"
    assert said(NOW_MS - DAY_MS) == "pas encore parti"
    assert said(NOW_MS + DAY_MS) == "pas encore parti"
    assert passages.at(HOME, 0) is None
    assert passages.span(HOME) == (0, 0)
    first, last = passages.span(WARD)
    assert (first // DAY_MS, last) == ((NOW_MS - 9 * DAY_MS) // DAY_MS, NOW_MS)


def test_the_first_unread_line_is_somebody_elses(room, passages):
    names = room.write(WARD, *[f"ligne {number}" for number in range(3)])
    with room.store.step() as step:
        record = room.conversations.get(WARD)
        room.conversations.save(step, replace(record, read=room.messages.find(WARD, names[0]).number, unread=2))
        mine = Message(b"m" * 16, WARD, "text", True, b"", NOW_MS, 50, "de moi")
        room.messages.add(step, mine)
    assert passages.first_unread(WARD) == names[1]
    with room.store.step() as step:
        room.conversations.save(step, replace(room.conversations.get(WARD), read=49, unread=0))
    assert passages.first_unread(WARD) is None


def test_what_is_pinned_is_listed_until_it_is_not(room, passages):
    names = room.write(WARD, "un", "deux", "trois")
    change(room, names[2], pinned=True)
    change(room, names[0], pinned=True)
    assert texts(passages.pinned(WARD)) == ["un", "trois"]
    change(room, names[0], pinned=False)
    assert texts(passages.pinned(WARD)) == ["trois"]
    with room.store.step() as step:
        room.messages.remove(step, room.messages.find(WARD, names[2]))
    assert passages.pinned(WARD) == []


def test_open_ones_and_own_charges_are_listed_over_all_conversations(room, passages):
    me = room.people.me
    (fall,) = room.write(WARD, "Chute", level=Level.URGENT, reason="chute", days_ago=3)
    room.write(HOME, "Garde à prendre", level=Level.URGENT, reason="garde", days_ago=4)
    assert texts(passages.open_ones()) == ["Garde à prendre", "Chute"]
    assert passages.in_charge() == []
    assert room.messages.conversation_view(room.conversations.get(WARD)).urgent
    change(room, fall, charges=(Charged(me, Taking.TAKE, NOW_MS),))
    assert texts(passages.open_ones()) == ["Garde à prendre"]
    assert texts(passages.in_charge()) == ["Chute"]
    assert not room.messages.conversation_view(room.conversations.get(WARD)).urgent, "somebody is in charge"
    change(room, fall, charges=(Charged(me, Taking.TAKE, NOW_MS), Charged(me, Taking.RELEASE, NOW_MS)))
    assert texts(passages.open_ones()) == ["Garde à prendre", "Chute"]
    assert passages.in_charge() == []
    with room.store.step() as step:
        room.conversations.save(step, replace(room.conversations.get(HOME), active=False))
    assert texts(passages.open_ones()) == ["Chute"]


def test_a_mention_counts_until_it_is_read_or_taken_back(room, passages):
    me, camille = room.people.me, b"c" * 16

    def mentions() -> int:
        return room.messages.conversation_view(room.conversations.get(WARD)).mentions

    def unread(count: int, read: int = 0) -> None:
        with room.store.step() as step:
            room.conversations.save(step, replace(room.conversations.get(WARD), unread=count, read=read))

    room.write(WARD, "@Camille Exemple", mentions=(camille,))
    (name,) = room.write(WARD, "@vous", mentions=(camille, me))
    room.write(WARD, "@vous encore", mentions=(me,))
    unread(3)
    assert mentions() == 2
    assert room.messages.view(room.messages.find(WARD, name)).names_me
    change(room, name, text="", deleted_ms=NOW_MS)
    assert mentions() == 1
    unread(0, read=99)
    assert mentions() == 0


def test_a_locked_store_is_read_by_nobody(room, passages):
    (name,) = room.write(WARD, "un")
    room.store.close()
    assert passages.around(WARD, name, 2) == passages.open_ones() == passages.in_charge() == []
    assert passages.first_unread(WARD) is None
