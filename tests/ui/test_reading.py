"""Reading a long chat on really drawn screens: from the first unread line, up and down, to a day, a pin, several at once."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from kivy.core.clipboard import Clipboard
from kivy.core.window import Window

from miss_app.engine.events import MessageAdded, MessageChanged, MessageView, Tick
from miss_app.engine.problems import Problem
from miss_app.ui import driver
from miss_app.ui.chat_pages import HELD_MESSAGES, ChatPages
from miss_protocol.content import Consent
from ui.cast import CAMILLE, ME, fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import NOW_MS, Scene

COUNT = 3000
HOUR_MS = 3_600_000


def name(message: MessageView) -> str:
    return f"message-{message.message_id.hex()[:8]}"


@pytest.fixture
def long(rehearse: Callable[..., Rehearsal]) -> Rehearsal:
    """A conversation of three thousand lines, the last 400 not read yet, opened from the list."""
    scene = opened(fill(Scene()))
    talk = scene.talks[1].conversation_id
    lines = []
    for number in range(COUNT):
        mine = number % 5 == 0
        at_ms = NOW_MS - (COUNT - number) * HOUR_MS
        text = f"Ligne {number} du suivi, " + "bien tolérée " * (number % 9)
        who, tick = (ME, Tick.READ) if mine else (CAMILLE, None)
        lines.append(scene.new_message(talk, "text", text=text, author=who, mine=mine, tick=tick, at_ms=at_ms))
    scene.lines[talk] = lines
    scene.talks[1] = replace(scene.talks[1], unread=400, last=lines[-1])
    play = rehearse(scene)
    play.tap("conversation-1")
    play.until(lambda: play.sees("composer"))
    play.pump(6)
    return play


def pages(play: Rehearsal) -> ChatPages:
    found: ChatPages = play.app.shell.stack[-1].pages
    return found


def places(play: Rehearsal) -> dict[str, float]:
    """Where the lines in sight stand in the window."""
    views = play.app.shell.stack[-1].list.live_views
    return {view.test_id: view.to_window(*view.pos)[1] for view in views if view.kind == "text"}


def test_a_long_chat_is_read_from_anywhere(long: Rehearsal) -> None:
    scene, talk = long.scene, long.scene.talks[1].conversation_id
    lines = scene.lines[talk]
    first = scene.passages.first_unread(talk)
    assert pages(long).lit == b""
    assert long.sees(f"message-{first.hex()[:8]}"), "it opens at the first unread line"
    assert any(each.startswith("new-") for each, _ in driver.in_sight())
    assert long.sees("chat-end")
    assert long.did("mark_read")[1] == talk
    assert len(long.did("mark_read")) == 3, "read down to what is in sight, not to the end"
    # What comes meanwhile is counted, and shown at the end.
    came = scene.new_message(talk, "text", text="Et maintenant ?", author=CAMILLE)
    lines.append(came)
    scene.tell(MessageAdded(came))
    long.until(lambda: long.sees("chat-fresh"))
    assert long.read("chat-fresh") == "1"
    long.tap("chat-end")
    long.until(lambda: long.sees(name(came)))
    assert not long.sees("chat-fresh")
    # Up through everything that is held and more: nothing moves by a pixel, few lines are held.
    for _ in range(40):
        before = places(long)
        driver.scroll("messages", -1400)
        long.pump(1)
        moved = {round(places(long)[each] - before[each]) for each in before.keys() & places(long).keys()}
        assert len(moved) <= 1
    long.pump(3)
    assert not pages(long).whole_above
    top = pages(long).lines[0]
    pages(long).go_to(top.message_id)
    for _ in range(HELD_MESSAGES // 60 + 4):
        pages(long).scrolled()
        pages(long).go_to(pages(long).lines[0].message_id)
    long.pump(3)
    assert len(pages(long).lines) <= HELD_MESSAGES
    assert not pages(long).whole_below
    held = [one.message_id for one in pages(long).lines]
    start = next(place for place, one in enumerate(lines) if one.message_id == held[0])
    assert held == [one.message_id for one in lines[start : start + len(held)]], "none twice, none missing"
    # Down again, over the edge of what is held.
    long.app.shell.stack[-1].list.scroll_to_end()
    for _ in range(30):
        long.pump(1)
        driver.scroll("messages", 1400)
    held = [one.message_id for one in pages(long).lines]
    start = next(place for place, one in enumerate(lines) if one.message_id == held[0])
    assert held == [one.message_id for one in lines[start : start + len(held)]]
    # A quoted message two thousand lines above, then its answer.
    long.app.shell.stack[-1].go_to(lines[50].message_id)
    long.pump(4)
    assert long.sees(name(lines[50]))
    assert pages(long).lit == lines[50].message_id
    scene.refuse.clear()
    reply = replace(came, mine=True, message_id=b"r" * 16, tick=Tick.QUEUED, author=ME)
    lines.append(reply)
    scene.tell(MessageAdded(reply))
    long.until(lambda: long.sees(name(reply)), "one's own line is shown wherever one was")


def test_a_day_and_a_pin_are_gone_to(long: Rehearsal) -> None:
    scene, talk = long.scene, long.scene.talks[1].conversation_id
    lines = scene.lines[talk]
    long.tap("chat-search-open")
    long.tap("chat-calendar")
    long.until(lambda: long.sees("calendar-month"))
    assert long.read("calendar-month") == "mai 2026"
    long.tap("calendar-earlier")
    assert long.read("calendar-month") == "avril 2026"
    long.tap("day-pick-3")
    long.until(lambda: not long.sees("calendar-month"))
    long.pump(4)
    start = NOW_MS - 47 * 24 * HOUR_MS - (14 * 60 + 32) * 60_000
    first = next(one for one in lines if one.at_ms >= start)
    assert long.sees(name(first))
    day = next(each for each, _ in driver.in_sight() if each.startswith("day-"))
    long.tap(day)
    long.until(lambda: long.sees("calendar-month"), "a day's line opens the calendar")
    assert long.read("calendar-month") == "avril 2026"
    long.tap("sheet-close")
    assert not long.sees("chat-pinned")
    for place in (10, 2990):
        scene.tell(MessageChanged(scene.change(lines[place], pinned=True)))
    long.until(lambda: long.sees("chat-pinned"))
    long.tap("chat-pinned")
    long.pump(4)
    assert long.sees(name(lines[2990]))
    long.tap("chat-pinned")
    long.pump(4)
    assert long.sees(name(lines[10]))


def test_several_messages_are_copied_forwarded_and_taken_back(long: Rehearsal) -> None:
    scene, talk = long.scene, long.scene.talks[1].conversation_id
    lines = scene.lines[talk]
    long.tap("chat-end")
    long.until(lambda: long.sees(name(lines[-1])))
    mine, theirs = lines[-5], lines[-4]

    def choose() -> None:
        driver.ask(name(theirs))
        long.until(lambda: long.sees("menu-select"))
        long.tap("menu-select")
        long.until(lambda: long.sees("select-count"))
        long.tap(name(mine))

    choose()
    assert long.read("select-count") == "2 messages choisis"
    assert not long.sees("chat-title")
    assert driver.find("select-delete").disabled, "one of them is somebody else's"
    long.tap("select-copy")
    copied = Clipboard.paste().split("\n")
    assert [each.split("\u00a0: ")[1] for each in copied] == [mine.text, theirs.text]
    assert "Vous\u00a0: " in copied[0]
    assert not long.sees("select-count")
    choose()
    driver.key("escape")
    long.pump(3)
    assert not long.sees("select-count"), "escape lets go of them"
    assert long.sees("chat-title")
    choose()
    scene.refuse["forward"] = Problem("leaves-the-team")
    long.tap("select-forward")
    long.tap("forward-0")
    long.until(lambda: long.sees("forward-yes"))
    del scene.refuse["forward"]
    target = scene.talks[0].conversation_id
    long.tap("forward-yes")
    for one in (mine, theirs):
        long.until(lambda one=one: ("forward", talk, one.message_id, target, True, False, Consent.NONE) in scene.asked)
    long.until(lambda: long.app.shell.stack[-1].conversation_id == target)
    long.tap("back")
    long.tap("conversation-1")
    long.until(lambda: long.sees("chat-end"))
    long.tap("chat-end")
    long.until(lambda: long.sees(name(mine)))
    driver.ask(name(mine))
    long.until(lambda: long.sees("menu-select"))
    long.tap("menu-select")
    long.tap("select-delete")
    long.tap("delete-yes")
    assert long.did("delete")[1:] == (talk, mine.message_id)
    long.until(lambda: not long.sees("select-count"))


def test_a_window_made_wide_and_narrow_keeps_text_and_place(long: Rehearsal) -> None:
    lines = long.scene.lines[long.scene.talks[1].conversation_id]
    long.app.shell.stack[-1].go_to(lines[1500].message_id)
    long.type("composer", "Œdème en régression 🩺, à l’")
    long.pump(4)
    before = Window.size
    try:
        for size in ((1180, 800), (420, 760), (1024, 768), (768, 1024)):
            Window.size = size
            long.until(lambda size=size: long.app.shell.width == size[0])
            long.pump(6)
            assert long.sees(name(lines[1500])), size
            assert long.read("composer") == "Œdème en régression 🩺, à l’"
    finally:
        Window.size = before
    long.pump(4)
    driver.type_into("hôpital")  # the cursor is where it was
    long.pump(2)
    assert long.read("composer").endswith("à l’hôpital")
