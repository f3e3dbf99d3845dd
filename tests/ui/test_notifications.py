"""How one is told of what waits: the page that shows and changes it, and what is worth a notification at all."""

import asyncio
from dataclasses import replace

import pytest
from kivy.core.window import Window

from miss_app.engine import alerts
from miss_app.engine.alerts import Alert
from miss_app.engine.events import ConversationChanged, MessageAdded, Stage, StageChanged
from miss_app.engine.lock_events import Waiting
from miss_app.engine.problems import Problem
from miss_app.engine.reach import QuietHours
from miss_protocol.acts import Level
from ui.cast import fill
from ui.reach_scenes import come
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS, Scene

SIZE = (820, 1_700)


class Shelf:
    """A notifier that keeps what it was given."""

    def __init__(self):
        self.standing, self.shown, self.badges, self.tap = None, [], [], None

    async def show(self, what, opened):
        self.standing, self.tap = what, opened
        self.shown.append(what)
        return True

    async def clear(self):
        self.standing = None

    async def badge(self, count):
        self.badges.append(count)


@pytest.fixture
def rehearsal(monkeypatch):
    scene = Scene()
    fill(scene)
    scene.now_stage = Stage.OPEN
    one = Rehearsal(scene, size=SIZE)
    one.shelf = one.app.alerts._notifier = Shelf()
    yield one
    one.close()


def test_the_page_shows_and_changes_how_one_is_reached(rehearsal):
    scene = rehearsal.scene
    come(rehearsal)
    page = rehearsal.app.shell.front
    assert page.push == "Dernier réveil\u00a0: aujourd’hui, 13:27"
    assert "m***@medecin.mssante.example" in page.mail
    rehearsal.tap("quiet")
    rehearsal.until(lambda: ("set_quiet", QuietHours(1_320, 420)) in scene.asked and not page.busy)
    rehearsal.reach("quiet-until-more", "quiet")
    rehearsal.tap("quiet-until-more")
    rehearsal.until(lambda: ("set_quiet", QuietHours(1_320, 450)) in scene.asked and not page.busy)
    rehearsal.tap("quiet-from-less")
    rehearsal.until(lambda: scene.reach.now.quiet == QuietHours(1_290, 450) and not page.busy)
    rehearsal.reach("mails", "quiet")
    rehearsal.tap("mails")
    rehearsal.until(lambda: not scene.reach.now.mails and not page.busy)
    rehearsal.reach("sound", "mails")
    rehearsal.tap("sound")
    assert not scene.reach.now_sound
    scene.refuse["reach"] = Problem("server-away")
    page.entered()
    rehearsal.until(lambda: page.problem)
    assert scene.reach.attended == 1, "touching it is being in front of it; said every 20 seconds at most"


def test_what_arrives_while_one_looks_elsewhere(rehearsal, monkeypatch):
    scene, shelf = rehearsal.scene, rehearsal.shelf
    talk = next(one for one in scene.talks if one.unread and one.direct)
    line = replace(scene.lines[talk.conversation_id][-1], mine=False, at_ms=NOW_MS, level=Level.INFO)
    scene.tell(MessageAdded(line))
    rehearsal.pump()
    assert shelf.shown == [], "the window is in front"
    monkeypatch.setattr(type(Window), "focus", False)
    scene.tell(MessageAdded(line))
    rehearsal.until(lambda: shelf.standing)
    assert (shelf.standing.title, shelf.standing.text) == ("MiSS", "Nouveau message")
    assert not shelf.standing.sound
    scene.tell(MessageAdded(line))
    rehearsal.until(lambda: shelf.standing.text == "2 nouveaux messages")
    scene.tell(MessageAdded(replace(line, level=Level.URGENT, reason="CANARI")))
    rehearsal.until(lambda: shelf.standing.urgent)
    assert shelf.standing.text == "3 nouveaux messages, dont un urgent"
    assert shelf.standing.sound
    scene.reach.now_sound = False
    scene.tell(MessageAdded(replace(line, level=Level.URGENT)))
    rehearsal.until(lambda: len(shelf.shown) == 4)
    assert not shelf.standing.sound
    said = repr(shelf.shown)
    for word in ("CANARI", line.text or "-", talk.title, "Exemple"):
        assert word not in said or word == "-"
    others = sum(one.unread for one in scene.talks if one is not talk)
    scene.tell(ConversationChanged(replace(talk, unread=7)))
    rehearsal.until(lambda: shelf.badges and shelf.badges[-1] == others + 7)
    scene.tell(ConversationChanged(replace(talk, unread=7, muted_until_ms=NOW_MS + 1, mentions=2)))
    rehearsal.until(lambda: shelf.badges[-1] == others + 2)
    # A tap leads into the conversation.
    shelf.tap()
    rehearsal.until(lambda: rehearsal.sees("composer"))
    assert rehearsal.app.shell.stack[-1].conversation_id == talk.conversation_id
    rehearsal.until(lambda: shelf.standing is None)


def test_behind_the_lock_a_tap_leads_on_once_it_is_open(rehearsal, monkeypatch):
    scene, shelf = rehearsal.scene, rehearsal.shelf
    scene.now_stage = Stage.LOCKED
    scene.tell(StageChanged(Stage.LOCKED))
    rehearsal.until(lambda: rehearsal.sees("unlock-pin"))
    monkeypatch.setattr(type(Window), "focus", False)
    scene.tell(Waiting(1))
    rehearsal.until(lambda: shelf.standing)
    assert shelf.standing.text == "Nouveau message"
    scene.tell(Waiting(2, 1))
    rehearsal.until(lambda: shelf.standing.urgent)
    assert shelf.badges[-1] == 2
    shelf.tap()
    rehearsal.pump()
    assert rehearsal.sees("unlock-pin"), "the lock stays"
    scene.now_stage = Stage.OPEN
    scene.tell(StageChanged(Stage.OPEN))
    rehearsal.until(lambda: rehearsal.sees("composer"))
    newest = max((one for one in scene.talks if one.unread), key=lambda one: one.last.at_ms)
    assert rehearsal.app.shell.stack[-1].conversation_id == newest.conversation_id


def test_what_is_worth_a_notification():
    scene = Scene()
    fill(scene)
    talk = next(one for one in scene.talks if one.unread)
    line = replace(scene.lines[talk.conversation_id][-1], kind="text", mine=False, at_ms=NOW_MS, level=Level.INFO)
    urgent = replace(line, level=Level.URGENT)
    muted = replace(talk, muted_until_ms=NOW_MS + 1)

    def worth(message, conversation=talk, quiet=False):
        return alerts.of_message(message, conversation, quiet=quiet, now_ms=NOW_MS)

    assert worth(line) == Alert(False, line.conversation_id)
    assert worth(urgent) == Alert(True, line.conversation_id)
    assert worth(line, quiet=True) is None
    assert worth(urgent, quiet=True) == Alert(True, line.conversation_id)
    assert worth(line, muted) is worth(urgent, muted) is None
    assert worth(replace(line, names_me=True), muted) == Alert(False, line.conversation_id)
    assert worth(replace(line, mine=True)) is worth(line, replace(talk, unread=0)) is worth(line, None) is None
    assert worth(replace(line, kind="notice", notice="renamed")) is None
    assert worth(replace(line, kind="notice", notice="not-delivered"), replace(talk, unread=0)) is not None
    assert worth(replace(line, at_ms=NOW_MS - 8 * 86_400_000)) is None
    assert alerts.of_waiting(1, 0, (0, 0), quiet=False) == Alert()
    assert alerts.of_waiting(1, 0, (1, 0), quiet=False) is alerts.of_waiting(2, 0, (1, 0), quiet=True) is None
    assert alerts.of_waiting(2, 1, (1, 0), quiet=True) == Alert(True)
    assert QuietHours.read("1320-420").hold(0)
    assert not QuietHours.read("1320-420").hold(420)
    for nothing in ("", "x-y", "1440-0", "1-", "-1"):
        assert QuietHours.read(nothing) == QuietHours(), nothing
    assert not QuietHours().hold(0)
    asyncio.run(scene.reach.attend())
