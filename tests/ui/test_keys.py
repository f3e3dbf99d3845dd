"""A whole day by the keyboard: found, read, written, asked; panes that are moved, keyboards that cover, notches."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kivy.core.window import Window

from miss_app.device import Device, Insets
from miss_app.ui import driver
from miss_app.ui.focus_ring import stops_in
from miss_app.ui.sight import box_of
from miss_app.ui.window_state import WindowState
from ui.acts_scenes import acts
from ui.cast import fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import Scene

WIDE = (1180, 800)


@pytest.fixture
def desk(rehearse: Callable[..., Rehearsal]) -> Rehearsal:
    scene = opened(fill(Scene()))
    acts(scene)
    made = rehearse(scene, size=WIDE)
    made.until(lambda: made.app.shell.wide and made.sees("conversation-0"))
    made.pump(4)
    return made


def press(play: Rehearsal, *names: str) -> None:
    for name in names:
        *held, key = name.split("+")
        driver.key(key, held)
        play.pump(2)


def chat_id(play: Rehearsal) -> bytes:
    found: bytes = play.app.shell.front.conversation_id
    return found


def test_a_day_without_a_mouse(desk: Rehearsal) -> None:
    scene, ring = desk.scene, desk.app.keys.ring
    press(desk, "down")
    assert ring.shown, "the first arrow shows where the keyboard is"
    press(desk, "down", "down", "enter")
    desk.until(lambda: desk.sees("composer"))
    assert chat_id(desk) == scene.talks[1].conversation_id
    desk.until(lambda: driver.find("composer").focus)
    press(desk, "alt+up")
    assert chat_id(desk) == scene.talks[0].conversation_id
    press(desk, "alt+down", "alt+down")
    assert chat_id(desk) == scene.talks[2].conversation_id
    press(desk, "alt+up", "alt+up", "alt+up", "alt+up")
    assert chat_id(desk) == scene.talks[0].conversation_id
    # Written: Shift+Enter begins a line, Enter sends.
    desk.until(lambda: driver.find("composer").focus)
    driver.type_into("Bonjour à tous,")
    press(desk, "shift+enter")
    driver.type_into("l’œdème régresse 🩺")
    press(desk, "enter")
    assert desk.did("send_text")[2] == "Bonjour à tous,\nl’œdème régresse 🩺"
    assert desk.read("composer") == ""
    # Read: up into the messages, further up, what can be done with one, Escape by Escape back to the line.
    press(desk, "up")
    assert ring.target is desk.app.shell.front.list
    newest = ring.row
    press(desk, "up", "up")
    assert ring.row is not newest
    press(desk, "enter")
    desk.until(lambda: desk.sees("menu-reply"))
    press(desk, "escape")
    desk.until(lambda: not desk.sees("menu-reply"))
    press(desk, "home")
    desk.pump(3)
    first = scene.lines[scene.talks[0].conversation_id][0]
    assert desk.sees(f"message-{first.message_id.hex()[:8]}")
    press(desk, "up", "end", "f10")
    press(desk, "shift+f10")
    desk.until(lambda: desk.sees("menu-copy"))
    press(desk, "tab", "tab")
    assert ring.shown, "Tab stays in the panel"
    press(desk, "escape")
    press(desk, "up", "escape")
    assert driver.find("composer").focus
    assert not ring.shown


def test_shortcuts_lead_where_they_say(desk: Rehearsal) -> None:
    press(desk, "ctrl+k")
    assert driver.find("list-search").focus
    driver.type_into("transmission")
    desk.until(lambda: desk.sees("found-0"))
    press(desk, "down", "down", "down", "up", "enter")
    desk.until(lambda: desk.sees("composer") or desk.sees("people-search"))
    press(desk, "ctrl+n")
    desk.until(lambda: desk.sees("people-search"))
    press(desk, "ctrl+shift+n")
    desk.until(lambda: desk.sees("group-title"))
    press(desk, "ctrl+o")
    desk.until(lambda: desk.sees("open-0"))
    press(desk, "down", "enter")
    desk.until(lambda: desk.sees("composer"))
    press(desk, "ctrl+f")
    desk.until(lambda: desk.sees("chat-search"))
    desk.pump(3)
    driver.type_into("bilan")
    desk.until(lambda: desk.read("chat-search-said") == "1/1")
    press(desk, "escape")
    assert not desk.sees("chat-search")
    press(desk, "f1")
    desk.until(lambda: desk.sees("shortcut-3"))
    press(desk, "escape", "ctrl+,")
    desk.until(lambda: desk.sees("theme-light"))
    press(desk, "ctrl+l")
    desk.until(lambda: desk.sees("unlock-pin"))
    press(desk, "ctrl+n", "ctrl+k")
    assert desk.sees("unlock-pin"), "nothing leads past the lock"


def test_tab_stops_at_all_that_can_be_pressed_in_order_and_shows_it(desk: Rehearsal) -> None:
    desk.tap("conversation-0")
    desk.until(lambda: desk.sees("composer"))
    desk.pump(4)
    stops = list(stops_in(desk.app.shell))
    names = [getattr(one, "test_id", "") or "list" for one in stops]
    wanted = [
        "rail-chats",
        "rail-keys",
        "new-message",
        "list-search",
        "filter-all",
        "chat-title",
        "messages",
        "composer",
        "send",
    ]
    assert [name for name in names if name in wanted] == wanted
    driver.find("composer").focus = True
    press(desk, "tab")
    ring = desk.app.keys.ring
    assert ring.target.test_id == "emoji"
    left, bottom, right, top = box_of(ring.target)
    drawn = ring._inner.rounded_rectangle[:4]
    assert left <= drawn[0] < drawn[0] + drawn[2] <= right
    assert bottom <= drawn[1] < drawn[1] + drawn[3] <= top
    press(desk, "space")
    desk.until(lambda: desk.sees("emoji-0"))
    press(desk, "shift+tab")
    desk.tap("emoji-0")
    assert not ring.shown, "a hand needs no ring"
    driver.find("composer").focus = False
    for _ in stops:
        press(desk, "tab")
    assert ring.shown or driver.find("composer").focus or driver.find("list-search").focus


def test_emoji_are_taken_back_whole(desk: Rehearsal) -> None:
    desk.tap("conversation-0")
    for text, left in (("é👩‍⚕️", "é"), ("a🇫🇷", "a"), ("b👍🏽", "b"), ("c❤️", "c"), ("œ", "")):
        desk.until(lambda: desk.sees("composer"))
        driver.find("composer").text = ""
        desk.type("composer", text)
        press(desk, "backspace")
        assert desk.read("composer") == left


def test_the_border_between_the_panes_is_moved_and_remembered(desk: Rehearsal, tmp_path: Path) -> None:
    desk.app.window_state = WindowState(tmp_path / "window.json")
    before = desk.app.shell.ids.side.width
    driver.drag("pane-handle", right=90)
    desk.pump(2)
    assert abs(desk.app.shell.ids.side.width - before - 90) < 8
    driver.drag("pane-handle", right=-900)
    desk.pump(2)
    assert desk.app.shell.ids.side.width == 280
    desk.app.window_state.keep(width=1180, height=800)
    said = json.loads((tmp_path / "window.json").read_text())
    assert said == {"width": 1180, "height": 800, "list": 280}, "sizes and nothing else"
    again = WindowState(tmp_path / "window.json")
    assert (again.size, again.list_width) == ("1180x800", 280)
    for broken in ("", "[]", '{"width": "x", "height": 9, "list": 1e9}', "\udc80"):
        (tmp_path / "window.json").write_bytes(broken.encode("utf-8", "surrogatepass"))
        assert WindowState(tmp_path / "window.json").size == ""
    assert WindowState(tmp_path / "nowhere" / "window.json").size == ""
    WindowState(tmp_path / "nowhere" / "window.json").keep(width=700, height=700)


class Telephone(Device):
    """A telephone as its screens see it; what Android's own classes do is tried beside its adapters (tests/ports)."""

    def screen_guard(self) -> None:
        return None


class Notched(Telephone):
    """A telephone with a notch and a bar."""

    def safe_area(self) -> Insets:
        return Insets(top=40, bottom=20)


def test_a_phone_s_keyboard_and_notch_hide_nothing(rehearse: Callable[..., Rehearsal]) -> None:
    scene = opened(fill(Scene()))
    acts(scene)
    play = rehearse(scene, size=(420, 760), device=Notched("android"))
    play.tap("conversation-0")
    play.until(lambda: play.sees("composer"))
    play.pump(3)
    assert box_of(driver.find("chat-title"))[3] <= 760 - 40
    assert box_of(driver.find("send"))[1] >= 20
    shell = play.app.shell
    newest = f"message-{scene.lines[scene.talks[0].conversation_id][-1].message_id.hex()[:8]}"
    Window.unbind(keyboard_height=shell._keyboard_moved)  # this window has none, and says so whenever a line is focused
    shell.keyboard = 300
    play.pump(3)
    assert box_of(driver.find("composer"))[1] >= 300, "the line one writes in stands above the keyboard"
    assert play.sees(newest), "and the newest message above the line"
    play.tap("more")
    play.tap("more-request")
    play.until(lambda: play.sees("request-send"))
    play.until(lambda: box_of(driver.find("request-send"))[1] >= 300)
    shell.keyboard = 0
    play.pump(3)
    # Back by the edge of the screen, and by Android's key, which is Escape.
    play.tap("sheet-close")
    touch = driver.DriverTouch(6, 300)
    touch.down()
    for x in (40, 80, 120):
        touch.go(x, 302)
        play.pump(1)
    touch.up()
    play.until(lambda: play.sees("conversation-0"))
    for way in (("settings-open", "theme-light"), ("new-message", "people-search"), ("new-group", "group-title")):
        play.tap(way[0])
        play.until(lambda way=way: play.sees(way[1]))
        driver.key("escape")
        play.until(lambda: play.sees("conversation-0"))


@pytest.mark.parametrize(
    ("system", "size", "two"),
    [
        ("android", (768, 1024), False),
        ("android", (1024, 768), True),
        ("android", (420, 760), False),
        ("android", (800, 380), True),
        ("linux", (800, 1180), False),
        ("linux", (900, 1180), True),
        ("linux", (730, 700), True),
    ],
)
def test_a_tablet_shows_two_panes_lying_and_one_standing(
    rehearse: Callable[..., Rehearsal], system: str, size: tuple[int, int], two: bool
) -> None:
    before = Window.size
    try:
        play = rehearse(opened(fill(Scene())), size=size, device=Telephone(system))
        assert play.app.shell.wide is two
    finally:
        Window.size = before
