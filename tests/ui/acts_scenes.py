"""The scenes of what people do about messages: urgent, taking charge, confirmation, the menu, the answer."""

from dataclasses import replace

from miss_app.engine.events import (
    AnswerView,
    ChargeView,
    ConversationChanged,
    MessageAdded,
    MessageView,
    PersonView,
    QuoteView,
    ReactionView,
    Tick,
)
from miss_app.engine.model import Version
from miss_app.ui import driver
from miss_protocol.acts import Answer, Dosage, Level, Origin, Request, Verdict
from ui.cast import CAMILLE, ME, NADIA
from ui.played import PLAYED
from ui.registry import scene
from ui.rehearsal import Rehearsal
from ui.stage import NOW_MS, Scene
from ui.talk_scenes import chat

DOSAGE = Dosage("Apixaban", "2,5 mg", "per os", "matin et soir")


def acts(scene: Scene) -> bytes:
    """A conversation in which every act has left its trace; the id of the first demand that waits."""
    if PLAYED is not None and PLAYED.acts is not None:
        talk = scene.talks[0].conversation_id  # the row in sight leads to it
        lines = [replace(line, conversation_id=talk) for line in scene.lines[PLAYED.acts.conversation_id]]
        scene.talks[0], scene.lines[talk] = replace(PLAYED.acts, conversation_id=talk), lines
        return next(line.message_id for line in lines if line.request is not None and line.open)
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
    scene.talks[0] = replace(scene.talks[0], open=3, urgent=True, last=lines[-1])
    return asked.message_id


@scene("chat-acts", key=True)
def chat_acts(rehearsal: Rehearsal) -> None:
    acts(rehearsal.scene)
    chat(rehearsal)


@scene("chat-acts-above")
def chat_acts_above(rehearsal: Rehearsal) -> None:
    chat_acts(rehearsal)
    rehearsal.pump(6)
    driver.scroll("messages", -4000)


@scene("chat-corrected")
def chat_corrected(rehearsal: Rehearsal) -> None:
    acts(rehearsal.scene)
    lines = rehearsal.scene.lines[rehearsal.scene.talks[0].conversation_id]
    at = next(place for place, one in enumerate(lines) if one.text == "Avant 20 h")
    right = Answer(Verdict.CORRECTED, replace(DOSAGE, dose="5 mg"))
    lines[at] = replace(lines[at], answers=(AnswerView(ME, NOW_MS, right),), open=False)
    chat(rehearsal)
    rehearsal.pump(6)
    driver.scroll("messages", -4000)


@scene("chat-find")
def chat_find(rehearsal: Rehearsal) -> None:
    chat_acts(rehearsal)
    rehearsal.tap("chat-search-open")
    rehearsal.type("chat-search", "bilan")
    rehearsal.until(lambda: rehearsal.read("chat-search-said") == "1/1")


@scene("message-menu")
def message_menu(rehearsal: Rehearsal) -> None:
    acts(rehearsal.scene)
    chat(rehearsal)
    line = rehearsal.scene.lines[rehearsal.scene.talks[0].conversation_id][-1]
    rehearsal.pump(4)
    driver.ask(f"message-{line.message_id.hex()[:8]}")
    rehearsal.until(lambda: rehearsal.sees("menu-reply"))


@scene("more")
def more(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    rehearsal.tap("more")
    rehearsal.until(lambda: rehearsal.sees("more-request"))


@scene("request", key=True)
def request(rehearsal: Rehearsal) -> None:
    more(rehearsal)
    rehearsal.tap("more-request")
    rehearsal.type("request-drug", "Apixaban")
    rehearsal.type("request-dose", "2,5 mg")


@scene("reply-urgent")
def reply_urgent(rehearsal: Rehearsal) -> None:
    message_menu(rehearsal)
    rehearsal.tap("menu-reply")
    rehearsal.tap("more")
    rehearsal.tap("more-urgent")
    rehearsal.type("urgent-reason", "fracture possible")
    rehearsal.type("composer", "J’arrive, ne la relevez pas.")


@scene("urgent-elsewhere", key=True)
def urgent_elsewhere(rehearsal: Rehearsal) -> None:
    chat(rehearsal)
    talk = next(one for one in rehearsal.scene.talks[1:] if not one.direct and one.active)
    place = rehearsal.scene.talks.index(talk)
    message = rehearsal.scene.new_message(
        talk.conversation_id,
        "text",
        author=next(one.person for one in talk.members if not one.me),
        at_ms=NOW_MS,
        text="Bonjour",
        level=Level.URGENT,
        reason="chute",
        open=True,
    )
    rehearsal.scene.lines.setdefault(talk.conversation_id, []).append(message)
    rehearsal.scene.talks[place] = replace(talk, unread=talk.unread + 1, urgent=True, open=1, last=message)
    rehearsal.scene.tell(MessageAdded(message))
    rehearsal.scene.tell(ConversationChanged(rehearsal.scene.talks[place]))
    rehearsal.until(lambda: rehearsal.sees("urgent-open"))
