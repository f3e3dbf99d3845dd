"""The scenes of people: the directory, a new team, a conversation's members, how somebody was checked, settings."""

from miss_app.engine.events import ProofView
from ui.cast import EVERYBODY
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS
from ui.talk_scenes import chat


@scene("people", key=True)
def people(rehearsal: Rehearsal) -> None:
    rehearsal.scene.people = EVERYBODY
    rehearsal.tap("new-message")
    rehearsal.type("people-search", "e")
    rehearsal.type("people-place", "ville")
    rehearsal.until(lambda: rehearsal.sees("person-0"))


@scene("group", key=True)
def group(rehearsal: Rehearsal) -> None:
    rehearsal.tap("new-group")
    rehearsal.type("group-title", "Équipe plaies")
    rehearsal.type("group-patient", "Mme T.")
    for _ in range(2):
        rehearsal.type("people-search", "dr")
        rehearsal.until(lambda: rehearsal.sees("person-0"))
        count = len(rehearsal.app.shell.stack[-1].ids.finder.chosen)
        rehearsal.tap("person-0")
        rehearsal.until(lambda before=count: len(rehearsal.app.shell.stack[-1].ids.finder.chosen) > before)
    rehearsal.type("people-search", "dr")
    rehearsal.until(lambda: rehearsal.sees("person-0"))


@scene("info", key=True)
def info(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.tap("info-open")
    rehearsal.until(lambda: rehearsal.sees("member-0"))


@scene("leave")
def leave(rehearsal: Rehearsal) -> None:
    info(rehearsal)
    rehearsal.app.shell.stack[-1].ask_to_leave()
    rehearsal.until(lambda: rehearsal.sees("leave-yes"))


@scene("add-people")
def add_people(rehearsal: Rehearsal) -> None:
    info(rehearsal)
    rehearsal.app.go_add_people(rehearsal.scene.talks[0].conversation_id)
    rehearsal.type("people-search", "dr")
    rehearsal.until(lambda: rehearsal.sees("person-1"))
    rehearsal.tap("person-1")  # the first is in the team already


@scene("identity")
def identity(rehearsal: Rehearsal) -> None:
    day = 86_400_000
    first = NOW_MS - 60 * day
    rehearsal.scene.now_proofs = [
        ProofView("linked", NOW_MS - 9 * day, NOW_MS - 9 * day, NOW_MS + 81 * day, True, "psc", first),
        ProofView("psc", first, first, NOW_MS + 30 * day, True),
    ]
    chat(rehearsal)
    rehearsal.tap("info-open")
    rehearsal.tap("member-1")
    rehearsal.until(lambda: rehearsal.sees("proof-0"))


@scene("settings", key=True)
def settings(rehearsal: Rehearsal) -> None:
    rehearsal.tap("settings-open" if rehearsal.sees("settings-open") else "rail-settings")
    rehearsal.until(lambda: rehearsal.sees("settings-me"))
