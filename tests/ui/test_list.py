"""The conversation list under the finger and the pointer: pulled aside, asked, opened where something waits, empty."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from kivy.metrics import dp

from miss_app.engine.events import ConversationChanged
from miss_app.ui import driver
from miss_app.ui.screens.conversations import MUTED_MS, homonyms
from ui.acts_scenes import acts
from ui.cast import CAMILLE, fill, member, person
from ui.rehearsal import Rehearsal, opened
from ui.stage import NOW_MS, Scene


@pytest.fixture
def play(rehearse: Callable[..., Rehearsal]) -> Rehearsal:
    scene = opened(fill(Scene()))
    acts(scene)
    made = rehearse(scene)
    made.until(lambda: made.sees("conversation-0"))
    made.pump(4)
    return made


def first_words(play: Rehearsal, place: int) -> str:
    return play.read(f"conversation-{place}").split("\n")[0]


def test_a_row_is_pulled_aside_on_a_phone(play: Rehearsal) -> None:
    scene = play.scene
    talk = scene.talks[1].conversation_id
    touch = driver.drag("conversation-1", right=-120, lift=False)
    play.pump(2)
    row = driver.find("conversation-1")
    assert row.shift < -100
    assert play.app.shell.front.filter == "all"
    touch.up()
    play.until(lambda: row.shift == 0)
    assert play.did("mute")[1:] == (talk, MUTED_MS)
    assert "mentions" in play.read("toast")
    driver.drag("conversation-1", right=-260)
    assert play.did("archive")[1:] == (talk, True)
    driver.drag("conversation-1", right=120)
    assert play.did("mark_read")[1] == talk
    asked = len(scene.asked)
    driver.drag("conversation-1", right=-50)
    play.pump(8)
    assert len(scene.asked) == asked, "let go too early: nothing happens"
    assert play.sees("conversation-1"), "and it is no tap"
    driver.drag("conversation-3", right=160)
    play.pump(8)
    assert len(scene.asked) == asked, "nothing to be read"


def test_a_row_is_asked_with_the_right_button(play: Rehearsal) -> None:
    driver.ask("conversation-1")
    play.until(lambda: play.sees("menu-read"))
    play.tap("menu-read")
    assert play.did("mark_read")[1] == play.scene.talks[1].conversation_id
    driver.ask("conversation-0")
    play.until(lambda: play.sees("menu-pin"))
    assert not play.sees("menu-read")


def test_all_that_waits_is_listed_and_led_to(play: Rehearsal) -> None:
    scene = play.scene
    play.tap("list-open")
    play.until(lambda: play.sees("open-0"))
    shown = [play.read(f"open-{place}") for place in range(4)]
    assert shown[0].startswith("chute · Chute dans la salle de bain")
    assert shown[1].startswith("Apixaban 2,5 mg")
    assert shown[2].startswith("Je passe à 18 h ?")
    assert shown[3].startswith("désaturation · ")
    play.tap("open-1")
    demand = next(one for one in scene.lines[scene.talks[0].conversation_id] if one.text == "Avant 20 h")
    play.until(lambda: play.sees(f"message-{demand.message_id.hex()[:8]}"))
    play.type("composer", "Je vérifie")
    play.tap("chat-waiting")
    play.until(lambda: play.sees("open-0"))
    play.tap("open-0")
    play.until(lambda: play.sees("composer"))
    assert play.read("composer") == "Je vérifie", "the same chat, with what was being written"
    scene.lines[scene.talks[0].conversation_id].clear()
    play.tap("chat-waiting")
    play.pump(4)


def test_the_list_follows_what_the_engine_tells(play: Rehearsal) -> None:
    scene = play.scene
    came = scene.new_message(scene.talks[4].conversation_id, "text", text="INR 2,4", author=CAMILLE, at_ms=NOW_MS + 9)
    scene.talks[4] = replace(scene.talks[4], last=came, unread=2)
    name = scene.talks[4].title
    scene.tell(ConversationChanged(scene.talks[4]))
    play.until(lambda: first_words(play, 0).startswith(name))
    pinned = replace(scene.talks[0], pinned=True)
    scene.tell(ConversationChanged(pinned))
    play.until(lambda: first_words(play, 0).startswith(pinned.title))
    scene.tell(ConversationChanged(replace(pinned, archived=True)))
    play.until(lambda: first_words(play, 0).startswith(name))


def _somebody_writes(play: Rehearsal) -> None:
    """The list moves: another conversation becomes its first, under whatever finger there is."""
    scene = play.scene
    before = first_words(play, 0)
    came = scene.new_message(scene.talks[4].conversation_id, "text", text="INR 2,4", author=CAMILLE, at_ms=NOW_MS + 9)
    scene.talks[4] = replace(scene.talks[4], last=came, unread=2)
    scene.tell(ConversationChanged(scene.talks[4]))
    play.until(lambda: first_words(play, 0) != before)
    play.pump(2)


def test_what_the_finger_came_down_on_is_opened_though_the_list_moved(play: Rehearsal) -> None:
    meant = next(one for one in play.scene.talks if first_words(play, 1).startswith(one.title))
    touch = driver.drag("conversation-1", lift=False)
    _somebody_writes(play)
    assert not first_words(play, 1).startswith(meant.title), "another one is there now"
    touch.up()
    play.until(lambda: play.sees("composer"))
    assert play.app.shell.stack[-1].conversation_id == meant.conversation_id


def test_nothing_is_archived_that_the_finger_did_not_pull(play: Rehearsal) -> None:
    touch = driver.drag("conversation-1", right=-260, lift=False)
    _somebody_writes(play)
    touch.up()
    play.pump(8)
    assert not any(verb in ("archive", "mute") for verb, *_ in play.scene.asked)
    assert not play.sees("composer"), "nor is anything opened"


def test_an_empty_list_teaches_how_to_begin(rehearse: Callable[..., Rehearsal]) -> None:
    scene = opened(fill(Scene()))
    scene.talks = []
    play = rehearse(scene)
    play.until(lambda: play.sees("list-begin"))
    for choice in ("unread", "patient", "open"):
        play.tap(f"filter-{choice}")
        play.pump(3)
        assert not play.sees("list-begin")
    play.tap("filter-all")
    play.tap("list-begin")
    play.until(lambda: play.sees("people-search"))


def test_homonyms_are_told_apart() -> None:
    scene = fill(Scene())
    twin = person(42, CAMILLE.display_name, "Pédiatre", "Ailleurs")
    double = replace(scene.talks[1], conversation_id=b"d" * 16, members=(member(twin),))
    told = homonyms([*scene.talks, double])
    assert told[double.conversation_id.hex()] == "Pédiatre"
    assert told[scene.talks[1].conversation_id.hex()] == CAMILLE.profession
    assert len(told) == 2


def test_a_hint_that_has_no_room_ends_in_an_ellipsis(play: Rehearsal) -> None:
    field = driver.find("list-search")
    drawn: list[str] = []
    draw = field._slanted_label
    field._slanted_label = lambda text: drawn.append(text) or draw(text)
    field.slanted = True
    field.width = dp(120)
    field._create_line_label(field.hint_text, hint=True)
    assert drawn[-1].endswith("…")
    assert field.hint_text.startswith(drawn[-1][:-1])
    field.width = dp(900)
    field._create_line_label(field.hint_text, hint=True)
    assert drawn[-1] == field.hint_text


def test_a_conversation_in_which_nothing_was_said_is_not_listed_but_with_a_draft(play: Rehearsal) -> None:
    scene = play.scene
    name = scene.talks[1].title

    def listed() -> bool:
        return name in driver.find("conversations").text if play.sees("conversations") else name in first_words(play, 1)

    begun = replace(scene.talks[1], unsaid=True, last=None)
    scene.talks[1] = begun
    scene.tell(ConversationChanged(begun))
    play.until(lambda: not listed())
    scene.talks[1] = replace(begun, draft="Bonjour")
    scene.tell(ConversationChanged(scene.talks[1]))
    play.until(listed)
