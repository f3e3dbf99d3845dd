"""Which of the things that happen are worth a notification: nothing of what was said is in any of them."""

from dataclasses import dataclass

from miss_app.engine.events import ConversationView, MessageView
from miss_protocol.acts import Level

SAID = ("text", "photo", "document", "request", "answer", "unreadable")
TOLD = ("not-delivered",)
OLD_MS = 7 * 86_400_000


@dataclass(frozen=True)
class Alert:
    """Something the person would want to know of; ``conversation_id`` is where a tap leads, empty where to the list."""

    urgent: bool = False
    conversation_id: bytes = b""


def of_message(
    message: MessageView, conversation: ConversationView | None, *, quiet: bool, now_ms: int
) -> Alert | None:
    """What a new line is worth: nothing for one's own, for what was read, in a muted conversation unless it names one.

    Args:
        quiet: these are quiet hours, in which only what is urgent passes.
    """
    if message.mine or message.handed_by is not None or conversation is None or now_ms - message.at_ms > OLD_MS:
        return None
    told = message.kind == "notice" and message.notice in TOLD
    if not told and (message.kind not in SAID or not conversation.unread):
        return None
    if conversation.muted_until_ms > now_ms and not message.names_me:
        return None
    urgent = message.level is Level.URGENT
    return None if quiet and not urgent else Alert(urgent, message.conversation_id)


def of_waiting(count: int, urgent: int, before: tuple[int, int], *, quiet: bool) -> Alert | None:
    """What arrived behind the lock is worth: the server's class is all that is known of it."""
    if urgent > before[1]:
        return Alert(True)
    return None if quiet or count <= before[0] else Alert()


def unread(conversations: list[ConversationView], now_ms: int) -> int:
    """What the number on the icon says: of muted conversations, what names this person only."""
    return sum(one.mentions if one.muted_until_ms > now_ms else one.unread for one in conversations)
