"""The parts that acts put into a bubble: above its text how urgent it is and what it answers, below who does what."""

from kivy.metrics import sp

from miss_app.engine.documents import PDF, TABLE, TEXT
from miss_app.engine.events import AnswerView, DocumentView, MessageView
from miss_app.ui import dates
from miss_app.ui.bubble_parts import Part, Strong, band, buttons, file_card, note, quote
from miss_app.ui.measure import wrap
from miss_app.ui.texts import words
from miss_app.ui.tokens import BODY_SP
from miss_protocol.acts import Answer, Dosage, Level, Verdict

ANSWERS_SHOWN = 3
VERDICTS = {
    Verdict.CONFIRMED: ("answer.confirmed", "check-circle-outline"),
    Verdict.CORRECTED: ("answer.corrected", "pencil-outline"),
    Verdict.YES: ("answer.yes", "check-circle-outline"),
    Verdict.NO: ("answer.no", "close"),
    Verdict.CALL_ME: ("answer.call_me", "phone-outline"),
}


KINDS = {
    PDF: ("document.kind_pdf", "file-pdf-box"),
    TEXT: ("document.kind_text", "file-document-outline"),
    TABLE: ("document.kind_table", "file-document-outline"),
}
OTHER_KIND = ("document.kind_other", "file-document-outline")


def document_facts(document: DocumentView) -> str:
    """ "PDF · 1,2 Mo", and how much of it has moved while it does."""
    kind, size = words.say(KINDS.get(document.media_type, OTHER_KIND)[0]), dates.size(document.size_bytes)
    if 0 < document.progress < 1:
        return str(words.say("document.moving", kind=kind, size=size, share=round(100 * document.progress)))
    return str(words.say("document.facts", kind=kind, size=size))


def dosage_line(dosage: Dosage) -> str:
    """ "2,5 mg · per os · le soir": all but the drug. A route that was not given is said to be missing."""
    route = dosage.route.strip() or str(words.say("request.route_unsaid"))
    return " · ".join(part for part in (dosage.dose, route, dosage.rhythm) if part)


def corrected(message: MessageView) -> Dosage | None:
    """The dosage that holds instead of the one that was asked about, where somebody has corrected it."""
    found = [one.answer.dosage for one in message.answers if one.answer.verdict is Verdict.CORRECTED]
    return found[-1] if found else None


def answer_text(answer: Answer) -> str:
    """ "Confirmé : Apixaban 2,5 mg · le soir", with the note on a line of its own."""
    what = "" if answer.dosage is None else f"{answer.dosage.drug} {dosage_line(answer.dosage)}"
    said = str(words.say(VERDICTS[answer.verdict][0], what=what))
    return f"{said}\n{answer.note}" if answer.note else said


def quoted_text(message: MessageView) -> str:
    """What stands in a quote: the text, or what there is instead."""
    found = message.quote
    if found is None:
        return ""
    if found.author is None:
        return str(words.say("quote.gone"))
    if found.kind == "deleted":
        return str(words.say("chat.deleted"))
    if found.request is not None and found.request.dosage is not None:
        return f"{found.request.dosage.drug} {dosage_line(found.request.dosage)}"
    if found.kind == "photo":
        return str(words.say("list.photo_with", text=found.text) if found.text else words.say("list.photo"))
    return found.text


def head_of(message: MessageView, room: float, *, me: bytes = b"") -> list[Part]:
    """What stands above the text."""
    if message.deleted_ms:
        return []
    parts: list[Part] = []
    if message.level is Level.URGENT:
        parts.append(band(words.say("urgent.because", why=message.reason), "alert", "danger", room))
    elif message.level is Level.TODAY:
        text = words.say("urgent.today_because", why=message.reason) if message.reason else words.say("urgent.today")
        parts.append(band(text, "clock-outline", "caution", room))
    if message.origin is not None:
        parts.append(note(words.say("chat.forwarded", who=message.origin.author), "share-outline", room))
    if message.quote is not None:
        author = message.quote.author
        mine = author is not None and author.person_id == me
        name = words.say("list.me") if mine else author.display_name if author is not None else ""
        color = "" if mine or author is None else author.person_id.hex()
        parts.append(quote(str(name), quoted_text(message), color, room))
    if message.document is not None:
        found = message.document
        name = KINDS.get(found.media_type, OTHER_KIND)[1]
        parts.append(file_card(found.name, document_facts(found), name, found.progress, room))
    if message.request is not None:
        dosage = message.request.dosage
        name = "pill" if dosage is not None else "help-circle-outline"
        parts.append(band(words.say(_asked(message)), name, "accent", room))
        if dosage is not None:
            now = corrected(message)
            # What holds must be read first: the dosage that was asked about stands below it, as what it replaces.
            shown = dosage.drug if now is None else f"{now.drug} {dosage_line(now)}"
            parts.append(Strong(wrap(shown, sp(BODY_SP), room, bold=True)))
    return parts


def _asked(message: MessageView) -> str:
    """What the band over a demand says: what is asked for, or what became of it."""
    if message.request is not None and message.request.dosage is None:
        return "request.question_answered" if message.answers else "request.question"
    verdicts = {one.answer.verdict for one in message.answers}
    if Verdict.CORRECTED in verdicts:
        return "request.dosage_corrected"
    return "request.dosage_confirmed" if Verdict.CONFIRMED in verdicts else "request.dosage"


def tail_of(message: MessageView, room: float, *, late: bool = False) -> list[Part]:
    """What stands below the text."""
    if message.deleted_ms:
        return []
    parts: list[Part] = [_answered(one, room) for one in message.answers[:ANSWERS_SHOWN]]
    if len(message.answers) > ANSWERS_SHOWN:
        more = len(message.answers) - ANSWERS_SHOWN
        parts.append(note(words.say("request.more_answers", count=more), "check-all", room))
    if message.charge is not None:
        key = "charge.mine" if message.charge.mine else "charge.theirs"
        text = words.say(key, who=message.charge.person.display_name, time=dates.hour(message.charge.at_ms))
        parts.append(note(text, "hand-front-right-outline", room, strong=True))
    elif message.level is Level.URGENT:
        parts.append(note(words.say("charge.nobody"), "hand-front-right-outline", room))
    if message.request is not None and not message.answers and message.mine:
        parts.append(note(words.say("request.waiting"), "clock-outline", room))
    if late:
        text = words.say("chat.late", time=dates.hour(message.at_ms))
        parts.append(note(text, "clock-outline", room, strong=message.level is Level.URGENT))
    wanted = actions_of(message)
    if wanted:
        parts.append(buttons([(name, str(words.say(key))) for name, key in wanted], room))
    return parts


def _answered(one: AnswerView, room: float) -> Part:
    name = VERDICTS[one.answer.verdict][1]
    text = words.say("request.answered", who=one.person.display_name, what=answer_text(one.answer))
    return note(str(text), name, room, strong=True)


def actions_of(message: MessageView) -> list[tuple[str, str]]:
    """What may be done with one tap, as (name, text key)."""
    wanted: list[tuple[str, str]] = []
    if message.request is not None and not message.answers and not message.mine:
        if message.request.dosage is not None:
            wanted = [("confirm", "request.confirm"), ("correct", "request.correct"), ("call-me", "request.call_me")]
        else:
            wanted = [("yes", "request.yes"), ("no", "request.no"), ("call-me", "request.call_me")]
    if message.level is Level.URGENT and message.charge is None and not message.mine:
        wanted.append(("take-charge", "charge.take"))
    elif message.charge is not None and message.charge.mine:
        wanted.append(("release", "charge.release"))
    return wanted
