"""What acts leave on a message: a fold in stream order, the same on every device.

Pure: a message and an act in, the message out. An act that has no effect gives the very message back.
"""

from dataclasses import replace

from miss_app.engine.model import Answered, Charged, Message, Reacted, Version
from miss_protocol.acts import Answer, Charge, Deletion, Pinned, Reaction, Taking, Verdict
from miss_protocol.content import Content, Text

_SPOKEN = ("text", "photo", "document", "request", "answer")
_EDITABLE = ("text", "photo", "document")


def leave(message: Message, act: Content, author: bytes, at_ms: int) -> Message:
    """The message with what ``act`` leaves on it.

    Args:
        author: the person who acts, as their leaf's certificate names them.
        at_ms: when the server took the act.
    """
    if message.deleted_ms or message.kind not in _SPOKEN:
        return message
    match act.body:
        case Text(text):
            return _edit(message, text, author, at_ms)
        case Deletion():
            return _delete(message, at_ms) if author == message.author else message
        case Reaction(emoji):
            return _react(message, author, emoji)
        case Charge(taking):
            return _charge(message, author, taking, at_ms)
        case Answer():
            return _answer(message, author, act.body, at_ms)
        case Pinned(on):
            return replace(message, pinned=on)
    return message


def _edit(message: Message, text: str, author: bytes, at_ms: int) -> Message:
    if author != message.author or message.kind not in _EDITABLE or text == message.text:
        return message
    return replace(message, text=text, versions=(*message.versions, Version(message.text, at_ms)))


def _delete(message: Message, at_ms: int) -> Message:
    """What is left: who wrote it, when, and that it was taken back."""
    return Message(
        message.message_id,
        message.conversation_id,
        "text",
        message.mine,
        message.author,
        message.at_ms,
        message.number,
        deleted_ms=at_ms,
    )


def _react(message: Message, author: bytes, emoji: str) -> Message:
    others = tuple(one for one in message.reactions if one.person_id != author)
    reactions = (*others, Reacted(author, emoji)) if emoji else others
    return message if reactions == message.reactions else replace(message, reactions=reactions)


def _charge(message: Message, author: bytes, taking: Taking, at_ms: int) -> Message:
    holder = message.in_charge
    has_effect = {
        Taking.TAKE: not holder,
        Taking.RELEASE: holder == author,
        Taking.TAKE_OVER: holder != author,
    }
    if not has_effect[taking]:
        return message
    return replace(message, charges=(*message.charges, Charged(author, taking, at_ms)))


def _answer(message: Message, author: bytes, answer: Answer, at_ms: int) -> Message:
    checked = checked_answer(message, author, answer)
    if checked is None:
        return message
    return replace(message, answers=(*message.answers, Answered(author, at_ms, checked)))


def checked_answer(message: Message, author: bytes, answer: Answer) -> Answer | None:
    """The answer as it counts, or None where it answers nothing: a confirmation of another dosage is a correction."""
    if message.request is None or author == message.author:
        return None
    dosage = message.request.dosage
    if answer.verdict is Verdict.CALL_ME:
        return answer
    if (answer.verdict in (Verdict.CONFIRMED, Verdict.CORRECTED)) != (dosage is not None):
        return None
    if answer.verdict is Verdict.CONFIRMED and answer.dosage != dosage:
        return replace(answer, verdict=Verdict.CORRECTED)
    return answer
