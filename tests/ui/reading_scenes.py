"""Scenes of the list and the chat: where one is in a long conversation, what is chosen, meant or open."""

from dataclasses import replace

from kivy.metrics import Metrics

from miss_app.ui import driver
from ui.acts_scenes import acts
from ui.cast import CAMILLE, ME, NADIA
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS

LINK = "https://sante-exemple.example/guides/escarres-du-talon"


def open_team(rehearsal: Rehearsal) -> bytes:
    """The first conversation of the list; its id."""
    talk: bytes = rehearsal.scene.talks[0].conversation_id
    rehearsal.tap("conversation-0")
    rehearsal.until(lambda: rehearsal.sees("composer"))
    return talk


@scene("chat-unread")
def chat_unread(rehearsal: Rehearsal) -> None:
    stage, talk = rehearsal.scene, rehearsal.scene.talks[0].conversation_id
    first = next(place for place, one in enumerate(stage.lines[talk]) if one.kind == "text")
    stage.lines[talk][first] = replace(stage.lines[talk][first], pinned=True)
    for number in range(26):
        at_ms = NOW_MS + (number - 26) * 60_000
        text = f"Point {number + 1} de la transmission : rien à signaler."
        who = NADIA if number % 3 else CAMILLE
        stage.lines[talk].append(stage.new_message(talk, "text", author=who, at_ms=at_ms, text=text))
    stage.talks[0] = replace(stage.talks[0], unread=26)
    open_team(rehearsal)
    rehearsal.until(lambda: rehearsal.sees("chat-end"))


@scene("chat-mention")
def chat_mention(rehearsal: Rehearsal) -> None:
    stage, talk = rehearsal.scene, rehearsal.scene.talks[0].conversation_id
    text = f"@{ME.display_name}, le protocole est là : {LINK}. @{CAMILLE.display_name} l’a relu 👍"
    mentioned = stage.new_message(talk, "text", author=NADIA, at_ms=NOW_MS, text=text, mentions=(ME, CAMILLE))
    stage.lines[talk].append(mentioned)
    open_team(rehearsal)
    rehearsal.type("composer", "Merci @")
    rehearsal.until(lambda: rehearsal.sees("mention-0"))


@scene("chat-link")
def chat_link(rehearsal: Rehearsal) -> None:
    stage, talk = rehearsal.scene, rehearsal.scene.talks[0].conversation_id
    line = stage.new_message(talk, "text", author=NADIA, at_ms=NOW_MS, text=f"Le protocole : {LINK}")
    stage.lines[talk].append(line)
    open_team(rehearsal)
    rehearsal.pump(6)
    driver.tap(f"message-{line.message_id.hex()[:8]}", "span-0")
    rehearsal.until(lambda: rehearsal.sees("link-open"))


@scene("chat-select")
def chat_select(rehearsal: Rehearsal) -> None:
    talk = open_team(rehearsal)
    rehearsal.pump(6)
    names = [f"message-{one.message_id.hex()[:8]}" for one in rehearsal.scene.lines[talk]]
    driver.ask(names[-1])
    rehearsal.tap("menu-select")
    rehearsal.until(lambda: rehearsal.sees("select-count"))
    rehearsal.tap(names[-3])


@scene("open-ones", key=True)
def open_ones(rehearsal: Rehearsal) -> None:
    acts(rehearsal.scene)
    rehearsal.app.shell.side.refresh()
    rehearsal.tap("list-open")
    rehearsal.until(lambda: rehearsal.sees("open-0"))


@scene("list-waiting")
def list_waiting(rehearsal: Rehearsal) -> None:
    stage = rehearsal.scene
    acts(stage)
    stage.talks[2] = replace(stage.talks[2], mentions=1, muted_until_ms=1 << 52)
    stage.talks[4] = replace(stage.talks[4], muted_until_ms=1 << 52)
    stage.talks[6] = replace(stage.talks[6], draft="Bonjour, le bilan de", pinned=True)
    rehearsal.app.shell.side.refresh()
    rehearsal.until(lambda: rehearsal.sees("list-open"))


@scene("list-swipe", only="phone")
def list_swipe(rehearsal: Rehearsal) -> None:
    rehearsal.until(lambda: rehearsal.sees("conversation-1"))
    rehearsal.pump(4)
    driver.drag("conversation-1", right=-200 * Metrics.density, lift=False)
    driver.drag("conversation-2", right=110 * Metrics.density, lift=False)


@scene("shortcuts")
def shortcuts(rehearsal: Rehearsal) -> None:
    open_team(rehearsal)
    driver.key("f1")
    rehearsal.until(lambda: rehearsal.sees("shortcut-0"))


@scene("chat-keys")
def chat_keys(rehearsal: Rehearsal) -> None:
    """The keyboard's ring around a message."""
    open_team(rehearsal)
    driver.find("composer").focus = False
    rehearsal.pump(3)
    driver.key("up")
    driver.key("up")
    rehearsal.pump(3)


@scene("chat-keyboard", only="phone")
def chat_keyboard(rehearsal: Rehearsal) -> None:
    """A phone's own keyboard covers the lower part: what one writes in stands above it."""
    open_team(rehearsal)
    rehearsal.app.shell.keyboard = 300 * Metrics.density
    rehearsal.type("composer", "Albumine demandée 🧪")


@scene("chat-calendar")
def chat_calendar(rehearsal: Rehearsal) -> None:
    open_team(rehearsal)
    rehearsal.tap("chat-search-open")
    rehearsal.tap("chat-calendar")
    rehearsal.until(lambda: rehearsal.sees("calendar-month"))
