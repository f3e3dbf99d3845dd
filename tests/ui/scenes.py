"""Every screen worth a picture, and how to come to it."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from miss_app.engine.events import Alarm, IdentityAlarm, Link, PhotoView, Stage, Tick, UnknownDevice
from miss_app.engine.problems import Problem
from miss_app.ui import driver
from ui.cast import CAMILLE, EVERYBODY, ME, fill, wound
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS, Scene

FIRST = {
    "invitation": Stage.INVITATION,
    "invitation-wrong": Stage.INVITATION,
    "registration": Stage.IDENTITY,
    "registration-unknown": Stage.IDENTITY,
    "professions": Stage.IDENTITY,
    "browser": Stage.BROWSER,
    "code": Stage.CODE,
    "code-browser": Stage.CODE,
    "waiting": Stage.WAITING,
    "refused": Stage.REFUSED,
    "linking": Stage.LINKING,
    "pin": Stage.PIN,
    "locked": Stage.LOCKED,
    "revoked": Stage.REVOKED,
}
HOME = (
    "list",
    "chat",
    "chat-states",
    "people",
    "group",
    "info",
    "settings",
    "devices",
    "link",
    "attach",
    "photo",
    "offline",
    "alarm-device",
    "alarm-log",
    "empty-list",
    "leave",
    "emoji",
    "away",
)
BOTH_LOOKS = ("invitation", "registration", "code", "pin", "list", "chat", "people", "settings")

SCENES = [(name, "light", "fr") for name in (*FIRST, *HOME)]
SCENES += [(name, "dark", "fr") for name in BOTH_LOOKS]
SCENES += [(name, "light", "en") for name in BOTH_LOOKS]


def play(name: str, theme: str, language: str, path: Path) -> None:
    """Come to the screen called ``name`` and write its frame."""
    rehearsal = Rehearsal(staged(name, fill(Scene()), theme, language))
    try:
        if name in COME:
            COME[name](rehearsal)
        rehearsal.pump(6)
        rehearsal.shot(path)
    finally:
        rehearsal.close()


def staged(name: str, scene: Scene, theme: str, language: str) -> Scene:
    """The scene as it must be when the window opens on the screen called ``name``."""
    scene.now_settings = {"theme": theme, "language": language}
    scene.now_stage = FIRST.get(name, Stage.OPEN)
    prepare(name, scene)
    return scene


def prepare(name: str, scene: Scene) -> None:
    """What must be true before the window opens."""
    if name == "code-browser":
        scene.now_registration = replace(scene.now_registration, via="psc", mailbox="")
    if name == "refused":
        scene.now_registration = replace(
            scene.now_registration, stage=Stage.REFUSED, note="Le nom ne correspond à aucune pièce présentée."
        )
    if name == "offline":
        scene.now_link = Link.OFFLINE
    if name == "empty-list":
        scene.talks = []


def invitation_wrong(rehearsal: Rehearsal) -> None:
    rehearsal.scene.refuse["use_invitation"] = Problem("fingerprint-mismatch")
    rehearsal.type("invitation-link", "miss://messagerie.exemple-sante.example#7f3a91c2")
    rehearsal.tap("invitation-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


def registration(rehearsal: Rehearsal) -> None:
    rehearsal.type("claim-rpps", "99700123450")
    rehearsal.type("claim-family", "Modèle")
    rehearsal.type("claim-given", "Alix")
    rehearsal.tap("claim-profession")
    rehearsal.tap("profession-10")
    rehearsal.until(lambda: not rehearsal.sees("sheet-close"))
    rehearsal.tap("claim-charter")


def registration_unknown(rehearsal: Rehearsal) -> None:
    registration(rehearsal)
    rehearsal.scene.refuse["claim"] = Problem("unknown-number")
    rehearsal.tap("claim-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


def professions(rehearsal: Rehearsal) -> None:
    rehearsal.tap("claim-profession")
    rehearsal.until(lambda: rehearsal.sees("profession-60"))


def chat(rehearsal: Rehearsal) -> None:
    rehearsal.tap("conversation-0")
    rehearsal.until(lambda: rehearsal.sees("composer"))


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


def people(rehearsal: Rehearsal) -> None:
    rehearsal.scene.people = EVERYBODY
    rehearsal.tap("new-message")
    rehearsal.type("people-search", "e")
    rehearsal.type("people-place", "ville")
    rehearsal.until(lambda: rehearsal.sees("person-0"))


def emoji(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.type("composer", "Bien reçu ")
    rehearsal.tap("emoji")
    rehearsal.tap("emoji-1")


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


def info(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.tap("info-open")
    rehearsal.until(lambda: rehearsal.sees("member-1"))


def leave(rehearsal: Rehearsal) -> None:
    info(rehearsal)
    rehearsal.app.shell.stack[-1].ask_to_leave()
    rehearsal.until(lambda: rehearsal.sees("leave-yes"))


def settings(rehearsal: Rehearsal) -> None:
    rehearsal.tap("settings-open" if rehearsal.sees("settings-open") else "rail-settings")
    rehearsal.until(lambda: rehearsal.sees("theme-light"))


def devices(rehearsal: Rehearsal) -> None:
    settings(rehearsal)
    rehearsal.tap("devices-open")
    rehearsal.until(lambda: rehearsal.sees("device-1"))


def link(rehearsal: Rehearsal) -> None:
    devices(rehearsal)
    rehearsal.tap("link-device")
    rehearsal.type("link-code", "K7M2 9XQ4 DR5T")
    rehearsal.type("link-pin", "482915")


def attach(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.tap("attach")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "talon.jpg"
        wound().save(picture)
        rehearsal.type("photo-path", str(picture))
        rehearsal.until(lambda: rehearsal.sees("photo-preview"), "the preview")


def photo(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    line = next(
        each
        for each in rehearsal.scene.lines[rehearsal.scene.talks[0].conversation_id]
        if isinstance(each.photo, PhotoView)
    )
    rehearsal.app.go_photo(line.conversation_id, line.message_id)
    rehearsal.until(lambda: rehearsal.app.shell.stack[-1].whole, "the whole photo")


def offline(rehearsal: Rehearsal) -> None:
    rehearsal.until(lambda: rehearsal.sees("banner"))


def alarm_device(rehearsal: Rehearsal) -> None:
    unknown = UnknownDevice(bytes(16), 1_760_000_000_000, "mailbox")
    rehearsal.scene.tell(IdentityAlarm(Alarm(unknown=(unknown,))))
    rehearsal.until(lambda: rehearsal.sees("alarm"))


def alarm_log(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.scene.tell(IdentityAlarm(Alarm("log-rewritten")))
    rehearsal.until(lambda: rehearsal.sees("alarm"))


COME: dict[str, Callable[[Rehearsal], None]] = {
    "invitation-wrong": invitation_wrong,
    "registration": registration,
    "registration-unknown": registration_unknown,
    "professions": professions,
    "chat": chat,
    "chat-states": chat_states,
    "people": people,
    "group": group,
    "emoji": emoji,
    "away": away,
    "info": info,
    "leave": leave,
    "settings": settings,
    "devices": devices,
    "link": link,
    "offline": offline,
    "alarm-device": alarm_device,
    "alarm-log": alarm_log,
    "attach": attach,
    "photo": photo,
}
