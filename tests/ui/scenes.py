"""Every screen worth a picture, and how to come to it."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from miss_app.engine.events import (
    Alarm,
    AnswerView,
    ChargeView,
    ClaimView,
    HistoryProgress,
    IdentityAlarm,
    IdentityClaimed,
    Link,
    MessageView,
    PersonView,
    PhotoView,
    ProofView,
    QuoteView,
    ReactionView,
    Stage,
    Tick,
    UnknownDevice,
)
from miss_app.engine.model import Version
from miss_app.engine.problems import Problem
from miss_app.ui import driver
from miss_protocol.acts import Answer, Dosage, Level, Origin, Request, Verdict
from ui import dayone_scenes
from ui.cast import CAMILLE, EVERYBODY, ME, NADIA, SACHA, fill, wound
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS, Scene

DOSAGE = Dosage("Apixaban", "2,5 mg", "per os", "matin et soir")
FIRST = {
    "invitation": Stage.INVITATION,
    "invitation-wrong": Stage.INVITATION,
    "registration": Stage.IDENTITY,
    "registration-unknown": Stage.IDENTITY,
    "professions": Stage.IDENTITY,
    "voucher": Stage.IDENTITY,
    "browser": Stage.BROWSER,
    "code": Stage.CODE,
    "code-browser": Stage.CODE,
    "waiting": Stage.WAITING,
    "waiting-delayed": Stage.WAITING,
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
    "link-ask",
    "link-scan",
    "device",
    "add-people",
    "handed",
    "attach",
    "photo",
    "offline",
    "alarm-device",
    "alarm-log",
    "claimed",
    "doubt",
    "identity",
    "empty-list",
    "leave",
    "emoji",
    "away",
    "chat-acts",
    "chat-find",
    "chat-acts-above",
    "message-menu",
    "more",
    "request",
    "reply-urgent",
)
BOTH_LOOKS = (
    "link-ask",
    "linking",
    "chat-acts",
    "request",
    "message-menu",
    "reply-urgent",
    "invitation",
    "registration",
    "voucher",
    "code",
    "pin",
    "list",
    "chat",
    "people",
    "settings",
)

SCENES = [(name, "light", "fr") for name in (*FIRST, *HOME, *dayone_scenes.COME)]
SCENES += [(name, *how) for name in dayone_scenes.COME for how in (("dark", "fr"), ("light", "en"))]
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
    if name == "waiting-delayed":
        scene.now_registration = replace(scene.now_registration, until_ms=NOW_MS + 86_400_000)
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
    if not rehearsal.sees("claim-go"):
        driver.scroll("claim-charter", 600)  # large type: the button is below
    rehearsal.tap("claim-go")
    rehearsal.until(lambda: rehearsal.sees("problem"))


def voucher(rehearsal: Rehearsal) -> None:
    registration(rehearsal)
    if not rehearsal.sees("claim-voucher"):
        driver.scroll("claim-charter", 600)
    rehearsal.scene.refuse["claim_vouched"] = Problem("voucher-of-another")
    rehearsal.tap("claim-voucher")
    rehearsal.type("voucher-code", "4F7K-2222-3333-4444")
    rehearsal.tap("voucher-go")
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


def link_ask(rehearsal: Rehearsal) -> None:
    link(rehearsal)
    rehearsal.tap("link-look")
    rehearsal.until(lambda: rehearsal.sees("link-name"))
    rehearsal.type("link-pin", "482915")


def link_scan(rehearsal: Rehearsal) -> None:
    devices(rehearsal)
    rehearsal.tap("link-device")
    rehearsal.tap("link-scan")
    rehearsal.until(lambda: rehearsal.sees("qr-read"))


def device(rehearsal: Rehearsal) -> None:
    devices(rehearsal)
    rehearsal.tap("device-1")
    rehearsal.until(lambda: rehearsal.sees("device-revoke"))


def add_people(rehearsal: Rehearsal) -> None:
    info(rehearsal)
    rehearsal.app.go_add_people(rehearsal.scene.talks[0].conversation_id)
    rehearsal.type("people-search", "dr")
    rehearsal.until(lambda: rehearsal.sees("person-0"))
    rehearsal.tap("person-0")


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


def claimed(rehearsal: Rehearsal) -> None:
    claim = ClaimView(b"r" * 16, NOW_MS + 86_400_000, "Téléphone inconnu")
    rehearsal.scene.tell(IdentityClaimed((claim,)))
    rehearsal.until(lambda: rehearsal.sees("claimed"))


def doubt(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.scene.now_doubtful = [CAMILLE]
    rehearsal.type("composer", "Tu as reçu le bilan ?")
    rehearsal.tap("send")
    rehearsal.until(lambda: rehearsal.sees("doubt-yes"))


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


def alarm_log(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.scene.tell(IdentityAlarm(Alarm("log-rewritten")))
    rehearsal.until(lambda: rehearsal.sees("alarm"))


def acts(scene: Scene) -> bytes:
    """A conversation in which every act has left its trace; its id."""
    talk = scene.talks[0].conversation_id
    lines = scene.lines[talk]

    def say(who: PersonView, minutes: int, text: str = "", kind: str = "text", **fields: object) -> MessageView:
        at_ms = NOW_MS - minutes * 60_000
        lines.append(scene.new_message(talk, kind, author=who, mine=who is ME, at_ms=at_ms, text=text, **fields))
        return lines[-1]

    lines.clear()
    say(
        NADIA,
        48,
        "Mme T. désature à 84 % sous 2 L, fréquence 28.",
        level=Level.URGENT,
        reason="désaturation",
        charge=ChargeView(ME, True, NOW_MS - 46 * 60_000),
    )
    asked = say(CAMILLE, 40, "Avant 20 h", "request", request=Request("Avant 20 h", DOSAGE), open=True)
    done = say(
        ME,
        38,
        "",
        "request",
        request=Request("", Dosage("Paracétamol", "1 g", "per os", "toutes les 6 h")),
        tick=Tick.READ,
        answers=(
            AnswerView(
                NADIA, NOW_MS, Answer(Verdict.CONFIRMED, Dosage("Paracétamol", "1 g", "per os", "toutes les 6 h"))
            ),
        ),
    )
    quote = QuoteView(done.message_id, ME, "request", "", done.request)
    say(NADIA, 36, "", "answer", quote=quote, answer=done.answers[0].answer)
    say(CAMILLE, 20, "Transmission à lire avant la visite.", origin=Origin("Dr Paul Fictif", NOW_MS), pinned=True)
    liked = say(
        CAMILLE,
        14,
        "Belle évolution 👏 Pas de signe d’infection sur la photo. Aucune fièvre ?",
        reactions=(ReactionView("👍", (ME, NADIA), True), ReactionView("🙏", (NADIA,), False)),
        versions=(Version("Belle évolution", NOW_MS),),
    )
    quote = QuoteView(liked.message_id, CAMILLE, "text", liked.text)
    say(ME, 11, "Apyrétique, 37,1 °C. Douleur EVA 2/10 au retrait.", tick=Tick.READ, quote=quote)
    say(NADIA, 9, deleted_ms=NOW_MS)
    say(CAMILLE, 6, "Je passe à 18 h ?", "request", request=Request("Je passe à 18 h ?"), open=True)
    say(NADIA, 4, "Bilan à prélever.", level=Level.TODAY, reason="avant la visite")
    say(NADIA, 2, "Chute dans la salle de bain, consciente.", level=Level.URGENT, reason="chute", open=True)
    scene.talks[0] = replace(scene.talks[0], open=3, last=lines[-1])
    return asked.message_id


def chat_acts(rehearsal: Rehearsal) -> None:
    acts(rehearsal.scene)
    chat(rehearsal)


def chat_acts_above(rehearsal: Rehearsal) -> None:
    chat_acts(rehearsal)
    rehearsal.pump(6)
    driver.scroll("messages", -4000)


def chat_find(rehearsal: Rehearsal) -> None:
    chat_acts(rehearsal)
    rehearsal.tap("chat-search-open")
    rehearsal.type("chat-search", "bilan")
    rehearsal.until(lambda: rehearsal.read("chat-search-said") == "1/1")


def message_menu(rehearsal: Rehearsal) -> None:
    acts(rehearsal.scene)
    chat(rehearsal)
    line = rehearsal.scene.lines[rehearsal.scene.talks[0].conversation_id][-1]
    rehearsal.pump(4)
    driver.ask(f"message-{line.message_id.hex()[:8]}")
    rehearsal.until(lambda: rehearsal.sees("menu-reply"))


def more(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.tap("more")
    rehearsal.until(lambda: rehearsal.sees("more-request"))


def request(rehearsal: Rehearsal) -> None:
    more(rehearsal)
    rehearsal.tap("more-request")
    rehearsal.type("request-drug", "Apixaban")
    rehearsal.type("request-dose", "2,5 mg")


def reply_urgent(rehearsal: Rehearsal) -> None:
    message_menu(rehearsal)
    rehearsal.tap("menu-reply")
    rehearsal.tap("more")
    rehearsal.tap("more-urgent")
    rehearsal.type("urgent-reason", "fracture possible")
    rehearsal.type("composer", "J’arrive, ne la relevez pas.")


COME: dict[str, Callable[[Rehearsal], None]] = {
    **dayone_scenes.COME,
    "invitation-wrong": invitation_wrong,
    "registration": registration,
    "registration-unknown": registration_unknown,
    "voucher": voucher,
    "professions": professions,
    "chat": chat,
    "chat-states": chat_states,
    "people": people,
    "group": group,
    "emoji": emoji,
    "away": away,
    "chat-acts": chat_acts,
    "chat-find": chat_find,
    "chat-acts-above": chat_acts_above,
    "message-menu": message_menu,
    "more": more,
    "request": request,
    "reply-urgent": reply_urgent,
    "info": info,
    "leave": leave,
    "settings": settings,
    "devices": devices,
    "link": link,
    "link-ask": link_ask,
    "link-scan": link_scan,
    "device": device,
    "add-people": add_people,
    "handed": handed,
    "offline": offline,
    "alarm-device": alarm_device,
    "alarm-log": alarm_log,
    "claimed": claimed,
    "doubt": doubt,
    "identity": identity,
    "attach": attach,
    "photo": photo,
}
