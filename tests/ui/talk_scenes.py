"""The scenes of the conversations: the list, a chat and the states of its messages, photos, the missing network."""

from dataclasses import replace

from miss_app.engine.events import HistoryProgress, Link, Tick
from miss_app.ui import driver
from ui.cast import CAMILLE, ME, SACHA
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS, Scene


def nobody_yet(stage: Scene) -> None:
    stage.talks = []


def no_network(stage: Scene) -> None:
    stage.now_link = Link.OFFLINE


@scene("list", key=True)
def conversation_list(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("empty-list", before=nobody_yet)
def empty_list(_rehearsal: Rehearsal) -> None:
    """As the window opens."""


@scene("chat", key=True)
def chat(rehearsal: Rehearsal) -> None:
    rehearsal.tap("conversation-0")
    rehearsal.until(lambda: rehearsal.sees("composer"))


@scene("chat-states")
def chat_states(rehearsal: Rehearsal) -> None:
    scene = rehearsal.scene
    talk = scene.talks[1].conversation_id
    photo = scene.lines[talk][-1].photo
    assert photo is not None
    lines = scene.lines[talk]

    def say(kind: str, minutes: int, **fields: object) -> None:
        lines.append(scene.new_message(talk, kind, at_ms=NOW_MS - minutes * 60_000, **fields))

    say("notice", 24, text="Téléphone d’Alix a été relié.", notice="")
    say("text", 22, author=ME, mine=True, tick=Tick.ACCEPTED, text="Merci. Et la même plaie sous un autre angle ?")
    say("photo", 20, author=ME, mine=True, tick=Tick.QUEUED, photo=replace(photo, progress=0.42))
    say(
        "warning",
        12,
        text="Dr Camille Exemple s’est enregistrée de nouveau : vérifiez que c’est bien elle avant d’écrire.",
        notice="",
    )
    say("unreadable", 9, author=CAMILLE, problem="unreadable")
    say("text", 3, author=ME, mine=True, tick=Tick.FAILED, problem="server-away", text="Je vous rappelle à 15 h.")
    rehearsal.tap("conversation-1")
    rehearsal.until(lambda: rehearsal.sees("composer"))


@scene("emoji")
def emoji(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.type("composer", "Bien reçu ")
    rehearsal.tap("emoji")
    rehearsal.tap("emoji-1")


@scene("away")
def away(rehearsal: Rehearsal) -> None:
    scene = rehearsal.scene
    talk = scene.talks[1].conversation_id
    scene.lines[talk] = [
        scene.new_message(talk, "text", text=f"Ligne {line} du compte rendu.", author=CAMILLE) for line in range(60)
    ]
    rehearsal.tap("conversation-1")
    rehearsal.until(lambda: rehearsal.sees("composer"))
    rehearsal.pump(6)
    driver.scroll("messages", -2500)
    rehearsal.until(lambda: rehearsal.sees("chat-end"))


@scene("handed")
def handed(rehearsal: Rehearsal) -> None:
    scene = rehearsal.scene
    talk = scene.talks[0].conversation_id
    scene.lines[talk] = [
        replace(line, handed_by=None if line.mine else SACHA) if line.author else line for line in scene.lines[talk]
    ]
    names = (SACHA.display_name, ME.display_name, "7")
    scene.lines[talk].append(scene.new_message(talk, "notice", notice="history-days", names=names))
    chat(rehearsal)
    scene.tell(HistoryProgress(False, SACHA.display_name, 340, 2000))
    rehearsal.until(lambda: rehearsal.sees("banner-history"))


@scene("offline", before=no_network)
def offline(rehearsal: Rehearsal) -> None:
    rehearsal.until(lambda: rehearsal.sees("banner"))
