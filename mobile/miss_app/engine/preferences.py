"""What this person has decided for all their devices: drafts, pins, mutes, archived conversations, blocked people."""

import re
from collections.abc import Callable

from miss_app.engine.account import Account
from miss_app.engine.events import PersonView
from miss_app.engine.problems import Problem
from miss_protocol import limits

SETTING = "setting/"
OPEN_CHAT = b"open chat"
_PERSON = re.compile("[0-9a-f]{32}")


class Preferences:
    """A person's decisions, the same on each of their devices within moments.

    Args:
        account: the open account, or Problem("locked").
    """

    def __init__(self, account: Callable[[], Account]) -> None:
        self._account = account

    def draft(self, conversation_id: bytes) -> str:
        """What was written and not sent yet, on whichever device."""
        return self._get(f"draft/{conversation_id.hex()}").decode(errors="replace")

    async def set_draft(self, conversation_id: bytes, text: str) -> None:
        """Keep what is being written; empty where it was sent or erased. Problem("text-too-long")."""
        if len(text) > limits.TEXT_CHARACTERS_MAX:
            raise Problem("text-too-long")
        self._set(conversation_id, "draft", text.encode())

    async def pin(self, conversation_id: bytes, on: bool) -> None:
        """Keep a conversation above the others."""
        self._set(conversation_id, "pin", b"1" if on else b"")

    async def archive(self, conversation_id: bytes, on: bool) -> None:
        """Put a conversation out of sight until something new is said; for good where it is muted."""
        number = max(1, self._account().messages.last_number(conversation_id))
        self._set(conversation_id, "archive", number.to_bytes(8, "big") if on else b"")

    async def mute(self, conversation_id: bytes, until_ms: int) -> None:
        """Let a conversation be silent until then; 0: not any more."""
        self._set(conversation_id, "mute", until_ms.to_bytes(8, "big") if until_ms else b"")

    async def block(self, person_id: bytes, on: bool) -> None:
        """Want nothing of a person, or something again."""
        account = self._account()
        with account.store.step() as step:
            account.states.set(step, f"block/{person_id.hex()}", b"1" if on else b"")
            record = account.conversations.direct_with(person_id)
            if record is not None:
                account.messages.tell_conversation(step, record.conversation_id)

    def blocked(self) -> list[bytes]:
        """The ids of those this person wants nothing of."""
        return [bytes.fromhex(one) for one in self._account().states.names("block/") if _PERSON.fullmatch(one)]

    def blocked_people(self) -> list[PersonView]:
        """Those this person wants nothing of, by name."""
        people = self._account().people
        return sorted((people.view(one) for one in self.blocked()), key=lambda one: one.display_name.casefold())

    def is_blocked(self, person_id: bytes) -> bool:
        """Whether this person wants nothing of somebody."""
        return bool(self._get(f"block/{person_id.hex()}"))

    def share_setting(self, name: str, value: str) -> None:
        """A setting of this device is wanted on the others too."""
        account = self._account()
        with account.store.step() as step:
            account.states.set(step, SETTING + name, value.encode())

    def setting(self, entry: str) -> tuple[str, str] | None:
        """(name, value) where this shared entry is a setting."""
        if not entry.startswith(SETTING):
            return None
        return entry.removeprefix(SETTING), self._get(entry).decode(errors="replace")

    def open_chat(self) -> bytes:
        """The conversation that was open on this device when it locked, empty for none."""
        account = self._account()
        with account.store.lock:
            return account.store.get("profile", OPEN_CHAT) or b""

    async def set_open_chat(self, conversation_id: bytes) -> None:
        """Note which conversation is open, for the next unlock; sealed, and on this device alone."""
        with self._account().store.step() as step:
            step.put("profile", OPEN_CHAT, conversation_id)

    def _get(self, name: str) -> bytes:
        account = self._account()
        with account.store.lock:
            return account.states.get(name)

    def _set(self, conversation_id: bytes, what: str, value: bytes) -> None:
        account = self._account()
        record = account.conversations.get(conversation_id)
        if record is None or record.own:
            raise Problem("conversation-unknown")
        with account.store.step() as step:
            account.states.set(step, f"{what}/{conversation_id.hex()}", value)
            account.messages.tell_conversation(step, conversation_id)
